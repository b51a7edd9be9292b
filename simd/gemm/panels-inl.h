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

// to[row] = a[row] + b[row], of columns that do not fill a vector. b may be
// null.
inline HWY_NOINLINE void AddRows(const float* a, size_t a_stride,
                                 const float* b, size_t b_stride, float* to,
                                 size_t to_stride, size_t rows, size_t cols) {
  const GemmD d;
  const size_t N = hn::Lanes(d);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t i = 0; i < cols; i += N) {
      auto x = hn::LoadN(d, a + row * a_stride + i, cols - i);
      if (b != nullptr) {
        x = hn::Add(hn::LoadN(d, b + row * b_stride + i, cols - i), x);
      }
      hn::StoreN(x, d, to + row * to_stride + i, cols - i);
    }
  }
}

// One tile of sums, stored or through the epilogue. Where its columns do not
// fill vectors, it goes by way of `sums`, which has room for them.
HWY_INLINE void RunTile(TileFunction function, TileArgs& t,
                        const GemmOutput& output, size_t row, size_t col,
                        size_t rows, float* sums) {
  const size_t N = hn::Lanes(GemmD());
  const size_t width = (t.cols + N - 1) / N * N;
  const float* partial =
      output.partial == nullptr
          ? nullptr
          : output.partial + row * output.partial_stride + col;
  const bool whole = width == t.cols;
  t.partial = whole ? partial : nullptr;
  t.partial_stride = output.partial_stride;
  float* out =
      output.out + (output.out == nullptr ? 0 : row * output.out_stride + col);
  if (output.epilogue == nullptr && whole) {
    t.out = out;
    t.out_stride = output.out_stride;
    function(t);
    return;
  }
  t.out = sums;
  t.out_stride = width;
  if (output.epilogue == nullptr) {
    function(t);
    AddRows(sums, width, partial, output.partial_stride, out, output.out_stride,
            rows, t.cols);
    return;
  }
  PrefetchRows(output.epilogue->c, output.row + row, output.col + col, rows,
               t.cols);
  function(t);
  if (!whole && partial != nullptr) {
    AddRows(sums, width, partial, output.partial_stride, sums, width, rows,
            t.cols);
  }
  FinishTile(*output.epilogue, sums, width, output.row + row, output.col + col,
             rows, t.cols);
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
