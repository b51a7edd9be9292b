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

struct Sums {
  double sum, squares;
};

// The sums of x - center and of its square. 16 vectors are added up in f32, by
// four sums side by side.
HWY_INLINE Sums SumsAround(const float* x, size_t n, float around) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  const InF64<decltype(d)> dd;
  const auto center = hn::Set(d, around);
  auto sum_low = hn::Zero(dd);
  auto sum_high = hn::Zero(dd);
  auto square_low = hn::Zero(dd);
  auto square_high = hn::Zero(dd);
  size_t i = 0;
  while (i + 4 * N <= n) {
    auto s0 = hn::Sub(hn::LoadU(d, x + i), center);
    auto s1 = hn::Sub(hn::LoadU(d, x + i + N), center);
    auto s2 = hn::Sub(hn::LoadU(d, x + i + 2 * N), center);
    auto s3 = hn::Sub(hn::LoadU(d, x + i + 3 * N), center);
    auto q0 = hn::Mul(s0, s0);
    auto q1 = hn::Mul(s1, s1);
    auto q2 = hn::Mul(s2, s2);
    auto q3 = hn::Mul(s3, s3);
    const size_t end = std::min(n, i + 16 * N);
    for (i += 4 * N; i + 4 * N <= end; i += 4 * N) {
      const auto t0 = hn::Sub(hn::LoadU(d, x + i), center);
      const auto t1 = hn::Sub(hn::LoadU(d, x + i + N), center);
      const auto t2 = hn::Sub(hn::LoadU(d, x + i + 2 * N), center);
      const auto t3 = hn::Sub(hn::LoadU(d, x + i + 3 * N), center);
      s0 = hn::Add(s0, t0);
      s1 = hn::Add(s1, t1);
      s2 = hn::Add(s2, t2);
      s3 = hn::Add(s3, t3);
      q0 = hn::MulAdd(t0, t0, q0);
      q1 = hn::MulAdd(t1, t1, q1);
      q2 = hn::MulAdd(t2, t2, q2);
      q3 = hn::MulAdd(t3, t3, q3);
    }
    AddInF64(d, Tree(s0, s1, s2, s3), sum_low, sum_high);
    AddInF64(d, Tree(q0, q1, q2, q3), square_low, square_high);
  }
  for (; i < n; i += N) {
    const size_t some = std::min(N, n - i);
    auto t = hn::Sub(hn::LoadN(d, x + i, some), center);
    t = hn::IfThenElseZero(hn::FirstN(d, some), t);
    AddInF64(d, t, sum_low, sum_high);
    AddInF64(d, hn::Mul(t, t), square_low, square_high);
  }
  return {hn::ReduceSum(dd, hn::Add(sum_low, sum_high)),
          hn::ReduceSum(dd, hn::Add(square_low, square_high))};
}

// Whether a center was so near to the mean, half a standard deviation, that
// little cancels when its distance is taken off the squares.
HWY_INLINE bool MomentsFrom(const Sums& sums, size_t n, float center,
                            Moments* moments) {
  const auto count = static_cast<double>(n);
  const double shift = sums.sum / count;
  *moments = {center + shift, sums.squares / count - shift * shift};
  return SquaresAreSound(sums.squares) &&
         4 * shift * shift * count <= sums.squares;
}

// The mean of the first elements is mostly near enough to that of all, and one
// pass does. If not, the mean of all is found first, in f32: it is off by some
// roundings of the numbers, which may be much larger than they differ, but what
// it leaves of them is exact or nearly so.
HWY_INLINE Moments MomentsOfRow(const float* x, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t some = 4 * hn::Lanes(d);
  Moments moments;
  if (n >= some) {
    const size_t N = hn::Lanes(d);
    const float center =
        hn::ReduceSum(d,
                      Tree(hn::LoadU(d, x), hn::LoadU(d, x + N),
                           hn::LoadU(d, x + 2 * N), hn::LoadU(d, x + 3 * N))) /
        static_cast<float>(some);
    if (MomentsFrom(SumsAround(x, n, center), n, center, &moments)) {
      return moments;
    }
  }
  const auto mean = static_cast<float>(RowSum(x, n) / static_cast<double>(n));
  if (MomentsFrom(SumsAround(x, n, mean), n, mean, &moments)) return moments;
  return MomentsInF64(x, n);
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // RANVIER_SIMD_MOMENTS_INL_H_
