#pragma once

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/view.h"

namespace ranvier::parallel {

// lib/ops/norm.h without its checks. Rows are shared between threads. Sums over
// rows are made of at most kNormParts parts, cut by the number of rows alone,
// and added up in f64 from first to last.
inline constexpr size_t kNormParts = 64;

struct LayerNormResults {
  VecView<float> mean;
  VecView<float> rstd;
};

void LayerNorm(Context& ctx, const ConstAnyMatView& x,
               VecView<const float> weight, VecView<const float> bias,
               const AnyMatView& y, float epsilon,
               const LayerNormResults& results);
void RmsNorm(Context& ctx, const ConstAnyMatView& x,
             VecView<const float> weight, const AnyMatView& y, float epsilon,
             float weight_offset, VecView<float> rstd);
void LayerNormGradient(Context& ctx, const ConstAnyMatView& x,
                       VecView<const float> weight, VecView<const float> mean,
                       VecView<const float> rstd, const ConstAnyMatView& dy,
                       const AnyMatView& dx, VecView<float> dweight,
                       VecView<float> dbias);
void RmsNormGradient(Context& ctx, const ConstAnyMatView& x,
                     VecView<const float> weight, VecView<const float> rstd,
                     const ConstAnyMatView& dy, const AnyMatView& dx,
                     VecView<float> dweight, float weight_offset);

}  // namespace ranvier::parallel
