#pragma once

#include <cstdint>
#include <type_traits>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/view.h"

namespace ranvier {

// dst = src in the type of dst, rounded once, to nearest, ties to even.
//
// The bits are those of ToBf16, ToF16 and ToFloat (simd/base/float16.h) for
// every number, on every target: too large becomes infinity, subnormals stay,
// NaN becomes quiet and keeps its sign and the leading bits of its payload. A
// type to itself is a copy, NaN included.
//
// Shapes    the same; any strides, but none of 0 in dst.
// Types     f32, bf16, f16, in any combination.
// Aliasing  dst overlaps nothing.
// Threads   Those of ctx. Same bits for any thread count.
// Throws    ShapeError; std::invalid_argument for an integer type or stride 0.
RANVIER_API void Convert(Context& ctx, ConstAnyMatView src, AnyMatView dst);

// Stochastic rounding: uniform random bits are added below the kept fraction of
// |src|, then it is truncated, so that the mean of many results is src.
//
// Of the two neighbours of a number in dst's type the one further from zero is
// taken with the probability of the number's share of the way to it; exactly
// so for bf16 and normal f16, rounded down to a multiple of 2^-31 for
// subnormals of f16. Numbers that dst can hold stay, as does the sign. Between
// the largest finite number and the power of two after it (2^128, 2^16)
// infinity stands for that power; from there on the result is infinite. NaN as
// above.
//
// Element (r, c) draws from Philox by (ctx.seed(), stream, first + r cols + c)
// and by nothing else: a part of a matrix, with its `first`, is rounded as in
// the whole, on every target. Use another stream for each use: two roundings
// with the same one are not independent.
//
// Shapes, aliasing, threads, throws as above. dst is bf16 or f16.
RANVIER_API void ConvertStochastic(Context& ctx, MatView<const float> src,
                                   AnyMatView dst, uint64_t stream,
                                   uint64_t first = 0);

// Vectors: matrices of one row.
template <typename S, typename D>
void Convert(Context& ctx, VecView<S> src, VecView<D> dst) {
  Convert(
      ctx,
      ConstAnyMatView(src.data(), kElementType<std::remove_const_t<S>>, 1,
                      src.size(), 0, src.stride()),
      AnyMatView(dst.data(), kElementType<D>, 1, dst.size(), 0, dst.stride()));
}
template <typename D>
void ConvertStochastic(Context& ctx, VecView<const float> src, VecView<D> dst,
                       uint64_t stream, uint64_t first = 0) {
  ConvertStochastic(
      ctx, MatView<const float>(src.data(), 1, src.size(), 0, src.stride()),
      AnyMatView(dst.data(), kElementType<D>, 1, dst.size(), 0, dst.stride()),
      stream, first);
}

}  // namespace ranvier
