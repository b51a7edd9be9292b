#pragma once

#include <cstddef>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/base/view.h"

namespace ranvier::parallel {

// lib/ops/blas1.h without its checks. Sums are made of chunks of this many
// elements, each without gaps and on one thread, added up in f64 from the first
// to the last: the same bits for any number of threads, and with gaps too.
inline constexpr size_t kSumChunk = 16384;

float Dot(Context& ctx, VecView<const float> x, VecView<const float> y);
float Dot(Context& ctx, VecView<const bf16> x, VecView<const bf16> y);
void Axpy(Context& ctx, float alpha, VecView<const float> x, VecView<float> y);
void Scal(Context& ctx, float alpha, VecView<float> x);
float Nrm2(Context& ctx, VecView<const float> x);
float Asum(Context& ctx, VecView<const float> x);
size_t Iamax(Context& ctx, VecView<const float> x);

}  // namespace ranvier::parallel
