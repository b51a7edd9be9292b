#pragma once

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/quant_layout.h"
#include "ranvier/simd/base/view.h"

namespace ranvier::parallel {

// lib/ops/quantize.h without its checks. An empty zero_point: symmetric.
void FindScales(Context& ctx, MatView<const float> x, QuantLayout layout,
                ElementType type, MatView<float> scale,
                MatView<int32_t> zero_point);
void Quantize(Context& ctx, MatView<const float> x, QuantLayout layout,
              MatView<const float> scale, MatView<const int32_t> zero_point,
              AnyMatView q);
void Dequantize(Context& ctx, ConstAnyMatView q, QuantLayout layout,
                MatView<const float> scale, MatView<const int32_t> zero_point,
                MatView<float> x);

}  // namespace ranvier::parallel
