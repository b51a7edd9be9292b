#pragma once

#include <cstddef>

#include "ranvier/simd/base/activation.h"
#include "ranvier/simd/base/any_view.h"

// Matrix products of one thread. The layout follows Goto and van de Geijn 2008:
// a micro-kernel keeps a tile of mr rows and nr columns of C in registers and
// runs through packed A and B.
//
// Panels of B [K, N]
//   Panel p holds columns [p nr, (p + 1) nr), the last one fewer: its width is
//   rounded up to a whole vector, the spare columns are 0. Elements lie
//   [K][width]; bf16 lies in pairs of k, [ceil(K / 2)][width][2], so that one
//   shift or mask widens a vector of them. Panel p starts at p nr depth
//   elements, where depth is PanelDepth(type, K).
// Tiles of A [M, K]
//   RowTiles cuts M; the tile that begins at row m starts at m K elements and
//   lies [K][rows], bf16 in pairs of k as above.

namespace ranvier::simd {

struct GemmShape {
  size_t mr = 0;     // rows of a register tile
  size_t lanes = 0;  // f32 lanes of a vector
  size_t nr = 0;     // columns of a register tile: two vectors
  // bf16 x bf16 has an instruction of its own.
  bool bf16_dot = false;
};
GemmShape CurrentGemmShape() noexcept;

// Values of k that lie side by side in a panel or tile: bf16 in pairs, s8 (see
// gemm_int8.h) in quads.
constexpr size_t DepthGroup(ElementType type) {
  return type == ElementType::kBf16 ? 2 : type == ElementType::kI8 ? 4 : 1;
}
// Depth of a panel or tile in elements: groups are filled up with 0.
constexpr size_t PanelDepth(ElementType type, size_t k) {
  const size_t group = DepthGroup(type);
  return (k + group - 1) / group * group;
}
constexpr size_t PanelCount(const GemmShape& shape, size_t cols) {
  return (cols + shape.nr - 1) / shape.nr;
}
// Columns that are stored of a panel with `cols` columns.
constexpr size_t PanelWidth(const GemmShape& shape, size_t cols) {
  return (cols + shape.lanes - 1) / shape.lanes * shape.lanes;
}

// Cuts rows into tiles of mr; where that would leave less than half a tile, the
// last two share their rows: a low tile cannot hide the latency of its sums.
class RowTiles {
 public:
  constexpr RowTiles(size_t rows, size_t mr)
      : rows_(rows), mr_(mr), count_((rows + mr - 1) / mr) {
    const size_t rest = count_ == 0 ? 0 : rows - (count_ - 1) * mr;
    last_ = count_ < 2 || rest >= mr / 2 ? rest : (mr + rest) / 2;
  }
  constexpr size_t count() const { return count_; }
  constexpr size_t Begin(size_t tile) const {
    if (tile >= count_) return rows_;
    return tile + 1 == count_ ? rows_ - last_ : tile * mr_;
  }
  constexpr size_t Rows(size_t tile) const {
    return Begin(tile + 1) - Begin(tile);
  }

 private:
  size_t rows_, mr_, count_, last_;
};

// What becomes of a finished sum: C = activation(alpha sum + beta C + bias) +
// residual. Pointers are to row 0, column 0 of the whole of C; strides count
// elements.
struct GemmEpilogue {
  AnyMatView c;
  float alpha = 1;
  float beta = 0;
  const float* bias = nullptr;  // [N], or [M] if bias_per_row
  bool bias_per_row = false;
  Activation activation = Activation::kNone;
  ConstAnyMatView residual;  // empty: none
};

// Rows of sums at C's (row, col) through the epilogue. `sums` is overwritten.
void FinishTile(const GemmEpilogue& epilogue, float* sums, size_t stride,
                size_t row, size_t col, size_t rows, size_t cols) noexcept;

// Where the sums of a block go. With an epilogue the finished block goes
// through it, and `out` is not used.
struct GemmOutput {
  const float* partial = nullptr;  // sums so far; null: none. May be `out`.
  size_t partial_stride = 0;
  float* out = nullptr;
  size_t out_stride = 0;
  const GemmEpilogue* epilogue = nullptr;
  size_t row = 0, col = 0;  // of the block, for the epilogue
};

// sums[rows of tiles [first_tile, last_tile), cols] = partial + A B
struct GemmPanels {
  RowTiles tiles{0, 1};
  size_t first_tile = 0, last_tile = 0;
  const void* a = nullptr;  // tile 0; f32, or bf16 for GemmBf16Dot
  const void* b = nullptr;  // first panel
  size_t panel_bytes = 0;   // from panel to panel
  size_t cols = 0;
  size_t first_k = 0;  // of the panels; even for bf16
  size_t depth = 0;    // even for bf16
  GemmOutput output;
};
// By the storage of B's panels; A is f32.
void GemmF32(const GemmPanels& block) noexcept;
void GemmBf16(const GemmPanels& block) noexcept;
void GemmF16(const GemmPanels& block) noexcept;
// A and B bf16, multiplied as they are. Only where shape.bf16_dot.
void GemmBf16Dot(const GemmPanels& block) noexcept;

// A as it lies, at any strides, and B row by row: for what is used too seldom
// to be worth packing.
struct GemmDirectArgs {
  size_t rows = 0, cols = 0, depth = 0;
  const float* a = nullptr;
  size_t a_row_stride = 0, a_col_stride = 0;
  const float* b = nullptr;
  size_t b_row_stride = 0;
  // Rows of B go on to the end of their last vector, as those of panels do. If
  // not, depth is at most 256.
  bool b_filled_up = false;
  GemmOutput output;
};
void GemmDirect(const GemmDirectArgs& block) noexcept;

// Nothing packed and B column by column (weights kept as [out, in]): one dot
// product a sum, vectors along K. For few rows of A.
struct GemmDotArgs {
  size_t rows = 0, cols = 0, depth = 0;
  const void* a = nullptr;  // unit column stride
  // f32; or bf16 as B is, where shape.bf16_dot.
  ElementType a_type = ElementType::kF32;
  size_t a_row_stride = 0;
  const void* b = nullptr;  // column j at j b_col_stride
  ElementType b_type = ElementType::kF32;
  size_t b_col_stride = 0;
  GemmOutput output;  // without an epilogue
};
void GemmDot(const GemmDotArgs& block) noexcept;

// Packs tiles [first, last) of A [M, K], any type and strides, as `to`: f32, or
// bf16 from bf16. `depth` is K, or more: the rest is 0. `out` is tile 0's
// place.
void PackTiles(const ConstAnyMatView& a, const RowTiles& tiles, size_t first,
               size_t last, ElementType to, size_t depth, void* out) noexcept;
// Packs panels [first, last) of B [K, N] as `to`: f32, or B's own type. `out`
// is panel 0's place.
void PackPanels(const ConstAnyMatView& b, const GemmShape& shape, size_t first,
                size_t last, ElementType to, void* out) noexcept;

}  // namespace ranvier::simd
