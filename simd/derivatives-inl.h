// Derivatives of the functions of simd/base/elementwise.h, as vector forms:
//   ElementwiseDerivative<Elementwise::kGelu>(d, x, alpha)
// Accuracy and NaN are as in math-inl.h. Each is accurate where it is small
// too: nothing is found as a difference from 1. Those of gelu and silu change
// their sign near x = -0.752, -0.753 (tanh form) and -1.278; what is said of
// ULP does not hold between the numbers given, where |f'| < 0.27 and the error
// is absolute.

// Per-target include guard.
#if defined(RANVIER_SIMD_DERIVATIVES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_DERIVATIVES_INL_H_
#undef RANVIER_SIMD_DERIVATIVES_INL_H_
#else
#define RANVIER_SIMD_DERIVATIVES_INL_H_
#endif

#include <hwy/highway.h>

#include "ranvier/simd/activations-inl.h"
#include "ranvier/simd/base/elementwise.h"
#include "ranvier/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// x > 0 ? 1 : below, and NaN where x is NaN. Exact.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V StepDerivative(D d, V x, V below) {
  const V y = hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::Set(d, 1.0f), below);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// x > 0 ? 1 : alpha e^x. Error <= 2 ULP.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V EluDerivative(D d, V x, V alpha) {
  return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::Set(d, 1.0f),
                        hn::Mul(alpha, Exp(d, x)));
}

// (1 + t)^2 for 0 <= t <= 1: 1 + t is not rounded before it is squared.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V SquareOfOnePlus(D d, V t) {
  return hn::MulAdd(t, hn::Add(hn::Set(d, 2.0f), t), hn::Set(d, 1.0f));
}

// t / (1 + t)^2, t = e^-|x|. Error <= 4 ULP.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V SigmoidDerivative(D d, V x) {
  const V t = Exp(d, hn::Neg(hn::Abs(x)));
  return hn::Div(t, SquareOfOnePlus(d, t));
}

// 1 - tanh(x)^2 = 4 t / (1 + t)^2, t = e^-2|x|. Error <= 4 ULP.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V TanhDerivative(D d, V x) {
  const V y = hn::Abs(x);
  const V t4 = Exp<2>(d, hn::Neg(hn::Add(y, y)));
  const V t = hn::Mul(t4, hn::Set(d, 0.25f));
  return hn::Div(t4, SquareOfOnePlus(d, t));
}

// The derivative of x sigmoid(z), where z has the sign of x, from slope = dz/dx
// and 2^64 t, t = e^-|z|. It is sigmoid(z) (1 + x slope sigmoid(-z)):
//   (1 + t + t x slope) / (1 + t)^2 for positive x,
//   t (1 + t + x slope) / (1 + t)^2 else.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V GatedDerivative(D d, V x, V slope, V scaled_t) {
  const V one = hn::Set(d, 1.0f);
  const V t = hn::Mul(scaled_t, hn::Set(d, 0x1p-64f));
  const auto positive = hn::Gt(x, hn::Zero(d));
  const V above = hn::MulAdd(hn::Mul(x, hn::IfThenElse(positive, t, one)),
                             slope, hn::Add(one, t));
  const V q = hn::Div(above, SquareOfOnePlus(d, t));
  // The last product alone may give a subnormal number.
  return hn::Mul(hn::Mul(q, hn::Set(d, 0x1p-64f)),
                 hn::IfThenElse(positive, hn::Set(d, 0x1p64f), scaled_t));
}

// Error <= 4 ULP; in [-2, -0.5] 5 * 2^-26. -0 at -infinity.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V SiluDerivative(D d, V x) {
  x = MaxOrNaN(hn::Set(d, -111.0f), MinOrNaN(hn::Set(d, 111.0f), x));
  return GatedDerivative(d, x, hn::Set(d, 1.0f),
                         Exp<64>(d, hn::Neg(hn::Abs(x))));
}

// Error <= 5 ULP; in [-2, -0.25] 5 * 2^-26. -0 at -infinity.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V GeluTanhDerivative(D d, V x) {
  x = MaxOrNaN(hn::Set(d, -11.125f), MinOrNaN(hn::Set(d, 11.125f), x));
  V n, biased;
  const V r = ReduceGeluTanh(d, hn::Neg(hn::Abs(x)), n, biased);
  const V scale = PowerOfTwo(d, hn::Add(biased, hn::Set(d, 64.0f)));
  const V t = hn::MulAdd(hn::Mul(scale, r), ReducedExpSlope(d, r), scale);
  constexpr double kA = 1.5957691216057308;  // 2 sqrt(2 / pi)
  const V slope = hn::MulAdd(hn::Mul(x, x),
                             hn::Set(d, static_cast<float>(3 * 0.044715 * kA)),
                             hn::Set(d, static_cast<float>(kA)));
  return GatedDerivative(d, x, slope, t);
}

// Phi(x) + x phi(x). Error <= 4 ULP; in [-2, -0.25] 5 * 2^-26. -0 at -infinity.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V GeluDerivative(D d, V x) {
  // Of -t it is g = e^(-t^2 / 2) (1 / D(t) - t / sqrt(2 pi)), of t 1 - g. D is
  // as in Gelu, and so are the ends.
  const V t = MinOrNaN(hn::Set(d, 14.625f),
                       MaxOrNaN(hn::Neg(x), MinOrNaN(hn::Set(d, 6.5f), x)));
  V n, biased;
  const V r = ReduceHalfSquare(d, t, n, biased);
  const V e = TimesExpOfHalf(d, PowerOfTwo(d, biased), r);  // 2^64 of it
  const V inverse = hn::Div(hn::Set(d, 1.0f), NormalTailDivisor(d, t));
  const V bracket = hn::NegMulAdd(
      t, hn::Set(d, static_cast<float>(0.3989422804014327)), inverse);
  const V g = hn::Mul(hn::Mul(bracket, hn::Set(d, 0x1p-64f)), e);
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), g,
                        hn::Sub(hn::Set(d, 1.0f), g));
}

// 2 / sqrt(pi) e^(-x^2). Error <= 3 ULP.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ErfDerivative(D d, V x) {
  // x^2 = -n ln(2) - r, never rounded before the reduction.
  const V t = MinOrNaN(hn::Set(d, 10.375f), hn::Abs(x));
  const V biased = hn::NegMulAdd(hn::Mul(t, t), hn::Set(d, kLog2E),
                                 hn::Set(d, kRound + 191.0f));
  const V n = hn::Sub(biased, hn::Set(d, kRound + 191.0f));
  V r = ProductPlus(d, t, t, hn::Mul(n, hn::Set(d, kLn2High)));
  r = hn::Neg(hn::MulAdd(n, hn::Set(d, kLn2Low), r));
  const V scale = PowerOfTwo(d, biased);
  const V e = hn::MulAdd(hn::Mul(scale, r), ReducedExpSlope(d, r), scale);
  return hn::Mul(e,
                 hn::Set(d, static_cast<float>(1.1283791670955126 * 0x1p-64)));
}

template <Elementwise kFunction, class D, class V = hn::Vec<D>>
HWY_INLINE V ElementwiseDerivative(D d, V x, V alpha) {
  const V one = hn::Set(d, 1.0f);
  if constexpr (kFunction == Elementwise::kRelu) {
    return StepDerivative(d, x, hn::Zero(d));
  } else if constexpr (kFunction == Elementwise::kLeakyRelu) {
    return StepDerivative(d, x, alpha);
  } else if constexpr (kFunction == Elementwise::kElu) {
    return EluDerivative(d, x, alpha);
  } else if constexpr (kFunction == Elementwise::kGelu) {
    return GeluDerivative(d, x);
  } else if constexpr (kFunction == Elementwise::kGeluTanh) {
    return GeluTanhDerivative(d, x);
  } else if constexpr (kFunction == Elementwise::kSilu) {
    return SiluDerivative(d, x);
  } else if constexpr (kFunction == Elementwise::kSigmoid) {
    return SigmoidDerivative(d, x);
  } else if constexpr (kFunction == Elementwise::kTanh) {
    return TanhDerivative(d, x);
  } else if constexpr (kFunction == Elementwise::kSoftplus) {
    return Sigmoid(d, x);
  } else if constexpr (kFunction == Elementwise::kExp ||
                       kFunction == Elementwise::kExpm1) {
    return Exp(d, x);
  } else if constexpr (kFunction == Elementwise::kLog) {
    return hn::Div(one, x);
  } else if constexpr (kFunction == Elementwise::kLog1p) {
    return hn::Div(one, hn::Add(one, x));
  } else {
    static_assert(kFunction == Elementwise::kErf);
    return ErfDerivative(d, x);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // RANVIER_SIMD_DERIVATIVES_INL_H_
