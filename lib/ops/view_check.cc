#include "ranvier/ops/view_check.h"

#include <limits>
#include <stdexcept>

#include "ranvier/simd/base/error.h"

namespace ranvier::internal {

std::string Shape(size_t rows, size_t cols) {
  return "[" + std::to_string(rows) + ", " + std::to_string(cols) + "]";
}
std::string Shape(const ConstAnyMatView& m) {
  return Shape(m.rows(), m.cols());
}

void CheckMemory(const char* op, const ConstAnyMatView& m, const char* name,
                 bool written) {
  if (m.empty()) return;
  const auto what = [&] {
    return std::string(op) + ": " + name + " " + Shape(m);
  };
  if (m.data() == nullptr) {
    throw std::invalid_argument(what() + " has no memory: its pointer is null");
  }
  // Almost always: no product below can overflow, and there is nothing to
  // divide.
  const bool ordinary =
      ((m.rows() | m.cols() | m.row_stride() | m.col_stride()) >> 28) == 0;
  const auto extent = [](size_t n, size_t stride, size_t most) {
    return n > 1 && stride > most / (n - 1);
  };
  const size_t most =
      std::numeric_limits<size_t>::max() / 2 / SizeBytes(m.type());
  if (!ordinary && (extent(m.rows(), m.row_stride(), most / 2) ||
                    extent(m.cols(), m.col_stride(), most / 2))) {
    throw ShapeError(what() + " with strides " +
                     std::to_string(m.row_stride()) + " and " +
                     std::to_string(m.col_stride()) +
                     " is larger than any memory; look at its strides");
  }
  if (written && ((m.rows() > 1 && m.row_stride() == 0) ||
                  (m.cols() > 1 && m.col_stride() == 0))) {
    throw ShapeError(what() +
                     " has a stride of 0: its elements are one another");
  }
}

void RequireFloat(const char* op, const char* name, ElementType type) {
  if (type == ElementType::kF32 || type == ElementType::kBf16 ||
      type == ElementType::kF16) {
    return;
  }
  throw std::invalid_argument(std::string(op) + ": " + name + " is " +
                              Name(type) +
                              "; it must be f32, bf16 or f16. For integers "
                              "there are Quantize and Dequantize");
}

void CheckRead(const char* op, const char* name, const ConstAnyMatView& x) {
  RequireFloat(op, name, x.type());
  CheckMemory(op, x, name, false);
}
void CheckWritten(const char* op, const char* name, const AnyMatView& y) {
  RequireFloat(op, name, y.type());
  CheckMemory(op, y, name, true);
}

}  // namespace ranvier::internal
