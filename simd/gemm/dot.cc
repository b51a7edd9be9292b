#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/gemm/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/dot.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/convert-inl.h"
#include "ranvier/simd/dispatch-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DotD = hn::ScalableTag<float>;
using DotV = hn::Vec<DotD>;

// 4 x 4 sums + 4 of A + 1 of B fit 32 registers, 2 x 4 + 2 + 1 fit 16.
#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3
constexpr size_t kDotRows = 2;
#else
constexpr size_t kDotRows = 4;
#endif

template <typename T>
HWY_INLINE DotV LoadWide(const T* p) {
  const DotD d;
  if constexpr (std::is_same_v<T, float>) {
    return hn::LoadU(d, p);
  } else if constexpr (std::is_same_v<T, bf16>) {
    const hn::Rebind<uint16_t, DotD> d16;
    const hn::RebindToUnsigned<DotD> du;
    return hn::BitCast(
        d, hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(d16, &p->bits))));
  } else {
    const hn::Rebind<uint16_t, DotD> d16;
    return WidenBits(f16(), d, hn::LoadU(d16, &p->bits));
  }
}
template <typename T>
HWY_INLINE DotV LoadWideN(const T* p, size_t n) {
  const DotD d;
  if constexpr (std::is_same_v<T, float>) {
    return hn::LoadN(d, p, n);
  } else if constexpr (std::is_same_v<T, bf16>) {
    const hn::Rebind<uint16_t, DotD> d16;
    const hn::RebindToUnsigned<DotD> du;
    return hn::BitCast(
        d, hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadN(d16, &p->bits, n))));
  } else {
    const hn::Rebind<uint16_t, DotD> d16;
    return WidenBits(f16(), d, hn::LoadN(d16, &p->bits, n));
  }
}

// The sums of the lanes of four vectors.
#if HWY_HAVE_SCALABLE || HWY_TARGET_IS_SVE || HWY_TARGET == HWY_SCALAR
HWY_INLINE void StoreSums(DotV a, DotV b, DotV c, DotV e,
                          float* HWY_RESTRICT out) {
  const DotD d;
  out[0] = hn::ReduceSum(d, a);
  out[1] = hn::ReduceSum(d, b);
  out[2] = hn::ReduceSum(d, c);
  out[3] = hn::ReduceSum(d, e);
}
#else
template <class D>
HWY_INLINE void StoreBlockSums(D d, hn::Vec<D> v, float* HWY_RESTRICT out) {
  if constexpr (hn::MaxLanes(d) > 4) {
    const hn::Half<D> half;
    StoreBlockSums(
        half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)), out);
  } else {
    hn::StoreU(v, d, out);
  }
}
HWY_INLINE void StoreSums(DotV a, DotV b, DotV c, DotV e,
                          float* HWY_RESTRICT out) {
  const DotD d;
  const hn::RepartitionToWide<DotD> d64;
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

#define RANVIER_SLOTS(Do)                                                   \
  Do(0) Do(1) Do(2) Do(3) Do(4) Do(5) Do(6) Do(7) Do(8) Do(9) Do(10) Do(11) \
      Do(12) Do(13) Do(14) Do(15)
#define RANVIER_SLOT_DECLARE(i) DotV sum##i = hn::Zero(d);
#define RANVIER_SLOT_MULADD(i)                                             \
  if constexpr (i < kSlots) {                                              \
    sum##i = hn::MulAdd(load_a(a + (i / kCols) * g.a_row_stride),          \
                        load_b(b + (i % kCols) * g.b_col_stride), sum##i); \
  }
#define RANVIER_SLOT_STORE(i, j, k, l)                           \
  if constexpr (l < kSlots && kCols % 4 == 0) {                  \
    StoreSums(sum##i, sum##j, sum##k, sum##l, out + i);          \
  } else {                                                       \
    if constexpr (i < kSlots) out[i] = hn::ReduceSum(d, sum##i); \
    if constexpr (j < kSlots) out[j] = hn::ReduceSum(d, sum##j); \
    if constexpr (k < kSlots) out[k] = hn::ReduceSum(d, sum##k); \
    if constexpr (l < kSlots) out[l] = hn::ReduceSum(d, sum##l); \
  }

// kRows x kCols dot products to out. The order of each sum depends on depth
// alone.
template <typename T, int kRows, int kCols>
void DotTile(const GemmDotArgs& g, const float* HWY_RESTRICT a, const void* b0,
             float* HWY_RESTRICT out) {
  constexpr int kSlots = kRows * kCols;
  static_assert(kSlots <= 16);
  const DotD d;
  const size_t N = hn::Lanes(d);
  const T* HWY_RESTRICT b = static_cast<const T*>(b0);
  RANVIER_SLOTS(RANVIER_SLOT_DECLARE)
  size_t k = 0;
  for (; k + N <= g.depth; k += N, a += N, b += N) {
    const auto load_a = [&](const float* p)
                            HWY_ATTR { return hn::LoadU(d, p); };
    const auto load_b = [&](const T* p) HWY_ATTR { return LoadWide(p); };
    RANVIER_SLOTS(RANVIER_SLOT_MULADD)
  }
  if (k != g.depth) {
    const size_t left = g.depth - k;
    const auto load_a = [&](const float* p)
                            HWY_ATTR { return hn::LoadN(d, p, left); };
    const auto load_b = [&](const T* p) HWY_ATTR { return LoadWideN(p, left); };
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
template <typename T>
HWY_INLINE DotV StreamSum(const GemmDotArgs& g, const float* HWY_RESTRICT a,
                          const T* HWY_RESTRICT b) {
  const DotD d;
  const size_t N = hn::Lanes(d);
  DotV sum0 = hn::Zero(d);
  DotV sum1 = hn::Zero(d);
  DotV sum2 = hn::Zero(d);
  DotV sum3 = hn::Zero(d);
  size_t k = 0;
  for (; k + 4 * N <= g.depth; k += 4 * N, a += 4 * N, b += 4 * N) {
    sum0 = hn::MulAdd(hn::LoadU(d, a), LoadWide(b), sum0);
    sum1 = hn::MulAdd(hn::LoadU(d, a + N), LoadWide(b + N), sum1);
    sum2 = hn::MulAdd(hn::LoadU(d, a + 2 * N), LoadWide(b + 2 * N), sum2);
    sum3 = hn::MulAdd(hn::LoadU(d, a + 3 * N), LoadWide(b + 3 * N), sum3);
  }
  for (; k + N <= g.depth; k += N, a += N, b += N) {
    sum0 = hn::MulAdd(hn::LoadU(d, a), LoadWide(b), sum0);
  }
  if (k != g.depth) {
    const size_t left = g.depth - k;
    sum1 = hn::MulAdd(hn::LoadN(d, a, left), LoadWideN(b, left), sum1);
  }
  return hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
}

// One row: columns one after the other, each from end to end. Several streams
// at once end before the processor has learnt them, and where they are a power
// of two apart they push each other out of L1.
template <typename T, int kCols>
void DotStream(const GemmDotArgs& g, const float* HWY_RESTRICT a,
               const void* b0, float* HWY_RESTRICT out) {
  const T* b = static_cast<const T*>(b0);
  const DotV sum0 = StreamSum(g, a, b);
  if constexpr (kCols == 1) {
    out[0] = hn::ReduceSum(DotD(), sum0);
  } else {
    static_assert(kCols == 4);
    const DotV sum1 = StreamSum(g, a, b + g.b_col_stride);
    const DotV sum2 = StreamSum(g, a, b + 2 * g.b_col_stride);
    const DotV sum3 = StreamSum(g, a, b + 3 * g.b_col_stride);
    StoreSums(sum0, sum1, sum2, sum3, out);
  }
}

using DotFunction = void (*)(const GemmDotArgs&, const float*, const void*,
                             float*);

// By rows - 1: tiles of four columns, and of one.
constexpr size_t kDotCols = 4;
struct DotTable {
  DotFunction full[kDotRows];
  DotFunction one[kDotRows];
};
template <typename T>
constexpr DotTable MakeDotTable() {
  DotTable table{};
  [&]<size_t... r>(std::index_sequence<r...>) {
    ((table.full[r] = DotTile<T, r + 1, kDotCols>), ...);
    ((table.one[r] = DotTile<T, r + 1, 1>), ...);
  }
  (std::make_index_sequence<kDotRows>());
  table.full[0] = DotStream<T, kDotCols>;
  table.one[0] = DotStream<T, 1>;
  return table;
}

// rows x cols sums of one tile to where they go.
HWY_INLINE void PutSums(const GemmOutput& o, size_t row, size_t col,
                        size_t rows, size_t cols, float* sums) {
  if (o.partial != nullptr) {
    for (size_t i = 0; i < rows; ++i) {
      const float* partial = o.partial + (row + i) * o.partial_stride + col;
      for (size_t j = 0; j < cols; ++j) sums[i * cols + j] += partial[j];
    }
  }
  if (o.epilogue != nullptr) {
    FinishTile(*o.epilogue, sums, cols, o.row + row, o.col + col, rows, cols);
    return;
  }
  for (size_t i = 0; i < rows; ++i) {
    float* out = o.out + (row + i) * o.out_stride + col;
    for (size_t j = 0; j < cols; ++j) out[j] = sums[i * cols + j];
  }
}

void GemmDotImpl(const GemmDotArgs& g) {
  static constexpr DotTable kF32 = MakeDotTable<float>();
  static constexpr DotTable kBf16 = MakeDotTable<bf16>();
  static constexpr DotTable kF16 = MakeDotTable<f16>();
  const DotTable& table = g.b_type == ElementType::kF32    ? kF32
                          : g.b_type == ElementType::kBf16 ? kBf16
                                                           : kF16;
  const RowTiles tiles(g.rows, kDotRows);
  const size_t b_bytes = g.b_col_stride * SizeBytes(g.b_type);
  float sums[16];
  const auto run = [&](size_t tile, size_t col, size_t cols) {
    const size_t row = tiles.Begin(tile);
    const size_t rows = tiles.Rows(tile);
    const float* a = g.a + row * g.a_row_stride;
    size_t now = 0;
    for (size_t done = 0; done < cols; done += now) {
      now = kDotCols <= cols - done ? kDotCols : 1;
      const void* b =
          static_cast<const unsigned char*>(g.b) + (col + done) * b_bytes;
      (now == 1 ? table.one : table.full)[rows - 1](g, a, b, sums);
      PutSums(g.output, row, col + done, rows, now, sums);
    }
  };
  // What there is more of is read once; the other comes from cache.
  constexpr size_t kCols = 8;
  const size_t groups = (g.cols + kCols - 1) / kCols;
  const bool rows_outside = g.rows > g.cols;
  const size_t outside = rows_outside ? tiles.count() : groups;
  const size_t inside = rows_outside ? groups : tiles.count();
  for (size_t i = 0; i < outside; ++i) {
    for (size_t j = 0; j < inside; ++j) {
      const size_t col = (rows_outside ? j : i) * kCols;
      run(rows_outside ? i : j, col, HWY_MIN(kCols, g.cols - col));
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {

HWY_EXPORT(GemmDotImpl);

void GemmDot(const GemmDotArgs& block) noexcept {
  RANVIER_DISPATCH(GemmDotImpl)(block);
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
