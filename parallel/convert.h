#pragma once

#include <cstdint>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/convert.h"

namespace ranvier::parallel {

// lib/ops/convert.h without its checks: equal shapes; f32, bf16, f16.
void Convert(Context& ctx, ConstAnyMatView src, AnyMatView dst);

// dst is bf16 or f16. Element (r, c) is the one of number
// bits.first + r * cols + c.
void ConvertStochastic(Context& ctx, MatView<const float> src, AnyMatView dst,
                       const simd::RoundingBits& bits);

}  // namespace ranvier::parallel
