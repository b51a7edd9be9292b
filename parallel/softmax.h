#pragma once

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/view.h"

namespace ranvier::parallel {

// lib/ops/softmax.h without its checks. Rows are shared between threads; one
// that is too long to stay in a cache is cut into pieces instead.

void Softmax(Context& ctx, const ConstAnyMatView& x, const AnyMatView& y,
             float scale, const ConstAnyMatView& mask);
void LogSoftmax(Context& ctx, const ConstAnyMatView& x, const AnyMatView& y,
                float scale, const ConstAnyMatView& mask);
void LogSumExp(Context& ctx, const ConstAnyMatView& x, VecView<float> y,
               float scale, const ConstAnyMatView& mask);
void SoftmaxGradient(Context& ctx, const ConstAnyMatView& y,
                     const ConstAnyMatView& dy, const AnyMatView& dx,
                     float scale);
void LogSoftmaxGradient(Context& ctx, const ConstAnyMatView& y,
                        const ConstAnyMatView& dy, const AnyMatView& dx,
                        float scale);

}  // namespace ranvier::parallel
