// A block of C from packed tiles and panels. Included per target, after
// <hwy/highway.h>.

#include "ranvier/simd/gemm/gemm.h"
#include "ranvier/simd/gemm/microkernel-inl.h"

#if defined(RANVIER_SIMD_GEMM_PANELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_GEMM_PANELS_INL_H_
#undef RANVIER_SIMD_GEMM_PANELS_INL_H_
#else
#define RANVIER_SIMD_GEMM_PANELS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Room for the sums of one call of a tile function.
constexpr size_t kTileSums =
    HWY_MAX(kMR * 2, 8) * hn::MaxLanes(hn::ScalableTag<float>());

// C is on its way while its sums are made.
HWY_INLINE void PrefetchRows(const AnyMatView& c, size_t row, size_t col,
                             size_t rows, size_t cols) {
  if (c.col_stride() != 1) return;
  const size_t bytes = SizeBytes(c.type());
  for (size_t i = row; i < row + rows; ++i) {
    const auto* at = static_cast<const unsigned char*>(c.data()) +
                     (i * c.row_stride() + col) * bytes;
    for (size_t j = 0; j < cols * bytes; j += 64) hwy::Prefetch(at + j);
  }
}

// One tile of sums, stored or through the epilogue.
HWY_INLINE void RunTile(TileFunction function, TileArgs& t,
                        const GemmOutput& output, size_t row, size_t col,
                        size_t rows, float* sums) {
  t.partial = output.partial == nullptr
                  ? nullptr
                  : output.partial + row * output.partial_stride + col;
  t.partial_stride = output.partial_stride;
  if (output.epilogue == nullptr) {
    t.out = output.out + row * output.out_stride + col;
    t.out_stride = output.out_stride;
    function(t);
    return;
  }
  const size_t N = hn::Lanes(GemmD());
  t.out = sums;
  t.out_stride = (t.cols + N - 1) / N * N;
  PrefetchRows(output.epilogue->c, output.row + row, output.col + col, rows,
               t.cols);
  function(t);
  FinishTile(*output.epilogue, sums, t.out_stride, output.row + row,
             output.col + col, rows, t.cols);
}

// Over panels, and for each over the tiles of A: the panel stays in L1 while
// the tiles come from L2.
template <class Operands>
void RunPanels(const GemmPanels& g) {
  static constexpr auto kFull = MakeTileTable<Operands, 2>();
  static constexpr auto kHalf = MakeTileTable<Operands, 1>();
  const size_t N = hn::Lanes(GemmD());
  const size_t nr = 2 * N;
  HWY_ALIGN float sums[kTileSums];
  const size_t row0 = g.tiles.Begin(g.first_tile);
  TileArgs t;
  t.steps = g.depth / Operands::kDepth;
  t.a_row = t.a_step = t.b_step = 0;  // known from the layout
  t.panel_step = g.panel_bytes / sizeof(typename Operands::B);

  size_t panels = 0;
  for (size_t col = 0; col < g.cols; col += panels * nr) {
    const size_t left = g.cols - col;
    const size_t width = left > N ? nr : N;
    t.b = static_cast<const unsigned char*>(g.b) + col / nr * g.panel_bytes +
          g.first_k / Operands::kDepth * width * sizeof(typename Operands::B);
    panels = 1;
    const bool alone = g.last_tile - g.first_tile == 1;
    const size_t only_rows = g.tiles.Rows(g.first_tile);
    if (alone && only_rows <= 3 &&
        left >= nr * static_cast<size_t>(WidePanels(only_rows))) {
      panels = static_cast<size_t>(WidePanels(only_rows));
    }
    t.cols = HWY_MIN(left, panels * nr);
    for (size_t tile = g.first_tile; tile < g.last_tile; ++tile) {
      const size_t row = g.tiles.Begin(tile);
      const size_t rows = g.tiles.Rows(tile);
      t.a = static_cast<const unsigned char*>(g.a) +
            row * g.depth * Operands::kABytes;
      const TileFunction function = panels > 1  ? kFull.wide[rows - 1]
                                    : left <= N ? kHalf.narrow[rows - 1]
                                                : kFull.narrow[rows - 1];
      RunTile(function, t, g.output, row - row0, col, rows, sums);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // toggle
