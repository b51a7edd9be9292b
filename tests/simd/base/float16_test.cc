#include "ranvier/simd/base/float16.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <type_traits>

#include <gtest/gtest.h>

namespace ranvier {
namespace {

static_assert(sizeof(bf16) == 2 && std::is_trivial_v<bf16>);
static_assert(sizeof(f16) == 2 && std::is_trivial_v<f16>);
static_assert(ToF16(1.0f).bits == 0x3C00 && ToFloat(f16{0x3C00}) == 1.0f);
static_assert(ToBf16(1.0).bits == 0x3F80 && ToFloat(bf16{0x3F80}) == 1.0f);

struct Bf16 {
  using Type = bf16;
  static constexpr int kFraction = 7;
  static constexpr int kMinExponent = -126;  // of a normal number
  static constexpr uint16_t kInfinity = 0x7F80;
  static constexpr uint16_t kQuiet = 0x0040;
  template <typename T>
  static uint16_t Narrow(T x) {
    return ToBf16(x).bits;
  }
};

struct F16 {
  using Type = f16;
  static constexpr int kFraction = 10;
  static constexpr int kMinExponent = -14;
  static constexpr uint16_t kInfinity = 0x7C00;
  static constexpr uint16_t kQuiet = 0x0200;
  template <typename T>
  static uint16_t Narrow(T x) {
    return ToF16(x).bits;
  }
};

// By the definition of the format; bits are not NaN. What would be infinity is
// given the value that the next exponent would have, which rounding needs.
template <class Kind>
double Decode(uint32_t bits) {
  const uint32_t magnitude = bits & 0x7FFF;
  const auto exponent = static_cast<int>(magnitude >> Kind::kFraction);
  const uint32_t fraction = magnitude & ((1u << Kind::kFraction) - 1);
  const double value =
      exponent == 0
          ? std::ldexp(fraction, Kind::kMinExponent - Kind::kFraction)
          : std::ldexp(fraction + (1u << Kind::kFraction),
                       Kind::kMinExponent + exponent - 1 - Kind::kFraction);
  return (bits & 0x8000) != 0 ? -value : value;
}

// Rounds in double precision by scaling to integers: exact, as the scale is a
// power of two.
template <class Kind>
double Round(double x) {
  if (x == 0 || std::isinf(x)) return x;
  const int exponent = std::max(std::ilogb(x), Kind::kMinExponent);
  const int ulp = exponent - Kind::kFraction;
  const double rounded = std::ldexp(std::nearbyint(std::ldexp(x, -ulp)), ulp);
  const double overflow = Decode<Kind>(Kind::kInfinity);
  return std::abs(rounded) < overflow
             ? rounded
             : std::copysign(std::numeric_limits<double>::infinity(), x);
}

template <class Kind>
class Float16Test : public testing::Test {};
using Kinds = testing::Types<Bf16, F16>;
TYPED_TEST_SUITE(Float16Test, Kinds);

TYPED_TEST(Float16Test, WidensAll65536) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float wide =
        ToFloat(typename TypeParam::Type{static_cast<uint16_t>(bits)});
    ASSERT_EQ(std::signbit(wide), bits >= 0x8000) << bits;
    const uint32_t magnitude = bits & 0x7FFF;
    if (magnitude > TypeParam::kInfinity) {
      ASSERT_TRUE(std::isnan(wide)) << bits;
      // Quiet, and the payload in the leading bits.
      const uint32_t payload =
          (magnitude - TypeParam::kInfinity) | TypeParam::kQuiet;
      ASSERT_EQ(std::bit_cast<uint32_t>(wide) & 0x7FFFFFu,
                payload << (23 - TypeParam::kFraction))
          << bits;
    } else if (magnitude == TypeParam::kInfinity) {
      ASSERT_TRUE(std::isinf(wide)) << bits;
    } else {
      ASSERT_EQ(static_cast<double>(wide), Decode<TypeParam>(bits)) << bits;
    }
  }
}

TYPED_TEST(Float16Test, RoundTripsAll65536) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float wide =
        ToFloat(typename TypeParam::Type{static_cast<uint16_t>(bits)});
    const bool is_nan = (bits & 0x7FFF) > TypeParam::kInfinity;
    const uint32_t expected = is_nan ? bits | TypeParam::kQuiet : bits;
    ASSERT_EQ(TypeParam::Narrow(wide), expected) << bits;
    ASSERT_EQ(TypeParam::Narrow(static_cast<double>(wide)), expected) << bits;
  }
}

// Every boundary between two neighbours, infinity included: the tie goes to the
// even one, the next number on either side to the nearer one.
TYPED_TEST(Float16Test, RoundsEveryTieToEven) {
  for (uint32_t low = 0; low < TypeParam::kInfinity; ++low) {
    const uint32_t high = low + 1;
    const double tie = (Decode<TypeParam>(low) + Decode<TypeParam>(high)) / 2;
    const uint32_t even = (low & 1) == 0 ? low : high;
    const double above = std::nextafter(tie, 1e300);
    const double below = std::nextafter(tie, 0);
    ASSERT_EQ(TypeParam::Narrow(tie), even) << low;
    ASSERT_EQ(TypeParam::Narrow(above), high) << low;
    ASSERT_EQ(TypeParam::Narrow(below), low) << low;
    ASSERT_EQ(TypeParam::Narrow(-tie), even | 0x8000) << low;
    ASSERT_EQ(TypeParam::Narrow(-above), high | 0x8000) << low;
    ASSERT_EQ(TypeParam::Narrow(-below), low | 0x8000) << low;

    const auto tie32 = static_cast<float>(tie);
    ASSERT_EQ(static_cast<double>(tie32), tie) << low;
    const float above32 =
        std::nextafter(tie32, std::numeric_limits<float>::infinity());
    ASSERT_EQ(TypeParam::Narrow(tie32), even) << low;
    ASSERT_EQ(TypeParam::Narrow(above32), high) << low;
    ASSERT_EQ(TypeParam::Narrow(std::nextafter(tie32, 0.0f)), low) << low;
    ASSERT_EQ(TypeParam::Narrow(-above32), high | 0x8000) << low;
  }
}

TYPED_TEST(Float16Test, RandomBitsAgreeWithReference) {
  std::mt19937_64 random(1);
  const auto check = [](auto x) {
    if (std::isnan(x)) return;
    const uint16_t bits = TypeParam::Narrow(x);
    const double actual = ToFloat(typename TypeParam::Type{bits});
    const double expected = Round<TypeParam>(static_cast<double>(x));
    ASSERT_EQ(actual, expected) << x;
    ASSERT_EQ(std::signbit(actual), std::signbit(x)) << x;
  };
  for (int i = 0; i < 1'000'000; ++i) {
    const uint64_t bits = random();
    check(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    check(std::bit_cast<double>(bits));
    // Where the numbers of the narrow format are.
    const double mantissa = 1 + static_cast<double>(bits >> 11) * 0x1.0p-53;
    const auto exponent = static_cast<int>(bits % 60) - 40;
    check(std::ldexp(mantissa, exponent));
    check(static_cast<float>(-std::ldexp(mantissa, exponent)));
  }
}

TYPED_TEST(Float16Test, ExtremesOfTheWideFormats) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(TypeParam::Narrow(kInfinity), TypeParam::kInfinity);
  EXPECT_EQ(TypeParam::Narrow(-kInfinity), TypeParam::kInfinity | 0x8000);
  EXPECT_EQ(TypeParam::Narrow(std::numeric_limits<float>::max()),
            TypeParam::kInfinity);
  EXPECT_EQ(TypeParam::Narrow(std::numeric_limits<double>::max()),
            TypeParam::kInfinity);
  EXPECT_EQ(TypeParam::Narrow(0.0), 0);
  EXPECT_EQ(TypeParam::Narrow(-0.0), 0x8000);
  EXPECT_EQ(TypeParam::Narrow(-0.0f), 0x8000);
  EXPECT_EQ(TypeParam::Narrow(std::numeric_limits<double>::denorm_min()), 0);
  EXPECT_EQ(TypeParam::Narrow(-std::numeric_limits<double>::denorm_min()),
            0x8000);
  EXPECT_EQ(TypeParam::Narrow(std::numeric_limits<float>::denorm_min()), 0);
}

// A payload that lies wholly in the bits that are cut off must not turn NaN
// into infinity.
TYPED_TEST(Float16Test, NanStaysNan) {
  const uint16_t quiet_nan = TypeParam::kInfinity | TypeParam::kQuiet;
  EXPECT_EQ(TypeParam::Narrow(std::bit_cast<float>(0x7F800001u)), quiet_nan);
  EXPECT_EQ(TypeParam::Narrow(std::bit_cast<float>(0xFF800001u)),
            quiet_nan | 0x8000);
  EXPECT_EQ(TypeParam::Narrow(std::bit_cast<double>(0x7FF0000000000001u)),
            quiet_nan);
  EXPECT_EQ(TypeParam::Narrow(std::bit_cast<float>(0x7FFFFFFFu)), 0x7FFF);
}

// 1 + half an ulp + a little: through f32 the little is lost, a tie is seen and
// the result is 1.
TEST(Float16, DoubleIsRoundedOnce) {
  EXPECT_EQ(ToF16(1 + 0x1.0p-11 + 0x1.0p-40).bits, 0x3C01);
  EXPECT_EQ(ToF16(static_cast<float>(1 + 0x1.0p-11 + 0x1.0p-40)).bits, 0x3C00);
  EXPECT_EQ(ToBf16(1 + 0x1.0p-8 + 0x1.0p-40).bits, 0x3F81);
}

}  // namespace
}  // namespace ranvier
