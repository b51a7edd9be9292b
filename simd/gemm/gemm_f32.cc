#include "ranvier/simd/gemm/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/gemm_f32.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/gemm/panels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {

void GemmF32Impl(const GemmPanels& block) { RunPanels<F32Operands>(block); }

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(GemmF32Impl);

void GemmF32(const GemmPanels& block) noexcept {
  RANVIER_DISPATCH(GemmF32Impl)(block);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
