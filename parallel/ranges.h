#pragma once

#include <algorithm>
#include <cstddef>

#include "ranvier/parallel/context.h"

namespace ranvier::parallel {

// body(i) for i in [0, n): on the calling thread if it is to be one.
template <class Body>
void ForEach(Context& ctx, int threads, size_t n, const Body& body) {
  if (n == 1 || threads == 1) {
    for (size_t i = 0; i < n; ++i) body(i);
  } else {
    ctx.ParallelFor(n, body);
  }
}

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

// one(row, col, n) for pieces of the rows of a matrix, of which none crosses
// the end of a row; grain and cutoff count elements. end_of_range() after the
// last piece of each range.
template <class One, class End>
void ForPieces(Context& ctx, size_t rows, size_t cols, size_t grain,
               size_t cutoff, const One& one, const End& end_of_range) {
  ForRanges(ctx, rows * cols, grain, cutoff, [&](size_t begin, size_t end) {
    for (size_t at = begin; at < end;) {
      const size_t row = at / cols;
      const size_t col = at - row * cols;
      const size_t n = std::min(cols - col, end - at);
      one(row, col, n);
      at += n;
    }
    end_of_range();
  });
}
template <class One>
void ForPieces(Context& ctx, size_t rows, size_t cols, size_t grain,
               size_t cutoff, const One& one) {
  ForPieces(ctx, rows, cols, grain, cutoff, one, [] {});
}

}  // namespace ranvier::parallel
