#pragma once

#include <stdexcept>
#include <string>

#include "ranvier/ops/vector_checks.h"
#include "ranvier/ops/view_check.h"
#include "ranvier/simd/base/any_view.h"

// What the functions on rows ask of their arguments. `op` is the name of the
// function, for the message.
namespace ranvier::internal {

inline void RequireFloatRows(const char* op, const char* name,
                             const ConstAnyMatView& x) {
  switch (x.type()) {
    case ElementType::kF32:
    case ElementType::kBf16:
    case ElementType::kF16:
      return;
    default:
      throw std::invalid_argument(
          std::string(op) + ": " + name + " holds " + Name(x.type()) +
          "; f32, bf16 and f16 are taken, so convert or dequantize it first");
  }
}

inline void CheckRead(const char* op, const char* name,
                      const ConstAnyMatView& x) {
  RequireFloatRows(op, name, x);
  CheckMemory(op, x, name, false);
}
inline void CheckWritten(const char* op, const char* name,
                         const AnyMatView& y) {
  RequireFloatRows(op, name, y);
  CheckMemory(op, y, name, true);
}

// A vector with one element for each of `n` rows or columns of x.
template <class T>
void RequireLength(const char* op, const char* name, const VecView<T>& v,
                   size_t n, const char* of_what, const ConstAnyMatView& x) {
  if (v.size() == n) return;
  throw ShapeError(std::string(op) + ": " + name + " has " +
                   std::to_string(v.size()) + " elements and x is " + Shape(x) +
                   "; it must have one for each " + of_what);
}

}  // namespace ranvier::internal
