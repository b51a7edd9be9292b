#pragma once

#include <cmath>
#include <cstddef>

#include "ranvier/simd/base/element_type.h"

#include "tests/lib/ops/stored_matrix.h"
#include "tests/reference/rows_reference.h"
#include "tests/util/compare.h"

namespace ranvier::test {

inline Row RowOf(const StoredMatrix& m, size_t row) {
  Row x(m.cols());
  for (size_t i = 0; i < x.size(); ++i) x[i] = m.Get(row, i);
  return x;
}

// Half a unit in the last place, relative; below its normal numbers, absolute.
inline double Rounding(ElementType type) {
  return type == ElementType::kBf16  ? 0x1.0p-8
         : type == ElementType::kF16 ? 0x1.0p-11
                                     : 0x1.0p-24;
}
inline double LeastRounding(ElementType type) {
  return type == ElementType::kBf16  ? 0x1.0p-134
         : type == ElementType::kF16 ? 0x1.0p-25
                                     : 0x1.0p-150;
}

// An f32 within `error` of `expected`, as it may be once it is stored.
inline testing::AssertionResult IsNearStored(double actual, double expected,
                                             double error, ElementType type) {
  double bound = error;
  if (type != ElementType::kF32) {
    bound +=
        (std::abs(expected) + error) * Rounding(type) + LeastRounding(type);
  }
  return IsNear(actual, expected, {.absolute = bound, .sign_matters = false});
}

}  // namespace ranvier::test
