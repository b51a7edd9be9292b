#pragma once

#include <cstddef>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/base/view.h"

namespace ranvier::parallel {

// lib/ops/blas1.h without its checks; by reference, as a small vector takes
// less time than another copy of its view. Sums are made of chunks of this many
// elements, each without gaps and on one thread, added up in f64 from the first
// to the last: the same bits for any number of threads, and with gaps too.
inline constexpr size_t kSumChunk = 16384;

float Dot(Context& ctx, const VecView<const float>& x,
          const VecView<const float>& y);
float Dot(Context& ctx, const VecView<const bf16>& x,
          const VecView<const bf16>& y);
void Axpy(Context& ctx, float alpha, const VecView<const float>& x,
          const VecView<float>& y);
void Scal(Context& ctx, float alpha, const VecView<float>& x);
float Nrm2(Context& ctx, const VecView<const float>& x);
float Asum(Context& ctx, const VecView<const float>& x);
size_t Iamax(Context& ctx, const VecView<const float>& x);

}  // namespace ranvier::parallel
