#include "ranvier/simd/reduce.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/reduce.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/moments-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr float kLowest = -std::numeric_limits<float>::infinity();

double SumImpl(const float* x, size_t n) { return RowSum(x, n); }

Moments FindMomentsImpl(const float* x, size_t n) { return MomentsOfRow(x, n); }

// The greatest number, and whether there is a NaN, which it may leave out.
HWY_INLINE float GreatestNumber(const float* x, size_t n, bool* nan) {
  const D d;
  const size_t N = hn::Lanes(d);
  V m0 = hn::Set(d, kLowest);
  V m1 = m0;
  V m2 = m0;
  V m3 = m0;
  auto none = hn::MaskFalse(d);
  size_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    const V x0 = hn::LoadU(d, x + i);
    const V x1 = hn::LoadU(d, x + i + N);
    const V x2 = hn::LoadU(d, x + i + 2 * N);
    const V x3 = hn::LoadU(d, x + i + 3 * N);
    m0 = hn::Max(x0, m0);
    m1 = hn::Max(x1, m1);
    m2 = hn::Max(x2, m2);
    m3 = hn::Max(x3, m3);
    none =
        hn::Or(none, hn::Or(hn::IsEitherNaN(x0, x1), hn::IsEitherNaN(x2, x3)));
  }
  for (; i < n; i += N) {
    const size_t some = std::min(N, n - i);
    const V x0 =
        FirstOr(d, some, hn::LoadN(d, x + i, some), hn::Set(d, kLowest));
    m0 = hn::Max(x0, m0);
    none = hn::Or(none, hn::IsNaN(x0));
  }
  *nan = !hn::AllFalse(d, none);
  return hn::ReduceMax(d, hn::Max(hn::Max(m0, m1), hn::Max(m2, m3)));
}

// The first place in x of `wanted`, which is there; of any NaN if it is one.
HWY_INLINE size_t Find(const float* x, size_t n, float wanted) {
  const D d;
  const size_t N = hn::Lanes(d);
  const V w = hn::Set(d, wanted);
  const bool nan = std::isnan(wanted);
  for (size_t i = 0; i < n; i += N) {
    const size_t some = std::min(N, n - i);
    const V v = hn::LoadN(d, x + i, some);
    const auto here =
        hn::And(nan ? hn::IsNaN(v) : hn::Eq(v, w), hn::FirstN(d, some));
    const intptr_t found = hn::FindFirstTrue(d, here);
    if (found >= 0) return i + static_cast<size_t>(found);
  }
  return n;
}

// The place is looked for only in a block that has a greater number than all
// before it: for most data in few.
Greatest FindGreatestImpl(const float* x, size_t n) {
  constexpr size_t kBlock = 4096;  // stays in L1 until it is searched
  Greatest best{kLowest, n};
  for (size_t begin = 0; begin < n; begin += kBlock) {
    const size_t count = std::min(kBlock, n - begin);
    bool nan = false;
    const float value = GreatestNumber(x + begin, count, &nan);
    if (nan) {
      const float any = std::numeric_limits<float>::quiet_NaN();
      const size_t index = begin + Find(x + begin, count, any);
      return {x[index], index};
    }
    if (best.index != n && !(value > best.value)) continue;
    const size_t index = begin + Find(x + begin, count, value);
    best = {x[index], index};
  }
  return best;
}

float MaxImpl(const float* x, size_t n) {
  bool nan = false;
  const float value = GreatestNumber(x, n, &nan);
  return nan ? std::numeric_limits<float>::quiet_NaN() : value + 0.0f;
}

HWY_INLINE V LoadSome(const float* x, D d, size_t count) {
  return count == hn::Lanes(d) ? hn::LoadU(d, x) : hn::LoadN(d, x, count);
}

// By vectors of columns, so that the sums of one stay in registers.
void AddRowsImpl(const float* x, size_t stride, size_t rows, double* sum,
                 size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  const InF64<D> dd;
  const size_t half = hn::Lanes(dd);
  for (size_t i = 0; i < n; i += N) {
    const size_t some = std::min(N, n - i);
    auto low = hn::Zero(dd);
    auto high = hn::Zero(dd);
    const float* from = x + i;
    size_t row = 0;
    for (; row + 4 <= rows; row += 4) {
      AddInF64(d,
               Tree(LoadSome(from, d, some), LoadSome(from + stride, d, some),
                    LoadSome(from + 2 * stride, d, some),
                    LoadSome(from + 3 * stride, d, some)),
               low, high);
      from += 4 * stride;
    }
    for (; row < rows; ++row, from += stride) {
      AddInF64(d, LoadSome(from, d, some), low, high);
    }
    const size_t some_low = std::min(half, some);
    hn::StoreN(hn::Add(hn::LoadN(dd, sum + i, some_low), low), dd, sum + i,
               some_low);
    if (some > half) {
      double* to = sum + i + half;
      hn::StoreN(hn::Add(hn::LoadN(dd, to, some - half), high), dd, to,
                 some - half);
    }
  }
}

void AddSquaresImpl(const float* x, size_t stride, size_t rows,
                    const double* mean, double* sum, double* squares,
                    size_t n) {
  const hn::ScalableTag<double> dd;
  const hn::Rebind<float, decltype(dd)> d;
  const size_t N = hn::Lanes(dd);
  for (size_t i = 0; i < n; i += N) {
    const size_t some = std::min(N, n - i);
    const auto center = hn::LoadN(dd, mean + i, some);
    auto s = hn::LoadN(dd, sum + i, some);
    auto q = hn::LoadN(dd, squares + i, some);
    for (size_t row = 0; row < rows; ++row) {
      const auto v = hn::LoadN(d, x + row * stride + i, some);
      const auto t = hn::Sub(hn::PromoteTo(dd, v), center);
      s = hn::Add(s, t);
      q = hn::MulAdd(t, t, q);
    }
    hn::StoreN(s, dd, sum + i, some);
    hn::StoreN(q, dd, squares + i, some);
  }
}

void TakeGreaterImpl(const float* x, int32_t this_row, float* value,
                     int32_t* row, size_t n) {
  const D d;
  const hn::RebindToSigned<D> di;
  const size_t N = hn::Lanes(d);
  for (size_t i = 0; i < n; i += N) {
    const size_t some = std::min(N, n - i);
    const V v = LoadSome(x + i, d, some);
    const V best = LoadSome(value + i, d, some);
    const auto first_nan = hn::AndNot(hn::IsNaN(best), hn::IsNaN(v));
    const auto greater = hn::Or(hn::Gt(v, best), first_nan);
    const auto rows = hn::LoadN(di, row + i, some);
    hn::StoreN(hn::IfThenElse(greater, v, best), d, value + i, some);
    hn::StoreN(hn::IfThenElse(hn::RebindMask(di, greater),
                              hn::Set(di, this_row), rows),
               di, row + i, some);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(SumImpl);
HWY_EXPORT(FindMomentsImpl);
HWY_EXPORT(FindGreatestImpl);
HWY_EXPORT(MaxImpl);
HWY_EXPORT(AddRowsImpl);
HWY_EXPORT(AddSquaresImpl);
HWY_EXPORT(TakeGreaterImpl);

double Sum(const float* x, size_t n) noexcept {
  return RANVIER_DISPATCH(SumImpl)(x, n);
}

Moments FindMoments(const float* x, size_t n) noexcept {
  return RANVIER_DISPATCH(FindMomentsImpl)(x, n);
}

Greatest FindGreatest(const float* x, size_t n) noexcept {
  return RANVIER_DISPATCH(FindGreatestImpl)(x, n);
}

float Max(const float* x, size_t n) noexcept {
  return RANVIER_DISPATCH(MaxImpl)(x, n);
}

void AddRows(const float* x, size_t stride, size_t rows, double* sum,
             size_t n) noexcept {
  RANVIER_DISPATCH(AddRowsImpl)(x, stride, rows, sum, n);
}

void AddSquares(const float* x, size_t stride, size_t rows, const double* mean,
                double* sum, double* squares, size_t n) noexcept {
  RANVIER_DISPATCH(AddSquaresImpl)(x, stride, rows, mean, sum, squares, n);
}

void TakeGreater(const float* x, int32_t this_row, float* value, int32_t* row,
                 size_t n) noexcept {
  RANVIER_DISPATCH(TakeGreaterImpl)(x, this_row, value, row, n);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
