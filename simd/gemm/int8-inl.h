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
// s8 x s8 quads, or 16-bit pairs. (The saturating u8 x s8 pairs of SSSE3 and
// AVX2 are as many multiplications as 16-bit pairs, and not exact.)
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

// As the f32 tile. NEON adds products of pairs into two sums each: 6 x 2 x 2
// fill 24 of its 32 registers.
#if HWY_TARGET_IS_NEON || (HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3)
constexpr size_t kInt8MR = 6;
#else
constexpr size_t kInt8MR = 12;
#endif

struct Int8TileArgs {
  size_t steps;  // quads of k
  const uint32_t* a;
  const uint32_t* b;
  size_t panel_step;  // from panel to panel, in 32-bit units
  int32_t* sums;      // rows behind each other, of whole vectors; aligned
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

// Between the parts of a step. GCC would add up the products of both first, and
// put those of the first part on the stack meanwhile.
HWY_INLINE void EndPart(Int8V& sum) {
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

// How the operands lie, and how they are multiplied. A step takes a quad of k,
// in kParts parts with elements of A and B of their own. Sums are in two
// registers where `rest` is used.
#if RANVIER_INT8_QUADS_U8 || RANVIER_INT8_QUADS_S8
struct QuadOperands {
  static constexpr int kParts = 1;
  static constexpr size_t kBParts = 1;  // 32-bit units of B for a quad
#if RANVIER_INT8_QUADS_U8
  using TA = uint8_t;
#else
  using TA = int8_t;
#endif
  using DA = hn::Repartition<TA, Int8D>;
  using DB = hn::Repartition<int8_t, Int8D>;
  static HWY_INLINE hn::Vec<DA> Broadcast(uint32_t a) {
    return hn::BitCast(DA(), hn::Set(Int8U(), a));
  }
  template <int kPart>
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
struct PairSums {
  static constexpr int kParts = 2;
  using D16 = hn::Repartition<int16_t, Int8D>;
  static HWY_INLINE hn::Vec<D16> Broadcast(uint32_t a) {
    return hn::BitCast(D16(), hn::Set(Int8U(), a));
  }
  static HWY_INLINE void MulAdd(hn::Vec<D16> a, hn::Vec<D16> b, Int8V& sum,
                                Int8V& rest) {
    sum = hn::ReorderWidenMulAccumulate(Int8D(), a, b, sum, rest);
  }
  static HWY_INLINE Int8V Total(Int8V sum, Int8V rest) {
    return hn::RearrangeToOddPlusEven(sum, rest);
  }
};
struct NarrowOperands : PairSums {  // panels of quads
  static constexpr size_t kBParts = 1;
  template <int kPart>
  static HWY_INLINE hn::Vec<D16> LoadB(const uint32_t* b, size_t /*width*/) {
    const Int8V quads = hn::BitCast(Int8D(), hn::LoadU(Int8U(), b));
    return hn::BitCast(D16(), kPart == 0 ? EvenPairs(quads) : OddPairs(quads));
  }
};
struct WidenedOperands : PairSums {  // [K / 4][even, odd][width] pairs
  static constexpr size_t kBParts = 2;
  template <int kPart>
  static HWY_INLINE hn::Vec<D16> LoadB(const uint32_t* b, size_t width) {
    return hn::BitCast(D16(), hn::LoadU(Int8U(), b + kPart * width));
  }
};
#endif

// Sums by name: SVE has no arrays of vectors, and in an array a compiler may
// leave them in memory. A slot is one row of one panel.
#define RANVIER_SLOTS(Do) \
  Do(0) Do(1) Do(2) Do(3) Do(4) Do(5) Do(6) Do(7) Do(8) Do(9) Do(10) Do(11)
#define RANVIER_SLOT_DECLARE(i)    \
  Int8V sum##i##_0 = hn::Zero(d);  \
  Int8V sum##i##_1 = hn::Zero(d);  \
  Int8V rest##i##_0 = hn::Zero(d); \
  Int8V rest##i##_1 = hn::Zero(d);
#define RANVIER_SLOT_MULADD(i)                                               \
  if constexpr (i < kSlots) {                                                \
    constexpr size_t kRow = static_cast<size_t>(i / kPanels);                \
    const uint32_t* HWY_RESTRICT panel = b + (i % kPanels) * t.panel_step;   \
    const auto x = Operands::Broadcast(a[kRow * Operands::kParts + kPart]);  \
    Operands::MulAdd(x, Operands::template LoadB<kPart>(panel, width),       \
                     sum##i##_0, rest##i##_0);                               \
    if constexpr (kVecs == 2) {                                              \
      Operands::MulAdd(x, Operands::template LoadB<kPart>(panel + N, width), \
                       sum##i##_1, rest##i##_1);                             \
    }                                                                        \
  }
#define RANVIER_SLOT_END_PART(i)                   \
  if constexpr (i < kSlots) {                      \
    EndPart(sum##i##_0);                           \
    if constexpr (kVecs == 2) EndPart(sum##i##_1); \
  }
#define RANVIER_SLOT_STORE(i)                                            \
  if constexpr (i < kSlots) {                                            \
    int32_t* HWY_RESTRICT out = t.sums + static_cast<size_t>(i) * width; \
    hn::Store(Operands::Total(sum##i##_0, rest##i##_0), d, out);         \
    if constexpr (kVecs == 2) {                                          \
      hn::Store(Operands::Total(sum##i##_1, rest##i##_1), d, out + N);   \
    }                                                                    \
  }

// kRows x (kPanels kVecs) vectors of sums. They are stored in one way only:
// with more to be done here, GCC finds too few registers for the loop.
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
    {
      constexpr int kPart = 0;
      RANVIER_SLOTS(RANVIER_SLOT_MULADD)
    }
    if constexpr (Operands::kParts == 2) {
      constexpr int kPart = 1;
      RANVIER_SLOTS(RANVIER_SLOT_END_PART)
      RANVIER_SLOTS(RANVIER_SLOT_MULADD)
    }
    a += kRows * Operands::kParts;
    b += width * Operands::kBParts;
  }
  RANVIER_SLOTS(RANVIER_SLOT_STORE)
}

#undef RANVIER_SLOTS
#undef RANVIER_SLOT_DECLARE
#undef RANVIER_SLOT_MULADD
#undef RANVIER_SLOT_END_PART
#undef RANVIER_SLOT_STORE

using Int8TileFunction = void (*)(const Int8TileArgs&);

// As the tables of microkernel-inl.h: one to three rows alone take several
// panels at once.
constexpr int Int8WidePanels(size_t rows) {
  return rows == 1 ? 4 : rows <= 3 ? 2 : 1;
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
