#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace ranvier {

// Two bytes that hold a number; arithmetic is done in f32. Plain bits, so that
// arrays of them can be read from files and moved to a device as they are.
struct bf16 {  // 8 exponent bits as f32, 7 of fraction
  uint16_t bits;
};
struct f16 {  // IEEE binary16: 5 exponent bits, 10 of fraction
  uint16_t bits;
};

namespace internal {

template <typename Bits, int kExponent, int kFraction>
struct FloatFormat {
  using Type = Bits;
  static constexpr int kFractionBits = kFraction;
  static constexpr int kBias = (1 << (kExponent - 1)) - 1;
  static constexpr int kMaxExponent = (1 << kExponent) - 1;  // inf and NaN
  static constexpr Bits kHidden = static_cast<Bits>(Bits{1} << kFraction);
  static constexpr Bits kSign =
      static_cast<Bits>(Bits{1} << (kExponent + kFraction));
  static constexpr Bits kInfinity =
      static_cast<Bits>(static_cast<Bits>(kMaxExponent) << kFraction);
  static constexpr Bits kQuiet = static_cast<Bits>(kHidden >> 1);
};
using F64Format = FloatFormat<uint64_t, 11, 52>;
using F32Format = FloatFormat<uint32_t, 8, 23>;
using Bf16Format = FloatFormat<uint16_t, 8, 7>;
using F16Format = FloatFormat<uint16_t, 5, 10>;

static_assert(std::numeric_limits<float>::is_iec559);
static_assert(std::numeric_limits<double>::is_iec559);

// Rounds once, to nearest, ties to even, straight from the wide format: going
// from f64 through f32 would round twice and miss ties.
template <class Wide, class Narrow>
constexpr uint16_t NarrowBits(typename Wide::Type wide) {
  using U = typename Wide::Type;
  const auto sign =
      static_cast<uint16_t>((wide & Wide::kSign) != 0 ? Narrow::kSign : 0);
  const U fraction = wide & (Wide::kHidden - 1);
  const int wide_exponent = static_cast<int>(
      (wide & static_cast<U>(~Wide::kSign)) >> Wide::kFractionBits);
  if (wide_exponent == Wide::kMaxExponent) {
    const int drop = Wide::kFractionBits - Narrow::kFractionBits;
    const uint32_t nan =
        fraction == 0
            ? 0
            : Narrow::kQuiet | static_cast<uint32_t>(fraction >> drop);
    return static_cast<uint16_t>(sign | Narrow::kInfinity | nan);
  }

  // value = significand * 2^(exponent - kBias - Wide::kFractionBits), where a
  // subnormal has the exponent 1 and no hidden bit.
  const bool subnormal = wide_exponent == 0;
  const U significand = fraction | (subnormal ? 0 : Wide::kHidden);
  int exponent = (subnormal ? 1 : wide_exponent) - Wide::kBias + Narrow::kBias;
  if (exponent >= Narrow::kMaxExponent) {
    return static_cast<uint16_t>(sign | Narrow::kInfinity);
  }
  int drop = Wide::kFractionBits - Narrow::kFractionBits;
  if (exponent < 1) {  // below the narrow format's normal numbers
    drop += 1 - exponent;
    exponent = 1;
  }
  if (drop > Wide::kFractionBits + 1) return sign;  // under half the smallest
  const U half = U{1} << (drop - 1);
  const U rest = significand & (2 * half - 1);
  U kept = significand >> drop;
  if (rest > half || (rest == half && (kept & 1) != 0)) ++kept;
  // The hidden bit of kept counts for one exponent; a carry out of the fraction
  // moves on to the next exponent and, at the very end, to infinity.
  const auto magnitude = static_cast<uint32_t>(exponent - 1)
                         << Narrow::kFractionBits;
  return static_cast<uint16_t>(sign |
                               (magnitude + static_cast<uint32_t>(kept)));
}

}  // namespace internal

// Exact. NaN becomes quiet and keeps sign and payload, as it does below.
constexpr float ToFloat(bf16 x) {
  using Format = internal::Bf16Format;
  const bool is_nan = (x.bits & ~Format::kSign) > Format::kInfinity;
  const uint32_t quiet = is_nan ? Format::kQuiet : 0;
  return std::bit_cast<float>((x.bits | quiet) << 16);
}

// Exact, subnormals included.
constexpr float ToFloat(f16 x) {
  using Format = internal::F16Format;
  using Wide = internal::F32Format;
  const uint32_t sign = (x.bits & Format::kSign) != 0 ? Wide::kSign : 0;
  const uint32_t magnitude = x.bits & (Format::kSign - 1u);
  constexpr int kShift = Wide::kFractionBits - Format::kFractionBits;
  if (magnitude >= Format::kInfinity) {
    const uint32_t payload = (magnitude - Format::kInfinity) << kShift;
    const uint32_t quiet = payload == 0 ? 0 : Wide::kQuiet;
    return std::bit_cast<float>(sign | Wide::kInfinity | quiet | payload);
  }
  if (magnitude < Format::kHidden) {  // subnormal: a multiple of 2^-24
    const float value = static_cast<float>(magnitude) * 0x1.0p-24f;
    return sign != 0 ? -value : value;
  }
  constexpr uint32_t kRebias =
      static_cast<uint32_t>(Wide::kBias - Format::kBias) << Wide::kFractionBits;
  return std::bit_cast<float>(sign | ((magnitude << kShift) + kRebias));
}

// Round to nearest, ties to even; too large becomes infinity, subnormals stay.
constexpr bf16 ToBf16(float x) {
  return {internal::NarrowBits<internal::F32Format, internal::Bf16Format>(
      std::bit_cast<uint32_t>(x))};
}
constexpr bf16 ToBf16(double x) {
  return {internal::NarrowBits<internal::F64Format, internal::Bf16Format>(
      std::bit_cast<uint64_t>(x))};
}
constexpr f16 ToF16(float x) {
  return {internal::NarrowBits<internal::F32Format, internal::F16Format>(
      std::bit_cast<uint32_t>(x))};
}
constexpr f16 ToF16(double x) {
  return {internal::NarrowBits<internal::F64Format, internal::F16Format>(
      std::bit_cast<uint64_t>(x))};
}

}  // namespace ranvier
