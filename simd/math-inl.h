// Elementary functions of f32 vectors, the same code on every target. Bounds
// hold for all 2^32 inputs; the unit test checks a sample,
// tests/simd/activations_all_inputs.cc all of them. Where two are given, the
// second is for targets without fused multiply-add (SSE2 to SSE4).
//
// Rounding   must be to nearest. Subnormal results are rounded once, like any
//            other; a caller who has set flush-to-zero gets 0 instead.
// NaN        gives NaN: the second operand of MinOrNaN and MaxOrNaN is x.
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

// The smaller and the larger one, or the second if either is NaN: what the
// instructions of x86 do. Those of Arm prefer the number.
template <class V>
HWY_INLINE V MinOrNaN(V limit, V x) {
#if HWY_ARCH_X86
  return hn::Min(limit, x);
#else
  return hn::IfThenElse(hn::Lt(limit, x), limit, x);
#endif
}
template <class V>
HWY_INLINE V MaxOrNaN(V limit, V x) {
#if HWY_ARCH_X86
  return hn::Max(limit, x);
#else
  return hn::IfThenElse(hn::Lt(x, limit), limit, x);
#endif
}

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

// (e^r - 1) / r for |r| <= ln(2) / 2. Error of 1 + r times it 2^-27.4.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ReducedExpSlope(D d, V r) {
  V p = hn::MulAdd(hn::Set(d, 0x1.6ac11ep-10f), r, hn::Set(d, 0x1.126eeap-7f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.555918p-5f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.555444p-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.fffffap-2f));
  return hn::MulAdd(p, r, hn::Set(d, 1.0f));
}

// c + scale e^r, for powers of two. The larger one is added last, so that only
// one sum rounds at full size and neither is lost before it.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V PlusScaledExp(D d, V c, V scale, V r) {
  const V rest =
      hn::MulAdd(hn::Mul(scale, r), ReducedExpSlope(d, r), MinOrNaN(scale, c));
  return hn::Add(rest, MaxOrNaN(scale, c));
}

// x - n ln(2).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ReduceByLn2(D d, V x, V n) {
  const V r = hn::NegMulAdd(n, hn::Set(d, kLn2High), x);
  return hn::NegMulAdd(n, hn::Set(d, kLn2Low), r);
}

// e^x. Error <= 1 ULP (1.3). Above 88.72 infinity, below -103.97 zero.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp(D d, V x) {
  x = MaxOrNaN(hn::Set(d, -104.5f), MinOrNaN(hn::Set(d, 89.0f), x));
  const V biased =
      hn::MulAdd(x, hn::Set(d, kLog2E), hn::Set(d, kRound + 126.0f));
  const V n = hn::Sub(biased, hn::Set(d, kRound + 126.0f));
  const V r = ReduceByLn2(d, x, n);
  V p = hn::MulAdd(ReducedExpSlope(d, r), r, hn::Set(d, 1.0f));
  // 2^n = 2 * 2^(high - 1) * 2^low: n runs from -151 to 128, wider than the
  // exponents of normal numbers, and only the last product may round.
  const V high = MaxOrNaN(hn::Set(d, kRound + 26.0f), biased);
  const V low = hn::Add(hn::Sub(biased, high), hn::Set(d, kRound + 127.0f));
  p = hn::Mul(hn::Add(p, p), PowerOfTwo(d, low));
  return hn::Mul(p, PowerOfTwo(d, high));
}

// Error <= 1.3 ULP (1.6). tanh(-0) = -0, |tanh| <= 1.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  const V t = MinOrNaN(hn::Set(d, 10.0f), hn::Abs(x));
  // 1 - 2 / (1 + e^2t), which cancels where t is small;
  const V one = hn::Set(d, 1.0f);
  const V y = hn::Add(t, t);
  const V biased =
      hn::MulAdd(y, hn::Set(d, kLog2E), hn::Set(d, kRound + 127.0f));
  const V n = hn::Sub(biased, hn::Set(d, kRound + 127.0f));
  const V r = ReduceByLn2(d, y, n);
  const V below = PlusScaledExp(d, one, PowerOfTwo(d, biased), r);
  const V far = hn::Sub(one, hn::Div(hn::Set(d, 2.0f), below));
  // there t + t^3 P(t^2): (tanh(t) / t - 1) / t^2 for t < 0.5625; error
  // 2^-24.0.
  const V square = hn::Mul(t, t);
  V p = hn::MulAdd(hn::Set(d, -0x1.ab8ba8p-8f), square,
                   hn::Set(d, 0x1.5c5cf4p-6f));
  p = hn::MulAdd(p, square, hn::Set(d, -0x1.b98fd6p-5f));
  p = hn::MulAdd(p, square, hn::Set(d, 0x1.110fb2p-3f));
  p = hn::MulAdd(p, square, hn::Set(d, -0x1.555554p-2f));
  const V near = hn::MulAdd(hn::Mul(t, square), p, t);
  const auto is_near = hn::Lt(t, hn::Set(d, 0.5625f));
  return hn::CopySign(hn::IfThenElse(is_near, near, far), x);
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // RANVIER_SIMD_MATH_INL_H_
