#pragma once

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/view.h"
#include "ranvier/simd/dropout.h"
#include "ranvier/simd/elementwise.h"

namespace ranvier::parallel {

// lib/ops/elementwise.h without its checks: equal shapes; f32, bf16, f16; a
// bias with as many elements as there are columns, or none. Whether stores go
// past the caches is decided here. By reference, as a small matrix takes less
// time than more copies of its views.
void Map(Context& ctx, const simd::ElementwiseCall& call,
         const ConstAnyMatView& x, const VecView<const float>& bias,
         const AnyMatView& y);
void MapGradient(Context& ctx, const simd::ElementwiseCall& call,
                 const ConstAnyMatView& x, const VecView<const float>& bias,
                 const ConstAnyMatView& dy, const AnyMatView& dx);
void Gated(Context& ctx, const simd::ElementwiseCall& call,
           const ConstAnyMatView& gate, const ConstAnyMatView& up,
           const AnyMatView& y);
void GatedGradient(Context& ctx, const simd::ElementwiseCall& call,
                   const ConstAnyMatView& gate, const ConstAnyMatView& up,
                   const ConstAnyMatView& dy, const AnyMatView& dgate,
                   const AnyMatView& dup);

// Element (r, c) is the one of number call.first + r * cols + c.
void Dropout(Context& ctx, const simd::DropoutCall& call,
             const ConstAnyMatView& x, const AnyMatView& y);

}  // namespace ranvier::parallel
