// Vector forms of the activations, for whoever has the values in registers:
//   ApplyActivation<Activation::kGelu>(d, v)
// Accuracy, subnormal numbers, NaN and the origin of the constants are as in
// math-inl.h; nothing branches on a value, so that a lane never depends on
// its neighbours.

// Per-target include guard.
#if defined(RANVIER_SIMD_ACTIVATIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_ACTIVATIONS_INL_H_
#undef RANVIER_SIMD_ACTIVATIONS_INL_H_
#else
#define RANVIER_SIMD_ACTIVATIONS_INL_H_
#endif

#include <hwy/highway.h>

#include "ranvier/simd/base/activation.h"
#include "ranvier/simd/base/elementwise.h"
#include "ranvier/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Exact. relu(-0) = -0.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Relu(D d, V x) {
  return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
}

// 1 / (1 + e^-x). Error <= 2 ULP.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D d, V x) {
  // Numerator and denominator are scaled by 2^-64, which keeps e^105 finite.
  const V scale = hn::Set(d, 0x1p-64f);
  V y = hn::Neg(x);
  y = MaxOrNaN(hn::Set(d, -40.0f), MinOrNaN(hn::Set(d, 105.0f), y));
  const V biased =
      hn::MulAdd(y, hn::Set(d, kLog2E), hn::Set(d, kRound + 63.0f));
  const V n = hn::Sub(biased, hn::Set(d, kRound + 63.0f));
  const V r = ReduceByLn2(d, y, n);
  return hn::Div(scale, PlusScaledExp(d, scale, PowerOfTwo(d, biased), r));
}

// x / (1 + e^r 2^n), where -60 < n < 2^8 is given as kRound + 127 + n too.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V DivideByOnePlusExp(D d, V x, V r, V n, V biased) {
#if RANVIER_HAS_AVX512
  // As 2^-n x / (2^-n + e^r): a quotient that is a subnormal number would take
  // the processor three times as long.
  const V scale =
      PowerOfTwo(d, MaxOrNaN(hn::Set(d, kRound),
                             hn::Sub(hn::Set(d, 2 * kRound + 254.0f), biased)));
  const V one = hn::Set(d, 1.0f);
  const V rest = hn::MulAdd(r, ReducedExpSlope(d, r), MinOrNaN(scale, one));
  const V below = hn::Add(rest, MaxOrNaN(scale, one));
  return TimesPowerOfTwo(hn::Div(x, below), hn::Neg(n));
#else
  // Where e^r 2^n may overflow, both sides are scaled by 2^(100 - n): there x
  // is so large that its product is exact.
  const V capped = MinOrNaN(hn::Set(d, kRound + 227.0f), biased);
  const V scale = PowerOfTwo(d, hn::Sub(capped, n));
  const V below = PlusScaledExp(d, scale, PowerOfTwo(d, capped), r);
  return hn::Div(hn::Mul(x, scale), below);
#endif
}

// x / (1 + e^-x). Error <= 2 ULP. silu(-inf) = -0, its limit.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Silu(D d, V x) {
  x = MaxOrNaN(hn::Set(d, -109.5f), x);
  const V y = MaxOrNaN(hn::Set(d, -40.0f), hn::Neg(x));
  const V biased =
      hn::MulAdd(y, hn::Set(d, kLog2E), hn::Set(d, kRound + 127.0f));
  const V n = hn::Sub(biased, hn::Set(d, kRound + 127.0f));
  return DivideByOnePlusExp(d, x, ReduceByLn2(d, y, n), n, biased);
}

// y (a + b y^2) = n ln(2) + r, where a + b y^2 = 2 sqrt(2 / pi) (1 + 0.044715
// y^2); gives r. n is given as kRound + 127 + n too.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ReduceGeluTanh(D d, V y, V& n, V& biased) {
  // The sum is kept in two parts, u and u_low: the exponential shows every
  // error of the product, which has seven bits before the point. a has so few
  // bits that u - a is exact.
  const V a = hn::Set(d, 0x1.988p+0f);
  const V b = hn::Set(d, 0x1.2444f2p-4f);
  const V square = hn::Mul(y, y);
  const V square_low = ProductPlus(d, y, y, hn::Neg(square));
  const V u = hn::MulAdd(square, b, a);
  V u_low = hn::MulAdd(square, hn::Set(d, 0x1.49b16ap-29f),
                       hn::Set(d, 0x1.14cf5p-14f));  // what a and b lack
  u_low = hn::MulAdd(square_low, b, u_low);
  u_low = hn::Add(u_low, ProductPlus(d, square, b, hn::Sub(a, u)));
  biased = hn::MulAdd(hn::Mul(y, u), hn::Set(d, kLog2E),
                      hn::Set(d, kRound + 127.0f));
  n = hn::Sub(biased, hn::Set(d, kRound + 127.0f));
  V r = ProductPlus(d, y, u, hn::Mul(n, hn::Set(d, -kLn2High)));
  r = hn::MulAdd(y, u_low, r);
  return hn::NegMulAdd(n, hn::Set(d, kLn2Low), r);
}

// x / (1 + e^-z), z = 2 sqrt(2 / pi) (x + 0.044715 x^3). Error <= 2.3
// ULP (3). gelu(-inf) = -0, its limit.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V GeluTanh(D d, V x) {
  x = MaxOrNaN(hn::Set(d, -10.9f), x);
  const V y = MaxOrNaN(hn::Set(d, -6.0f), hn::Neg(x));
  V n, biased;
  const V r = ReduceGeluTanh(d, y, n, biased);
  return DivideByOnePlusExp(d, x, r, n, biased);
}

// e^(-t^2 / 2) = 2^n e^(-r / 2): gives r, n, and kRound + 191 + n for t < 15.
// t^2 is never rounded before the reduction, which is what ruins the tail
// elsewhere.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ReduceHalfSquare(D d, V t, V& n, V& biased) {
  biased = hn::NegMulAdd(hn::Mul(t, t), hn::Set(d, kLog2E / 2),
                         hn::Set(d, kRound + 191.0f));
  n = hn::Sub(biased, hn::Set(d, kRound + 191.0f));
  const V r = ProductPlus(d, t, t, hn::Mul(n, hn::Set(d, 2 * kLn2High)));
  return hn::MulAdd(n, hn::Set(d, 2 * kLn2Low), r);
}

// scaled e^(-r / 2), from (e^(-r / 2) - 1) / r for |r| <= ln(2); error of 1 + r
// times it 2^-27.3.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V TimesExpOfHalf(D d, V scaled, V r) {
  V p =
      hn::MulAdd(hn::Set(d, 0x1.6ab90ep-16f), r, hn::Set(d, -0x1.126d56p-12f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.55587ap-9f));
  p = hn::MulAdd(p, r, hn::Set(d, -0x1.55543cp-6f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.fffffap-4f));
  p = hn::MulAdd(p, r, hn::Set(d, -0.5f));
  return hn::MulAdd(hn::Mul(scaled, r), p, scaled);
}

// D(t) = e^(-t^2 / 2) / Phi(-t) = c t + (2 + t A(t) / B(t)), for 0 <= t
// <= 14.4; error 2^-26.8. D is nearly a straight line: what has to be divided
// to find it is small beside it, and so are the roundings of that.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V NormalTailDivisor(D d, V t) {
  V A = hn::MulAdd(hn::Set(d, -0x1.07f8e8p-6f), t, hn::Set(d, -0x1.1fb85ep-3f));
  A = hn::MulAdd(A, t, hn::Set(d, -0x1.0b0b78p-1f));
  A = hn::MulAdd(A, t, hn::Set(d, -0x1.d257e4p-1f));
  V B = hn::MulAdd(hn::Set(d, 0x1.083d42p-7f), t, hn::Set(d, 0x1.487e88p-4f));
  B = hn::MulAdd(B, t, hn::Set(d, 0x1.742116p-2f));
  B = hn::MulAdd(B, t, hn::Set(d, 0x1.bec7fcp-1f));
  B = hn::MulAdd(B, t, hn::Set(d, 1.0f));
  const V bend = hn::Add(hn::Div(hn::Mul(A, t), B), hn::Set(d, 2.0f));
  return hn::MulAdd(t, hn::Set(d, 0x1.40d826p+1f), bend);
}

// x Phi(x) = x (1 + erf(x / sqrt(2))) / 2. Error <= 3.2 ULP (4). gelu(-inf) =
// -0, its limit.
//
// 33 operations or less, two of them divisions. With t = |x|,
//   gelu(x) = max(x, 0) - t Phi(-t),  Phi(-t) = e^(-t^2 / 2) / D(t).
// Only the exponential, D and the last division round at full size, hence the
// bound.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Gelu(D d, V x) {
  // Beyond 14.36 t Phi(-t) rounds to 0; for positive x it is lost beside x
  // beyond 6.5.
  const V t = MinOrNaN(hn::Set(d, 14.375f),
                       MaxOrNaN(hn::Neg(x), MinOrNaN(hn::Set(d, 6.5f), x)));
  V n, biased;
  const V r = ReduceHalfSquare(d, t, n, biased);
  // -0, not 0, keeps the sign of what is less than the smallest number.
  const V high = MaxOrNaN(hn::Set(d, -0.0f), x);
  const V divisor = NormalTailDivisor(d, t);
  // Subnormal numbers come about in the last step alone: a division that makes
  // them takes the processor three times as long.
#if RANVIER_HAS_AVX512
  const V quotient = hn::Div(TimesExpOfHalf(d, t, r), divisor);
  return hn::Sub(high, TimesPowerOfTwo(quotient, n));
#else
  const V above = TimesExpOfHalf(d, hn::Mul(t, PowerOfTwo(d, biased)), r);
  return hn::Sub(high, hn::Mul(hn::Div(above, divisor), hn::Set(d, 0x1p-64f)));
#endif
}

// x > 0 ? x : alpha x.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V LeakyRelu(D d, V x, V alpha) {
  return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(alpha, x));
}

// x > 0 ? x : alpha (e^x - 1). Error <= 2 ULP where alpha is 1, else 3.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Elu(D d, V x, V alpha) {
  return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(alpha, Expm1(d, x)));
}

template <Activation kActivation, class D, class V = hn::Vec<D>>
HWY_INLINE V ApplyActivation(D d, V x) {
  if constexpr (kActivation == Activation::kRelu) {
    return Relu(d, x);
  } else if constexpr (kActivation == Activation::kGelu) {
    return Gelu(d, x);
  } else if constexpr (kActivation == Activation::kGeluTanh) {
    return GeluTanh(d, x);
  } else if constexpr (kActivation == Activation::kSilu) {
    return Silu(d, x);
  } else if constexpr (kActivation == Activation::kSigmoid) {
    return Sigmoid(d, x);
  } else if constexpr (kActivation == Activation::kTanh) {
    return Tanh(d, x);
  } else {
    static_assert(kActivation == Activation::kNone);
    return x;
  }
}

template <Elementwise kFunction, class D, class V = hn::Vec<D>>
HWY_INLINE V ApplyElementwise(D d, V x, V alpha) {
  if constexpr (kFunction == Elementwise::kRelu) {
    return Relu(d, x);
  } else if constexpr (kFunction == Elementwise::kLeakyRelu) {
    return LeakyRelu(d, x, alpha);
  } else if constexpr (kFunction == Elementwise::kElu) {
    return Elu(d, x, alpha);
  } else if constexpr (kFunction == Elementwise::kGelu) {
    return Gelu(d, x);
  } else if constexpr (kFunction == Elementwise::kGeluTanh) {
    return GeluTanh(d, x);
  } else if constexpr (kFunction == Elementwise::kSilu) {
    return Silu(d, x);
  } else if constexpr (kFunction == Elementwise::kSigmoid) {
    return Sigmoid(d, x);
  } else if constexpr (kFunction == Elementwise::kTanh) {
    return Tanh(d, x);
  } else if constexpr (kFunction == Elementwise::kSoftplus) {
    return Softplus(d, x);
  } else if constexpr (kFunction == Elementwise::kExp) {
    return Exp(d, x);
  } else if constexpr (kFunction == Elementwise::kExpm1) {
    return Expm1(d, x);
  } else if constexpr (kFunction == Elementwise::kLog) {
    return Log(d, x);
  } else if constexpr (kFunction == Elementwise::kLog1p) {
    return Log1p(d, x);
  } else {
    static_assert(kFunction == Elementwise::kErf);
    return Erf(d, x);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // RANVIER_SIMD_ACTIVATIONS_INL_H_
