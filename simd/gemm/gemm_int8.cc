#include "ranvier/simd/gemm/gemm_int8.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/gemm_int8.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/gemm/int8-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Columns of sums of one call of a tile function, and all of its sums.
constexpr size_t kInt8TileCols = 8 * hn::MaxLanes(Int8D());
constexpr size_t kInt8TileSums =
    HWY_MAX(kInt8MR * 2, 8) * hn::MaxLanes(Int8D());
// Terms of a tile that has none.
HWY_ALIGN constexpr int32_t kNoTerms[HWY_MAX(kInt8TileCols, kInt8MR)] = {};

// Tiles for which widening a panel once is less work than widening it for each.
constexpr size_t kTilesToWiden = 3;

// A panel of quads as pairs: [K / 4][even, odd][width].
HWY_INLINE void WidenPanel(const uint32_t* HWY_RESTRICT quads, size_t steps,
                           size_t width, uint32_t* HWY_RESTRICT out) {
  const Int8U du;
  const Int8D d;
  const size_t N = hn::Lanes(d);
  for (size_t k = 0; k < steps; ++k) {
    for (size_t i = 0; i < width; i += N) {
      const Int8V q = hn::BitCast(d, hn::LoadU(du, quads + i));
      hn::StoreU(hn::BitCast(du, EvenPairs(q)), du, out + i);
      hn::StoreU(hn::BitCast(du, OddPairs(q)), du, out + width + i);
    }
    quads += width;
    out += 2 * width;
  }
}

// What `output` adds to sums of a tile.
struct Terms {
  const int32_t* initial;
  size_t stride;
  const int32_t* rows;
};
HWY_INLINE Terms TermsOf(const Int8Output& output, size_t row, size_t col) {
  Terms t = {kNoTerms, 0, kNoTerms};
  if (output.partial != nullptr) {
    t.initial = output.partial + row * output.partial_stride + col;
    t.stride = output.partial_stride;
  }
  if (output.row_terms != nullptr) t.rows = output.row_terms + row;
  return t;
}

// Of a tile whose columns do not fill its vectors.
void AddTerms(const Terms& t, size_t rows, size_t cols, int32_t* sums,
              size_t stride) {
  for (size_t row = 0; row < rows; ++row) {
    for (size_t i = 0; i < cols; ++i) {
      const auto sum = static_cast<uint32_t>(sums[row * stride + i]);
      const auto initial = static_cast<uint32_t>(t.initial[row * t.stride + i]);
      const auto term = static_cast<uint32_t>(t.rows[row]);
      sums[row * stride + i] = static_cast<int32_t>(sum + initial + term);
    }
  }
}

// Rows of C may be pages apart: they are on their way while sums are made.
HWY_INLINE void PrefetchRows(const void* c, size_t row_bytes, size_t rows,
                             size_t bytes) {
  const auto* at = static_cast<const unsigned char*>(c);
  for (size_t row = 0; row < rows; ++row, at += row_bytes) {
    for (size_t i = 0; i < bytes; i += 64) hwy::Prefetch(at + i);
  }
}
HWY_INLINE void PrefetchC(const AnyMatView& c, size_t row, size_t col,
                          size_t rows, size_t cols) {
  if (c.col_stride() != 1) return;
  const size_t bytes = SizeBytes(c.type());
  PrefetchRows(static_cast<const unsigned char*>(c.data()) +
                   (row * c.row_stride() + col) * bytes,
               c.row_stride() * bytes, rows, cols * bytes);
}

// One tile of sums, stored or through the epilogue.
HWY_INLINE void RunInt8Tile(Int8TileFunction function, Int8TileArgs& t,
                            const Int8Output& output, size_t row, size_t col,
                            size_t rows, size_t cols, size_t width,
                            int32_t* sums) {
  const Terms terms = TermsOf(output, row, col);
  const bool whole = cols == width;
  t.initial = whole ? terms.initial : kNoTerms;
  t.initial_stride = whole ? terms.stride : 0;
  t.row_terms = whole ? terms.rows : kNoTerms;
  int32_t* out = output.epilogue != nullptr
                     ? nullptr
                     : output.out + row * output.out_stride + col;
  if (out != nullptr) {
    PrefetchRows(out, output.out_stride * sizeof(int32_t), rows,
                 cols * sizeof(int32_t));
  } else {
    PrefetchC(output.epilogue->c, output.row + row, output.col + col, rows,
              cols);
  }
  if (whole && out != nullptr) {
    t.out = out;
    t.out_stride = output.out_stride;
    function(t);
    return;
  }
  t.out = sums;
  t.out_stride = width;
  function(t);
  if (!whole) AddTerms(terms, rows, cols, sums, width);
  if (out == nullptr) {
    FinishInt8Tile(*output.epilogue, sums, width, output.row + row,
                   output.col + col, rows, cols);
    return;
  }
  for (size_t i = 0; i < rows; ++i) {
    std::memcpy(out + i * output.out_stride, sums + i * width,
                cols * sizeof(int32_t));
  }
}

// Over panels, and for each over the tiles of A, as RunPanels of f32.
void GemmInt8Impl(const Int8Panels& g) {
  static constexpr auto kFull = MakeInt8TileTable<NarrowOperands, 2>();
  static constexpr auto kHalf = MakeInt8TileTable<NarrowOperands, 1>();
  static constexpr auto kFullWidened = MakeInt8TileTable<WidenedOperands, 2>();
  static constexpr auto kHalfWidened = MakeInt8TileTable<WidenedOperands, 1>();
  constexpr size_t kAUnits = NarrowOperands::kAUnits;
  constexpr bool kPairs = kAUnits == 2;
  const size_t N = hn::Lanes(Int8D());
  const size_t nr = 2 * N;
  HWY_ALIGN int32_t sums[kInt8TileSums];
  const size_t row0 = g.tiles.Begin(g.first_tile);
  const bool widen = kPairs && g.widened != nullptr &&
                     g.last_tile - g.first_tile >= kTilesToWiden;
  Int8TileArgs t;
  t.steps = g.depth / 4;
  t.panel_step = g.panel_bytes / sizeof(uint32_t);

  size_t panels = 0;
  for (size_t col = 0; col < g.cols; col += panels * nr) {
    const size_t left = g.cols - col;
    const size_t width = left > N ? nr : N;
    const auto* panel = reinterpret_cast<const uint32_t*>(
        static_cast<const unsigned char*>(g.b) + col / nr * g.panel_bytes +
        g.first_k * width);
    t.b = panel;
    panels = 1;
    const bool alone = g.last_tile - g.first_tile == 1;
    const size_t only_rows = g.tiles.Rows(g.first_tile);
    if (alone && only_rows <= 3 &&
        left >= nr * static_cast<size_t>(Int8WidePanels(only_rows))) {
      panels = static_cast<size_t>(Int8WidePanels(only_rows));
    }
    if (widen) {
      auto* room = static_cast<uint32_t*>(g.widened);
      WidenPanel(panel, t.steps, width, room);
      t.b = room;
    }
    const size_t cols = HWY_MIN(left, panels * nr);
    for (size_t tile = g.first_tile; tile < g.last_tile; ++tile) {
      const size_t row = g.tiles.Begin(tile);
      const size_t rows = g.tiles.Rows(tile);
      t.a = static_cast<const uint32_t*>(g.a) + row * t.steps * kAUnits;
      Int8TileFunction function;
      if (panels > 1) {
        function = kFull.wide[rows - 1];
      } else if (widen) {
        function = left <= N ? kHalfWidened.narrow[rows - 1]
                             : kFullWidened.narrow[rows - 1];
      } else {
        function = left <= N ? kHalf.narrow[rows - 1] : kFull.narrow[rows - 1];
      }
      RunInt8Tile(function, t, g.output, row - row0, col, rows, cols,
                  panels * width, sums);
    }
  }
}

Int8Shape Int8ShapeImpl() {
  const size_t lanes = hn::Lanes(Int8D());
  Int8Shape shape;
  shape.mr = kInt8MR;
  shape.lanes = lanes;
  shape.nr = 2 * lanes;
  shape.a_bytes = NarrowOperands::kAUnits;
  shape.pair_products = kPairProducts;
  shape.widened_bytes = NarrowOperands::kAUnits == 2 ? 2 : 0;
#if RANVIER_INT8_QUADS_U8
  shape.s8_shift = 128;
#elif RANVIER_INT8_QUADS_S8
  shape.u8_shift = -128;
#endif
  return shape;
}

void SumInt8PanelImpl(const void* panel, const GemmShape& shape, size_t k,
                      size_t cols, int32_t* sums, int32_t* pairs) {
  const Int8D d;
  const Int8U du;
  const hn::Repartition<int16_t, Int8D> d16;
  const size_t N = hn::Lanes(d);
  const size_t width = PanelWidth(shape, cols);
  const auto ones = hn::Set(d16, int16_t{1});
  for (size_t col = 0; col < cols; col += N) {
    Int8V sum = hn::Zero(d), sum_rest = hn::Zero(d);
    Int8V pair = hn::Zero(d), pair_rest = hn::Zero(d);
    const auto* from = static_cast<const uint32_t*>(panel) + col;
    for (size_t quad = 0; quad < (k + 3) / 4; ++quad, from += width) {
      const Int8V q = hn::BitCast(d, hn::LoadU(du, from));
      const auto even = hn::BitCast(d16, EvenPairs(q));
      const auto odd = hn::BitCast(d16, OddPairs(q));
      sum = hn::ReorderWidenMulAccumulate(d, hn::Add(even, odd), ones, sum,
                                          sum_rest);
      pair = hn::ReorderWidenMulAccumulate(d, even, odd, pair, pair_rest);
    }
    hn::StoreN(hn::RearrangeToOddPlusEven(sum, sum_rest), d, sums + col,
               cols - col);
    hn::StoreN(hn::RearrangeToOddPlusEven(pair, pair_rest), d, pairs + col,
               cols - col);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(GemmInt8Impl);
HWY_EXPORT(Int8ShapeImpl);
HWY_EXPORT(SumInt8PanelImpl);

void GemmInt8(const Int8Panels& block) noexcept {
  RANVIER_DISPATCH(GemmInt8Impl)(block);
}
Int8Shape CurrentInt8Shape() noexcept {
  return RANVIER_DISPATCH(Int8ShapeImpl)();
}
void SumInt8Panel(const void* panel, const GemmShape& shape, size_t k,
                  size_t cols, int32_t* sums, int32_t* pairs) noexcept {
  RANVIER_DISPATCH(SumInt8PanelImpl)(panel, shape, k, cols, sums, pairs);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
