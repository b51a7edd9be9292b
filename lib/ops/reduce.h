#pragma once

#include <cstddef>
#include <cstdint>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/view.h"

namespace ranvier {

// Many numbers to one: every row of x, or all of it. Columns are the rows of
// x.Transposed(), and are read as they lie.
//
// Shapes    x: [rows, cols], any strides; y: [rows].
// Types     x: f32, bf16 or f16; sums are kept in f32 and f64.
// Threads   Those of ctx. Same bits for any thread count on one target: rows
//           are cut at fixed places, and what comes of the pieces is joined in
//           f64 from first to last. Places differ with the strides.
// Throws    ShapeError; std::invalid_argument for an integer type.

// Error  <= 2.1 * 2^-24 sum |x|, and 2^-24 of the result, where no sum of four
//        elements overflows.
RANVIER_API void SumRows(Context& ctx, ConstAnyMatView x, VecView<float> y);
RANVIER_API float Sum(Context& ctx, ConstAnyMatView x);

// Sum over count; of nothing NaN.
//
// Error  <= 2.1 * 2^-24 mean |x|, and 2^-24 of the result.
RANVIER_API void MeanRows(Context& ctx, ConstAnyMatView x, VecView<float> y);
RANVIER_API float Mean(Context& ctx, ConstAnyMatView x);

// The variance of the population: sum (x - mean)^2 / count, of nothing NaN. The
// mean is taken off before squaring: nothing cancels, however large it is.
//
// Error  <= 36 * 2^-24, relative, for results in the range of normal numbers;
//        20 * 2^-24 for rows of up to 16384 elements.
// Ref    Chan, Golub and LeVeque 1983.
RANVIER_API void VarianceRows(Context& ctx, ConstAnyMatView x,
                              VecView<float> y);
RANVIER_API float Variance(Context& ctx, ConstAnyMatView x);

// The greatest, and the index of the first that is: NaN is greater than all
// else, -0 equals 0. Of nothing: -infinity, and its size. A greatest 0 is +0.
// The index in all of x is that in row-major order.
RANVIER_API void MaxRows(Context& ctx, ConstAnyMatView x, VecView<float> y);
RANVIER_API float Max(Context& ctx, ConstAnyMatView x);
RANVIER_API void ArgMaxRows(Context& ctx, ConstAnyMatView x,
                            VecView<int64_t> y);
RANVIER_API int64_t ArgMax(Context& ctx, ConstAnyMatView x);

// The k greatest of each row, the greatest first, and their indices. Exact; of
// equal ones that with the lower index comes first. NaN is greater than all
// else and all NaN are equal; -0 equals 0.
//
// By radix selection among those that reach the k-th greatest of the maxima of
// 8 k groups: for most data two reads of x and little else.
//
// Shapes    x: [rows, cols]; values: f32, bf16 or f16, and indices: [rows, k],
//           k <= cols < 2^32.
// Aliasing  values and indices overlap nothing.
// Threads   as above, and the same bits on every target. A row is not shared.
// Throws    ShapeError; std::invalid_argument for an integer type.
RANVIER_API void TopK(Context& ctx, ConstAnyMatView x, size_t k,
                      AnyMatView values, MatView<int64_t> indices);

}  // namespace ranvier
