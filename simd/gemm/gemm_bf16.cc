#include "ranvier/simd/gemm/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/gemm_bf16.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/gemm/panels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {

void GemmBf16Impl(const GemmPanels& block) { RunPanels<Bf16Operands>(block); }

#if HWY_NATIVE_DOT_BF16
void GemmBf16DotImpl(const GemmPanels& block) {
  RunPanels<Bf16DotOperands>(block);
}
#else
void GemmBf16DotImpl(const GemmPanels&) { RANVIER_DCHECK(false); }
#endif

GemmShape GemmShapeImpl() {
  const size_t lanes = hn::Lanes(GemmD());
  return {kMR, lanes, 2 * lanes, HWY_NATIVE_DOT_BF16 != 0};
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(GemmBf16Impl);
HWY_EXPORT(GemmBf16DotImpl);
HWY_EXPORT(GemmShapeImpl);

void GemmBf16(const GemmPanels& block) noexcept {
  RANVIER_DISPATCH(GemmBf16Impl)(block);
}
void GemmBf16Dot(const GemmPanels& block) noexcept {
  RANVIER_DISPATCH(GemmBf16DotImpl)(block);
}
GemmShape CurrentGemmShape() noexcept {
  return RANVIER_DISPATCH(GemmShapeImpl)();
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
