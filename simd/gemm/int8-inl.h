// The register tile of 8-bit integer products. Included per target, after
// <hwy/highway.h>.

#include <cstring>
#include <utility>

#include "ranvier/simd/gemm/gemm_int8.h"

#if defined(RANVIER_SIMD_GEMM_INT8_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_GEMM_INT8_INL_H_
#undef RANVIER_SIMD_GEMM_INT8_INL_H_
#else
#define RANVIER_SIMD_GEMM_INT8_INL_H_
#endif

// What the processor multiplies and adds up in one instruction: u8 x s8 quads,
// s8 x s8 quads, or 16-bit pairs. (The u8 x s8 pairs of SSSE3 and AVX2
// saturate, and take as many multiplications as 16-bit pairs.)
#undef RANVIER_INT8_QUADS_U8
#undef RANVIER_INT8_QUADS_S8
#define RANVIER_INT8_QUADS_U8 (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL)
#define RANVIER_INT8_QUADS_S8 (HWY_TARGET_IS_SVE)

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Int8D = hn::ScalableTag<int32_t>;
using Int8V = hn::Vec<Int8D>;
using Int8U = hn::RebindToUnsigned<Int8D>;

// Quads: as the f32 tile, 12 x 2 sums + 2 of B + 1 of A of 32 registers. Pairs:
// NEON needs two registers for a sum, 6 x 2 x 2 + 2 x 2 of B + 2 of A; x86 has
// 4 x 2 sums + 2 x 2 of B + 2 of A + 2 factors, all of AVX2's 16.
#if RANVIER_INT8_QUADS_U8 || RANVIER_INT8_QUADS_S8
constexpr size_t kInt8MR = 12;
#elif HWY_TARGET_IS_NEON
constexpr size_t kInt8MR = 6;
#elif HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
constexpr size_t kInt8MR = 8;
#else
constexpr size_t kInt8MR = 4;
#endif

// out[row][col] = A B + initial[row][col] + row_terms[row], for whole vectors.
struct Int8TileArgs {
  size_t steps;  // quads of k
  const uint32_t* a;
  const uint32_t* b;
  size_t panel_step;  // from panel to panel, in 32-bit units
  const int32_t* initial;
  size_t initial_stride;  // 0: the same in all rows
  const int32_t* row_terms;
  int32_t* out;
  size_t out_stride;
};

// 16-bit pairs b0 b2 and b1 b3 of quads b0 b1 b2 b3 of s8.
HWY_INLINE Int8V EvenPairs(Int8V quads) {
  const hn::Repartition<int16_t, Int8D> d16;
  const auto q = hn::BitCast(d16, quads);
  return hn::BitCast(Int8D(), hn::ShiftRight<8>(hn::ShiftLeft<8>(q)));
}
HWY_INLINE Int8V OddPairs(Int8V quads) {
  const hn::Repartition<int16_t, Int8D> d16;
  return hn::BitCast(Int8D(), hn::ShiftRight<8>(hn::BitCast(d16, quads)));
}

// How the operands lie, and how they are multiplied. A step takes a quad of k.
// Sums are in two registers where `rest` is used.
#if RANVIER_INT8_QUADS_U8 || RANVIER_INT8_QUADS_S8
constexpr bool kPairProducts = false;
struct QuadOperands {
  static constexpr size_t kAUnits = 1;  // 32-bit units of A for a quad
  static constexpr size_t kBUnits = 1;
#if RANVIER_INT8_QUADS_U8
  using TA = uint8_t;
#else
  using TA = int8_t;
#endif
  using DA = hn::Repartition<TA, Int8D>;
  using DB = hn::Repartition<int8_t, Int8D>;
  static HWY_INLINE hn::Vec<DA> LoadA(const uint32_t* a) {
    return hn::BitCast(DA(), hn::Set(Int8U(), *a));
  }
  static HWY_INLINE hn::Vec<DB> LoadB(const uint32_t* b, size_t /*width*/) {
    return hn::BitCast(DB(), hn::LoadU(Int8U(), b));
  }
  static HWY_INLINE void MulAdd(hn::Vec<DA> a, hn::Vec<DB> b, Int8V& sum,
                                Int8V& /*rest*/) {
    sum = hn::SumOfMulQuadAccumulate(Int8D(), a, b, sum);
  }
  static HWY_INLINE Int8V Total(Int8V sum, Int8V /*rest*/) { return sum; }
};
using NarrowOperands = QuadOperands;
using WidenedOperands = QuadOperands;
#else
// On x86 two products are made by one multiplication (Winograd 1968):
//   a0 b0 + a1 b1 = (a0 + b1) (a1 + b0) - a0 a1 - b0 b1
// The last two terms belong to a row and a column and are added to the sums of
// K at once. As many instructions as without, but half the multiplications,
// which only two of four ports can do: AVX2 gains a tenth. 16 bits hold the
// factors, and modulo 2^32 nothing is lost.
constexpr bool kPairProducts = HWY_ARCH_X86;
struct PairOperands {
  static constexpr size_t kAUnits = 2;
  using D16 = hn::Repartition<int16_t, Int8D>;
  struct Pairs {
    hn::Vec<D16> even, odd;
  };
  static HWY_INLINE Pairs LoadA(const uint32_t* a) {
    const Int8U du;
    return {hn::BitCast(D16(), hn::Set(du, a[0])),
            hn::BitCast(D16(), hn::Set(du, a[1]))};
  }
  static HWY_INLINE void MulAdd(const Pairs& a, const Pairs& b, Int8V& sum,
                                Int8V& rest) {
    const Int8D d;
    if constexpr (kPairProducts) {
      sum = hn::ReorderWidenMulAccumulate(d, hn::Add(a.even, b.odd),
                                          hn::Add(a.odd, b.even), sum, rest);
    } else {
      sum = hn::ReorderWidenMulAccumulate(d, a.even, b.even, sum, rest);
      sum = hn::ReorderWidenMulAccumulate(d, a.odd, b.odd, sum, rest);
    }
  }
  static HWY_INLINE Int8V Total(Int8V sum, Int8V rest) {
    return hn::RearrangeToOddPlusEven(sum, rest);
  }
};
struct NarrowOperands : PairOperands {  // panels of quads
  static constexpr size_t kBUnits = 1;
  static HWY_INLINE Pairs LoadB(const uint32_t* b, size_t /*width*/) {
    const Int8V quads = hn::BitCast(Int8D(), hn::LoadU(Int8U(), b));
    return {hn::BitCast(D16(), EvenPairs(quads)),
            hn::BitCast(D16(), OddPairs(quads))};
  }
};
struct WidenedOperands : PairOperands {  // [K / 4][even, odd][width] pairs
  static constexpr size_t kBUnits = 2;
  static HWY_INLINE Pairs LoadB(const uint32_t* b, size_t width) {
    const Int8U du;
    return {hn::BitCast(D16(), hn::LoadU(du, b)),
            hn::BitCast(D16(), hn::LoadU(du, b + width))};
  }
};
#endif

// GCC would begin with what becomes of a sum, a change of its type, inside the
// loop, and then keep both on the stack.
HWY_INLINE void EndSum(Int8V& sum) {
#if HWY_COMPILER_GCC_ACTUAL && HWY_ARCH_X86
#if HWY_TARGET <= HWY_AVX3
  asm("" : "+v"(sum.raw));
#else
  asm("" : "+x"(sum.raw));
#endif
#else
  (void)sum;
#endif
}

// Sums by name: SVE has no arrays of vectors, and in an array a compiler may
// leave them in memory. A slot is one row of one panel.
#define RANVIER_SLOTS(Do) \
  Do(0) Do(1) Do(2) Do(3) Do(4) Do(5) Do(6) Do(7) Do(8) Do(9) Do(10) Do(11)
#define RANVIER_SLOT_DECLARE(i)    \
  Int8V sum##i##_0 = hn::Zero(d);  \
  Int8V sum##i##_1 = hn::Zero(d);  \
  Int8V rest##i##_0 = hn::Zero(d); \
  Int8V rest##i##_1 = hn::Zero(d);
#define RANVIER_SLOT_MULADD(i)                                             \
  if constexpr (i < kSlots) {                                              \
    constexpr size_t kRow = static_cast<size_t>(i / kPanels);              \
    const uint32_t* HWY_RESTRICT panel = b + (i % kPanels) * t.panel_step; \
    const auto x = Operands::LoadA(a + kRow * Operands::kAUnits);          \
    Operands::MulAdd(x, Operands::LoadB(panel, width), sum##i##_0,         \
                     rest##i##_0);                                         \
    if constexpr (kVecs == 2) {                                            \
      Operands::MulAdd(x, Operands::LoadB(panel + N, width), sum##i##_1,   \
                       rest##i##_1);                                       \
    }                                                                      \
  }
#define RANVIER_SLOT_END(i)                       \
  if constexpr (i < kSlots) {                     \
    EndSum(sum##i##_0);                           \
    if constexpr (kVecs == 2) EndSum(sum##i##_1); \
  }
#define RANVIER_SLOT_STORE(i)                                           \
  if constexpr (i < kSlots) {                                           \
    constexpr size_t kRow = static_cast<size_t>(i / kPanels);           \
    const size_t col = static_cast<size_t>(i % kPanels) * width;        \
    const int32_t* initial = t.initial + kRow * t.initial_stride + col; \
    int32_t* out = t.out + kRow * t.out_stride + col;                   \
    const auto term = hn::Set(d, t.row_terms[kRow]);                    \
    hn::StoreU(hn::Add(Operands::Total(sum##i##_0, rest##i##_0),        \
                       hn::Add(hn::LoadU(d, initial), term)),           \
               d, out);                                                 \
    if constexpr (kVecs == 2) {                                         \
      hn::StoreU(hn::Add(Operands::Total(sum##i##_1, rest##i##_1),      \
                         hn::Add(hn::LoadU(d, initial + N), term)),     \
                 d, out + N);                                           \
    }                                                                   \
  }

// kRows x (kPanels kVecs) vectors of sums.
template <class Operands, int kRows, int kPanels, int kVecs>
void ComputeInt8Tile(const Int8TileArgs& t) {
  constexpr int kSlots = kRows * kPanels;
  static_assert(kSlots <= 12);
  const Int8D d;
  const size_t N = hn::Lanes(d);
  const size_t width = kVecs * N;
  const uint32_t* HWY_RESTRICT a = t.a;
  const uint32_t* HWY_RESTRICT b = t.b;
  RANVIER_SLOTS(RANVIER_SLOT_DECLARE)
  for (size_t k = t.steps; k != 0; --k) {
    RANVIER_SLOTS(RANVIER_SLOT_MULADD)
    a += kRows * Operands::kAUnits;
    b += width * Operands::kBUnits;
  }
  RANVIER_SLOTS(RANVIER_SLOT_END)
  RANVIER_SLOTS(RANVIER_SLOT_STORE)
}

#undef RANVIER_SLOTS
#undef RANVIER_SLOT_DECLARE
#undef RANVIER_SLOT_MULADD
#undef RANVIER_SLOT_END
#undef RANVIER_SLOT_STORE

using Int8TileFunction = void (*)(const Int8TileArgs&);

// As the tables of microkernel-inl.h: one to three rows alone take several
// panels at once.
constexpr int Int8WidePanels(size_t rows) {
  return rows == 1 ? 4 : rows == 2 || (rows == 3 && kInt8MR > 4) ? 2 : 1;
}
template <class Operands, int kVecs>
struct Int8TileTable {
  Int8TileFunction narrow[kInt8MR];
  Int8TileFunction wide[3];
};
template <class Operands, int kVecs>
constexpr Int8TileTable<Operands, kVecs> MakeInt8TileTable() {
  Int8TileTable<Operands, kVecs> table{};
  [&]<size_t... r>(std::index_sequence<r...>) {
    ((table.narrow[r] = ComputeInt8Tile<Operands, r + 1, 1, kVecs>), ...);
  }
  (std::make_index_sequence<kInt8MR>());
  [&]<size_t... r>(std::index_sequence<r...>) {
    ((table.wide[r] =
          ComputeInt8Tile<Operands, r + 1, Int8WidePanels(r + 1), kVecs>),
     ...);
  }
  (std::make_index_sequence<3>());
  return table;
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // toggle
