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

// e^x for x <= 0, in two thirds of the time of Exp. Error <= (|x| / 16 + 1.5)
// 2^-24, relative, and 2^-126: what is below that is 0 or subnormal. NaN stays.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpOfNegative(D d, V x) {
  // -127 becomes the exponent of 0. (x stands second, see math-inl.h.)
  x = hn::Max(hn::Set(d, -88.0f), x);
  const V biased =
      hn::MulAdd(x, hn::Set(d, kLog2E), hn::Set(d, kRound + 127.0f));
  const V n = hn::Sub(biased, hn::Set(d, kRound + 127.0f));
#if HWY_NATIVE_FMA
  // ln 2 in one part is wrong by 2^-28.9 of it, so r by 2^-28.4 |x|.
  const V r = hn::NegMulAdd(n, hn::Set(d, 0x1.62e43p-1f), x);
#else
  const V r = ReduceByLn2(d, x, n);
#endif
  const V p = hn::MulAdd(ReducedExpSlope(d, r), r, hn::Set(d, 1.0f));
  return hn::Mul(p, PowerOfTwo(d, biased));
}

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
