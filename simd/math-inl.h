// Elementary functions of f32 vectors, the same code on every target. Bounds
// hold for all 2^32 inputs and every target; the tests hold a sample to them,
// activations_all_inputs all of them.
//
// Rounding   must be to nearest. Subnormal results are rounded once, like any
//            other; a caller who has set flush-to-zero gets 0 instead.
// NaN        gives NaN. x86 returns the second operand of Min and Max if one is
//            NaN, Arm the NaN: so x always stands second.
// Constants  Minimax polynomials and rational functions for the relative error
//            on the interval given beside each, found by Remez' algorithm in
//            40 digits; then the roundings to f32 were chosen, by random
//            descent, for the least error of the whole. The error given is
//            that of the rounded coefficients, in exact arithmetic.

// Per-target include guard.
#if defined(RANVIER_SIMD_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_MATH_INL_H_
#undef RANVIER_SIMD_MATH_INL_H_
#else
#define RANVIER_SIMD_MATH_INL_H_
#endif

#include <cstdint>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Adding it rounds to an integer n, which is then in the lowest bits: those of
// kRound + bias + n, shifted left by 23, are the float 2^n if bias is 127.
inline constexpr float kRound = 0x1.8p23f;

// ln 2 in two parts. n * kLn2High is exact for |n| < 2^9.
inline constexpr float kLog2E = 0x1.715476p+0f;
inline constexpr float kLn2High = 0x1.62e4p-1f;
inline constexpr float kLn2Low = 0x1.7f7d1cp-20f;

template <class D, class V = hn::Vec<D>>
HWY_INLINE V PowerOfTwo(D d, V biased) {
  const hn::RebindToUnsigned<D> du;
  return hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(du, biased)));
}

// a b + c for a c that nearly cancels the product, which is not rounded.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ProductPlus(D d, V a, V b, V c) {
#if HWY_NATIVE_FMA
  (void)d;
  return hn::MulAdd(a, b, c);
#else
  // Halves of 12 bits have exact products.
  const hn::RebindToUnsigned<D> du;
  const auto mask = hn::BitCast(d, hn::Set(du, 0xFFFFF000u));
  const V a_high = hn::And(a, mask);
  const V b_high = hn::And(b, mask);
  const V a_low = hn::Sub(a, a_high);
  const V b_low = hn::Sub(b, b_high);
  const V cross = hn::Add(hn::Mul(a_high, b_low), hn::Mul(a_low, b_high));
  return hn::Add(hn::Add(hn::Add(hn::Mul(a_high, b_high), c), cross),
                 hn::Mul(a_low, b_low));
#endif
}

// e^r for |r| <= ln(2) / 2. Error of the polynomial 2^-27.4.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ReducedExp(D d, V r) {
  V p = hn::MulAdd(hn::Set(d, 0x1.6ac11ep-10f), r, hn::Set(d, 0x1.126eeap-7f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.555918p-5f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.555444p-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.fffffap-2f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  return hn::MulAdd(p, r, hn::Set(d, 1.0f));
}

// x - n ln(2).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ReduceByLn2(D d, V x, V n) {
  const V r = hn::NegMulAdd(n, hn::Set(d, kLn2High), x);
  return hn::NegMulAdd(n, hn::Set(d, kLn2Low), r);
}

// e^x. Error <= 1.02 ULP. Above 88.72 infinity, below -103.97 zero.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp(D d, V x) {
  x = hn::Max(hn::Set(d, -104.5f), hn::Min(hn::Set(d, 89.0f), x));
  const V biased =
      hn::MulAdd(x, hn::Set(d, kLog2E), hn::Set(d, kRound + 126.0f));
  const V n = hn::Sub(biased, hn::Set(d, kRound + 126.0f));
  V p = ReducedExp(d, ReduceByLn2(d, x, n));
  // 2^n = 2 * 2^(high - 1) * 2^low: n runs from -151 to 128, wider than the
  // exponents of normal numbers, and only the last product may round.
  const V high = hn::Max(hn::Set(d, kRound + 26.0f), biased);
  const V low = hn::Add(hn::Sub(biased, high), hn::Set(d, kRound + 127.0f));
  p = hn::Mul(hn::Add(p, p), PowerOfTwo(d, low));
  return hn::Mul(p, PowerOfTwo(d, high));
}

// Error <= 1.60 ULP. tanh(-0) = -0, |tanh| <= 1.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  // u / (u + 2), where u = e^2t - 1 = 2^n (e^r - 1) + (2^n - 1).
  V t = hn::Min(hn::Set(d, 10.0f), hn::Abs(x));
  t = hn::Add(t, t);
  const V biased =
      hn::MulAdd(t, hn::Set(d, kLog2E), hn::Set(d, kRound + 127.0f));
  const V n = hn::Sub(biased, hn::Set(d, kRound + 127.0f));
  const V r = ReduceByLn2(d, t, n);
  // (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2; error 2^-22.9.
  V p = hn::MulAdd(hn::Set(d, 0x1.6c69d8p-10f), r, hn::Set(d, 0x1.120b32p-7f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.555592p-5f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.5554dep-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.5f));
  p = hn::MulAdd(hn::Mul(r, r), p, r);
  const V scale = PowerOfTwo(d, biased);
  const V u = hn::MulAdd(p, scale, hn::Sub(scale, hn::Set(d, 1.0f)));
  return hn::CopySign(hn::Div(u, hn::Add(u, hn::Set(d, 2.0f))), x);
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // RANVIER_SIMD_MATH_INL_H_
