// Dot products of rows of A with columns of B, vectors along K. Included per
// target, after <hwy/highway.h>.

#include <cstddef>
#include <utility>

#include "ranvier/simd/gemm/gemm.h"

#if defined(RANVIER_SIMD_GEMM_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_GEMM_DOT_INL_H_
#undef RANVIER_SIMD_GEMM_DOT_INL_H_
#else
#define RANVIER_SIMD_GEMM_DOT_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// 4 x 4 sums + 4 of A + 1 of B fit 32 registers, 2 x 4 + 2 + 1 fit 16.
#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3
constexpr size_t kDotRows = 2;
#else
constexpr size_t kDotRows = 4;
#endif
constexpr size_t kDotCols = 4;

// Where the operands of a tile begin.
struct DotTileArgs {
  const void* a;
  size_t a_row_stride;
  const void* b;
  size_t b_col_stride;
  size_t depth;
};

// The sums of the lanes of four vectors.
#if HWY_HAVE_SCALABLE || HWY_TARGET_IS_SVE || HWY_TARGET == HWY_SCALAR
template <class D, class V = hn::Vec<D>>
HWY_INLINE void StoreSums(D d, V a, V b, V c, V e,
                          hn::TFromD<D>* HWY_RESTRICT out) {
  out[0] = hn::ReduceSum(d, a);
  out[1] = hn::ReduceSum(d, b);
  out[2] = hn::ReduceSum(d, c);
  out[3] = hn::ReduceSum(d, e);
}
#else
template <class D>
HWY_INLINE void StoreBlockSums(D d, hn::Vec<D> v,
                               hn::TFromD<D>* HWY_RESTRICT out) {
  if constexpr (hn::MaxLanes(d) > 4) {
    const hn::Half<D> half;
    StoreBlockSums(
        half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)), out);
  } else {
    hn::StoreU(v, d, out);
  }
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE void StoreSums(D d, V a, V b, V c, V e,
                          hn::TFromD<D>* HWY_RESTRICT out) {
  const hn::RepartitionToWide<D> d64;
  const auto ab = hn::BitCast(
      d64, hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b)));
  const auto ce = hn::BitCast(
      d64, hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e)));
  StoreBlockSums(d,
                 hn::Add(hn::BitCast(d, hn::InterleaveLower(d64, ab, ce)),
                         hn::BitCast(d, hn::InterleaveUpper(d64, ab, ce))),
                 out);
}
#endif

// Sums by name, as in microkernel-inl.h.
#define RANVIER_SLOTS(Do)                                                   \
  Do(0) Do(1) Do(2) Do(3) Do(4) Do(5) Do(6) Do(7) Do(8) Do(9) Do(10) Do(11) \
      Do(12) Do(13) Do(14) Do(15)
#define RANVIER_SLOT_DECLARE(i) auto sum##i = hn::Zero(d);
#define RANVIER_SLOT_MULADD(i)                                               \
  if constexpr (i < kSlots) {                                                \
    sum##i = Kind::MulAdd(load_a(a + (i / kCols) * t.a_row_stride),          \
                          load_b(b + (i % kCols) * t.b_col_stride), sum##i); \
  }
#define RANVIER_SLOT_STORE(i, j, k, l)                           \
  if constexpr (l < kSlots && kCols % 4 == 0) {                  \
    StoreSums(d, sum##i, sum##j, sum##k, sum##l, out + i);       \
  } else {                                                       \
    if constexpr (i < kSlots) out[i] = hn::ReduceSum(d, sum##i); \
    if constexpr (j < kSlots) out[j] = hn::ReduceSum(d, sum##j); \
    if constexpr (k < kSlots) out[k] = hn::ReduceSum(d, sum##k); \
    if constexpr (l < kSlots) out[l] = hn::ReduceSum(d, sum##l); \
  }

// A Kind says how elements are loaded, Step() of them at a time, and
// multiplied.
template <class Kind>
using DotSum = hn::TFromD<typename Kind::D>;

// kRows x kCols dot products to out. The order of each sum depends on depth
// alone.
template <class Kind, int kRows, int kCols>
void DotTile(const DotTileArgs& t, DotSum<Kind>* HWY_RESTRICT out) {
  constexpr int kSlots = kRows * kCols;
  static_assert(kSlots <= 16);
  const typename Kind::D d;
  const size_t step = Kind::Step();
  const auto* HWY_RESTRICT a = static_cast<const typename Kind::A*>(t.a);
  const auto* HWY_RESTRICT b = static_cast<const typename Kind::B*>(t.b);
  RANVIER_SLOTS(RANVIER_SLOT_DECLARE)
  size_t k = 0;
  for (; k + step <= t.depth; k += step, a += step, b += step) {
    const auto load_a = [&](const auto* p) HWY_ATTR { return Kind::LoadA(p); };
    const auto load_b = [&](const auto* p) HWY_ATTR { return Kind::LoadB(p); };
    RANVIER_SLOTS(RANVIER_SLOT_MULADD)
  }
  if (k != t.depth) {
    const size_t left = t.depth - k;
    const auto load_a = [&](const auto* p)
                            HWY_ATTR { return Kind::LoadA(p, left); };
    const auto load_b = [&](const auto* p)
                            HWY_ATTR { return Kind::LoadB(p, left); };
    RANVIER_SLOTS(RANVIER_SLOT_MULADD)
  }
  RANVIER_SLOT_STORE(0, 1, 2, 3)
  RANVIER_SLOT_STORE(4, 5, 6, 7)
  RANVIER_SLOT_STORE(8, 9, 10, 11)
  RANVIER_SLOT_STORE(12, 13, 14, 15)
}

#undef RANVIER_SLOTS
#undef RANVIER_SLOT_DECLARE
#undef RANVIER_SLOT_MULADD
#undef RANVIER_SLOT_STORE

// One dot product in four parts, which are four chains of sums.
template <class Kind>
HWY_INLINE auto StreamSum(const DotTileArgs& t,
                          const typename Kind::B* HWY_RESTRICT b) {
  const typename Kind::D d;
  const size_t step = Kind::Step();
  const auto* HWY_RESTRICT a = static_cast<const typename Kind::A*>(t.a);
  auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  size_t k = 0;
  for (; k + 4 * step <= t.depth; k += 4 * step, a += 4 * step, b += 4 * step) {
    sum0 = Kind::MulAdd(Kind::LoadA(a), Kind::LoadB(b), sum0);
    sum1 = Kind::MulAdd(Kind::LoadA(a + step), Kind::LoadB(b + step), sum1);
    sum2 = Kind::MulAdd(Kind::LoadA(a + 2 * step), Kind::LoadB(b + 2 * step),
                        sum2);
    sum3 = Kind::MulAdd(Kind::LoadA(a + 3 * step), Kind::LoadB(b + 3 * step),
                        sum3);
  }
  for (; k + step <= t.depth; k += step, a += step, b += step) {
    sum0 = Kind::MulAdd(Kind::LoadA(a), Kind::LoadB(b), sum0);
  }
  if (k != t.depth) {
    const size_t left = t.depth - k;
    sum1 = Kind::MulAdd(Kind::LoadA(a, left), Kind::LoadB(b, left), sum1);
  }
  return hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
}

// One row: columns one after the other, each from end to end. Several streams
// at once end before the processor has learnt them, and where they are a power
// of two apart they push each other out of L1.
template <class Kind, int kCols>
void DotStream(const DotTileArgs& t, DotSum<Kind>* HWY_RESTRICT out) {
  const typename Kind::D d;
  const auto* b = static_cast<const typename Kind::B*>(t.b);
  const auto sum0 = StreamSum<Kind>(t, b);
  if constexpr (kCols == 1) {
    out[0] = hn::ReduceSum(d, sum0);
  } else {
    static_assert(kCols == 4);
    const auto sum1 = StreamSum<Kind>(t, b + t.b_col_stride);
    const auto sum2 = StreamSum<Kind>(t, b + 2 * t.b_col_stride);
    const auto sum3 = StreamSum<Kind>(t, b + 3 * t.b_col_stride);
    StoreSums(d, sum0, sum1, sum2, sum3, out);
  }
}

// By rows - 1: tiles of four columns, and of one.
template <class Kind>
struct DotTable {
  using Function = void (*)(const DotTileArgs&, DotSum<Kind>*);
  Function full[kDotRows];
  Function one[kDotRows];
};
template <class Kind>
constexpr DotTable<Kind> MakeDotTable() {
  DotTable<Kind> table{};
  [&]<size_t... r>(std::index_sequence<r...>) {
    ((table.full[r] = DotTile<Kind, r + 1, kDotCols>), ...);
    ((table.one[r] = DotTile<Kind, r + 1, 1>), ...);
  }
  (std::make_index_sequence<kDotRows>());
  table.full[0] = DotStream<Kind, kDotCols>;
  table.one[0] = DotStream<Kind, 1>;
  return table;
}

// All of rows x cols dot products: put(row, col, rows, cols, sums) takes those
// of a tile, side by side.
template <class Kind, class Put>
HWY_INLINE void RunDots(size_t rows, size_t cols, const DotTileArgs& all,
                        const Put& put) {
  static constexpr auto kTable = MakeDotTable<Kind>();
  const RowTiles tiles(rows, kDotRows);
  DotSum<Kind> sums[16];
  // What there is more of is read once; the other comes from cache.
  constexpr size_t kCols = 8;
  const size_t groups = (cols + kCols - 1) / kCols;
  const bool rows_outside = rows > cols;
  const size_t outside = rows_outside ? tiles.count() : groups;
  const size_t inside = rows_outside ? groups : tiles.count();
  for (size_t i = 0; i < outside; ++i) {
    for (size_t j = 0; j < inside; ++j) {
      const size_t tile = rows_outside ? i : j;
      const size_t row = tiles.Begin(tile);
      const size_t tile_rows = tiles.Rows(tile);
      const size_t begin = (rows_outside ? j : i) * kCols;
      const size_t end = HWY_MIN(begin + kCols, cols);
      DotTileArgs t = all;
      t.a =
          static_cast<const typename Kind::A*>(all.a) + row * all.a_row_stride;
      size_t now = 0;
      for (size_t col = begin; col < end; col += now) {
        now = kDotCols <= end - col ? kDotCols : 1;
        t.b = static_cast<const typename Kind::B*>(all.b) +
              col * all.b_col_stride;
        (now == 1 ? kTable.one : kTable.full)[tile_rows - 1](t, sums);
        put(row, col, tile_rows, now, sums);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // toggle
