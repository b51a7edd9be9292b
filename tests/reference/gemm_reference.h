#pragma once

#include <cstddef>
#include <vector>

#include "ranvier/simd/base/activation.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/element_type.h"
#include "ranvier/simd/base/view.h"

namespace ranvier::test {

// Half a unit in the last place of 1: what one rounding to f32 costs.
inline constexpr double kF32Rounding = 0x1p-24;

struct GemmTerms {
  ConstAnyMatView a, b;
  ConstAnyMatView c;  // as it was before; not read if beta is 0
  float alpha = 1;
  float beta = 0;
  VecView<const float> bias;
  Activation activation = Activation::kNone;
  ConstAnyMatView residual;
  ElementType output = ElementType::kF32;
};

// One element of a result and how far from it a right one may be.
struct Expected {
  double value = 0;
  double bound = 0;
};

// C = activation(alpha A B + beta C + bias) + residual in double precision, row
// by row. Bounds, of which the next contains the last:
//   sum         2 (K + 2) 2^-24 (|alpha| |A||B| + |beta| |C| + |bias|)
//   activation  its steepest slope times that, and its own error
//   residual    one rounding to f32
//   output      one rounding to its type
std::vector<Expected> MultiplyReference(const GemmTerms& terms);

// An element of any type, exactly.
double ElementAt(const ConstAnyMatView& m, size_t row, size_t col);

// The bound after a rounding to `type` of a number that is `bound` or less away
// from `value`.
double BoundAfterRounding(double value, double bound, ElementType type);

// NaN where NaN is expected, the infinity that is expected, else within the
// bound.
bool IsWithin(double actual, const Expected& expected);

}  // namespace ranvier::test
