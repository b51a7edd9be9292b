#include "ranvier/simd/gemm/gemm_int8.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/gemm_int8.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/gemm/int8-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Room for the sums of one call of a tile function.
constexpr size_t kInt8TileSums =
    HWY_MAX(kInt8MR * 2, 8) * hn::MaxLanes(Int8D());

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

// sums + partial to out; out may be partial or sums.
void AddPartial(const int32_t* sums, size_t stride, const int32_t* partial,
                size_t partial_stride, size_t rows, size_t cols, int32_t* out,
                size_t out_stride) {
  const Int8D d;
  const size_t N = hn::Lanes(d);
  for (size_t row = 0; row < rows; ++row) {
    const int32_t* before =
        partial == nullptr ? nullptr : partial + row * partial_stride;
    const int32_t* from = sums + row * stride;
    int32_t* to = out + row * out_stride;
    size_t i = 0;
    for (; i + N <= cols; i += N) {
      auto sum = hn::LoadU(d, from + i);
      if (before != nullptr) sum = hn::Add(sum, hn::LoadU(d, before + i));
      hn::StoreU(sum, d, to + i);
    }
    if (i != cols) {
      const size_t left = cols - i;
      auto sum = hn::LoadN(d, from + i, left);
      if (before != nullptr) sum = hn::Add(sum, hn::LoadN(d, before + i, left));
      hn::StoreN(sum, d, to + i, left);
    }
  }
}

// Sums of a tile, `stride` from row to row, to where they go.
void FinishSums(const Int8Output& output, int32_t* sums, size_t stride,
                size_t row, size_t col, size_t rows, size_t cols) {
  const int32_t* partial =
      output.partial == nullptr
          ? nullptr
          : output.partial + row * output.partial_stride + col;
  if (output.epilogue == nullptr) {
    AddPartial(sums, stride, partial, output.partial_stride, rows, cols,
               output.out + row * output.out_stride + col, output.out_stride);
    return;
  }
  if (partial != nullptr) {
    AddPartial(sums, stride, partial, output.partial_stride, rows, cols, sums,
               stride);
  }
  FinishInt8Tile(*output.epilogue, sums, stride, output.row + row,
                 output.col + col, rows, cols);
}

// Over panels, and for each over the tiles of A, as RunPanels of f32.
void GemmInt8Impl(const Int8Panels& g) {
  static constexpr auto kFull = MakeInt8TileTable<NarrowOperands, 2>();
  static constexpr auto kHalf = MakeInt8TileTable<NarrowOperands, 1>();
  static constexpr auto kFullWidened = MakeInt8TileTable<WidenedOperands, 2>();
  static constexpr auto kHalfWidened = MakeInt8TileTable<WidenedOperands, 1>();
  constexpr size_t kParts = NarrowOperands::kParts;
  const size_t N = hn::Lanes(Int8D());
  const size_t nr = 2 * N;
  HWY_ALIGN int32_t sums[kInt8TileSums];
  const size_t row0 = g.tiles.Begin(g.first_tile);
  const bool widen = kParts == 2 && g.widened != nullptr &&
                     g.last_tile - g.first_tile >= kTilesToWiden;
  Int8TileArgs t;
  t.steps = g.depth / 4;
  t.sums = sums;
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
      t.a = static_cast<const uint32_t*>(g.a) + row * t.steps * kParts;
      Int8TileFunction function;
      if (panels > 1) {
        function = kFull.wide[rows - 1];
      } else if (widen) {
        function = left <= N ? kHalfWidened.narrow[rows - 1]
                             : kFullWidened.narrow[rows - 1];
      } else {
        function = left <= N ? kHalf.narrow[rows - 1] : kFull.narrow[rows - 1];
      }
      function(t);
      FinishSums(g.output, sums, panels * width, row - row0, col, rows, cols);
    }
  }
}

Int8Shape Int8ShapeImpl() {
  const size_t lanes = hn::Lanes(Int8D());
  Int8Shape shape;
  shape.mr = kInt8MR;
  shape.lanes = lanes;
  shape.nr = 2 * lanes;
  shape.a_bytes = NarrowOperands::kParts;
  shape.widened_bytes = NarrowOperands::kParts == 2 ? 2 : 0;
#if RANVIER_INT8_QUADS_U8
  shape.s8_shift = 128;
#elif RANVIER_INT8_QUADS_S8
  shape.u8_shift = -128;
#endif
  return shape;
}

void SumInt8PanelImpl(const void* panel, const GemmShape& shape, size_t k,
                      size_t cols, int32_t* sums) {
  const Int8D d;
  const size_t N = hn::Lanes(d);
  const size_t width = PanelWidth(shape, cols);
  constexpr uint32_t kOnes =
      NarrowOperands::kParts == 1 ? 0x01010101u : 0x00010001u;
  const auto ones = NarrowOperands::Broadcast(kOnes);
  for (size_t col = 0; col < cols; col += N) {
    Int8V sum = hn::Zero(d);
    Int8V rest = hn::Zero(d);
    const auto* from = static_cast<const uint32_t*>(panel) + col;
    for (size_t quad = 0; quad < (k + 3) / 4; ++quad, from += width) {
      NarrowOperands::MulAdd(ones, NarrowOperands::LoadB<0>(from, width), sum,
                             rest);
      if constexpr (NarrowOperands::kParts == 2) {
        NarrowOperands::MulAdd(ones, NarrowOperands::LoadB<1>(from, width), sum,
                               rest);
      }
    }
    hn::StoreN(NarrowOperands::Total(sum, rest), d, sums + col, cols - col);
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
                  size_t cols, int32_t* sums) noexcept {
  RANVIER_DISPATCH(SumInt8PanelImpl)(panel, shape, k, cols, sums);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
