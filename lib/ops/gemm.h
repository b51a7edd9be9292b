#pragma once

#include <cstddef>
#include <span>

#include "ranvier/ops/packed_matrix.h"
#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/activation.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/view.h"

namespace ranvier {

struct GemmOptions {
  float alpha = 1;
  float beta = 0;                  // 0: C is not read
  VecView<const float> bias = {};  // [N], or empty
  Activation activation = Activation::kNone;
  ConstAnyMatView residual = {};  // [M, N], or empty
};

// C = activation(alpha A B + beta C + bias) + residual
//
// The general matrix product; a transposed operand is a.Transposed(). Sums are
// kept in f32, whatever the storage.
//
// Shapes    a: [M, K]; b: [K, N]; c: [M, N]; any strides, any size, 0 too.
// Types     a, b, c, residual: f32, bf16 or f16, in any combination. On targets
//           with a bf16 dot product (AVX3_ZEN4, AVX3_SPR) bf16 x bf16 uses it;
//           it takes subnormal inputs for 0.
// Aliasing  c may be residual if it has the same strides and type; else c
//           overlaps nothing.
// Error     before activation and conversion, for finite values:
//           <= 2 (K + 2) 2^-24 (|alpha| |A||B| + |beta| |C| + |bias|).
//           activation: as simd/activations-inl.h says. 0 * NaN is NaN.
// Threads   Those of ctx. Same bits for any thread count on one target.
// Throws    ShapeError; std::invalid_argument for an integer type.
RANVIER_API void Gemm(Context& ctx, ConstAnyMatView a, ConstAnyMatView b,
                      AnyMatView c, const GemmOptions& options = {});

// The same with weights that were packed before. Every row of C has the same
// bits however many rows are computed with it.
RANVIER_API void Gemm(Context& ctx, ConstAnyMatView a, const PackedMatrix& b,
                      AnyMatView c, const GemmOptions& options = {});

// c[i] = activation(alpha a[i] b[i] + beta c[i] + bias) + residual, for each i:
// products of any shapes, run beside each other. options.residual must be
// empty.
RANVIER_API void GemmBatched(Context& ctx, std::span<const ConstAnyMatView> a,
                             std::span<const ConstAnyMatView> b,
                             std::span<const AnyMatView> c,
                             const GemmOptions& options = {});

// The same for operands that lie at equal distances, in elements; a distance of
// 0 takes the same matrix each time (not for c).
RANVIER_API void GemmStridedBatched(Context& ctx, size_t batch,
                                    ConstAnyMatView a, size_t a_distance,
                                    ConstAnyMatView b, size_t b_distance,
                                    AnyMatView c, size_t c_distance,
                                    const GemmOptions& options = {});

// y = alpha A x + beta y
//
// Shapes    a: [M, N]; x: [N]; y: [M]; y overlaps nothing.
// Error     <= 2 (N + 2) 2^-24 (|alpha| |A||x| + |beta| |y|)
// Threads   as Gemm.
// Throws    ShapeError.
RANVIER_API void Gemv(Context& ctx, float alpha, MatView<const float> a,
                      VecView<const float> x, float beta, VecView<float> y);

}  // namespace ranvier
