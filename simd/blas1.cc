#include "ranvier/simd/blas1.h"

#include <algorithm>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/blas1.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// In the sums below 4 accumulators hide the latency of a multiply-add where two
// loads feed each; the remainder is one masked step of the same loop.

float DotF32(const float* x, const float* y, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  auto s0 = hn::Zero(d);
  auto s1 = hn::Zero(d);
  auto s2 = hn::Zero(d);
  auto s3 = hn::Zero(d);
  size_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    s0 = hn::MulAdd(hn::LoadU(d, x + i), hn::LoadU(d, y + i), s0);
    s1 = hn::MulAdd(hn::LoadU(d, x + i + N), hn::LoadU(d, y + i + N), s1);
    s2 = hn::MulAdd(hn::LoadU(d, x + i + 2 * N), hn::LoadU(d, y + i + 2 * N),
                    s2);
    s3 = hn::MulAdd(hn::LoadU(d, x + i + 3 * N), hn::LoadU(d, y + i + 3 * N),
                    s3);
  }
  for (; i + N <= n; i += N) {
    s0 = hn::MulAdd(hn::LoadU(d, x + i), hn::LoadU(d, y + i), s0);
  }
  if (i != n) {
    s1 = hn::MulAdd(hn::LoadN(d, x + i, n - i), hn::LoadN(d, y + i, n - i), s1);
  }
  return hn::ReduceSum(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
}

// x and y hold two bf16 in each 32 bits. Which of the two an f32 comes from
// does not matter to a sum.
template <class DU>
HWY_INLINE auto LowHalf(DU, hn::VFromD<DU> pair) {
  return hn::BitCast(hn::RebindToFloat<DU>(), hn::ShiftLeft<16>(pair));
}
template <class DU>
[[maybe_unused]] HWY_INLINE auto HighHalf(DU du, hn::VFromD<DU> pair) {
  return hn::BitCast(hn::RebindToFloat<DU>(),
                     hn::And(pair, hn::Set(du, 0xFFFF0000u)));
}

// AVX512-BF16 has an instruction for this that takes subnormals for zero. It is
// not used: it would win in L1 only, and not much.
float DotBf16(const bf16* x_bf16, const bf16* y_bf16, size_t n) {
  const auto* x = reinterpret_cast<const uint16_t*>(x_bf16);
  const auto* y = reinterpret_cast<const uint16_t*>(y_bf16);
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  auto s0 = hn::Zero(d);
  auto s1 = hn::Zero(d);
  auto s2 = hn::Zero(d);
  auto s3 = hn::Zero(d);
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::Repartition<uint16_t, decltype(d)> d16;
  const size_t N = hn::Lanes(d16);
  const auto pairs = [&](const uint16_t* from) HWY_ATTR {
    return hn::BitCast(du, hn::LoadU(d16, from));
  };
  for (; i + 2 * N <= n; i += 2 * N) {
    const auto x0 = pairs(x + i);
    const auto y0 = pairs(y + i);
    const auto x1 = pairs(x + i + N);
    const auto y1 = pairs(y + i + N);
    s0 = hn::MulAdd(LowHalf(du, x0), LowHalf(du, y0), s0);
    s1 = hn::MulAdd(HighHalf(du, x0), HighHalf(du, y0), s1);
    s2 = hn::MulAdd(LowHalf(du, x1), LowHalf(du, y1), s2);
    s3 = hn::MulAdd(HighHalf(du, x1), HighHalf(du, y1), s3);
  }
#endif
  const hn::Rebind<uint16_t, decltype(d)> d16_half;
  for (; i < n; i += hn::Lanes(d)) {
    const auto x0 = hn::PromoteTo(du, hn::LoadN(d16_half, x + i, n - i));
    const auto y0 = hn::PromoteTo(du, hn::LoadN(d16_half, y + i, n - i));
    s0 = hn::MulAdd(LowHalf(du, x0), LowHalf(du, y0), s0);
  }
  return hn::ReduceSum(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
}

void AxpyF32(float alpha, const float* x, float* y, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  const auto a = hn::Set(d, alpha);
  size_t i = 0;
  for (; i + 2 * N <= n; i += 2 * N) {
    const auto y0 = hn::MulAdd(a, hn::LoadU(d, x + i), hn::LoadU(d, y + i));
    const auto y1 =
        hn::MulAdd(a, hn::LoadU(d, x + i + N), hn::LoadU(d, y + i + N));
    hn::StoreU(y0, d, y + i);
    hn::StoreU(y1, d, y + i + N);
  }
  for (; i < n; i += N) {
    const size_t count = std::min(N, n - i);
    hn::StoreN(
        hn::MulAdd(a, hn::LoadN(d, x + i, count), hn::LoadN(d, y + i, count)),
        d, y + i, count);
  }
}

void ScalF32(float alpha, float* x, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  const auto a = hn::Set(d, alpha);
  size_t i = 0;
  for (; i + 2 * N <= n; i += 2 * N) {
    const auto x0 = hn::Mul(a, hn::LoadU(d, x + i));
    const auto x1 = hn::Mul(a, hn::LoadU(d, x + i + N));
    hn::StoreU(x0, d, x + i);
    hn::StoreU(x1, d, x + i + N);
  }
  for (; i < n; i += N) {
    const size_t count = std::min(N, n - i);
    hn::StoreN(hn::Mul(a, hn::LoadN(d, x + i, count)), d, x + i, count);
  }
}

// One lane at a time, so that an element gets the bits it would have without
// gaps.
void AxpyStrided(float alpha, const float* x, size_t x_stride, float* y,
                 size_t y_stride, size_t n) {
  const hn::CappedTag<float, 1> d;
  const auto a = hn::Set(d, alpha);
  for (size_t i = 0; i < n; ++i) {
    float* at = y + i * y_stride;
    hn::StoreU(hn::MulAdd(a, hn::LoadU(d, x + i * x_stride), hn::LoadU(d, at)),
               d, at);
  }
}

float AsumF32(const float* x, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  auto s0 = hn::Zero(d);
  auto s1 = hn::Zero(d);
  auto s2 = hn::Zero(d);
  auto s3 = hn::Zero(d);
  size_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    s0 = hn::Add(s0, hn::Abs(hn::LoadU(d, x + i)));
    s1 = hn::Add(s1, hn::Abs(hn::LoadU(d, x + i + N)));
    s2 = hn::Add(s2, hn::Abs(hn::LoadU(d, x + i + 2 * N)));
    s3 = hn::Add(s3, hn::Abs(hn::LoadU(d, x + i + 3 * N)));
  }
  for (; i < n; i += N) {
    s0 = hn::Add(s0, hn::Abs(hn::LoadN(d, x + i, n - i)));
  }
  return hn::ReduceSum(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
}

double SumOfSquaresF32(const float* x, size_t n) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> df;
  const size_t N = hn::Lanes(d);
  auto s0 = hn::Zero(d);
  auto s1 = hn::Zero(d);
  auto s2 = hn::Zero(d);
  auto s3 = hn::Zero(d);
  size_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    const auto x0 = hn::PromoteTo(d, hn::LoadU(df, x + i));
    const auto x1 = hn::PromoteTo(d, hn::LoadU(df, x + i + N));
    const auto x2 = hn::PromoteTo(d, hn::LoadU(df, x + i + 2 * N));
    const auto x3 = hn::PromoteTo(d, hn::LoadU(df, x + i + 3 * N));
    s0 = hn::MulAdd(x0, x0, s0);
    s1 = hn::MulAdd(x1, x1, s1);
    s2 = hn::MulAdd(x2, x2, s2);
    s3 = hn::MulAdd(x3, x3, s3);
  }
  for (; i < n; i += N) {
    const auto x0 = hn::PromoteTo(d, hn::LoadN(df, x + i, n - i));
    s0 = hn::MulAdd(x0, x0, s0);
  }
  return hn::ReduceSum(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
}

// The bits of |x| order like |x|, NaN above all; all NaN become one.
template <class DI>
HWY_INLINE hn::VFromD<DI> Order(DI di, hn::VFromD<DI> bits) {
  return hn::Min(hn::And(bits, hn::Set(di, 0x7FFFFFFF)),
                 hn::Set(di, 0x7F800001));
}

// The greatest is found block by block, and its place looked for only in a
// block that has a greater one than all before it: for most data in few.
MaxMagnitude IamaxF32(const float* x, size_t n) {
  const hn::ScalableTag<float> df;
  const hn::RebindToSigned<decltype(df)> d;
  const size_t N = hn::Lanes(d);
  const auto load = [&](const float* from) HWY_ATTR {
    return hn::BitCast(d, hn::LoadU(df, from));
  };
  const auto load_some = [&](const float* from, size_t some) HWY_ATTR {
    return hn::BitCast(d, hn::LoadN(df, from, some));
  };
  constexpr size_t kBlock = 4096;  // stays in L1 until it is searched
  const auto mask = hn::Set(d, 0x7FFFFFFF);
  MaxMagnitude best{.index = n};
  for (size_t begin = 0; begin < n; begin += kBlock) {
    const float* block = x + begin;
    const size_t count = std::min(kBlock, n - begin);
    auto m0 = hn::Zero(d);
    auto m1 = hn::Zero(d);
    auto m2 = hn::Zero(d);
    auto m3 = hn::Zero(d);
    size_t i = 0;
    for (; i + 4 * N <= count; i += 4 * N) {
      m0 = hn::Max(m0, hn::And(mask, load(block + i)));
      m1 = hn::Max(m1, hn::And(mask, load(block + i + N)));
      m2 = hn::Max(m2, hn::And(mask, load(block + i + 2 * N)));
      m3 = hn::Max(m3, hn::And(mask, load(block + i + 3 * N)));
    }
    for (; i < count; i += N) {
      m0 = hn::Max(m0, hn::And(mask, load_some(block + i, count - i)));
    }
    const auto greatest = Order(d, hn::Max(hn::Max(m0, m1), hn::Max(m2, m3)));
    const int32_t order = hn::ReduceMax(d, greatest);
    if (order <= best.order) continue;
    best.order = order;
    const auto wanted = hn::Set(d, order);
    for (i = 0; i < count; i += N) {
      const auto here = load_some(block + i, count - i);
      const auto found = hn::FindFirstTrue(d, hn::Eq(Order(d, here), wanted));
      if (found >= 0) {
        best.index = begin + i + static_cast<size_t>(found);
        break;
      }
    }
  }
  return best;
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(DotF32);
HWY_EXPORT(DotBf16);
HWY_EXPORT(AxpyF32);
HWY_EXPORT(ScalF32);
HWY_EXPORT(AxpyStrided);
HWY_EXPORT(AsumF32);
HWY_EXPORT(SumOfSquaresF32);
HWY_EXPORT(IamaxF32);

float Dot(const float* x, const float* y, size_t n) noexcept {
  return RANVIER_DISPATCH(DotF32)(x, y, n);
}

float Dot(const bf16* x, const bf16* y, size_t n) noexcept {
  return RANVIER_DISPATCH(DotBf16)(x, y, n);
}

void Axpy(float alpha, const float* x, float* y, size_t n) noexcept {
  RANVIER_DISPATCH(AxpyF32)(alpha, x, y, n);
}

void Scal(float alpha, float* x, size_t n) noexcept {
  RANVIER_DISPATCH(ScalF32)(alpha, x, n);
}

void Axpy(float alpha, const float* x, size_t x_stride, float* y,
          size_t y_stride, size_t n) noexcept {
  RANVIER_DISPATCH(AxpyStrided)(alpha, x, x_stride, y, y_stride, n);
}

void Scal(float alpha, float* x, size_t stride, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) x[i * stride] *= alpha;
}

float Asum(const float* x, size_t n) noexcept {
  return RANVIER_DISPATCH(AsumF32)(x, n);
}

double SumOfSquares(const float* x, size_t n) noexcept {
  return RANVIER_DISPATCH(SumOfSquaresF32)(x, n);
}

MaxMagnitude Iamax(const float* x, size_t n) noexcept {
  return RANVIER_DISPATCH(IamaxF32)(x, n);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
