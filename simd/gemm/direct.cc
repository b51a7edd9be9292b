#include "ranvier/simd/gemm/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/direct.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/gemm/panels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Depth of the copy of the columns that do not fill a vector.
constexpr size_t kEdgeDepth = 256;

void GemmDirectImpl(const GemmDirectArgs& g) {
  static constexpr auto kFull = MakeTileTable<DirectOperands, 2>();
  static constexpr auto kHalf = MakeTileTable<DirectOperands, 1>();
  const GemmD d;
  const size_t N = hn::Lanes(d);
  const size_t nr = 2 * N;
  const RowTiles tiles(g.rows, kMR);
  HWY_ALIGN float sums[kTileSums];
  TileArgs t;
  t.a_row = g.a_row_stride;
  t.a_step = g.a_col_stride;
  t.panel_step = nr;

  const auto columns = [&](size_t col, size_t cols, size_t panels,
                           const auto& table) HWY_ATTR {
    t.cols = cols;
    for (size_t tile = 0; tile < tiles.count(); ++tile) {
      const size_t row = tiles.Begin(tile);
      const size_t rows = tiles.Rows(tile);
      t.a = g.a + row * g.a_row_stride;
      RunTile(panels > 1 ? table.wide[rows - 1] : table.narrow[rows - 1], t,
              g.output, row, col, rows, sums);
    }
  };

  t.steps = g.depth;
  t.b_step = g.b_row_stride;
  size_t col = 0;
  const size_t wide = g.rows <= 3 ? static_cast<size_t>(WidePanels(g.rows)) : 1;
  if (wide > 1) {
    for (; col + wide * nr <= g.cols; col += wide * nr) {
      t.b = g.b + col;
      columns(col, wide * nr, wide, kFull);
    }
  }
  for (; col + nr <= g.cols; col += nr) {
    t.b = g.b + col;
    columns(col, nr, 1, kFull);
  }
  if (g.b_filled_up && col != g.cols) {
    t.b = g.b + col;
    columns(col, g.cols - col, 1, g.cols - col > N ? kFull : kHalf);
    return;
  }
  if (col + N <= g.cols) {
    t.b = g.b + col;
    columns(col, N, 1, kHalf);
    col += N;
  }
  if (col == g.cols) return;

  // What is left of a vector is copied, filled up with 0: a vector may not be
  // read past the end of a row.
  HWY_ALIGN float edge[kEdgeDepth * hn::MaxLanes(d)];
  const size_t left = g.cols - col;
  RANVIER_DCHECK(g.depth <= kEdgeDepth);
  for (size_t k = 0; k < g.depth; ++k) {
    hn::StoreU(hn::LoadN(d, g.b + k * g.b_row_stride + col, left), d,
               edge + k * N);
  }
  t.b = edge;
  t.b_step = N;
  columns(col, left, 1, kHalf);
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(GemmDirectImpl);

void GemmDirect(const GemmDirectArgs& block) noexcept {
  RANVIER_DISPATCH(GemmDirectImpl)(block);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
