#include "ranvier/simd/norm.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/norm.cc"
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

// x - mean, for a mean of two parts: the second counts where the mean is much
// larger than what the numbers differ by.
struct Mean {
  explicit Mean(double mean)
      : high(static_cast<float>(mean)),
        low(std::isfinite(high) ? static_cast<float>(mean - high) : 0) {}
  HWY_INLINE V Subtract(D d, V x) const {
    return hn::Sub(hn::Sub(x, hn::Set(d, high)), hn::Set(d, low));
  }
  float high, low;
};

HWY_INLINE float ReciprocalRoot(double variance, float epsilon) {
  return static_cast<float>(1 / std::sqrt(variance + epsilon));
}

// While a row is written the next one is brought into L1: half of the time of
// rows in L2 was waiting for it.
template <bool kStream>
HWY_INLINE void LayerNormRow(const NormRow& by, Mean mean, float rstd,
                             const float* x, const float* next, float* y,
                             size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  const V r = hn::Set(d, rstd);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    hwy::Prefetch(next + i);
    const V t = hn::Mul(mean.Subtract(d, hn::LoadU(d, x + i)), r);
    const V z =
        hn::MulAdd(t, hn::LoadU(d, by.weight + i), hn::LoadU(d, by.bias + i));
    StoreOrStream<kStream>(z, d, y + i);
  }
  if (i != n) {
    const size_t some = n - i;
    const V t = hn::Mul(mean.Subtract(d, hn::LoadN(d, x + i, some)), r);
    const V z = hn::MulAdd(t, hn::LoadN(d, by.weight + i, some),
                           hn::LoadN(d, by.bias + i, some));
    hn::StoreN(z, d, y + i, some);
  }
}

void LayerNormRowsImpl(const NormRow& by, const float* x, size_t x_stride,
                       float* y, size_t y_stride, float* mean, float* rstd,
                       size_t rows, size_t n) {
  for (size_t row = 0; row < rows; ++row) {
    const Moments moments = MomentsOfRow(x, n);
    const float r = ReciprocalRoot(moments.variance, by.epsilon);
    const Mean center(moments.mean);
    const float* next = row + 1 == rows ? x : x + x_stride;
    if (by.stream) {
      LayerNormRow<true>(by, center, r, x, next, y, n);
    } else {
      LayerNormRow<false>(by, center, r, x, next, y, n);
    }
    if (mean != nullptr) mean[row] = static_cast<float>(moments.mean);
    if (rstd != nullptr) rstd[row] = r;
    x += x_stride;
    y += y_stride;
  }
  if (by.stream) hwy::FlushStream();
}

HWY_INLINE double SquaresInF64(const float* x, size_t n) {
  const hn::ScalableTag<double> dd;
  const hn::Rebind<float, decltype(dd)> d;
  const size_t N = hn::Lanes(dd);
  auto sum = hn::Zero(dd);
  for (size_t i = 0; i < n; i += N) {
    const size_t count = std::min(N, n - i);
    const auto t = hn::PromoteTo(dd, hn::LoadN(d, x + i, count));
    sum = hn::MulAdd(t, t, sum);
  }
  return hn::ReduceSum(dd, sum);
}

HWY_INLINE double SumOfRowSquares(const float* x, size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  const InF64<D> dd;
  auto low = hn::Zero(dd);
  auto high = hn::Zero(dd);
  size_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    const V x0 = hn::LoadU(d, x + i);
    const V x1 = hn::LoadU(d, x + i + N);
    const V x2 = hn::LoadU(d, x + i + 2 * N);
    const V x3 = hn::LoadU(d, x + i + 3 * N);
    const V s01 = hn::MulAdd(x1, x1, hn::Mul(x0, x0));
    const V s23 = hn::MulAdd(x3, x3, hn::Mul(x2, x2));
    AddInF64(d, hn::Add(s01, s23), low, high);
  }
  for (; i < n; i += N) {
    const V x0 = hn::LoadN(d, x + i, std::min(N, n - i));
    AddInF64(d, hn::Mul(x0, x0), low, high);
  }
  const double sum = hn::ReduceSum(dd, hn::Add(low, high));
  return SquaresAreSound(sum) ? sum : SquaresInF64(x, n);
}

template <bool kStream>
HWY_INLINE void RmsNormRow(const NormRow& by, float rstd, const float* x,
                           const float* next, float* y, size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  const V r = hn::Set(d, rstd);
  const V offset = hn::Set(d, by.weight_offset);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    hwy::Prefetch(next + i);
    const V w = hn::Add(offset, hn::LoadU(d, by.weight + i));
    const V z = hn::Mul(hn::Mul(hn::LoadU(d, x + i), r), w);
    StoreOrStream<kStream>(z, d, y + i);
  }
  if (i != n) {
    const size_t some = n - i;
    const V w = hn::Add(offset, hn::LoadN(d, by.weight + i, some));
    const V z = hn::Mul(hn::Mul(hn::LoadN(d, x + i, some), r), w);
    hn::StoreN(z, d, y + i, some);
  }
}

void RmsNormRowsImpl(const NormRow& by, const float* x, size_t x_stride,
                     float* y, size_t y_stride, float* rstd, size_t rows,
                     size_t n) {
  for (size_t row = 0; row < rows; ++row) {
    const double mean_square = SumOfRowSquares(x, n) / static_cast<double>(n);
    const float r = ReciprocalRoot(mean_square, by.epsilon);
    const float* next = row + 1 == rows ? x : x + x_stride;
    if (by.stream) {
      RmsNormRow<true>(by, r, x, next, y, n);
    } else {
      RmsNormRow<false>(by, r, x, next, y, n);
    }
    if (rstd != nullptr) rstd[row] = r;
    x += x_stride;
    y += y_stride;
  }
  if (by.stream) hwy::FlushStream();
}

// With g = weight dy and z = (x - mean) rstd:
//   dx = rstd (g - mean(g) - z mean(g z))
// The mean that is given was rounded to f32; by how much is found on the way.
void LayerNormBackwardImpl(const float* x, const float* weight, float mean,
                           float rstd, const float* dy, float* dx,
                           float* dweight, float* dbias, size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  const InF64<D> dd;
  const V center = hn::Set(d, mean);
  auto t_low = hn::Zero(dd);
  auto t_high = hn::Zero(dd);
  auto g_low = hn::Zero(dd);
  auto g_high = hn::Zero(dd);
  auto gt_low = hn::Zero(dd);
  auto gt_high = hn::Zero(dd);
  size_t i = 0;
  for (; i + 2 * N <= n; i += 2 * N) {
    const V t0 = hn::Sub(hn::LoadU(d, x + i), center);
    const V t1 = hn::Sub(hn::LoadU(d, x + i + N), center);
    const V g0 = hn::Mul(hn::LoadU(d, weight + i), hn::LoadU(d, dy + i));
    const V g1 =
        hn::Mul(hn::LoadU(d, weight + i + N), hn::LoadU(d, dy + i + N));
    AddInF64(d, hn::Add(t0, t1), t_low, t_high);
    AddInF64(d, hn::Add(g0, g1), g_low, g_high);
    AddInF64(d, hn::MulAdd(g1, t1, hn::Mul(g0, t0)), gt_low, gt_high);
  }
  for (; i < n; i += N) {
    const size_t some = std::min(N, n - i);
    V t = hn::Sub(hn::LoadN(d, x + i, some), center);
    t = hn::IfThenElseZero(hn::FirstN(d, some), t);
    const V g =
        hn::Mul(hn::LoadN(d, weight + i, some), hn::LoadN(d, dy + i, some));
    AddInF64(d, t, t_low, t_high);
    AddInF64(d, g, g_low, g_high);
    AddInF64(d, hn::Mul(g, t), gt_low, gt_high);
  }
  const auto count = static_cast<double>(n);
  const double shift = hn::ReduceSum(dd, hn::Add(t_low, t_high)) / count;
  const double g_sum = hn::ReduceSum(dd, hn::Add(g_low, g_high));
  const double gt_sum = hn::ReduceSum(dd, hn::Add(gt_low, gt_high));
  const auto g_mean = hn::Set(d, static_cast<float>(g_sum / count));
  const auto gz_mean =
      hn::Set(d, static_cast<float>(rstd * (gt_sum - shift * g_sum) / count));
  const V rest = hn::Set(d, static_cast<float>(shift));
  const V r = hn::Set(d, rstd);
  // By reference: a vector of SVE cannot be a member of a lambda.
  const auto one = [&](size_t at, size_t some) HWY_ATTR {
    const V from = hn::LoadN(d, x + at, some);
    const V z = hn::Mul(hn::Sub(hn::Sub(from, center), rest), r);
    const V dy0 = hn::LoadN(d, dy + at, some);
    const V g = hn::Mul(hn::LoadN(d, weight + at, some), dy0);
    const V dw = hn::LoadN(d, dweight + at, some);
    const V db = hn::LoadN(d, dbias + at, some);
    const V dx0 = hn::Mul(r, hn::NegMulAdd(z, gz_mean, hn::Sub(g, g_mean)));
    hn::StoreN(hn::MulAdd(dy0, z, dw), d, dweight + at, some);
    hn::StoreN(hn::Add(dy0, db), d, dbias + at, some);
    hn::StoreN(dx0, d, dx + at, some);
  };
  i = 0;
  for (; i + N <= n; i += N) one(i, N);
  if (i != n) one(i, n - i);
}

// With g = (weight_offset + weight) dy and z = x rstd:
//   dx = rstd (g - z mean(g z))
void RmsNormBackwardImpl(const float* x, const float* weight,
                         float weight_offset, float rstd, const float* dy,
                         float* dx, float* dweight, size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  const InF64<D> dd;
  const V offset = hn::Set(d, weight_offset);
  auto low = hn::Zero(dd);
  auto high = hn::Zero(dd);
  for (size_t i = 0; i < n; i += N) {
    const size_t some = std::min(N, n - i);
    const V w = hn::Add(offset, hn::LoadN(d, weight + i, some));
    const V g = hn::Mul(w, hn::LoadN(d, dy + i, some));
    AddInF64(d, hn::Mul(g, hn::LoadN(d, x + i, some)), low, high);
  }
  const double gx_sum = hn::ReduceSum(dd, hn::Add(low, high));
  const V gz_mean =
      hn::Set(d, static_cast<float>(rstd * gx_sum / static_cast<double>(n)));
  const V r = hn::Set(d, rstd);
  for (size_t i = 0; i < n; i += N) {
    const size_t some = std::min(N, n - i);
    const V z = hn::Mul(hn::LoadN(d, x + i, some), r);
    const V dy0 = hn::LoadN(d, dy + i, some);
    const V w = hn::Add(offset, hn::LoadN(d, weight + i, some));
    const V dw = hn::LoadN(d, dweight + i, some);
    const V dx0 = hn::Mul(r, hn::NegMulAdd(z, gz_mean, hn::Mul(w, dy0)));
    hn::StoreN(hn::MulAdd(dy0, z, dw), d, dweight + i, some);
    hn::StoreN(dx0, d, dx + i, some);
  }
}

void MoveIntoImpl(float* x, double* sum, size_t n) {
  const hn::ScalableTag<double> dd;
  const hn::Rebind<float, decltype(dd)> d;
  const size_t N = hn::Lanes(dd);
  for (size_t i = 0; i < n; i += N) {
    const size_t some = std::min(N, n - i);
    const auto wide = hn::PromoteTo(dd, hn::LoadN(d, x + i, some));
    hn::StoreN(hn::Add(hn::LoadN(dd, sum + i, some), wide), dd, sum + i, some);
  }
  std::fill_n(x, n, 0.0f);
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(LayerNormRowsImpl);
HWY_EXPORT(RmsNormRowsImpl);
HWY_EXPORT(LayerNormBackwardImpl);
HWY_EXPORT(RmsNormBackwardImpl);
HWY_EXPORT(MoveIntoImpl);

void LayerNormRows(const NormRow& by, const float* x, size_t x_stride, float* y,
                   size_t y_stride, float* mean, float* rstd, size_t rows,
                   size_t n) noexcept {
  RANVIER_DISPATCH(LayerNormRowsImpl)
  (by, x, x_stride, y, y_stride, mean, rstd, rows, n);
}

void RmsNormRows(const NormRow& by, const float* x, size_t x_stride, float* y,
                 size_t y_stride, float* rstd, size_t rows, size_t n) noexcept {
  RANVIER_DISPATCH(RmsNormRowsImpl)
  (by, x, x_stride, y, y_stride, rstd, rows, n);
}

void LayerNormBackward(const float* x, const float* weight, float mean,
                       float rstd, const float* dy, float* dx, float* dweight,
                       float* dbias, size_t n) noexcept {
  RANVIER_DISPATCH(LayerNormBackwardImpl)
  (x, weight, mean, rstd, dy, dx, dweight, dbias, n);
}

void RmsNormBackward(const float* x, const float* weight, float weight_offset,
                     float rstd, const float* dy, float* dx, float* dweight,
                     size_t n) noexcept {
  RANVIER_DISPATCH(RmsNormBackwardImpl)
  (x, weight, weight_offset, rstd, dy, dx, dweight, n);
}

void MoveInto(float* x, double* sum, size_t n) noexcept {
  RANVIER_DISPATCH(MoveIntoImpl)(x, sum, n);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
