#pragma once

#include <cstdint>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/quant_layout.h"
#include "ranvier/simd/base/view.h"

namespace ranvier {

// 8-bit integers for real numbers: x is about (q - zero_point) scale, with one
// scale for the whole matrix, for each row, column, or group within a row
// (QuantLayout). q is s8 or u8.
//
// Two schemes, told apart by zero_point:
//   symmetric  zero_point is an empty view. q in [-127, 127], or [1, 255]
//              around 128 for u8, so that -x has the opposite of what x has.
//   affine     zero_point has the shape of scale. q in [-128, 127] or [0, 255].
//
// Shapes    x, q: [rows, cols]; scale, zero_point: [layout.ScaleRows(rows),
//           layout.ScaleCols(cols)]; any strides, but none of 0 in what is
//           written.
// Aliasing  what is written overlaps nothing.
// Threads   Those of ctx. Same bits for any thread count, on every target.
// Throws    ShapeError; std::invalid_argument for a q that is not s8 or u8, a
//           group size of 0, stride 0, a scale that is negative or not finite,
//           a zero point outside of q's integers.

// Scales, and zero points, from what x holds:
//   symmetric  scale = max |x| / 127.
//   affine     scale = (max(x, 0) - min(x, 0)) / 255; the zero point is where
//              0 lies, rounded half to even, so that 0 is exact.
// Infinities and NaN are left out. Where nothing is left, or all is 0, the
// scale is 0, as is an affine zero point. `type` is that of the q to come.
RANVIER_API void FindScales(Context& ctx, MatView<const float> x,
                            QuantLayout layout, ElementType type,
                            MatView<float> scale,
                            MatView<int32_t> zero_point = {});

// q = clamp(round(x / scale) + zero_point), half to even. Infinities and all
// beyond the ends give the ends; NaN gives the zero point; where the scale is
// 0 everything does.
RANVIER_API void Quantize(Context& ctx, MatView<const float> x,
                          QuantLayout layout, MatView<const float> scale,
                          MatView<const int32_t> zero_point, AnyMatView q);

// x = (q - zero_point) scale, in one rounding: within scale / 2 of what was
// quantised by scales that were found for it, and 2^-15 of scale for the
// roundings of division, product and scale; numbers within half a step of the
// largest f32 may come back infinite.
RANVIER_API void Dequantize(Context& ctx, ConstAnyMatView q, QuantLayout layout,
                            MatView<const float> scale,
                            MatView<const int32_t> zero_point,
                            MatView<float> x);

}  // namespace ranvier
