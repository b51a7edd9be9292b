#include "tests/lib/ops/stored_matrix.h"

#include <cstring>

#include "ranvier/simd/base/float16.h"

#include "tests/reference/gemm_reference.h"

namespace ranvier::test {
namespace {

// A NaN that no arithmetic makes.
uint32_t NaNBits(ElementType type) {
  return type == ElementType::kF32    ? 0x7FC0BEEFu
         : type == ElementType::kBf16 ? 0x7FC5u
                                      : 0x7E35u;
}

size_t RowStride(Layout layout, size_t cols, size_t pad) {
  return layout == Layout::kRows      ? cols + pad
         : layout == Layout::kColumns ? 1
                                      : 2 * cols + pad;
}
size_t ColStride(Layout layout, size_t rows, size_t pad) {
  return layout == Layout::kRows      ? 1
         : layout == Layout::kColumns ? rows + pad
                                      : 2;
}

size_t Elements(Layout layout, size_t rows, size_t cols, size_t pad) {
  if (rows == 0 || cols == 0) return 0;
  return (rows - 1) * RowStride(layout, cols, pad) +
         (cols - 1) * ColStride(layout, rows, pad) + 1;
}

}  // namespace

const char* Name(Layout layout) {
  return layout == Layout::kRows      ? "rows"
         : layout == Layout::kColumns ? "columns"
                                      : "scattered";
}

StoredMatrix::StoredMatrix(ElementType type, Layout layout, size_t rows,
                           size_t cols, size_t pad)
    : memory_(Elements(layout, rows, cols, pad) * SizeBytes(type),
              SizeBytes(type)),
      view_(memory_.data(), type, rows, cols, RowStride(layout, cols, pad),
            ColStride(layout, rows, pad)) {
  for (size_t at = 0; at < memory_.size() / SizeBytes(type); ++at) WriteNaN(at);
}

void StoredMatrix::WriteNaN(size_t at) {
  const uint32_t bits = NaNBits(type());
  std::memcpy(memory_.data() + at * SizeBytes(type()), &bits,
              SizeBytes(type()));
}

void StoredMatrix::Set(size_t row, size_t col, float value) {
  const size_t at = row * view_.row_stride() + col * view_.col_stride();
  switch (type()) {
    case ElementType::kBf16:
      static_cast<bf16*>(view_.data())[at] = ToBf16(value);
      break;
    case ElementType::kF16:
      static_cast<f16*>(view_.data())[at] = ToF16(value);
      break;
    default:
      static_cast<float*>(view_.data())[at] = value;
  }
}

double StoredMatrix::Get(size_t row, size_t col) const {
  return ElementAt(view_, row, col);
}

void StoredMatrix::FillRandom(uint64_t seed) {
  uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
  for (size_t i = 0; i < rows(); ++i) {
    for (size_t j = 0; j < cols(); ++j) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const auto number = static_cast<int32_t>(state >> 32);
      Set(i, j, static_cast<float>(number) * 0x1p-31f);
    }
  }
}

void StoredMatrix::FillNaN() {
  for (size_t i = 0; i < rows(); ++i) {
    for (size_t j = 0; j < cols(); ++j) {
      WriteNaN(i * view_.row_stride() + j * view_.col_stride());
    }
  }
}

testing::AssertionResult StoredMatrix::PaddingIntact() const {
  const size_t width = SizeBytes(type());
  std::vector<bool> element(memory_.size() / width);
  for (size_t i = 0; i < rows(); ++i) {
    for (size_t j = 0; j < cols(); ++j) {
      element[i * view_.row_stride() + j * view_.col_stride()] = true;
    }
  }
  const uint32_t bits = NaNBits(type());
  for (size_t at = 0; at < element.size(); ++at) {
    if (!element[at] &&
        std::memcmp(memory_.data() + at * width, &bits, width) != 0) {
      return testing::AssertionFailure() << "written between the elements, "
                                         << at << " elements after the first";
    }
  }
  return memory_.Intact();
}

std::vector<unsigned char> StoredMatrix::Bits() const {
  const size_t width = SizeBytes(type());
  std::vector<unsigned char> bits;
  bits.reserve(rows() * cols() * width);
  for (size_t i = 0; i < rows(); ++i) {
    for (size_t j = 0; j < cols(); ++j) {
      const unsigned char* from =
          memory_.data() +
          (i * view_.row_stride() + j * view_.col_stride()) * width;
      bits.insert(bits.end(), from, from + width);
    }
  }
  return bits;
}

}  // namespace ranvier::test
