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

// Two rows are worked on together where both stay in L1 until they are written
// (NormRow::by_two): weight and bias are then read once, and one row hides how
// long the other's sums, root and division take. That is 0.85 of the time in
// L2. Else one row follows the other, and the next one is fetched meanwhile: to
// write two at once into L3 takes 1.4 times as long (Zen 4).
constexpr size_t kLongestOfTwo = 2048;

// How the elements of one row come about.
struct LayerNormScale {
  LayerNormScale(const Moments& moments, float epsilon)
      : mean(moments.mean), rstd(ReciprocalRoot(moments.variance, epsilon)) {}
  HWY_INLINE V operator()(D d, V x, V weight, V bias) const {
    const V z = hn::Mul(mean.Subtract(d, x), hn::Set(d, rstd));
    return hn::MulAdd(z, weight, bias);
  }
  Mean mean;
  float rstd;
};

template <bool kStream>
HWY_INLINE void LayerNormRow(const NormRow& by, const LayerNormScale& scale,
                             const float* x, const float* next, float* y,
                             size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    hwy::Prefetch(next + i);
    const V z = scale(d, hn::LoadU(d, x + i), hn::LoadU(d, by.weight + i),
                      hn::LoadU(d, by.bias + i));
    StoreOrStream<kStream>(z, d, y + i);
  }
  if (i != n) {
    const size_t some = n - i;
    const V z =
        scale(d, hn::LoadN(d, x + i, some), hn::LoadN(d, by.weight + i, some),
              hn::LoadN(d, by.bias + i, some));
    hn::StoreN(z, d, y + i, some);
  }
}

template <bool kStream>
HWY_INLINE void LayerNormTwo(const NormRow& by, const LayerNormScale& scale0,
                             const LayerNormScale& scale1, const float* x0,
                             const float* x1, float* y0, float* y1, size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    const V w = hn::LoadU(d, by.weight + i);
    const V b = hn::LoadU(d, by.bias + i);
    StoreOrStream<kStream>(scale0(d, hn::LoadU(d, x0 + i), w, b), d, y0 + i);
    StoreOrStream<kStream>(scale1(d, hn::LoadU(d, x1 + i), w, b), d, y1 + i);
  }
  if (i != n) {
    const size_t some = n - i;
    const V w = hn::LoadN(d, by.weight + i, some);
    const V b = hn::LoadN(d, by.bias + i, some);
    hn::StoreN(scale0(d, hn::LoadN(d, x0 + i, some), w, b), d, y0 + i, some);
    hn::StoreN(scale1(d, hn::LoadN(d, x1 + i, some), w, b), d, y1 + i, some);
  }
}

template <bool kStream>
HWY_INLINE void LayerNormAll(const NormRow& by, const float* x, size_t x_stride,
                             float* y, size_t y_stride, float* mean,
                             float* rstd, size_t rows, size_t n) {
  const auto keep = [=](size_t row, const Moments& moments, float r) {
    if (mean != nullptr) mean[row] = static_cast<float>(moments.mean);
    if (rstd != nullptr) rstd[row] = r;
  };
  const bool by_two = by.by_two && n <= kLongestOfTwo;
  size_t row = 0;
  for (; by_two && row + 2 <= rows; row += 2) {
    const float* x0 = x + row * x_stride;
    const float* x1 = x0 + x_stride;
    const Moments moments0 = MomentsOfRow(x0, n);
    const Moments moments1 = MomentsOfRow(x1, n);
    const LayerNormScale scale0(moments0, by.epsilon);
    const LayerNormScale scale1(moments1, by.epsilon);
    float* y0 = y + row * y_stride;
    LayerNormTwo<kStream>(by, scale0, scale1, x0, x1, y0, y0 + y_stride, n);
    keep(row, moments0, scale0.rstd);
    keep(row + 1, moments1, scale1.rstd);
  }
  for (; row < rows; ++row) {
    const float* x0 = x + row * x_stride;
    const float* next = row + 1 < rows ? x0 + x_stride : x0;
    const Moments moments = MomentsOfRow(x0, n);
    const LayerNormScale scale(moments, by.epsilon);
    LayerNormRow<kStream>(by, scale, x0, next, y + row * y_stride, n);
    keep(row, moments, scale.rstd);
  }
}

void LayerNormRowsImpl(const NormRow& by, const float* x, size_t x_stride,
                       float* y, size_t y_stride, float* mean, float* rstd,
                       size_t rows, size_t n) {
  if (by.stream) {
    LayerNormAll<true>(by, x, x_stride, y, y_stride, mean, rstd, rows, n);
    hwy::FlushStream();
  } else {
    LayerNormAll<false>(by, x, x_stride, y, y_stride, mean, rstd, rows, n);
  }
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

HWY_INLINE float RmsScale(const NormRow& by, const float* x, size_t n) {
  return ReciprocalRoot(SumOfRowSquares(x, n) / static_cast<double>(n),
                        by.epsilon);
}

HWY_INLINE V RmsNormOf(V x, V rstd, V weight) {
  return hn::Mul(hn::Mul(x, rstd), weight);
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
    StoreOrStream<kStream>(RmsNormOf(hn::LoadU(d, x + i), r, w), d, y + i);
  }
  if (i != n) {
    const size_t some = n - i;
    const V w = hn::Add(offset, hn::LoadN(d, by.weight + i, some));
    hn::StoreN(RmsNormOf(hn::LoadN(d, x + i, some), r, w), d, y + i, some);
  }
}

template <bool kStream>
HWY_INLINE void RmsNormTwo(const NormRow& by, float rstd0, float rstd1,
                           const float* x0, const float* x1, float* y0,
                           float* y1, size_t n) {
  const D d;
  const size_t N = hn::Lanes(d);
  const V r0 = hn::Set(d, rstd0);
  const V r1 = hn::Set(d, rstd1);
  const V offset = hn::Set(d, by.weight_offset);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    const V w = hn::Add(offset, hn::LoadU(d, by.weight + i));
    StoreOrStream<kStream>(RmsNormOf(hn::LoadU(d, x0 + i), r0, w), d, y0 + i);
    StoreOrStream<kStream>(RmsNormOf(hn::LoadU(d, x1 + i), r1, w), d, y1 + i);
  }
  if (i != n) {
    const size_t some = n - i;
    const V w = hn::Add(offset, hn::LoadN(d, by.weight + i, some));
    hn::StoreN(RmsNormOf(hn::LoadN(d, x0 + i, some), r0, w), d, y0 + i, some);
    hn::StoreN(RmsNormOf(hn::LoadN(d, x1 + i, some), r1, w), d, y1 + i, some);
  }
}

template <bool kStream>
HWY_INLINE void RmsNormAll(const NormRow& by, const float* x, size_t x_stride,
                           float* y, size_t y_stride, float* rstd, size_t rows,
                           size_t n) {
  const bool by_two = by.by_two && n <= kLongestOfTwo;
  size_t row = 0;
  for (; by_two && row + 2 <= rows; row += 2) {
    const float* x0 = x + row * x_stride;
    const float* x1 = x0 + x_stride;
    const float r0 = RmsScale(by, x0, n);
    const float r1 = RmsScale(by, x1, n);
    float* y0 = y + row * y_stride;
    RmsNormTwo<kStream>(by, r0, r1, x0, x1, y0, y0 + y_stride, n);
    if (rstd != nullptr) {
      rstd[row] = r0;
      rstd[row + 1] = r1;
    }
  }
  for (; row < rows; ++row) {
    const float* x0 = x + row * x_stride;
    const float* next = row + 1 < rows ? x0 + x_stride : x0;
    const float r = RmsScale(by, x0, n);
    RmsNormRow<kStream>(by, r, x0, next, y + row * y_stride, n);
    if (rstd != nullptr) rstd[row] = r;
  }
}

void RmsNormRowsImpl(const NormRow& by, const float* x, size_t x_stride,
                     float* y, size_t y_stride, float* rstd, size_t rows,
                     size_t n) {
  if (by.stream) {
    RmsNormAll<true>(by, x, x_stride, y, y_stride, rstd, rows, n);
    hwy::FlushStream();
  } else {
    RmsNormAll<false>(by, x, x_stride, y, y_stride, rstd, rows, n);
  }
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
