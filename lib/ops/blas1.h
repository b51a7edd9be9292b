#pragma once

#include <cstddef>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/base/view.h"

namespace ranvier {

// BLAS level 1 for f32. Vectors may have any stride; one that is written may
// not have stride 0.
//
// Threads   Those of ctx, from some 10^5 elements on. The same bits for any
//           thread count on one target, and for any stride: sums are made of
//           chunks of 16384 elements and added up in f64, from first to last.
// Throws    ShapeError if sizes differ; std::invalid_argument for stride 0.
// Ref       Lawson, Hanson, Kincaid and Krogh 1979.

// sum x[i] y[i]
//
// Error  <= (min(n / 16, 1024) + 13) 2^-24 sum |x[i] y[i]|, where no product
//        underflows.
RANVIER_API float Dot(Context& ctx, VecView<const float> x,
                      VecView<const float> y);
// Sums in f32; products of two bf16 are exact in it. Subnormals count.
RANVIER_API float Dot(Context& ctx, VecView<const bf16> x,
                      VecView<const bf16> y);

// y += alpha x, also where alpha is 0: 0 * NaN is NaN.
//
// Aliasing  y may be x; else they do not overlap.
// Error     one rounding of the sum, and one of the product on targets without
//           a fused multiply-add.
RANVIER_API void Axpy(Context& ctx, float alpha, VecView<const float> x,
                      VecView<float> y);

// x *= alpha, also where alpha is 0.
RANVIER_API void Scal(Context& ctx, float alpha, VecView<float> x);

// sqrt(sum x[i]^2). Squares are added up in f64, where no f32 overflows or
// underflows: infinite only where the norm is above the largest f32.
//
// Error  <= 1.001 * 2^-24, relative; half of 2^-149 where that is more.
RANVIER_API float Nrm2(Context& ctx, VecView<const float> x);

// sum |x[i]|
//
// Error  <= (min(n / 16, 1024) + 13) 2^-24, relative.
RANVIER_API float Asum(Context& ctx, VecView<const float> x);

// The first index, from 0 on, at which |x[i]| is greatest. NaN is greater than
// all else: where there is one, the first of them is found. x.size() if x is
// empty.
RANVIER_API size_t Iamax(Context& ctx, VecView<const float> x);

}  // namespace ranvier
