#pragma once

#include <cstddef>

#include "ranvier/simd/gemm/gemm.h"

namespace ranvier::parallel {

// Rows of A that begin in so few places of a way of L1 are slow to read as they
// lie, for a register tile.
inline constexpr size_t kTilePlaces = 1;

// Sums need nothing but to be stored in, or added to, C.
inline bool IsPlain(const simd::GemmEpilogue& e) {
  return e.c.type() == ElementType::kF32 && e.c.col_stride() == 1 &&
         e.alpha == 1.0f && (e.beta == 0.0f || e.beta == 1.0f) &&
         e.bias == nullptr && e.activation == Activation::kNone &&
         e.residual.empty();
}

// Where the sums of rows [row, ...) and columns [col, ...) of C go, given the
// part of K that they are of. Sums wait for the next part in C itself if they
// are plain, else in `waiting`, whose first element is C's (row0, col0).
struct Sums {
  const simd::GemmEpilogue* epilogue;
  bool plain;
  float* waiting = nullptr;
  size_t waiting_stride = 0;
  size_t row0 = 0, col0 = 0;

  simd::GemmOutput At(size_t row, size_t col, bool first, bool last) const {
    simd::GemmOutput o;
    o.row = row;
    o.col = col;
    if (plain) {
      const AnyMatView& c = epilogue->c;
      o.out = static_cast<float*>(c.data()) + row * c.row_stride() + col;
      o.out_stride = c.row_stride();
      if (!first || epilogue->beta != 0.0f) o.partial = o.out;
    } else {
      if (waiting != nullptr) {
        o.out = waiting + (row - row0) * waiting_stride + (col - col0);
        o.out_stride = waiting_stride;
        if (!first) o.partial = o.out;
      }
      if (last) o.epilogue = epilogue;
    }
    o.partial_stride = o.out_stride;
    return o;
  }
};

}  // namespace ranvier::parallel
