#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/optimizer.h"

namespace ranvier::parallel {

// lib/ops/optimizer.h without its checks: everything without gaps.
void UpdateSgd(Context& ctx, const simd::SgdStep& step,
               const simd::UpdateRange& range);
void UpdateAdamW(Context& ctx, const simd::AdamWStep& step,
                 const simd::UpdateRange& range);
void UpdateRmsProp(Context& ctx, const simd::RmsPropStep& step,
                   const simd::UpdateRange& range);

struct GradientSums {
  double sum_of_squares = 0;
  uint64_t non_finite = 0;
};
// In chunks of this many elements, none of which holds parts of two gradients,
// added up in f64 from first to last.
inline constexpr size_t kGradientChunk = 16384;
GradientSums SumGradients(Context& ctx,
                          std::span<const ConstAnyMatView> gradients);

}  // namespace ranvier::parallel
