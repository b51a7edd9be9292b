#pragma once

#include <cstddef>
#include <functional>

#include "ranvier/parallel/context.h"
#include "ranvier/parallel/packed_panels.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/gemm/gemm.h"

namespace ranvier::parallel {

struct GemmProblem {
  ConstAnyMatView a;  // [M, K]
  ConstAnyMatView b;  // [K, N]; not looked at if packed is there
  const PackedPanels* packed = nullptr;
  simd::GemmEpilogue epilogue;  // C among it
};

// C = epilogue(A B). K is cut in the same places and every sum is made in the
// same order whatever the number of threads.
//
// Threads  up to max_threads of ctx.
void Gemm(Context& ctx, const GemmProblem& problem, int max_threads);

// Products beside each other: each on one thread if there are enough of them.
// make(i) gives the i-th.
void GemmBatch(Context& ctx, size_t count,
               const std::function<GemmProblem(size_t)>& make);

}  // namespace ranvier::parallel
