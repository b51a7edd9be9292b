// f32 <-> bf16, f16 in vectors of f32, for kernels that convert on the way.
// The same bits as simd/base/float16.h for every input, on every target.

#if defined(RANVIER_SIMD_CONVERT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RANVIER_SIMD_CONVERT_INL_H_
#undef RANVIER_SIMD_CONVERT_INL_H_
#else
#define RANVIER_SIMD_CONVERT_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "ranvier/simd/base/float16.h"

// Instructions that convert f16 with subnormals and payloads of NaN kept. There
// are none such for bf16: AVX512-BF16 takes subnormals for zero.
#undef RANVIER_HAVE_F16C
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2) || HWY_ARCH_ARM_A64
#define RANVIER_HAVE_F16C 1
#else
#define RANVIER_HAVE_F16C 0
#endif

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class DF>
using Bits32 = hn::VFromD<hn::RebindToUnsigned<DF>>;
template <class DF>
using Bits16 = hn::VFromD<hn::Rebind<uint16_t, DF>>;

// The narrow format is named by its struct: NarrowBits<bf16>(d, x) are the bits
// of bf16s, WidenBits<bf16>(d, bits) the f32s that they stand for.

template <class DF>
HWY_INLINE Bits16<DF> NarrowBits(bf16, DF, hn::VFromD<DF> x) {
  const hn::RebindToUnsigned<DF> du;
  const hn::Rebind<uint16_t, DF> du16;
  const auto bits = hn::BitCast(du, x);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFF)));
  const auto quiet = hn::Or(bits, hn::Set(du, 0x400000));
  const auto nan = hn::RebindMask(du, hn::IsNaN(x));
  const auto kept = hn::IfThenElse(nan, quiet, rounded);
  return hn::TruncateTo(du16, hn::ShiftRight<16>(kept));
}

template <class DF>
HWY_INLINE hn::VFromD<DF> WidenBits(bf16, DF d, Bits16<DF> narrow) {
  const hn::RebindToUnsigned<DF> du;
  const auto bits = hn::ShiftLeft<16>(hn::PromoteTo(du, narrow));
  const auto nan = hn::RebindMask(du, hn::IsNaN(hn::BitCast(d, bits)));
  const auto quiet = hn::IfThenElseZero(nan, hn::Set(du, 0x400000));
  return hn::BitCast(d, hn::Or(bits, quiet));
}

// 13 fraction bits fewer, and the exponent's bias 112 less.
inline constexpr uint32_t kF16Rebias = 112u << 23;
inline constexpr uint32_t kF16MinNormal = 113u << 23;  // 2^-14
inline constexpr uint32_t kF16Overflow = 143u << 23;   // 2^16

// From the bits of |x| once they are rounded: `rounded` where that is a normal
// number, or infinity, of f16, `subnormal` below, and NaN kept.
template <class DU>
HWY_INLINE hn::VFromD<DU> F16Magnitude(DU du, hn::VFromD<DU> magnitude,
                                       hn::VFromD<DU> rounded,
                                       hn::VFromD<DU> subnormal) {
  const auto top = hn::Set(du, kF16Overflow);
  const auto normal = hn::ShiftRight<13>(
      hn::Sub(hn::Min(rounded, top), hn::Set(du, kF16Rebias)));
  const auto finite = hn::IfThenElse(
      hn::Lt(magnitude, hn::Set(du, kF16MinNormal)), subnormal, normal);
  const auto payload =
      hn::And(hn::ShiftRight<13>(magnitude), hn::Set(du, 0x3FF));
  return hn::IfThenElse(hn::Gt(magnitude, hn::Set(du, 0x7F800000)),
                        hn::Or(payload, hn::Set(du, 0x7E00)), finite);
}

template <class DF>
HWY_INLINE Bits16<DF> NarrowBits(f16, DF d, hn::VFromD<DF> x) {
  const hn::Rebind<uint16_t, DF> du16;
#if RANVIER_HAVE_F16C
  (void)d;
  const hn::Rebind<hwy::float16_t, DF> df16;
  return hn::BitCast(du16, hn::DemoteTo(df16, x));
#else
  const hn::RebindToUnsigned<DF> du;
  const auto bits = hn::BitCast(du, x);
  const auto magnitude = hn::And(bits, hn::Set(du, 0x7FFFFFFF));
  const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(du, 1));
  const auto rounded = hn::Add(magnitude, hn::Add(odd, hn::Set(du, 0xFFF)));
  // An ulp of 0.5 is 2^-24, the spacing of subnormals: the sum is rounded to
  // it, to nearest even, and its fraction is the count of them.
  const auto sum = hn::Add(hn::BitCast(d, magnitude), hn::Set(d, 0.5f));
  const auto subnormal = hn::Sub(hn::BitCast(du, sum), hn::Set(du, 0x3F000000));
  const auto sign = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 0x8000));
  return hn::TruncateTo(
      du16, hn::Or(sign, F16Magnitude(du, magnitude, rounded, subnormal)));
#endif
}

template <class DF>
HWY_INLINE hn::VFromD<DF> WidenBits(f16, DF d, Bits16<DF> narrow) {
#if RANVIER_HAVE_F16C
  const hn::Rebind<hwy::float16_t, DF> df16;
  return hn::PromoteTo(d, hn::BitCast(df16, narrow));
#else
  const hn::RebindToUnsigned<DF> du;
  const hn::RebindToSigned<DF> di;
  const auto bits = hn::PromoteTo(du, narrow);
  const auto sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(du, 0x8000)));
  const auto magnitude = hn::And(bits, hn::Set(du, 0x7FFF));
  const auto shifted = hn::ShiftLeft<13>(magnitude);
  const auto count = hn::ConvertTo(d, hn::BitCast(di, magnitude));
  const auto subnormal = hn::Mul(count, hn::Set(d, 0x1.0p-24f));
  auto wide = hn::IfThenElse(hn::Lt(magnitude, hn::Set(du, 0x400)),
                             hn::BitCast(du, subnormal),
                             hn::Add(shifted, hn::Set(du, kF16Rebias)));
  // Infinity and NaN: all exponent bits, and NaN made quiet.
  wide = hn::IfThenElse(hn::Ge(magnitude, hn::Set(du, 0x7C00)),
                        hn::Or(shifted, hn::Set(du, 0x7F800000)), wide);
  const auto quiet = hn::IfThenElseZero(hn::Gt(magnitude, hn::Set(du, 0x7C00)),
                                        hn::Set(du, 0x400000));
  return hn::BitCast(d, hn::Or(hn::Or(wide, quiet), sign));
#endif
}

// Rounded by chance: of the two neighbours the upper one in magnitude is taken
// with the probability (|x| - lower) / (upper - lower). `random` are 32 uniform
// bits a lane.

template <class DF>
HWY_INLINE Bits16<DF> NarrowBitsStochastic(bf16, DF, hn::VFromD<DF> x,
                                           Bits32<DF> random) {
  const hn::RebindToUnsigned<DF> du;
  const hn::Rebind<uint16_t, DF> du16;
  const auto bits = hn::BitCast(du, x);
  // Infinity has no bits below to carry from, and stays.
  const auto rounded = hn::Add(bits, hn::ShiftRight<16>(random));
  const auto quiet = hn::Or(bits, hn::Set(du, 0x400000));
  const auto nan = hn::RebindMask(du, hn::IsNaN(x));
  const auto kept = hn::IfThenElse(nan, quiet, rounded);
  return hn::TruncateTo(du16, hn::ShiftRight<16>(kept));
}

template <class DF>
HWY_INLINE Bits16<DF> NarrowBitsStochastic(f16, DF d, hn::VFromD<DF> x,
                                           Bits32<DF> random) {
  const hn::RebindToUnsigned<DF> du;
  const hn::RebindToSigned<DF> di;
  const hn::Rebind<uint16_t, DF> du16;
  const auto bits = hn::BitCast(du, x);
  const auto magnitude = hn::And(bits, hn::Set(du, 0x7FFFFFFF));
  const auto rounded = hn::Add(magnitude, hn::ShiftRight<19>(random));
  // Subnormals of f16 are counts of 2^-24. What lies below the count is kept to
  // 31 bits; the products and the difference are exact. Larger numbers are
  // taken for 0, as converting them to an integer may be undefined.
  const auto small = hn::IfThenElseZero(
      hn::RebindMask(d, hn::Lt(magnitude, hn::Set(du, kF16MinNormal))),
      hn::BitCast(d, magnitude));
  const auto scaled = hn::Mul(small, hn::Set(d, 0x1.0p24f));
  const auto whole = hn::ConvertTo(di, scaled);
  const auto rest =
      hn::Mul(hn::Sub(scaled, hn::ConvertTo(d, whole)), hn::Set(d, 0x1.0p31f));
  const auto chance = hn::ConvertTo(di, rest);
  const auto draw = hn::BitCast(di, hn::ShiftRight<1>(random));
  const auto up = hn::IfThenElseZero(hn::Lt(draw, chance), hn::Set(di, 1));
  const auto subnormal = hn::BitCast(du, hn::Add(whole, up));
  const auto sign = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 0x8000));
  return hn::TruncateTo(
      du16, hn::Or(sign, F16Magnitude(du, magnitude, rounded, subnormal)));
}

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#endif  // RANVIER_SIMD_CONVERT_INL_H_
