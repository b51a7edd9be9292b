#pragma once

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/view.h"

namespace ranvier {

struct SoftmaxOptions {
  float scale = 1;
  // Added, [rows, cols] or empty: f32, bf16 or f16. -infinity masks out; a row
  // stride of 0 gives every row the same.
  ConstAnyMatView mask = {};
};

// Row by row, of the logits v = scale x + mask. With M = max v:
//   Softmax     y = e^v / sum e^v
//   LogSoftmax  y = v - log(sum e^v)
//   LogSumExp   y = log(sum e^v), one number a row
//
// Shapes    x, y, mask: [rows, cols], LogSumExp's y: [rows]; any strides, any
//           size. Columns: x.Transposed() and y.Transposed().
// Types     f32, bf16 or f16, in any combination. v and sums are f32 and f64.
// Aliasing  y may be x if it has the same strides and type; else y overlaps
//           nothing.
// Error     for v as rounded to f32, n = cols, before y is narrowed:
//             Softmax     relative (1.1 (M - v + log n) + 10) 2^-24; and
//                         2^-126, as what is below may become 0.
//             LogSoftmax  (2 |y| + 1.1 log n + 6) 2^-24
//             LogSumExp   (|y| + 1.1 log n + 6) 2^-24
//           A row of Softmax in f32 sums to 1 within 4 * 2^-24 if n < 10^8.
// Special   a row of v that is                Softmax  LogSoftmax  LogSumExp
//             all -infinity, or has no columns    0    -infinity   -infinity
//             with NaN                          NaN        NaN        NaN
//             with infinity, no NaN             NaN        NaN       infinity
//           All 0 is the error value of a row in which nothing is left: it sums
//           to 0, gives attention nothing to look at, and its gradient is 0.
//           Else -infinity gives 0 and -infinity. 0 * infinity is NaN, and so
//           is an infinite x that is masked out.
// Threads   Those of ctx. Same bits for any thread count and any strides on
//           one target.
// Throws    ShapeError; std::invalid_argument for an integer type.
// Ref       Blanchard, Higham and Higham 2021.
RANVIER_API void Softmax(Context& ctx, ConstAnyMatView x, AnyMatView y,
                         const SoftmaxOptions& options = {});
RANVIER_API void LogSoftmax(Context& ctx, ConstAnyMatView x, AnyMatView y,
                            const SoftmaxOptions& options = {});
RANVIER_API void LogSumExp(Context& ctx, ConstAnyMatView x, VecView<float> y,
                           const SoftmaxOptions& options = {});

// From y, what the forward function gave, and dy to dx, with its scale:
//   SoftmaxGradient     dx = scale y (dy - sum y dy)
//   LogSoftmaxGradient  dx = scale (dy - e^y sum dy)
//
// Shapes    y, dy, dx: [rows, cols]; any strides.
// Types     f32, bf16 or f16, in any combination.
// Aliasing  dx may be y or dy if it has the same strides and type; else dx
//           overlaps nothing.
// Error     for the y given, before dx is narrowed, where no product
//           underflows:
//             Softmax     |scale y| (4 |dy| + 9 sum |y dy|) 2^-24
//             LogSoftmax  |scale| (3 |dy| + e^y (|y| / 8 + 9) sum |dy|) 2^-24
// Special   a row that was all -infinity has the gradient 0, and dy scale.
// Threads, Throws as above.
RANVIER_API void SoftmaxGradient(Context& ctx, ConstAnyMatView y,
                                 ConstAnyMatView dy, AnyMatView dx,
                                 float scale = 1);
RANVIER_API void LogSoftmaxGradient(Context& ctx, ConstAnyMatView y,
                                    ConstAnyMatView dy, AnyMatView dx,
                                    float scale = 1);

}  // namespace ranvier
