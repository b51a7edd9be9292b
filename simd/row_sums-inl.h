// What sums along rows are made of, and the exponential of softmax. Included
// per target, after <hwy/highway.h>.
//
// Sums  Four vectors are added up in f32, as a tree of depth two, and the sums
//       of four go on in f64: an error of 2 * 2^-24 of the sum of magnitudes,
//       however long the row is, for two conversions in four vectors. Sums of
//       products are chains of four: 4 * 2^-24.

#if defined(RANVIER_SIMD_ROW_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_ROW_SUMS_INL_H_
#undef RANVIER_SIMD_ROW_SUMS_INL_H_
#else
#define RANVIER_SIMD_ROW_SUMS_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "ranvier/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
using InF64 = hn::Repartition<double, D>;

// Each half of v to its sum.
template <class D, class V = hn::Vec<D>, class W = hn::Vec<InF64<D>>>
HWY_INLINE void AddInF64(D, V v, W& low, W& high) {
  const InF64<D> dd;
  low = hn::Add(low, hn::PromoteLowerTo(dd, v));
  high = hn::Add(high, hn::PromoteUpperTo(dd, v));
}

template <class V>
HWY_INLINE V Tree(V a, V b, V c, V e) {
  return hn::Add(hn::Add(a, b), hn::Add(c, e));
}

// v in the first `count` lanes, `other` behind.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V FirstOr(D d, size_t count, V v, V other) {
  return hn::IfThenElse(hn::FirstN(d, count), v, other);
}

// e^x for x <= 0. Error <= (|x| / 16 + 2.5) 2^-24, relative, and 2^-126: what
// is below that is some subnormal number, or 0 from -88.03 on. e^0 is 1, NaN
// stays.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2

// x = (16 k + j) ln(2) / 16 + r (8 on AVX2). The powers 2^(j / 16) fill a
// vector, in which one instruction looks them up, and for r three terms do: 6
// multiply-adds, for which softmax waits, instead of 9.
#if HWY_TARGET <= HWY_AVX3
inline constexpr int kPowersLog2 = 4;
inline constexpr float kSecondTerm = 0x1.0002200000000p-1f;
// 2^(j / 16), less j in the bits to which the index will be added.
HWY_ALIGN inline constexpr uint32_t kPowers[] = {
    0x3F800000u, 0x3F7DAAC3u, 0x3F7B95C2u, 0x3F79C3D3u,
    0x3F7837F0u, 0x3F76F532u, 0x3F75FED7u, 0x3F75583Fu,
    0x3F7504F3u, 0x3F7508A4u, 0x3F75672Au, 0x3F76248Cu,
    0x3F7744FDu, 0x3F78CCDFu, 0x3F7AC0C7u, 0x3F7D257Du};
#else
inline constexpr int kPowersLog2 = 3;
inline constexpr float kSecondTerm = 0x1.00087e0000000p-1f;
HWY_ALIGN inline constexpr uint32_t kPowers[] = {
    0x3F800000u, 0x3F7B95C2u, 0x3F7837F0u, 0x3F75FED7u,
    0x3F7504F3u, 0x3F75672Au, 0x3F7744FDu, 0x3F7AC0C7u};
#endif

template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpOfNegative(D d, V x) {
  static_assert(hn::MaxLanes(D()) == size_t{1} << kPowersLog2);
  constexpr float kSteps = 1 << kPowersLog2;  // in each power of 2
  const hn::RebindToUnsigned<D> du;
  // -127 ln(2) becomes 0, of which exponent and fraction are 0.
  x = MaxOrNaN(hn::Set(d, -0x1.601e68p+6f), x);
  const V rounded =
      hn::MulAdd(x, hn::Set(d, kLog2E * kSteps), hn::Set(d, kRound));
  const V n = hn::Sub(rounded, hn::Set(d, kRound));
  // ln 2 in one part is wrong by 2^-28.9 of it, so r by 2^-28.4 |x|.
  const V r = hn::NegMulAdd(n, hn::Set(d, 0x1.62e43p-1f / kSteps), x);
  const auto index = hn::BitCast(du, rounded);
  const auto place = hn::And(index, hn::Set(du, (1u << kPowersLog2) - 1));
  const V powers = hn::BitCast(d, hn::Load(du, kPowers));
  const V power = hn::TableLookupLanes(powers, hn::IndicesFromVec(d, place));
  const V scale = hn::BitCast(
      d,
      hn::Add(hn::BitCast(du, power), hn::ShiftLeft<23 - kPowersLog2>(index)));
  // e^r - 1 for |r| <= ln(2) / 32 (16); error 2^-29.2 (2^-25.2).
  V p = hn::MulAdd(r, hn::Set(d, 0x1.555556p-3f), hn::Set(d, kSecondTerm));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  return hn::MulAdd(scale, hn::Mul(p, r), scale);
}

#else

// Two thirds of the steps of Exp.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpOfNegative(D d, V x) {
  // -127 becomes the exponent of 0.
  x = MaxOrNaN(hn::Set(d, -88.0f), x);
  const V biased =
      hn::MulAdd(x, hn::Set(d, kLog2E), hn::Set(d, kRound + 127.0f));
  const V n = hn::Sub(biased, hn::Set(d, kRound + 127.0f));
#if HWY_NATIVE_FMA
  const V r = hn::NegMulAdd(n, hn::Set(d, 0x1.62e43p-1f), x);
#else
  const V r = ReduceByLn2(d, x, n);
#endif
  const V p = hn::MulAdd(ReducedExpSlope(d, r), r, hn::Set(d, 1.0f));
  return hn::Mul(p, PowerOfTwo(d, biased));
}

#endif

// Stores past the caches, where the caller knows that p is aligned and that
// what is written is larger than they are.
template <bool kStream, class D, class V = hn::Vec<D>>
HWY_INLINE void StoreOrStream(V v, D d, float* p) {
  if constexpr (kStream) {
    hn::Stream(v, d, p);
  } else {
    hn::StoreU(v, d, p);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // RANVIER_SIMD_ROW_SUMS_INL_H_
