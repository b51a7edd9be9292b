// Rows of any storage type and stride to f32 and back. Included per target,
// after <hwy/highway.h>.

#include "ranvier/simd/base/element_type.h"
#include "ranvier/simd/base/float16.h"

#if defined(RANVIER_SIMD_GEMM_CONVERT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_GEMM_CONVERT_INL_H_
#undef RANVIER_SIMD_GEMM_CONVERT_INL_H_
#else
#define RANVIER_SIMD_GEMM_CONVERT_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline void WidenRow(const void* from, ElementType type, size_t stride,
                     size_t n, float* HWY_RESTRICT to) {
  for (size_t i = 0; i < n; ++i) {
    switch (type) {
      case ElementType::kBf16:
        to[i] = ToFloat(static_cast<const bf16*>(from)[i * stride]);
        break;
      case ElementType::kF16:
        to[i] = ToFloat(static_cast<const f16*>(from)[i * stride]);
        break;
      default:
        to[i] = static_cast<const float*>(from)[i * stride];
    }
  }
}

inline void NarrowRow(const float* HWY_RESTRICT from, size_t n, void* to,
                      ElementType type, size_t stride) {
  for (size_t i = 0; i < n; ++i) {
    switch (type) {
      case ElementType::kBf16:
        static_cast<bf16*>(to)[i * stride] = ToBf16(from[i]);
        break;
      case ElementType::kF16:
        static_cast<f16*>(to)[i * stride] = ToF16(from[i]);
        break;
      default:
        static_cast<float*>(to)[i * stride] = from[i];
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // toggle
