#include "tests/parallel/gemm_shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>

#include "ranvier/ops/gemm.h"
#include "ranvier/simd/base/float16.h"

#include "tests/reference/gemm_reference.h"

namespace ranvier::test {
namespace {

constexpr size_t kMost = GemmShapes::kMost;
constexpr size_t kStride = kMost + 3;  // rows begin at any alignment
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr ElementType kTypes[] = {ElementType::kF32, ElementType::kBf16,
                                  ElementType::kF16};
constexpr unsigned char kCanary = 0xC5;

uint64_t Random(uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 33;
}

float Number(GemmShapes::Data data, uint64_t& state) {
  const uint64_t bits = Random(state);
  if (data == GemmShapes::Data::kIntegers) {
    const auto size = static_cast<float>(1 + bits % 8);
    return (bits & 16) != 0 ? -size : size;
  }
  return static_cast<float>(static_cast<double>(bits) * 0x1p-30 - 1);
}

void Store(ElementType type, float value, std::vector<unsigned char>& to,
           size_t at) {
  switch (type) {
    case ElementType::kBf16:
      reinterpret_cast<bf16*>(to.data())[at] = ToBf16(value);
      break;
    case ElementType::kF16:
      reinterpret_cast<f16*>(to.data())[at] = ToF16(value);
      break;
    default:
      reinterpret_cast<float*>(to.data())[at] = value;
  }
}

}  // namespace

const std::vector<GemmShapes::Way>& GemmShapes::Ways() {
  constexpr auto kF32 = ElementType::kF32;
  constexpr auto kBf16 = ElementType::kBf16;
  constexpr auto kF16 = ElementType::kF16;
  static const std::vector<Way> ways = {
      {"f32 A B", kF32, Data::kReal, false, 0},
      {"f32 A^T B", kF32, Data::kReal, false, 1},
      {"f32 A B^T", kF32, Data::kReal, false, 2},
      {"f32 A^T B^T", kF32, Data::kReal, false, 3},
      {"f32 exact", kF32, Data::kIntegers, false, 4},
      {"f32 packed", kF32, Data::kReal, true, 4},
      {"bf16", kBf16, Data::kReal, false, 4},
      {"bf16 exact, to bf16", kBf16, Data::kIntegers, false, 4, kBf16},
      {"bf16 packed", kBf16, Data::kReal, true, 4},
      {"f16", kF16, Data::kReal, false, 4},
      {"f16 packed, to f16", kF16, Data::kReal, true, 4, kF16},
  };
  return ways;
}

size_t GemmShapes::Index(ElementType type, Data data) {
  const size_t i = type == ElementType::kF32    ? 0
                   : type == ElementType::kBf16 ? 1
                                                : 2;
  return data == Data::kReal ? i : i + 3;
}

GemmShapes::GemmShapes() {
  for (const Data data : {Data::kReal, Data::kIntegers}) {
    for (const ElementType type : kTypes) {
      Operands& o = operands_[Index(type, data)];
      for (auto* m : {o.a, o.b}) {
        for (int t = 0; t < 2; ++t) {
          m[t].resize(kStride * kStride * SizeBytes(type));
        }
      }
      uint64_t state = Index(type, data) + 1;
      for (size_t i = 0; i < kStride; ++i) {
        for (size_t j = 0; j < kStride; ++j) {
          for (auto* m : {o.a, o.b}) {
            const float value = Number(data, state);
            Store(type, value, m[0], i * kStride + j);
            Store(type, value, m[1], j * kStride + i);
          }
        }
      }
      Sums& s = sums_[Index(type, data)];
      s.values.resize((kMost + 1) * kMost * kMost);
      s.sizes.resize(s.values.size());
      const ConstAnyMatView a(o.a[0].data(), type, kMost, kMost, kStride);
      const ConstAnyMatView b(o.b[0].data(), type, kMost, kMost, kStride);
      for (size_t k = 0; k < kMost; ++k) {
        for (size_t i = 0; i < kMost; ++i) {
          for (size_t j = 0; j < kMost; ++j) {
            const size_t before = (k * kMost + i) * kMost + j;
            const size_t at = before + kMost * kMost;
            const double product = ElementAt(a, i, k) * ElementAt(b, k, j);
            s.values[at] = s.values[before] + product;
            s.sizes[at] = s.sizes[before] + std::abs(product);
          }
        }
      }
    }
  }
}

ConstAnyMatView GemmShapes::Operand(const Way& way, bool of_b, size_t rows,
                                    size_t cols, size_t turn) const {
  const size_t which =
      way.transposed == 4 ? turn % 4 : static_cast<size_t>(way.transposed);
  const bool transposed = (which & (of_b ? 2 : 1)) != 0;
  const Operands& o = operands_[Index(way.type, way.data)];
  const auto& memory = of_b ? o.b[transposed] : o.a[transposed];
  const ConstAnyMatView view(memory.data(), way.type, transposed ? cols : rows,
                             transposed ? rows : cols, kStride);
  return transposed ? view.Transposed() : view;
}

PackedMatrix GemmShapes::Pack(Context& ctx, const Way& way, size_t N,
                              size_t K) const {
  return PackedMatrix(ctx, Operand(way, true, K, N, N + K));
}

double GemmShapes::Check(Context& ctx, const Way& way, size_t M, size_t N,
                         size_t K, const PackedMatrix* packed,
                         std::string* why) const {
  const size_t stride = N + K % 4;
  const size_t width = SizeBytes(way.c);
  alignas(64) unsigned char memory[(kMost * (kMost + 4) + 128) * 4];
  const size_t used = (64 + M * stride + 64) * width;
  std::memset(memory, kCanary, used);
  unsigned char* c = memory + 64 * width;
  const AnyMatView c_view(c, way.c, M, N, stride);
  const ConstAnyMatView a = Operand(way, false, M, K, M + N + K);
  if (packed != nullptr) {
    Gemm(ctx, a, *packed, c_view);
  } else {
    Gemm(ctx, a, Operand(way, true, K, N, M + N + K), c_view);
  }

  const auto fail = [&](size_t i, size_t j, const std::string& what) {
    std::ostringstream out;
    out << way.name << ", " << M << " x " << N << " x " << K << ": c(" << i
        << ", " << j << ") " << what;
    *why = out.str();
    return kInfinity;
  };
  const Sums& sums = sums_[Index(way.type, way.data)];
  const double factor = 2 * (static_cast<double>(K) + 2) * kF32Rounding;
  double worst = 0;
  float row[kMost];
  for (size_t i = 0; i < M; ++i) {
    const size_t at = (K * kMost + i) * kMost;
    const double* values = sums.values.data() + at;
    const double* sizes = sums.sizes.data() + at;
    for (size_t j = 0; j < N; ++j) {
      row[j] = static_cast<float>(ElementAt(c_view, i, j));
    }
    double row_worst = 0;
    bool sound = true;  // NaN is not seen by the maximum
    if (way.data == Data::kIntegers) {
      for (size_t j = 0; j < N; ++j) {
        const auto exact = static_cast<float>(values[j]);
        sound &= row[j] ==
                 (way.c == ElementType::kBf16 ? ToFloat(ToBf16(exact)) : exact);
      }
    } else {
      const double rounding = way.c == ElementType::kF32    ? 0
                              : way.c == ElementType::kBf16 ? 0x1p-8
                                                            : 0x1p-11;
      // Below the normal numbers of f16; those of the others are out of reach.
      const double smallest = way.c == ElementType::kF16 ? 0x1p-25 : 0;
      for (size_t j = 0; j < N; ++j) {
        const double sum_bound = factor * sizes[j];
        const double bound =
            sum_bound +
            std::max(rounding * (std::abs(values[j]) + sum_bound), smallest);
        const double error = std::abs(static_cast<double>(row[j]) - values[j]);
        sound &= error <= bound;
        row_worst = std::max(row_worst, error / bound);
      }
    }
    worst = std::max(worst, row_worst);
    if (!sound) {
      for (size_t j = 0; j < N; ++j) {
        const double error = std::abs(static_cast<double>(row[j]) - values[j]);
        if (way.data == Data::kReal && error <= factor * sizes[j]) continue;
        return fail(i, j,
                    "is " + std::to_string(row[j]) + ", expected " +
                        std::to_string(values[j]));
      }
    }
  }

  // In front of C, between its rows, behind it.
  static constexpr auto kClean = [] {
    std::array<unsigned char, 64 * 4> clean{};
    clean.fill(kCanary);
    return clean;
  }();
  bool clean = std::memcmp(memory, kClean.data(), 64 * width) == 0;
  for (size_t i = 0; i < M; ++i) {
    clean &= std::memcmp(c + (i * stride + N) * width, kClean.data(),
                         (stride - N) * width) == 0;
  }
  clean &= std::memcmp(c + M * stride * width, kClean.data(), 64 * width) == 0;
  return clean ? worst : fail(M, N, "and elsewhere: written beside C");
}

}  // namespace ranvier::test
