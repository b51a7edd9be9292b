#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/gemm/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/gemm/dot.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"
#include "ranvier/simd/gemm/convert-inl.h"

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
    const hn::Rebind<hwy::float16_t, DotD> d16;
    return WidenF16(d,
                    hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(p)));
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
    const hn::Rebind<hwy::float16_t, DotD> dh;
    return WidenF16(d, hn::BitCast(dh, hn::LoadN(d16, &p->bits, n)));
  }
}

#define RANVIER_SLOTS(Do)                                                   \
  Do(0) Do(1) Do(2) Do(3) Do(4) Do(5) Do(6) Do(7) Do(8) Do(9) Do(10) Do(11) \
      Do(12) Do(13) Do(14) Do(15)
#define RANVIER_SLOT_DECLARE(i) DotV sum##i = hn::Zero(d);
#define RANVIER_SLOT_MULADD(i)                                             \
  if constexpr (i < kSlots) {                                              \
    sum##i = hn::MulAdd(load_a(a + (i / kCols) * g.a_row_stride),          \
                        load_b(b + (i % kCols) * g.b_col_stride), sum##i); \
  }
#define RANVIER_SLOT_STORE(i) \
  if constexpr (i < kSlots) out[i] = hn::ReduceSum(d, sum##i);

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
  RANVIER_SLOTS(RANVIER_SLOT_STORE)
}

#undef RANVIER_SLOTS
#undef RANVIER_SLOT_DECLARE
#undef RANVIER_SLOT_MULADD
#undef RANVIER_SLOT_STORE

using DotFunction = void (*)(const GemmDotArgs&, const float*, const void*,
                             float*);

// By rows - 1: tiles of DotCols columns, and of one.
constexpr size_t DotCols(size_t rows) { return rows == 1 ? 8 : 4; }
struct DotTable {
  DotFunction full[kDotRows];
  DotFunction one[kDotRows];
};
template <typename T>
constexpr DotTable MakeDotTable() {
  DotTable table{};
  [&]<size_t... r>(std::index_sequence<r...>) {
    ((table.full[r] = DotTile<T, r + 1, DotCols(r + 1)>), ...);
    ((table.one[r] = DotTile<T, r + 1, 1>), ...);
  }
  (std::make_index_sequence<kDotRows>());
  return table;
}

// Over columns of B, so that B is read from memory once and A, which is small,
// from cache.
void GemmDotImpl(const GemmDotArgs& g) {
  static constexpr DotTable kF32 = MakeDotTable<float>();
  static constexpr DotTable kBf16 = MakeDotTable<bf16>();
  static constexpr DotTable kF16 = MakeDotTable<f16>();
  const DotTable& table = g.b_type == ElementType::kF32    ? kF32
                          : g.b_type == ElementType::kBf16 ? kBf16
                                                           : kF16;
  const RowTiles tiles(g.rows, kDotRows);
  const size_t cols_at_once = DotCols(HWY_MIN(g.rows, kDotRows));
  const GemmOutput& o = g.output;
  float sums[16];
  size_t cols = 0;
  for (size_t col = 0; col < g.cols; col += cols) {
    cols = col + cols_at_once <= g.cols ? cols_at_once : 1;
    const void* b = static_cast<const unsigned char*>(g.b) +
                    col * g.b_col_stride * SizeBytes(g.b_type);
    for (size_t tile = 0; tile < tiles.count(); ++tile) {
      const size_t row = tiles.Begin(tile);
      const size_t rows = tiles.Rows(tile);
      const float* a = g.a + row * g.a_row_stride;
      size_t done = 0;
      // A tile of one row takes more columns than its neighbours: all tiles of
      // this step take the columns of the first.
      while (done < cols) {
        const size_t wide = DotCols(rows);
        const bool full = wide <= cols - done;
        const size_t now = full ? wide : 1;
        const void* at = static_cast<const unsigned char*>(b) +
                         done * g.b_col_stride * SizeBytes(g.b_type);
        (full ? table.full : table.one)[rows - 1](g, a, at, sums);
        if (o.partial != nullptr) {
          for (size_t i = 0; i < rows; ++i) {
            const float* partial =
                o.partial + (row + i) * o.partial_stride + col + done;
            for (size_t j = 0; j < now; ++j) sums[i * now + j] += partial[j];
          }
        }
        if (o.epilogue != nullptr) {
          FinishTile(*o.epilogue, sums, now, o.row + row, o.col + col + done,
                     rows, now);
        } else {
          for (size_t i = 0; i < rows; ++i) {
            float* out = o.out + (row + i) * o.out_stride + col + done;
            for (size_t j = 0; j < now; ++j) out[j] = sums[i * now + j];
          }
        }
        done += now;
      }
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
