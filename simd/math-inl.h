// Elementary functions of f32 vectors, the same code on every target, but that
// AVX-512 looks tanh and erf up in tables and puts exponents on by one
// instruction. Bounds hold for all 2^32 inputs; the unit test checks a sample,
// tests/simd/activations_all_inputs.cc all of them. Where two are given, the
// second is for targets without fused multiply-add (SSE2 to SSE4).
//
// Rounding   must be to nearest. Subnormal results are rounded once, like any
//            other; a caller who has set flush-to-zero gets 0 instead.
// NaN        gives NaN: the second operand of MinOrNaN and MaxOrNaN is x.
// Constants  Minimax polynomials and rational functions for the relative error
//            on the interval given beside each, found by Remez' algorithm in
//            40 digits (erf and expm1: by reweighted least squares, which
//            comes close to the same); then the roundings to f32 were chosen,
//            by random descent, for the least error of the whole. The error
//            given is that of the rounded coefficients, in exact arithmetic.

// Per-target include guard.
#if defined(RANVIER_SIMD_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_MATH_INL_H_
#undef RANVIER_SIMD_MATH_INL_H_
#else
#define RANVIER_SIMD_MATH_INL_H_
#endif

#include <bit>
#include <cstdint>

#include <hwy/highway.h>

#include "ranvier/simd/piecewise.h"

// Whether there are instructions of AVX-512 that Highway has no name for:
// TimesPowerOfTwo and PiecewiseValue.
#undef RANVIER_HAS_AVX512
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
#define RANVIER_HAS_AVX512 1
#else
#define RANVIER_HAS_AVX512 0
#endif

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

// e^r - 1 for |r| <= ln(2) / 2, r + r^2 P(r); relative error 2^-26.1.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ReducedExpm1(D d, V r) {
  V p = hn::MulAdd(hn::Set(d, 0x1.6becfcp-10f), r, hn::Set(d, 0x1.12287cp-7f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.5556c2p-5f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.5554bp-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.fffffep-2f));
  return hn::MulAdd(hn::Mul(r, r), p, r);
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

#if RANVIER_HAS_AVX512
// x 2^n for whole n, rounded once.
template <class V>
HWY_INLINE V TimesPowerOfTwo(V x, V n) {
  if constexpr (sizeof(V) == 64) {
    return V{_mm512_scalef_ps(x.raw, n.raw)};
  } else if constexpr (sizeof(V) == 32) {
    return V{_mm256_scalef_ps(x.raw, n.raw)};
  } else {
    return V{_mm_scalef_ps(x.raw, n.raw)};
  }
}
#endif

// p 2^(n + kPower), rounded once, for n = biased - (kRound + 126) between -151
// - kPower and 128, and p between 1/2 and 2.
template <int kPower, class D, class V = hn::Vec<D>>
HWY_INLINE V ScaleByPowerOfTwo(D d, V p, V n, V biased) {
#if RANVIER_HAS_AVX512
  // One instruction for eight, with the same bits: e^x took 0.7 of the time.
  (void)biased;
  if constexpr (kPower != 0) {
    n = hn::Add(n, hn::Set(d, static_cast<float>(kPower)));
  }
  return TimesPowerOfTwo(p, n);
#else
  // 2^n = 2 * 2^(high - 1) * 2^low: n is wider than the exponents of normal
  // numbers, and only the last product may round.
  (void)n;
  const V high = MaxOrNaN(hn::Set(d, kRound + 26.0f), biased);
  const V low =
      hn::Add(hn::Sub(biased, high), hn::Set(d, kRound + 127.0f + kPower));
  p = hn::Mul(hn::Add(p, p), PowerOfTwo(d, low));
  return hn::Mul(p, PowerOfTwo(d, high));
#endif
}

// 2^kPower e^x, which is rounded once even where e^x is subnormal; kPower from
// 0 to 64. Error <= 1 ULP (1.3). e^x is infinity above 88.72, zero below
// -103.97.
template <int kPower = 0, class D, class V = hn::Vec<D>>
HWY_INLINE V Exp(D d, V x) {
  constexpr float kLowest = -104.5f - 0.7f * kPower;
  x = MaxOrNaN(hn::Set(d, kLowest), MinOrNaN(hn::Set(d, 89.0f), x));
  const V biased =
      hn::MulAdd(x, hn::Set(d, kLog2E), hn::Set(d, kRound + 126.0f));
  const V n = hn::Sub(biased, hn::Set(d, kRound + 126.0f));
  const V r = ReduceByLn2(d, x, n);
  const V p = hn::MulAdd(ReducedExpSlope(d, r), r, hn::Set(d, 1.0f));
  return ScaleByPowerOfTwo<kPower>(d, p, n, biased);
}

#if RANVIER_HAS_AVX512
// The function of the pieces at t >= 0; 17 instructions.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V PiecewiseValue(D d, V t, const PiecewisePolynomial& pieces) {
  static_assert(sizeof(V) == 64);
  const hn::RebindToUnsigned<D> du;
  constexpr auto kFirst = std::bit_cast<uint32_t>(PiecewisePolynomial::kFirst);
  const auto bits = hn::Max(hn::BitCast(du, t), hn::Set(du, kFirst));
  // The instruction looks at the five lowest bits alone.
  const auto piece = hn::ShiftRight<PiecewisePolynomial::kShift>(bits);
  const auto of = [&](const float* table) HWY_ATTR {
    return V{_mm512_permutex2var_ps(hn::Load(d, table).raw, piece.raw,
                                    hn::Load(d, table + 16).raw)};
  };
  const V s = hn::Sub(t, of(pieces.center));
  const V s2 = hn::Mul(s, s);
  const V p23 = hn::MulAdd(of(pieces.p[3]), s, of(pieces.p[2]));
  const V p45 = hn::MulAdd(of(pieces.p[5]), s, of(pieces.p[4]));
  const V slope = hn::MulAdd(hn::MulAdd(p45, s2, p23), s, of(pieces.p[1]));
  return hn::MulAdd(slope, s, of(pieces.p[0]));
}
#endif

// Error <= 1.3 ULP (1.6). tanh(-0) = -0, |tanh| <= 1.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  const V t = MinOrNaN(hn::Set(d, 10.0f), hn::Abs(x));
#if RANVIER_HAS_AVX512
  return hn::CopySign(PiecewiseValue(d, t, kTanhPieces), x);
#else
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
#endif
}

// What an argument of log is taken apart into: 2^e (1 + f), with 1 + f between
// sqrt(1/2) and sqrt(2). x > 0 is a normal number.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V SplitForLog(D d, V x, V& f) {
  const hn::RebindToSigned<D> di;
  const auto root = hn::Set(di, 0x3F3504F3);  // sqrt(1/2)
  const auto bits = hn::BitCast(di, x);
  const auto e = hn::ShiftRight<23>(hn::Sub(bits, root));
  const auto m = hn::Sub(bits, hn::ShiftLeft<23>(e));
  f = hn::Sub(hn::BitCast(d, m), hn::Set(d, 1.0f));
  return hn::ConvertTo(d, e);
}

// e ln(2) + log(1 + f). With s = f / (2 + f), log(1 + f) = 2 atanh(s) =
// f - (h - s (h + s^2 A(s^2))), h = f^2 / 2: only what is small beside f goes
// through the division.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V LogOfParts(D d, V e, V f) {
  const V s = hn::Div(f, hn::Add(hn::Set(d, 2.0f), f));
  const V z = hn::Mul(s, s);
  const V h = hn::Mul(hn::Mul(f, hn::Set(d, 0.5f)), f);
  // (2 atanh(s) / s - 2) / s^2 for |s| <= 0.1716; error of the whole 2^-30.2.
  V A = hn::MulAdd(hn::Set(d, 0x1.31e0eep-2f), z, hn::Set(d, 0x1.995ed4p-2f));
  A = hn::MulAdd(A, z, hn::Set(d, 0x1.55557ap-1f));
  V rest = hn::NegMulAdd(s, hn::MulAdd(z, A, h), h);
  rest = hn::NegMulAdd(e, hn::Set(d, kLn2Low), rest);
  return hn::MulAdd(e, hn::Set(d, kLn2High), hn::Sub(f, rest));
}

// The values of a logarithm where its argument is no positive number: -infinity
// at zero, NaN below, infinity and NaN themselves; elsewhere y.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V LogAtTheEnds(D d, V x, V y) {
  const V infinity = hn::Inf(d);
  const V below = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity),
                                 hn::NaN(d));  // also where x is NaN
  y = hn::IfThenElse(hn::Lt(x, infinity), y, x);
  return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), y, below);
}

// log(x). Error <= 1 ULP. log(0) = -infinity, NaN below.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Log(D d, V x) {
  const auto tiny = hn::Lt(x, hn::Set(d, 0x1p-126f));
  V f;
  V e = SplitForLog(d, hn::IfThenElse(tiny, hn::Mul(x, hn::Set(d, 0x1p24f)), x),
                    f);
  e = hn::Sub(e, hn::IfThenElseZero(tiny, hn::Set(d, 24.0f)));
  return LogAtTheEnds(d, x, LogOfParts(d, e, f));
}

// log(1 + x). Error <= 2 ULP. log1p(-0) = -0, log1p(-1) = -infinity, NaN
// below.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Log1p(D d, V x) {
  // 1 + x = u + low exactly.
  const V one = hn::Set(d, 1.0f);
  const V u = hn::Add(one, x);
  const V part = hn::Sub(u, x);
  const V low = hn::Add(hn::Sub(x, hn::Sub(u, part)), hn::Sub(one, part));
  V f;
  const V e = SplitForLog(d, u, f);
  // Where e is 0 this gives f = x exactly. Beyond 2^100 nothing is left of low.
  const V scale = PowerOfTwo(
      d, hn::Sub(hn::Set(d, kRound + 127.0f), MinOrNaN(hn::Set(d, 100.0f), e)));
  f = hn::MulAdd(low, scale, f);
  return hn::CopySign(LogAtTheEnds(d, u, LogOfParts(d, e, f)), x);
}

// e^x - 1. Error <= 2 ULP. expm1(-0) = -0.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Expm1(D d, V x) {
  const V limited =
      MaxOrNaN(hn::Set(d, -20.0f), MinOrNaN(hn::Set(d, 89.0f), x));
  // 2 (2^(n - 1) (e^r - 1) + (2^(n - 1) - 1/2)): 2^128 is no float.
  const V biased =
      hn::MulAdd(limited, hn::Set(d, kLog2E), hn::Set(d, kRound + 126.0f));
  const V n = hn::Sub(biased, hn::Set(d, kRound + 126.0f));
  const V r = ReduceByLn2(d, limited, n);
  const V below = ReducedExpm1(d, r);
  const V half_scale = PowerOfTwo(d, biased);
  const V half =
      hn::MulAdd(half_scale, below, hn::Sub(half_scale, hn::Set(d, 0.5f)));
  // Half of a subnormal number might lose its last bit.
  const V y =
      hn::IfThenElse(hn::Eq(n, hn::Zero(d)), below, hn::Add(half, half));
  return hn::CopySign(y, x);
}

// Error <= 3.3 ULP (4). erf(-0) = -0, |erf| <= 1.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Erf(D d, V x) {
  const V t = MinOrNaN(hn::Set(d, 3.95f), hn::Abs(x));  // beyond, 1 is nearest
#if RANVIER_HAS_AVX512
  return hn::CopySign(PiecewiseValue(d, t, kErfPieces), x);
#else
  // 1 - 1 / p(t)^8: what is rounded on the way is small beside 1. Error for
  // 0.875 <= t <= 3.95 2^-25.6, absolute;
  V p = hn::MulAdd(hn::Set(d, 0x1.eb738ep-12f), t, hn::Set(d, -0x1.9995c8p-9f));
  p = hn::MulAdd(p, t, hn::Set(d, 0x1.b88768p-7f));
  p = hn::MulAdd(p, t, hn::Set(d, -0x1.60ab02p-6f));
  p = hn::MulAdd(p, t, hn::Set(d, 0x1.c7fc16p-5f));
  p = hn::MulAdd(p, t, hn::Set(d, 0x1.0ed53ep-4f));
  p = hn::MulAdd(p, t, hn::Set(d, 0x1.34d3c8p-3f));
  p = hn::MulAdd(p, t, hn::Set(d, 0x1.ff1d7p-1f));
  p = hn::Mul(p, p);
  p = hn::Mul(p, p);
  const V one = hn::Set(d, 1.0f);
  const V far = hn::Sub(one, hn::Div(one, hn::Mul(p, p)));
  // below t + t P(t^2), which would cancel there: error 2^-26.1.
  const V z = hn::Mul(t, t);
  V P = hn::MulAdd(hn::Set(d, -0x1.453b16p-11f), z, hn::Set(d, 0x1.49c9d4p-8f));
  P = hn::MulAdd(P, z, hn::Set(d, -0x1.b6f38ap-6f));
  P = hn::MulAdd(P, z, hn::Set(d, 0x1.ce211ep-4f));
  P = hn::MulAdd(P, z, hn::Set(d, -0x1.81270ap-2f));
  P = hn::MulAdd(P, z, hn::Set(d, 0x1.06eba6p-3f));
  const V near = hn::MulAdd(t, P, t);
  const auto is_near = hn::Lt(t, hn::Set(d, 0.875f));
  return hn::CopySign(hn::IfThenElse(is_near, near, far), x);
#endif
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). Error <= 3 ULP, also where it is
// e^x alone, down to the last subnormal.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Softplus(D d, V x) {
  const V t = Exp(d, hn::Neg(hn::Abs(x)));
  // log(1 + t) = 2 atanh(s / 2), s = 2 t / (2 + t): nothing to reduce.
  const V s = hn::Div(hn::Add(t, t), hn::Add(hn::Set(d, 2.0f), t));
  const V z = hn::Mul(s, s);
  // (2 atanh(s / 2) / s - 1) / s^2 for 0 <= s <= 2/3; error of the whole
  // 2^-27.7.
  V A = hn::MulAdd(hn::Set(d, 0x1.1ed7a8p-11f), z, hn::Set(d, 0x1.1ebcf8p-9f));
  A = hn::MulAdd(A, z, hn::Set(d, 0x1.99d1fcp-7f));
  A = hn::MulAdd(A, z, hn::Set(d, 0x1.555502p-4f));
  const V log = hn::MulAdd(hn::Mul(s, z), A, s);
  return hn::Add(MaxOrNaN(hn::Zero(d), x), log);
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // RANVIER_SIMD_MATH_INL_H_
