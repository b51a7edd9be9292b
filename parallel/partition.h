#pragma once

#include <algorithm>
#include <cstddef>

#include "ranvier/simd/base/any_view.h"

namespace ranvier::parallel {

// How many pieces of at most `most` n has.
constexpr size_t Pieces(size_t n, size_t most) { return (n + most - 1) / most; }

// Where piece i of [0, n) begins if it is cut into `pieces` that differ by one
// at most.
constexpr size_t Cut(size_t n, size_t pieces, size_t i) {
  return n / pieces * i + std::min(i, n % pieces);
}

// The length of equal pieces of n, a multiple of `unit` (the last one is what
// is left): at most `most`, but at least `unit`.
constexpr size_t EvenPiece(size_t n, size_t most, size_t unit = 1) {
  if (n <= most) return n;
  const size_t piece = Pieces(n, Pieces(n, std::max(most / unit * unit, unit)));
  return std::min(n, Pieces(piece, unit) * unit);
}

// Bytes to where the next part of a Scratch may begin.
constexpr size_t Aligned(size_t bytes) { return (bytes + 127) / 128 * 128; }

inline const void* Element(const ConstAnyMatView& m, size_t row, size_t col) {
  return static_cast<const unsigned char*>(m.data()) +
         (row * m.row_stride() + col * m.col_stride()) * SizeBytes(m.type());
}
inline void* Element(const AnyMatView& m, size_t row, size_t col) {
  return static_cast<unsigned char*>(m.data()) +
         (row * m.row_stride() + col * m.col_stride()) * SizeBytes(m.type());
}
// Rows [row, row + rows) and columns [col, col + cols).
inline ConstAnyMatView Block(const ConstAnyMatView& m, size_t row, size_t col,
                             size_t rows, size_t cols) {
  return {Element(m, row, col), m.type(),      rows, cols,
          m.row_stride(),       m.col_stride()};
}

}  // namespace ranvier::parallel
