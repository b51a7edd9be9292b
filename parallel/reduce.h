#pragma once

#include <cstddef>
#include <cstdint>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/view.h"
#include "ranvier/simd/reduce.h"

namespace ranvier::parallel {

// lib/ops/reduce.h without its checks. A row is cut every kReducePiece
// elements, and what comes of the pieces is joined in f64 from first to last.
inline constexpr size_t kReducePiece = 16384;

// y = sum / divisor, row by row.
void SumRows(Context& ctx, const ConstAnyMatView& x, VecView<float> y,
             double divisor);
void VarianceRows(Context& ctx, const ConstAnyMatView& x, VecView<float> y);
void MaxRows(Context& ctx, const ConstAnyMatView& x, VecView<float> y);
void ArgMaxRows(Context& ctx, const ConstAnyMatView& x, VecView<int64_t> y);

// Of all elements. The place of the greatest is that in row-major order.
double Sum(Context& ctx, const ConstAnyMatView& x);
simd::Moments FindMoments(Context& ctx, const ConstAnyMatView& x);
float Max(Context& ctx, const ConstAnyMatView& x);
simd::Greatest FindGreatest(Context& ctx, const ConstAnyMatView& x);

}  // namespace ranvier::parallel
