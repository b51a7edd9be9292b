// The register tile of matrix products. Included per target, after
// <hwy/highway.h>.

#include "ranvier/simd/convert-inl.h"
#include "ranvier/simd/gemm/gemm.h"

#if defined(RANVIER_SIMD_GEMM_MICROKERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_GEMM_MICROKERNEL_INL_H_
#undef RANVIER_SIMD_GEMM_MICROKERNEL_INL_H_
#else
#define RANVIER_SIMD_GEMM_MICROKERNEL_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using GemmD = hn::ScalableTag<float>;
using GemmV = hn::Vec<GemmD>;

// 12 x 2 sums + 2 of B + 1 of A fill most of 32 registers; 6 x 2 + 2 + 1 = 15
// fit the 16 of SSE and AVX2.
#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3
constexpr size_t kMR = 6;
#else
constexpr size_t kMR = 12;
#endif

struct TileArgs {
  size_t steps;  // depth in units of Operands::kDepth
  const void* a;
  size_t a_row, a_step;  // elements from row to row, from k to k
  const void* b;
  size_t b_step;         // elements from k to k
  size_t panel_step;     // elements from panel to panel
  const float* partial;  // or null
  size_t partial_stride;
  float* out;
  size_t out_stride;
  size_t cols;  // out has room for whole vectors of them
};

// Whole vectors only: code for the rest would be there once a tile and sum.
HWY_INLINE void StoreSums(const TileArgs& t, int row, size_t col, GemmV sum0,
                          GemmV sum1, int vecs) {
  const GemmD d;
  const size_t N = hn::Lanes(d);
  if (t.partial != nullptr) {
    const float* partial =
        t.partial + static_cast<size_t>(row) * t.partial_stride + col;
    sum0 = hn::Add(hn::LoadU(d, partial), sum0);
    if (vecs == 2) sum1 = hn::Add(hn::LoadU(d, partial + N), sum1);
  }
  float* out = t.out + static_cast<size_t>(row) * t.out_stride + col;
  hn::StoreU(sum0, d, out);
  if (vecs == 2) hn::StoreU(sum1, d, out + N);
}

// How the operands lie, and how they are multiplied. A step takes kDepth values
// of k from B, in kParts parts, each with elements of A of its own.
struct F32Sums {
  using A = float;
  static constexpr bool kPacked = true;
  static constexpr size_t kABytes = sizeof(float);  // of a row for one k
  static HWY_INLINE GemmV Broadcast(float a) { return hn::Set(GemmD(), a); }
  static HWY_INLINE GemmV MulAdd(GemmV a, GemmV b, GemmV sum) {
    return hn::MulAdd(a, b, sum);
  }
};
struct F32Operands : F32Sums {  // panels and tiles of f32
  using B = float;
  static constexpr size_t kDepth = 1;
  static constexpr int kParts = 1;
  template <int kPart>
  static HWY_INLINE GemmV LoadB(const float* b) {
    return hn::LoadU(GemmD(), b);
  }
};
struct DirectOperands : F32Operands {
  static constexpr bool kPacked = false;
};
struct Bf16Operands : F32Sums {  // panels of bf16 pairs, tiles of f32
  using B = uint32_t;
  static constexpr size_t kDepth = 2;
  static constexpr int kParts = 2;
  template <int kPart>
  static HWY_INLINE GemmV LoadB(const uint32_t* b) {
    const GemmD d;
    const hn::RebindToUnsigned<GemmD> du;
    const auto pair = hn::LoadU(du, b);
    if constexpr (kPart == 0) {
      return hn::BitCast(d, hn::ShiftLeft<16>(pair));
    } else {
      return hn::BitCast(d, hn::And(pair, hn::Set(du, 0xFFFF0000u)));
    }
  }
};
struct F16Operands : F32Sums {  // panels of f16, tiles of f32
  using B = uint16_t;
  static constexpr size_t kDepth = 1;
  static constexpr int kParts = 1;
  template <int kPart>
  static HWY_INLINE GemmV LoadB(const uint16_t* b) {
    const hn::Rebind<uint16_t, GemmD> d16;
    return WidenBits(f16(), GemmD(), hn::LoadU(d16, b));
  }
};
#if HWY_NATIVE_DOT_BF16
struct Bf16DotOperands {  // panels and tiles of bf16 pairs
  using A = uint32_t;
  using B = uint32_t;
  using D16 = hn::Repartition<hwy::bfloat16_t, GemmD>;
  static constexpr bool kPacked = true;
  static constexpr size_t kABytes = sizeof(uint16_t);
  static constexpr size_t kDepth = 2;
  static constexpr int kParts = 1;
  static HWY_INLINE hn::Vec<D16> Broadcast(uint32_t a) {
    return hn::BitCast(D16(), hn::Set(hn::RebindToUnsigned<GemmD>(), a));
  }
  template <int kPart>
  static HWY_INLINE hn::Vec<D16> LoadB(const uint32_t* b) {
    return hn::BitCast(D16(), hn::LoadU(hn::RebindToUnsigned<GemmD>(), b));
  }
  static HWY_INLINE GemmV MulAdd(hn::Vec<D16> a, hn::Vec<D16> b, GemmV sum) {
    GemmV none = hn::Zero(GemmD());  // the instruction needs one sum only
    return hn::ReorderWidenMulAccumulate(GemmD(), a, b, sum, none);
  }
};
#endif

// Sums by name: SVE has no arrays of vectors, and in an array a compiler may
// leave them in memory. A slot is one row of one panel.
#define RANVIER_SLOTS(Do) \
  Do(0) Do(1) Do(2) Do(3) Do(4) Do(5) Do(6) Do(7) Do(8) Do(9) Do(10) Do(11)
#define RANVIER_SLOT_DECLARE(i)   \
  GemmV sum##i##_0 = hn::Zero(d); \
  GemmV sum##i##_1 = hn::Zero(d);
#define RANVIER_SLOT_MULADD(i)                                               \
  if constexpr (i < kSlots) {                                                \
    constexpr size_t kRow = static_cast<size_t>(i / kPanels);                \
    const Element* HWY_RESTRICT panel = b + (i % kPanels) * t.panel_step;    \
    const auto x = Operands::Broadcast(a[part_a + kRow * a_row]);            \
    sum##i##_0 = Operands::MulAdd(x, Operands::template LoadB<kPart>(panel), \
                                  sum##i##_0);                               \
    if constexpr (kVecs == 2) {                                              \
      sum##i##_1 = Operands::MulAdd(                                         \
          x, Operands::template LoadB<kPart>(panel + N), sum##i##_1);        \
    }                                                                        \
  }
#define RANVIER_SLOT_STORE(i)                                               \
  if constexpr (i < kSlots) {                                               \
    StoreSums(t, i / kPanels, static_cast<size_t>(i % kPanels) * kVecs * N, \
              sum##i##_0, sum##i##_1, kVecs);                               \
  }

// kRows x (kPanels kVecs) vectors of sums, each over k in order: a sum has the
// same bits whatever the tile that it is computed in.
template <class Operands, int kRows, int kPanels, int kVecs>
void ComputeTile(const TileArgs& t) {
  constexpr int kSlots = kRows * kPanels;
  static_assert(kSlots <= 12);
  using Element = typename Operands::B;
  const GemmD d;
  const size_t N = hn::Lanes(d);
  const size_t a_row = Operands::kPacked ? 1 : t.a_row;
  const size_t a_step = Operands::kPacked ? kRows : t.a_step;
  const size_t b_step = Operands::kPacked ? kVecs * N : t.b_step;
  const auto* HWY_RESTRICT a = static_cast<const typename Operands::A*>(t.a);
  const Element* HWY_RESTRICT b = static_cast<const Element*>(t.b);
  // Rows of C may be pages apart: they are on their way while sums are made.
  for (int row = 0; t.steps >= 64 && row < kRows; ++row) {
    const float* c = t.out + static_cast<size_t>(row) * t.out_stride;
    for (size_t i = 0; i < kPanels * kVecs * N; i += 64 / sizeof(float)) {
      hwy::Prefetch(c + i);
    }
  }
  RANVIER_SLOTS(RANVIER_SLOT_DECLARE)
  for (size_t k = t.steps; k != 0; --k) {
    {
      constexpr int kPart = 0;
      constexpr size_t part_a = 0;
      RANVIER_SLOTS(RANVIER_SLOT_MULADD)
    }
    if constexpr (Operands::kParts == 2) {
      constexpr int kPart = 1;
      const size_t part_a = a_step;
      RANVIER_SLOTS(RANVIER_SLOT_MULADD)
    }
    a += a_step * Operands::kParts;
    b += b_step;
  }
  RANVIER_SLOTS(RANVIER_SLOT_STORE)
}

#undef RANVIER_SLOTS
#undef RANVIER_SLOT_DECLARE
#undef RANVIER_SLOT_MULADD
#undef RANVIER_SLOT_STORE

using TileFunction = void (*)(const TileArgs&);

// Tiles by their rows. One to three rows alone would leave the multipliers
// waiting for their own sums, so they take several panels at once.
constexpr int WidePanels(size_t rows) {
  return rows == 1 ? 4 : rows <= 3 ? 2 : 1;
}
struct TileTable {
  TileFunction narrow[kMR];  // one panel
  TileFunction wide[3];      // WidePanels(rows) panels, of two vectors
};
template <class Operands, int kVecs>
constexpr TileTable MakeTileTable() {
  TileTable table{};
  [&]<size_t... r>(std::index_sequence<r...>) {
    ((table.narrow[r] = ComputeTile<Operands, r + 1, 1, kVecs>), ...);
  }
  (std::make_index_sequence<kMR>());
  if constexpr (kVecs == 2) {
    table.wide[0] = ComputeTile<Operands, 1, WidePanels(1), 2>;
    table.wide[1] = ComputeTile<Operands, 2, WidePanels(2), 2>;
    table.wide[2] = ComputeTile<Operands, 3, WidePanels(3), 2>;
  }
  return table;
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // toggle
