#include "ranvier/simd/quantize.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/quantize.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// 0, which is in every range, for infinities and NaN.
template <class DF>
HWY_INLINE hn::VFromD<DF> FiniteOrZero(hn::VFromD<DF> x) {
  return hn::IfThenElseZero(hn::IsFinite(x), x);
}

FiniteRange FindRangeImpl(const float* x, size_t n) {
  const hn::ScalableTag<float> d;
  using D = decltype(d);
  const size_t N = hn::Lanes(d);
  auto low0 = hn::Zero(d);
  auto low1 = hn::Zero(d);
  auto high0 = hn::Zero(d);
  auto high1 = hn::Zero(d);
  size_t i = 0;
  for (; i + 2 * N <= n; i += 2 * N) {
    const auto x0 = FiniteOrZero<D>(hn::LoadU(d, x + i));
    const auto x1 = FiniteOrZero<D>(hn::LoadU(d, x + i + N));
    low0 = hn::Min(low0, x0);
    low1 = hn::Min(low1, x1);
    high0 = hn::Max(high0, x0);
    high1 = hn::Max(high1, x1);
  }
  for (; i < n; i += N) {
    const auto x0 = FiniteOrZero<D>(hn::LoadN(d, x + i, n - i));
    low0 = hn::Min(low0, x0);
    high0 = hn::Max(high0, x0);
  }
  return {hn::ReduceMin(d, hn::Min(low0, low1)),
          hn::ReduceMax(d, hn::Max(high0, high1))};
}

void WidenRangesImpl(const float* HWY_RESTRICT x, float* HWY_RESTRICT low,
                     float* HWY_RESTRICT high, size_t n) {
  const hn::ScalableTag<float> d;
  using D = decltype(d);
  const size_t N = hn::Lanes(d);
  for (size_t i = 0; i < n; i += N) {
    const size_t count = std::min(N, n - i);
    const auto v = FiniteOrZero<D>(hn::LoadN(d, x + i, count));
    hn::StoreN(hn::Min(hn::LoadN(d, low + i, count), v), d, low + i, count);
    hn::StoreN(hn::Max(hn::LoadN(d, high + i, count), v), d, high + i, count);
  }
}

// By a scale of 0 everything is 0: x / inf, and NaN is taken for 0 below.
template <class DF>
HWY_INLINE hn::VFromD<DF> Divisor(DF d, hn::VFromD<DF> scale) {
  return hn::IfThenElse(hn::Eq(scale, hn::Zero(d)), hn::Inf(d), scale);
}

// low and high are the ends less the zero point: clamped as floats, which hold
// any x / scale, and rounded afterwards, which cannot leave integer ends.
template <class DF>
HWY_INLINE hn::VFromD<hn::RebindToSigned<DF>> QuantizeVec(
    DF, hn::VFromD<DF> x, hn::VFromD<DF> divisor,
    hn::VFromD<hn::RebindToSigned<DF>> zero_point, hn::VFromD<DF> low,
    hn::VFromD<DF> high) {
  const auto quotient = hn::Div(x, divisor);
  const auto number = hn::IfThenElseZero(hn::Eq(quotient, quotient), quotient);
  const auto clamped = hn::Min(hn::Max(number, low), high);
  return hn::Add(hn::NearestInt(clamped), zero_point);
}

template <class Q>
HWY_INLINE void QuantizeLoop(const float* HWY_RESTRICT x, Quantization by,
                             QuantizedRange range, Q* HWY_RESTRICT q,
                             size_t n) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<Q, decltype(d)> dq;
  const size_t N = hn::Lanes(d);
  const auto divisor = Divisor(d, hn::Set(d, by.scale));
  const auto zero_point = hn::Set(di, by.zero_point);
  const auto low = hn::Set(d, static_cast<float>(range.low - by.zero_point));
  const auto high = hn::Set(d, static_cast<float>(range.high - by.zero_point));
  size_t i = 0;
  for (; i + N <= n; i += N) {
    const auto v =
        QuantizeVec(d, hn::LoadU(d, x + i), divisor, zero_point, low, high);
    hn::StoreU(hn::DemoteTo(dq, v), dq, q + i);
  }
  if (i != n) {
    const auto v = QuantizeVec(d, hn::LoadN(d, x + i, n - i), divisor,
                               zero_point, low, high);
    hn::StoreN(hn::DemoteTo(dq, v), dq, q + i, n - i);
  }
}

template <class Q>
HWY_INLINE void QuantizeEachLoop(const float* HWY_RESTRICT x,
                                 const float* HWY_RESTRICT scale,
                                 const int32_t* HWY_RESTRICT zero_point,
                                 QuantizedRange range, Q* HWY_RESTRICT q,
                                 size_t n) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<Q, decltype(d)> dq;
  const size_t N = hn::Lanes(d);
  const auto range_low = hn::Set(di, range.low);
  const auto range_high = hn::Set(di, range.high);
  for (size_t i = 0; i < n; i += N) {
    const size_t count = std::min(N, n - i);
    const auto zero = hn::LoadN(di, zero_point + i, count);
    const auto divisor = Divisor(d, hn::LoadN(d, scale + i, count));
    const auto low = hn::ConvertTo(d, hn::Sub(range_low, zero));
    const auto high = hn::ConvertTo(d, hn::Sub(range_high, zero));
    const auto v =
        QuantizeVec(d, hn::LoadN(d, x + i, count), divisor, zero, low, high);
    hn::StoreN(hn::DemoteTo(dq, v), dq, q + i, count);
  }
}

template <class Q>
HWY_INLINE void DequantizeLoop(const Q* HWY_RESTRICT q, Quantization by,
                               float* HWY_RESTRICT x, size_t n) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<Q, decltype(d)> dq;
  const size_t N = hn::Lanes(d);
  const auto scale = hn::Set(d, by.scale);
  const auto zero_point = hn::Set(di, by.zero_point);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    const auto v = hn::Sub(hn::PromoteTo(di, hn::LoadU(dq, q + i)), zero_point);
    hn::StoreU(hn::Mul(hn::ConvertTo(d, v), scale), d, x + i);
  }
  if (i != n) {
    const auto v =
        hn::Sub(hn::PromoteTo(di, hn::LoadN(dq, q + i, n - i)), zero_point);
    hn::StoreN(hn::Mul(hn::ConvertTo(d, v), scale), d, x + i, n - i);
  }
}

template <class Q>
HWY_INLINE void DequantizeEachLoop(const Q* HWY_RESTRICT q,
                                   const float* HWY_RESTRICT scale,
                                   const int32_t* HWY_RESTRICT zero_point,
                                   float* HWY_RESTRICT x, size_t n) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<Q, decltype(d)> dq;
  const size_t N = hn::Lanes(d);
  for (size_t i = 0; i < n; i += N) {
    const size_t count = std::min(N, n - i);
    const auto v = hn::Sub(hn::PromoteTo(di, hn::LoadN(dq, q + i, count)),
                           hn::LoadN(di, zero_point + i, count));
    hn::StoreN(hn::Mul(hn::ConvertTo(d, v), hn::LoadN(d, scale + i, count)), d,
               x + i, count);
  }
}

void QuantizeS8(const float* x, Quantization by, QuantizedRange range,
                int8_t* q, size_t n) {
  QuantizeLoop(x, by, range, q, n);
}
void QuantizeU8(const float* x, Quantization by, QuantizedRange range,
                uint8_t* q, size_t n) {
  QuantizeLoop(x, by, range, q, n);
}
void QuantizeEachS8(const float* x, const float* scale,
                    const int32_t* zero_point, QuantizedRange range, int8_t* q,
                    size_t n) {
  QuantizeEachLoop(x, scale, zero_point, range, q, n);
}
void QuantizeEachU8(const float* x, const float* scale,
                    const int32_t* zero_point, QuantizedRange range, uint8_t* q,
                    size_t n) {
  QuantizeEachLoop(x, scale, zero_point, range, q, n);
}
void DequantizeS8(const int8_t* q, Quantization by, float* x, size_t n) {
  DequantizeLoop(q, by, x, n);
}
void DequantizeU8(const uint8_t* q, Quantization by, float* x, size_t n) {
  DequantizeLoop(q, by, x, n);
}
void DequantizeEachS8(const int8_t* q, const float* scale,
                      const int32_t* zero_point, float* x, size_t n) {
  DequantizeEachLoop(q, scale, zero_point, x, n);
}
void DequantizeEachU8(const uint8_t* q, const float* scale,
                      const int32_t* zero_point, float* x, size_t n) {
  DequantizeEachLoop(q, scale, zero_point, x, n);
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(FindRangeImpl);
HWY_EXPORT(WidenRangesImpl);
HWY_EXPORT(QuantizeS8);
HWY_EXPORT(QuantizeU8);
HWY_EXPORT(QuantizeEachS8);
HWY_EXPORT(QuantizeEachU8);
HWY_EXPORT(DequantizeS8);
HWY_EXPORT(DequantizeU8);
HWY_EXPORT(DequantizeEachS8);
HWY_EXPORT(DequantizeEachU8);

FiniteRange FindRange(const float* x, size_t n) noexcept {
  return RANVIER_DISPATCH(FindRangeImpl)(x, n);
}

void WidenRanges(const float* x, float* low, float* high, size_t n) noexcept {
  RANVIER_DISPATCH(WidenRangesImpl)(x, low, high, n);
}

Quantization SymmetricQuantization(FiniteRange range,
                                   ElementType type) noexcept {
  return {std::max(-range.low, range.high) / 127.0f,
          type == ElementType::kU8 ? 128 : 0};
}

Quantization AffineQuantization(FiniteRange range, ElementType type) noexcept {
  // In f64 the width cannot overflow, and half a step is seen as such.
  const double width = static_cast<double>(range.high) - range.low;
  const auto scale = static_cast<float>(width / 255);
  if (scale == 0) return {};
  const QuantizedRange ends = RangeOf(type);
  const double zero = std::nearbyint(ends.low - range.low / double{scale});
  return {scale,
          static_cast<int32_t>(std::clamp<double>(zero, ends.low, ends.high))};
}

void Quantize(const float* x, Quantization by, QuantizedRange range, int8_t* q,
              size_t n) noexcept {
  RANVIER_DISPATCH(QuantizeS8)(x, by, range, q, n);
}
void Quantize(const float* x, Quantization by, QuantizedRange range, uint8_t* q,
              size_t n) noexcept {
  RANVIER_DISPATCH(QuantizeU8)(x, by, range, q, n);
}
void Quantize(const float* x, const float* scale, const int32_t* zero_point,
              QuantizedRange range, int8_t* q, size_t n) noexcept {
  RANVIER_DISPATCH(QuantizeEachS8)(x, scale, zero_point, range, q, n);
}
void Quantize(const float* x, const float* scale, const int32_t* zero_point,
              QuantizedRange range, uint8_t* q, size_t n) noexcept {
  RANVIER_DISPATCH(QuantizeEachU8)(x, scale, zero_point, range, q, n);
}

void Dequantize(const int8_t* q, Quantization by, float* x, size_t n) noexcept {
  RANVIER_DISPATCH(DequantizeS8)(q, by, x, n);
}
void Dequantize(const uint8_t* q, Quantization by, float* x,
                size_t n) noexcept {
  RANVIER_DISPATCH(DequantizeU8)(q, by, x, n);
}
void Dequantize(const int8_t* q, const float* scale, const int32_t* zero_point,
                float* x, size_t n) noexcept {
  RANVIER_DISPATCH(DequantizeEachS8)(q, scale, zero_point, x, n);
}
void Dequantize(const uint8_t* q, const float* scale, const int32_t* zero_point,
                float* x, size_t n) noexcept {
  RANVIER_DISPATCH(DequantizeEachU8)(q, scale, zero_point, x, n);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
