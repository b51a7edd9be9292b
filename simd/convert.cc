#include "ranvier/simd/convert.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/convert.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/convert-inl.h"
#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/philox-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// An array of the structs bf16 and f16 is one of their bits.
template <class T>
const uint16_t* Bits(const T* x) {
  return reinterpret_cast<const uint16_t*>(x);
}
template <class T>
uint16_t* Bits(T* x) {
  return reinterpret_cast<uint16_t*>(x);
}

template <class To>
HWY_INLINE void NarrowLoop(const float* HWY_RESTRICT x, To* HWY_RESTRICT y,
                           size_t n) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<uint16_t, decltype(d)> du16;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    hn::StoreU(NarrowBits(To(), d, hn::LoadU(d, x + i)), du16, Bits(y + i));
  }
  if (i != n) {
    hn::StoreN(NarrowBits(To(), d, hn::LoadN(d, x + i, n - i)), du16,
               Bits(y + i), n - i);
  }
}

template <class From>
HWY_INLINE void WidenLoop(const From* HWY_RESTRICT x, float* HWY_RESTRICT y,
                          size_t n) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<uint16_t, decltype(d)> du16;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + N <= n; i += N) {
    hn::StoreU(WidenBits(From(), d, hn::LoadU(du16, Bits(x + i))), d, y + i);
  }
  if (i != n) {
    hn::StoreN(WidenBits(From(), d, hn::LoadN(du16, Bits(x + i), n - i)), d,
               y + i, n - i);
  }
}

// Widening is exact, so the number is rounded once.
template <class From, class To>
HWY_INLINE void ReformatLoop(const From* HWY_RESTRICT x, To* HWY_RESTRICT y,
                             size_t n) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<uint16_t, decltype(d)> du16;
  const size_t N = hn::Lanes(d);
  for (size_t i = 0; i < n; i += N) {
    const size_t count = std::min(N, n - i);
    const auto bits = hn::LoadN(du16, Bits(x + i), count);
    hn::StoreN(NarrowBits(To(), d, WidenBits(From(), d, bits)), du16,
               Bits(y + i), count);
  }
}

template <class To>
HWY_INLINE void StochasticLoop(const float* HWY_RESTRICT x, To* HWY_RESTRICT y,
                               size_t n, const RoundingBits& bits) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::Rebind<uint16_t, decltype(d)> du16;
  const size_t N = hn::Lanes(d);
  constexpr size_t kPiece = 512;  // random bits of a piece stay in L1
  HWY_ALIGN uint32_t random[kPiece];
  for (size_t begin = 0; begin < n;) {
    const uint64_t element = bits.first + begin;
    const auto skip = static_cast<size_t>(element % 4);
    const size_t count = std::min(n - begin, kPiece - skip);
    PhiloxBlocks(bits.key, element / 4, (skip + count + 3) / 4, random);
    const float* from = x + begin;
    To* to = y + begin;
    size_t i = 0;
    for (; i + N <= count; i += N) {
      const auto r = hn::LoadU(du, random + skip + i);
      hn::StoreU(NarrowBitsStochastic(To(), d, hn::LoadU(d, from + i), r), du16,
                 Bits(to + i));
    }
    if (i != count) {
      const auto r = hn::LoadN(du, random + skip + i, count - i);
      const auto v = hn::LoadN(d, from + i, count - i);
      hn::StoreN(NarrowBitsStochastic(To(), d, v, r), du16, Bits(to + i),
                 count - i);
    }
    begin += count;
  }
}

void F32ToBf16(const float* x, bf16* y, size_t n) { NarrowLoop(x, y, n); }
void F32ToF16(const float* x, f16* y, size_t n) { NarrowLoop(x, y, n); }
void Bf16ToF32(const bf16* x, float* y, size_t n) { WidenLoop(x, y, n); }
void F16ToF32(const f16* x, float* y, size_t n) { WidenLoop(x, y, n); }
void Bf16ToF16(const bf16* x, f16* y, size_t n) { ReformatLoop(x, y, n); }
void F16ToBf16(const f16* x, bf16* y, size_t n) { ReformatLoop(x, y, n); }
void F32ToBf16Stochastic(const float* x, bf16* y, size_t n,
                         const RoundingBits& bits) {
  StochasticLoop(x, y, n, bits);
}
void F32ToF16Stochastic(const float* x, f16* y, size_t n,
                        const RoundingBits& bits) {
  StochasticLoop(x, y, n, bits);
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(F32ToBf16);
HWY_EXPORT(F32ToF16);
HWY_EXPORT(Bf16ToF32);
HWY_EXPORT(F16ToF32);
HWY_EXPORT(Bf16ToF16);
HWY_EXPORT(F16ToBf16);
HWY_EXPORT(F32ToBf16Stochastic);
HWY_EXPORT(F32ToF16Stochastic);

void Convert(const float* x, bf16* y, size_t n) noexcept {
  RANVIER_DISPATCH(F32ToBf16)(x, y, n);
}
void Convert(const float* x, f16* y, size_t n) noexcept {
  RANVIER_DISPATCH(F32ToF16)(x, y, n);
}
void Convert(const bf16* x, float* y, size_t n) noexcept {
  RANVIER_DISPATCH(Bf16ToF32)(x, y, n);
}
void Convert(const f16* x, float* y, size_t n) noexcept {
  RANVIER_DISPATCH(F16ToF32)(x, y, n);
}
void Convert(const bf16* x, f16* y, size_t n) noexcept {
  RANVIER_DISPATCH(Bf16ToF16)(x, y, n);
}
void Convert(const f16* x, bf16* y, size_t n) noexcept {
  RANVIER_DISPATCH(F16ToBf16)(x, y, n);
}
void ConvertStochastic(const float* x, bf16* y, size_t n,
                       const RoundingBits& bits) noexcept {
  RANVIER_DISPATCH(F32ToBf16Stochastic)(x, y, n, bits);
}
void ConvertStochastic(const float* x, f16* y, size_t n,
                       const RoundingBits& bits) noexcept {
  RANVIER_DISPATCH(F32ToF16Stochastic)(x, y, n, bits);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
