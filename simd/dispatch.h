// Chooses the kernel of the current target. Included by the sources of simd
// after <hwy/highway.h>.
//
//   HWY_EXPORT(SumImpl);
//   double Sum(const double* x, size_t n) noexcept {
//     return RANVIER_DISPATCH(SumImpl)(x, n);
//   }

#ifndef RANVIER_SIMD_DISPATCH_H_
#define RANVIER_SIMD_DISPATCH_H_

#include <hwy/targets.h>

namespace ranvier::simd::internal {

// Our own choice, not hwy::GetChosenTarget(), which the process shares.
hwy::ChosenTarget& ChosenTarget();

}  // namespace ranvier::simd::internal

#endif  // RANVIER_SIMD_DISPATCH_H_

#ifndef RANVIER_DISPATCH
#if (HWY_TARGETS & (HWY_TARGETS - 1)) == 0  // compiled for one target only
#define RANVIER_DISPATCH(Function) (HWY_DISPATCH_TABLE(Function)[0])
#else
#define RANVIER_DISPATCH(Function) \
  (HWY_DISPATCH_TABLE(             \
      Function)[::ranvier::simd::internal::ChosenTarget().GetIndex()])
#endif
#endif  // RANVIER_DISPATCH
