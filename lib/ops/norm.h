#pragma once

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/view.h"

namespace ranvier {

// Normalisation row by row, and its gradients. Sums are kept in f32 and f64.
//
// Shapes    x, y, dy, dx: [rows, dim]; weight, bias, dweight, dbias: [dim];
//           mean, rstd: [rows]; any strides, any size.
// Types     x, y, dy, dx: f32, bf16 or f16, in any combination.
// Threads   Those of ctx. Same bits for any thread count and any strides on
//           one target: a row belongs to one thread, and sums over rows are cut
//           by the number of rows alone.
// Throws    ShapeError; std::invalid_argument for an integer type, an epsilon
//           that is negative or not a number.
//
// A row with NaN gives NaN, and so does one with infinity; but RMS norm gives 0
// for what is finite there. With epsilon 0 a row of equal elements has no layer
// norm, and a row of 0 no RMS norm: NaN, and an infinite rstd.

struct LayerNormOptions {
  float epsilon = 1e-5f;
  // What LayerNormGradient wants; each [rows], or empty.
  VecView<float> mean = {};
  VecView<float> rstd = {};
};

// y = z weight + bias, z = (x - mean) rstd, rstd = 1 / sqrt(variance + epsilon)
//
// The variance is that of the row itself, sum (x - mean)^2 / dim. Squares are
// taken after the mean is, which is kept in two f32: a row with mean 10^6 and
// variance 1 loses nothing. weight or bias may be empty: 1, 0.
//
// Aliasing  y may be x if it has the same strides and type; else what is
//           written overlaps nothing.
// Error     (16 |z| + 8) 2^-24 |weight| + 2^-24 |y| for |x| < 2^120, before y
//           is narrowed; rstd 11 * 2^-24, relative; mean 2^-24 (|mean| + 7 /
//           rstd).
// Ref       Ba, Kiros and Hinton 2016.
RANVIER_API void LayerNorm(Context& ctx, ConstAnyMatView x,
                           VecView<const float> weight,
                           VecView<const float> bias, AnyMatView y,
                           const LayerNormOptions& options = {});

struct RmsNormOptions {
  float epsilon = 1e-5f;
  // Added to each weight: 1 for models that keep weight - 1.
  float weight_offset = 0;
  VecView<float> rstd = {};  // [rows], or empty
};

// y = x rstd (weight_offset + weight), rstd = 1 / sqrt(mean x^2 + epsilon). An
// empty weight is 1, and takes no offset.
//
// Aliasing  as LayerNorm.
// Error     7 * 2^-24, relative, for |x| < 2^120, before y is narrowed; rstd
//           4 * 2^-24.
// Ref       Zhang and Sennrich 2019, eq. 4.
RANVIER_API void RmsNorm(Context& ctx, ConstAnyMatView x,
                         VecView<const float> weight, AnyMatView y,
                         const RmsNormOptions& options = {});

// From the x, weight, mean and rstd of LayerNorm, and dy. With g = weight dy:
//   dx = rstd (g - mean g - z mean(g z))
//   dweight = sum over rows of dy z, dbias = sum over rows of dy
// What mean was rounded by is found again. dweight and dbias are overwritten;
// either may be empty.
//
// Aliasing  dx may be x or dy if it has the same strides and type; else what
//           is written overlaps nothing.
// Error     for the rstd given, before dx is narrowed; means are of rows:
//             dx       16 * 2^-24 rstd (|g| + mean |g| +
//                      (1 + |z|) mean(|g| (1 + |z|)))
//             dweight  48 * 2^-24 sum |dy| (1 + |z|)
//             dbias    40 * 2^-24 sum |dy|
RANVIER_API void LayerNormGradient(
    Context& ctx, ConstAnyMatView x, VecView<const float> weight,
    VecView<const float> mean, VecView<const float> rstd, ConstAnyMatView dy,
    AnyMatView dx, VecView<float> dweight, VecView<float> dbias);

// From the x, weight and rstd of RmsNorm, and dy. With z = x rstd and
// g = (weight_offset + weight) dy:
//   dx = rstd (g - z mean(g z)), dweight = sum over rows of dy z
// dweight is overwritten; it may be empty.
//
// Aliasing, Error  as LayerNormGradient.
RANVIER_API void RmsNormGradient(Context& ctx, ConstAnyMatView x,
                                 VecView<const float> weight,
                                 VecView<const float> rstd, ConstAnyMatView dy,
                                 AnyMatView dx, VecView<float> dweight,
                                 float weight_offset = 0);

}  // namespace ranvier
