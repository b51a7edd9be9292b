#pragma once

#include <cstdint>

#include "ranvier/ops/packed_matrix.h"
#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/activation.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/view.h"

namespace ranvier {

// One number for all, or one of each row of a (a token), or each column of b
// (an output channel).
struct GemmInt8Options {
  VecView<const int32_t> a_zero;  // [1] or [M]; empty: 0. In the range of a
  VecView<const int32_t> b_zero;  // [1] or [N]; empty: 0. In the range of b
  // The rest is for a C of another type than s32.
  VecView<const float> a_scale;  // [1] or [M]; empty: 1
  VecView<const float> b_scale;  // [1] or [N]; empty: 1
  VecView<const float> bias;     // [N], or empty
  Activation activation = Activation::kNone;
  // For a C of u8 or s8.
  float c_scale = 1;   // > 0
  int32_t c_zero = 0;  // in the range of C
};

// x = sum over k of (a - a_zero) (b - b_zero)
// y = activation(a_scale b_scale x + bias)
// q = saturate(round_half_to_even(y / c_scale) + c_zero)
//
// Products of quantised matrices: C is x if its type is s32; y if it is f32,
// bf16 or f16; q if it is u8 or s8.
//
// Shapes    a: [M, K]; b: [K, N]; c: [M, N]; any strides, any size, 0 too.
// Types     a: u8 or s8; b: s8.
// Aliasing  c overlaps nothing.
// Error     x is exact on every target wherever it fits s32, else it is x
//           modulo 2^32; it always fits for K <= 65,793 without zero points,
//           and for K <= 33,025 with any.
//           y before activation: <= 2^-22 (|a_scale b_scale x| + |bias|).
//           activation: as simd/activations-inl.h says. q is that of a y
//           within these errors, 2^-23 |y| wider for the division; NaN gives
//           c_zero.
// Threads   Those of ctx. Same bits for any thread count on one target.
// Throws    ShapeError; std::invalid_argument for another type, a zero point
//           out of range, scales or a bias for s32, or a c_scale that is not a
//           positive finite number.
RANVIER_API void GemmInt8(Context& ctx, ConstAnyMatView a,
                          MatView<const int8_t> b, AnyMatView c,
                          const GemmInt8Options& options = {});

// The same with weights that were packed before; b.type() is s8.
RANVIER_API void GemmInt8(Context& ctx, ConstAnyMatView a,
                          const PackedMatrix& b, AnyMatView c,
                          const GemmInt8Options& options = {});

}  // namespace ranvier
