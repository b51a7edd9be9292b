// Rows of any floating-point storage and stride to f32 and back. Included per
// target, after <hwy/highway.h>.

#include <type_traits>

#include "ranvier/simd/base/element_type.h"
#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/convert-inl.h"

#if defined(RANVIER_SIMD_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_ROWS_INL_H_
#undef RANVIER_SIMD_ROWS_INL_H_
#else
#define RANVIER_SIMD_ROWS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using RowD = hn::ScalableTag<float>;

// n elements with gaps of any floating-point type to f32, and back.
template <typename T>
void WidenRow(const void* from, size_t stride, size_t n,
              float* HWY_RESTRICT to) {
  const auto* x = static_cast<const T*>(from);
  if constexpr (std::is_same_v<T, float>) {
    for (size_t i = 0; i < n; ++i) to[i] = x[i * stride];
  } else if (stride == 1) {
    const RowD d;
    const hn::Rebind<uint16_t, RowD> d16;
    const size_t N = hn::Lanes(d);
    size_t i = 0;
    for (; i + N <= n; i += N) {
      hn::StoreU(WidenBits(T(), d, hn::LoadU(d16, &x[i].bits)), d, to + i);
    }
    if (i != n) {
      const auto bits = hn::LoadN(d16, &x[i].bits, n - i);
      hn::StoreN(WidenBits(T(), d, bits), d, to + i, n - i);
    }
  } else {
    for (size_t i = 0; i < n; ++i) to[i] = ToFloat(x[i * stride]);
  }
}
template <typename T>
void NarrowRow(const float* HWY_RESTRICT from, size_t n, void* to,
               size_t stride) {
  auto* y = static_cast<T*>(to);
  if constexpr (std::is_same_v<T, float>) {
    for (size_t i = 0; i < n; ++i) y[i * stride] = from[i];
  } else if (stride == 1) {
    const RowD d;
    const hn::Rebind<uint16_t, RowD> d16;
    const size_t N = hn::Lanes(d);
    size_t i = 0;
    for (; i + N <= n; i += N) {
      hn::StoreU(NarrowBits(T(), d, hn::LoadU(d, from + i)), d16, &y[i].bits);
    }
    if (i != n) {
      const auto x = hn::LoadN(d, from + i, n - i);
      hn::StoreN(NarrowBits(T(), d, x), d16, &y[i].bits, n - i);
    }
  } else {
    for (size_t i = 0; i < n; ++i) {
      if constexpr (std::is_same_v<T, bf16>) {
        y[i * stride] = ToBf16(from[i]);
      } else {
        y[i * stride] = ToF16(from[i]);
      }
    }
  }
}

inline void Widen(ElementType type, const void* from, size_t stride, size_t n,
                  float* to) {
  (type == ElementType::kBf16  ? WidenRow<bf16>
   : type == ElementType::kF16 ? WidenRow<f16>
                               : WidenRow<float>)(from, stride, n, to);
}
inline void Narrow(ElementType type, const float* from, size_t n, void* to,
                   size_t stride) {
  (type == ElementType::kBf16  ? NarrowRow<bf16>
   : type == ElementType::kF16 ? NarrowRow<f16>
                               : NarrowRow<float>)(from, n, to, stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // toggle
