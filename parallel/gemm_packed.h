#pragma once

#include "ranvier/parallel/context.h"
#include "ranvier/parallel/gemm.h"

namespace ranvier::parallel {

// The product by tiles of A times panels of B, each packed on the way or, for
// B, before; neither side is empty. On so many threads of ctx.
void MultiplyPacked(Context& ctx, const GemmProblem& problem, int threads);

}  // namespace ranvier::parallel
