// Mean and variance of a row without cancellation. Included per target, after
// <hwy/highway.h>.

#if defined(RANVIER_SIMD_MOMENTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_MOMENTS_INL_H_
#undef RANVIER_SIMD_MOMENTS_INL_H_
#else
#define RANVIER_SIMD_MOMENTS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <limits>

#include <hwy/highway.h>

#include "ranvier/simd/reduce.h"
#include "ranvier/simd/row_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Of f32 squares: below, some that count may have underflowed; infinity: some
// have overflowed.
HWY_INLINE bool SquaresAreSound(double sum) {
  return sum >= 0x1.0p-70 && sum < std::numeric_limits<double>::infinity();
}

HWY_INLINE double RowSum(const float* x, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  const InF64<decltype(d)> dd;
  auto low = hn::Zero(dd);
  auto high = hn::Zero(dd);
  size_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    AddInF64(d,
             Tree(hn::LoadU(d, x + i), hn::LoadU(d, x + i + N),
                  hn::LoadU(d, x + i + 2 * N), hn::LoadU(d, x + i + 3 * N)),
             low, high);
  }
  for (; i + N <= n; i += N) AddInF64(d, hn::LoadU(d, x + i), low, high);
  if (i != n) AddInF64(d, hn::LoadN(d, x + i, n - i), low, high);
  return hn::ReduceSum(dd, hn::Add(low, high));
}

// All in f64, for numbers whose f32 squares leave its range and for rows whose
// first mean was too far off. 2^-53 of the numbers themselves is all it loses.
HWY_INLINE Moments MomentsInF64(const float* x, size_t n) {
  const hn::ScalableTag<double> dd;
  const hn::Rebind<float, decltype(dd)> d;
  const size_t N = hn::Lanes(dd);
  auto sum = hn::Zero(dd);
  for (size_t i = 0; i < n; i += N) {
    const size_t count = std::min(N, n - i);
    sum = hn::Add(sum, hn::PromoteTo(dd, hn::LoadN(d, x + i, count)));
  }
  const double mean = hn::ReduceSum(dd, sum) / static_cast<double>(n);
  const auto center = hn::Set(dd, mean);
  auto squares = hn::Zero(dd);
  auto rest = hn::Zero(dd);  // what the mean was rounded by
  for (size_t i = 0; i < n; i += N) {
    const size_t count = std::min(N, n - i);
    auto t = hn::Sub(hn::PromoteTo(dd, hn::LoadN(d, x + i, count)), center);
    t = hn::IfThenElseZero(hn::FirstN(dd, count), t);
    squares = hn::MulAdd(t, t, squares);
    rest = hn::Add(rest, t);
  }
  const double shift = hn::ReduceSum(dd, rest) / static_cast<double>(n);
  return {mean + shift,
          hn::ReduceSum(dd, squares) / static_cast<double>(n) - shift * shift};
}

// A first mean from sums in f32 is off by some roundings of the numbers
// themselves, which may be much larger than they differ. So it is taken from
// them, which is exact or nearly so, and what is left is summed and squared.
HWY_INLINE Moments MomentsOfRow(const float* x, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  const InF64<decltype(d)> dd;
  const auto count = static_cast<double>(n);
  const float first = static_cast<float>(RowSum(x, n) / count);
  const auto center = hn::Set(d, first);
  auto sum_low = hn::Zero(dd);
  auto sum_high = hn::Zero(dd);
  auto square_low = hn::Zero(dd);
  auto square_high = hn::Zero(dd);
  size_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    const auto t0 = hn::Sub(hn::LoadU(d, x + i), center);
    const auto t1 = hn::Sub(hn::LoadU(d, x + i + N), center);
    const auto t2 = hn::Sub(hn::LoadU(d, x + i + 2 * N), center);
    const auto t3 = hn::Sub(hn::LoadU(d, x + i + 3 * N), center);
    auto s = hn::Mul(t0, t0);
    s = hn::MulAdd(t1, t1, s);
    s = hn::MulAdd(t2, t2, s);
    s = hn::MulAdd(t3, t3, s);
    AddInF64(d, Tree(t0, t1, t2, t3), sum_low, sum_high);
    AddInF64(d, s, square_low, square_high);
  }
  for (; i < n; i += N) {
    const size_t some = std::min(N, n - i);
    auto t = hn::Sub(hn::LoadN(d, x + i, some), center);
    t = hn::IfThenElseZero(hn::FirstN(d, some), t);
    AddInF64(d, t, sum_low, sum_high);
    AddInF64(d, hn::Mul(t, t), square_low, square_high);
  }
  const double squares = hn::ReduceSum(dd, hn::Add(square_low, square_high));
  const double shift = hn::ReduceSum(dd, hn::Add(sum_low, sum_high)) / count;
  // A shift of half a standard deviation costs a third of the digits' margin
  // and no more.
  if (!SquaresAreSound(squares) || !(4 * shift * shift * count <= squares)) {
    return MomentsInF64(x, n);
  }
  return {first + shift, squares / count - shift * shift};
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // RANVIER_SIMD_MOMENTS_INL_H_
