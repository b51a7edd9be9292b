#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/elementwise.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/view.h"

namespace ranvier {

// Functions element by element, their gradients, and dropout.
//
// Shapes    all the same; any strides, but none of 0 in what is written.
// Types     f32, bf16, f16, in any combination. Computed in f32; rounded once
//           more, to nearest, where a result is stored in 16 bits.
// Aliasing  what is written may be any operand, of the same type and with the
//           same strides; else it overlaps nothing.
// NaN       gives NaN. Where f(x) or f'(x) is infinite or 0, products with it
//           are those of IEEE 754: 0 * infinity is NaN.
// Threads   Those of ctx, from some 10^4 elements on. Same bits for any thread
//           count on one target: a value does not depend on its position.
// Throws    ShapeError; std::invalid_argument for an integer type, or for p.

struct MapOptions {
  // Slope of leaky relu for negative x, scale of elu; DefaultAlpha(f) if it is
  // not given.
  std::optional<float> alpha = {};
  VecView<const float> bias = {};  // [cols], or empty
};

// y = f(x + bias)
//
// Error  in ULP of f32, at most, for all inputs; in brackets without fused
//        multiply-add (SSE2 to SSE4). f of -infinity is its limit, -0 for gelu
//        and silu; subnormal results are rounded once.
//          relu 0, leaky relu 0.5, exp 1 (1.3), log 1, tanh 1.3 (1.6),
//          sigmoid, silu, log1p, expm1, elu 2 [3 where alpha is not 1],
//          gelu_tanh 2.3 (3), softplus 3, gelu 3.2 (4), erf 3.3 (4)
//        Log of 0 is -infinity, of what is below NaN.
RANVIER_API void Map(Context& ctx, Elementwise f, ConstAnyMatView x,
                     AnyMatView y, const MapOptions& options = {});

// dx = dy f'(x + bias), f' at most 4 ULP from exact (5 in the tanh form of
// gelu) and the product rounded. Where the derivative of gelu changes its sign,
// for x in [-2, -0.25], and of silu, in [-2, -0.5], it is within 5 * 2^-26. At
// 0 relu has 0, leaky relu and elu have alpha.
RANVIER_API void MapGradient(Context& ctx, Elementwise f, ConstAnyMatView x,
                             ConstAnyMatView dy, AnyMatView dx,
                             const MapOptions& options = {});

// y = f(gate) up: SwiGLU with kSilu, GeGLU with kGelu. alpha is the default.
//
// Ref  Shazeer 2020, "GLU variants improve transformer".
RANVIER_API void Gated(Context& ctx, Elementwise f, ConstAnyMatView gate,
                       ConstAnyMatView up, AnyMatView y);

// dgate = dy up f'(gate), dup = dy f(gate). dgate and dup may stand where
// operands are, but not in the same place.
RANVIER_API void GatedGradient(Context& ctx, Elementwise f,
                               ConstAnyMatView gate, ConstAnyMatView up,
                               ConstAnyMatView dy, AnyMatView dgate,
                               AnyMatView dup);

// y = kept ? x / (1 - p) : 0, where an element is dropped with probability p,
// so that the mean of y is x. The gradient is the same call on dy.
//
// Element (r, c) draws from Philox by (ctx.seed(), stream, first + r cols + c)
// and by nothing else: a part of a matrix, with its `first`, is treated as in
// the whole, on every target. Use another stream for each layer and step.
//
// p     in [0, 1], rounded to a multiple of 2^-32. With 0 y is x, with 1 it is
//       0, whatever x holds.
// Ref   Srivastava et al. 2014.
RANVIER_API void Dropout(Context& ctx, double p, uint64_t stream,
                         ConstAnyMatView x, AnyMatView y, uint64_t first = 0);

// Vectors: matrices of one row.
template <typename S, typename D>
void Map(Context& ctx, Elementwise f, VecView<S> x, VecView<D> y,
         const MapOptions& options = {}) {
  Map(ctx, f,
      ConstAnyMatView(x.data(), kElementType<std::remove_const_t<S>>, 1,
                      x.size(), 0, x.stride()),
      AnyMatView(y.data(), kElementType<D>, 1, y.size(), 0, y.stride()),
      options);
}
template <typename S, typename D>
void Dropout(Context& ctx, double p, uint64_t stream, VecView<S> x,
             VecView<D> y, uint64_t first = 0) {
  Dropout(ctx, p, stream,
          ConstAnyMatView(x.data(), kElementType<std::remove_const_t<S>>, 1,
                          x.size(), 0, x.stride()),
          AnyMatView(y.data(), kElementType<D>, 1, y.size(), 0, y.stride()),
          first);
}

}  // namespace ranvier
