#pragma once

#include <cstddef>
#include <cstdint>

#include "ranvier/simd/base/activation.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/element_type.h"
#include "ranvier/simd/gemm/gemm.h"

// Products of 8-bit integers with sums in s32, one thread. Blocks, tiles and
// panels are those of gemm.h; what is an f32 there is a quad here, four values
// of k in 32 bits. Sums wrap modulo 2^32: whatever happens on the way, a result
// that fits s32 is exact.
//
// Panels of B [K, N], always s8
//   [ceil(K / 4)][width][4]; spare columns and values of k are 0. The same on
//   all targets with vectors of one length.
// Tiles of A [M, K], u8 or s8
//   [ceil(K / 4)][rows][4], spare values of k anything, their share of a sum
//   is 0. Where the processor multiplies quads, all elements are of the one
//   type that its instruction takes: the other is shifted by 128, and an
//   epilogue takes that back as it does a zero point. Elsewhere quads
//   b0 b1 b2 b3 lie as 16-bit pairs b0 b2, b1 b3, which are what two shifts
//   make of a quad of B.

namespace ranvier::simd {

struct Int8Shape {
  size_t mr = 0;     // rows of a register tile
  size_t lanes = 0;  // s32 lanes of a vector
  size_t nr = 0;     // columns of a register tile: two vectors
  // Bytes of an element of A when packed.
  size_t a_bytes = 1;
  // What packing adds to elements of A.
  int32_t u8_shift = 0, s8_shift = 0;
  // Sums lack sum a0 a1 of their row and sum b0 b1 of their column, over pairs
  // of k: see int8-inl.h.
  bool pair_products = false;
  // Panels are widened once for many tiles: bytes of room that this takes for
  // each of nr columns and each k. 0: never.
  size_t widened_bytes = 0;

  constexpr int32_t Shift(ElementType a) const {
    return a == ElementType::kU8 ? u8_shift : s8_shift;
  }
};
Int8Shape CurrentInt8Shape() noexcept;

// What becomes of a finished sum:
//   x = sum - a_zero column_sum - b_zero row_sum
// which is C if C is s32; else
//   y = activation(a_scale b_scale x + bias)
// which is C if C is f32, bf16 or f16; else, for u8 and s8,
//   C = saturate(round_half_to_even(y / c_scale) + c_zero)
// Pointers are to row 0, column 0 of the whole of C. Zero points are here only
// if they differ: one for all is a term of rows or columns (see Int8Output).
struct Int8Epilogue {
  AnyMatView c;
  const int32_t* a_zeros = nullptr;      // [M], of A as packed, or none
  const int32_t* column_sums = nullptr;  // [N] of B, if a_zeros
  const int32_t* b_zeros = nullptr;      // [N], or none
  const int32_t* row_sums = nullptr;     // [M] of A - a_zero, if b_zeros
  const float* a_scales = nullptr;       // [M]; null: a_scale
  float a_scale = 1;
  const float* b_scales = nullptr;  // [N]; null: b_scale
  float b_scale = 1;
  const float* bias = nullptr;  // [N], or none
  Activation activation = Activation::kNone;
  float c_scale = 1;
  int32_t c_zero = 0;
};

// Rows of sums at C's (row, col) through the epilogue. `sums` is overwritten.
void FinishInt8Tile(const Int8Epilogue& epilogue, int32_t* sums, size_t stride,
                    size_t row, size_t col, size_t rows, size_t cols) noexcept;

// As GemmOutput. What is known of a sum before: the same for all rows if
// partial_stride is 0; and one term for each row of the block.
struct Int8Output {
  const int32_t* partial = nullptr;  // null: none
  size_t partial_stride = 0;
  const int32_t* row_terms = nullptr;  // null: none
  int32_t* out = nullptr;
  size_t out_stride = 0;
  const Int8Epilogue* epilogue = nullptr;
  size_t row = 0, col = 0;
};

// sums[rows of tiles [first_tile, last_tile), cols] = partial + row term + A B
struct Int8Panels {
  RowTiles tiles{0, 1};
  size_t first_tile = 0, last_tile = 0;
  const void* a = nullptr;  // tile 0
  const void* b = nullptr;  // first panel
  size_t panel_bytes = 0;   // from panel to panel
  size_t cols = 0;
  size_t first_k = 0;  // of the panels; a multiple of 4
  size_t depth = 0;    // a multiple of 4
  // nr depth widened_bytes bytes of room, aligned; null: nothing is widened.
  void* widened = nullptr;
  Int8Output output;
};
void GemmInt8(const Int8Panels& block) noexcept;

// Packs tiles [first, last) of A [M, K], u8 or s8, any strides. `out` is tile
// 0's place; tile at row m starts at m PanelDepth(kI8, K) a_bytes.
void PackInt8Tiles(const ConstAnyMatView& a, const RowTiles& tiles,
                   size_t first, size_t last, void* out) noexcept;
// Packs panels [first, last) of B [K, N], s8, any strides. `out` is panel 0's
// place.
void PackInt8Panels(const ConstAnyMatView& b, const GemmShape& shape,
                    size_t first, size_t last, void* out) noexcept;
// Of `cols` columns of a panel, over all of K: sums, and sums of the products
// b0 b1 of pairs of k.
void SumInt8Panel(const void* panel, const GemmShape& shape, size_t k,
                  size_t cols, int32_t* sums, int32_t* pairs) noexcept;
// The same of rows [first, last) of A as it lies, if the pointer is not null;
// to row 0's place.
void SumInt8Rows(const ConstAnyMatView& a, size_t first, size_t last,
                 int32_t* sums, int32_t* pairs) noexcept;

// B column by column (weights kept as [out, in]) and as it lies, as GemmDot:
// out[i][j] = sum_k A[i][k] B[k][j], for few rows of A.
struct Int8DotArgs {
  size_t rows = 0, cols = 0, depth = 0;
  const void* a = nullptr;  // of PackInt8DotRows
  size_t a_row_stride = 0;
  const int8_t* b = nullptr;  // column j at j b_col_stride
  size_t b_col_stride = 0;
  int32_t* out = nullptr;
  size_t out_stride = 0;
};
void GemmInt8Dot(const Int8DotArgs& block) noexcept;
// Rows of A [M, K], u8 or s8, any strides, as elements of a_bytes, shifted as
// Int8Shape says and out_stride elements apart; and, for the sums of B's
// columns, a row of ones behind.
void PackInt8DotRows(const ConstAnyMatView& a, size_t out_stride, bool ones,
                     void* out) noexcept;

}  // namespace ranvier::simd
