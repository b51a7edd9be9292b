#pragma once

#include <algorithm>
#include <cstddef>

#include "ranvier/parallel/context.h"

namespace ranvier::parallel {

// Calls body(begin, end) for ranges that cover [0, n), at most `grain` long
// each, on the threads of ctx; on the calling thread, and in one piece, where n
// is less than `cutoff`. For work whose result does not depend on where it is
// cut.
template <class Body>
void ForRanges(Context& ctx, size_t n, size_t grain, size_t cutoff,
               const Body& body) {
  if (n == 0) return;
  if (n < cutoff || ctx.threads() == 1) {
    body(size_t{0}, n);
    return;
  }
  ctx.ParallelFor((n - 1) / grain + 1, [&](size_t i) {
    body(i * grain, std::min(n, (i + 1) * grain));
  });
}

}  // namespace ranvier::parallel
