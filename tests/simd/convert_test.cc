#include "ranvier/simd/convert.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/base/philox.h"

#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier::simd {
namespace {

using test::GuardedBuffer;
using test::SameBits;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr size_t kSizes[] = {0,  1,  2,  3,  4,  5,  7,  8,   9,   15,  16,
                             17, 31, 32, 33, 63, 64, 65, 511, 512, 513, 1300};

// The format by its parts, and the scalar conversion that is the definition.
struct Bf16 {
  using Type = bf16;
  static constexpr uint16_t kInfinityBits = 0x7F80;
  static bf16 Round(float x) { return ToBf16(x); }
};
struct F16 {
  using Type = f16;
  static constexpr uint16_t kInfinityBits = 0x7C00;
  static f16 Round(float x) { return ToF16(x); }
};

template <class T>
std::vector<T> All65536() {
  std::vector<T> all(65536);
  for (uint32_t i = 0; i < 65536; ++i) all[i].bits = static_cast<uint16_t>(i);
  return all;
}

// Every leading half with the trailing halves at which rounding turns, every
// tie of the narrow format with its neighbours, and random bits.
template <class Format>
std::vector<float> Hard() {
  std::vector<float> x;
  for (uint32_t high = 0; high < 65536; ++high) {
    for (const uint32_t low :
         {0x0u, 0x1u, 0xFFFu, 0x1000u, 0x1001u, 0x1FFFu, 0x3000u, 0x7FFFu,
          0x8000u, 0x8001u, 0xEFFFu, 0xFFFFu}) {
      x.push_back(std::bit_cast<float>(high << 16 | low));
    }
  }
  for (uint16_t i = 0; i < Format::kInfinityBits; ++i) {
    const float lower = ToFloat(typename Format::Type{i});
    const float next =
        ToFloat(typename Format::Type{static_cast<uint16_t>(i + 1)});
    // Halves are added: the sum of two large ones would be infinite.
    const float tie =
        std::isinf(next)
            ? lower + (lower - ToFloat(typename Format::Type{
                                   static_cast<uint16_t>(i - 1)})) /
                          2
            : lower + (next - lower) / 2;
    for (const float y :
         {tie, std::nextafter(tie, 0.0f), std::nextafter(tie, kInfinity)}) {
      x.push_back(y);
      x.push_back(-y);
    }
  }
  std::mt19937 random(1);
  for (int i = 0; i < 300'000; ++i) {
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(random())));
  }
  return x;
}

class ConvertTest : public test::TargetTest {
 protected:
  template <class From, class To, class F>
  void Check(const std::vector<From>& x, F definition) {
    std::vector<To> expected(x.size());
    std::transform(x.begin(), x.end(), expected.begin(), definition);
    std::vector<To> y(x.size());
    Convert(x.data(), y.data(), x.size());
    ASSERT_TRUE(Same(y, expected));
    for (const size_t n : kSizes) {
      for (const size_t offset : {0, 1, 3}) {
        SCOPED_TRACE(testing::Message() << n << " at " << offset);
        GuardedBuffer<From> in(n, offset);
        GuardedBuffer<To> out(n, 3 - offset);
        std::copy_n(x.end() - static_cast<ptrdiff_t>(n), n, in.data());
        Convert(in.data(), out.data(), n);
        ASSERT_TRUE(
            Same(std::vector<To>(out.data(), out.data() + n),
                 std::vector<To>(expected.end() - static_cast<ptrdiff_t>(n),
                                 expected.end())));
        ASSERT_TRUE(out.Intact());
      }
    }
  }

  template <class T>
  static testing::AssertionResult Same(const std::vector<T>& actual,
                                       const std::vector<T>& expected) {
    return SameBits(std::span<const T>(actual), std::span<const T>(expected));
  }

  template <class Format>
  void CheckStochastic();
  template <class Format>
  void CheckMean();
};

TEST_P(ConvertTest, WidensAll65536) {
  Check<bf16, float>(All65536<bf16>(), [](bf16 x) { return ToFloat(x); });
  Check<f16, float>(All65536<f16>(), [](f16 x) { return ToFloat(x); });
}

TEST_P(ConvertTest, NarrowsLikeTheDefinition) {
  Check<float, bf16>(Hard<Bf16>(), [](float x) { return ToBf16(x); });
  Check<float, f16>(Hard<F16>(), [](float x) { return ToF16(x); });
}

TEST_P(ConvertTest, BetweenTheNarrowTypes) {
  Check<bf16, f16>(All65536<bf16>(), [](bf16 x) { return ToF16(ToFloat(x)); });
  Check<f16, bf16>(All65536<f16>(), [](f16 x) { return ToBf16(ToFloat(x)); });
}

uint32_t WordOf(const RoundingBits& bits, uint64_t i) {
  const uint64_t element = bits.first + i;
  return Philox::Block(Philox::Split(element / 4, 0), bits.key)[element % 4];
}

// By the definition, in f64: the share of the way from one neighbour to the
// other, against the drawn number, of which a format uses the leading bits.
template <class Format>
uint16_t RoundStochastic(float x, uint32_t word) {
  using T = typename Format::Type;
  const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  if (std::isnan(x) || std::isinf(x)) return Format::Round(x).bits;
  const double magnitude = std::abs(static_cast<double>(x));
  // Infinity stands for the power of two above the largest number.
  const auto value = [](uint32_t bits) {
    if (bits < Format::kInfinityBits) {
      return static_cast<double>(ToFloat(T{static_cast<uint16_t>(bits)}));
    }
    const double last =
        ToFloat(T{static_cast<uint16_t>(Format::kInfinityBits - 1)});
    const double before =
        ToFloat(T{static_cast<uint16_t>(Format::kInfinityBits - 2)});
    return last + (last - before);
  };
  if (magnitude >= value(Format::kInfinityBits)) {
    return sign | Format::kInfinityBits;
  }
  uint32_t lower = Format::Round(std::abs(x)).bits;
  if (value(lower) > magnitude) --lower;
  const double share =
      (magnitude - value(lower)) / (value(lower + 1) - value(lower));
  // A share has 16 bits in bf16 and 13 in a normal f16; the sum of it and as
  // many drawn bits carries where the draw is at least 1 - share. In subnormals
  // of f16 31 bits are compared.
  if (std::is_same_v<T, f16> && lower < 0x400) {
    const double draw = std::ldexp(static_cast<double>(word >> 1), -31);
    if (draw < std::ldexp(std::floor(std::ldexp(share, 31)), -31)) ++lower;
  } else {
    const int kept = std::is_same_v<T, bf16> ? 16 : 13;
    const double draw =
        std::ldexp(static_cast<double>(word >> (32 - kept)), -kept);
    if (draw + share >= 1) ++lower;
  }
  return static_cast<uint16_t>(sign | lower);
}

template <class Format>
void ConvertTest::CheckStochastic() {
  using T = typename Format::Type;
  const std::vector<float> x = Hard<Format>();
  const RoundingBits bits = {Philox::StreamKey(7, 3), 5};
  std::vector<T> expected(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    expected[i].bits = RoundStochastic<Format>(x[i], WordOf(bits, i));
  }
  std::vector<T> y(x.size());
  ConvertStochastic(x.data(), y.data(), x.size(), bits);
  ASSERT_TRUE(Same(y, expected));

  // An element's bits do not depend on where a range begins or ends; the last
  // ones stand beyond 2^32.
  for (const uint64_t first : {uint64_t{5}, (uint64_t{1} << 34) - 2}) {
    for (const size_t n : kSizes) {
      for (const size_t skip : {0, 1, 2, 3, 100}) {
        SCOPED_TRACE(testing::Message() << n << " from " << skip);
        const RoundingBits here = {bits.key, first + skip};
        GuardedBuffer<float> in(n, 1);
        GuardedBuffer<T> out(n, 3);
        std::copy_n(x.begin() + static_cast<ptrdiff_t>(700'000 + skip), n,
                    in.data());
        ConvertStochastic(in.data(), out.data(), n, here);
        for (size_t i = 0; i < n; ++i) {
          ASSERT_EQ(out[i].bits,
                    RoundStochastic<Format>(in[i], WordOf(here, i)))
              << i;
        }
        ASSERT_TRUE(out.Intact());
      }
    }
  }
}

TEST_P(ConvertTest, StochasticLikeTheDefinition) {
  CheckStochastic<Bf16>();
  CheckStochastic<F16>();
}

// Over 10^6 draws the further neighbour is taken as often as x's share of the
// way to it says, within 4 sigma, and no third number is.
template <class Format>
void ConvertTest::CheckMean() {
  using T = typename Format::Type;
  constexpr size_t kDraws = 1'000'000;
  // Normal, near a neighbour, negative, over an exponent's end, subnormal in
  // f16, the smallest subnormals of both, near the largest number.
  const float values[] = {1.001f,   -3.14159f, 0.999999f, 6.0e-5f,  1.2345e-6f,
                          -7.0e-8f, 2.0e-8f,   3.0e-10f,  1.1e-38f, -3.3e-40f,
                          2.0e-41f, 65510.0f,  3.394e38f, 1.0e30f};
  std::vector<float> x(kDraws);
  std::vector<T> y(kDraws);
  for (size_t v = 0; v < std::size(values); ++v) {
    SCOPED_TRACE(values[v]);
    std::fill(x.begin(), x.end(), values[v]);
    ConvertStochastic(x.data(), y.data(), kDraws,
                      {Philox::StreamKey(11, v), 0});
    const uint16_t sign = std::signbit(values[v]) ? 0x8000 : 0;
    uint32_t lower = Format::Round(std::abs(values[v])).bits;
    const double magnitude = std::abs(static_cast<double>(values[v]));
    if (lower == Format::kInfinityBits ||
        ToFloat(T{static_cast<uint16_t>(lower)}) > magnitude) {
      --lower;
    }
    const double at = ToFloat(T{static_cast<uint16_t>(lower)});
    // The distance of the finite pair below serves for the last number too.
    const bool last = lower + 1 == Format::kInfinityBits;
    const double other =
        ToFloat(T{static_cast<uint16_t>(last ? lower - 1 : lower + 1)});
    const double p = (magnitude - at) / std::abs(other - at);
    size_t ups = 0;
    for (const T one : y) {
      const uint32_t count = one.bits - sign - lower;
      if (p > 1) {  // beyond the power of two above
        ASSERT_EQ(one.bits, sign | Format::kInfinityBits);
      } else {
        ASSERT_LE(count, 1u);
        ups += count;
      }
    }
    if (p > 1) continue;
    const double n = kDraws;
    EXPECT_LE(std::abs(static_cast<double>(ups) - n * p),
              4 * std::sqrt(n * p * (1 - p)));
  }
}

TEST_P(ConvertTest, StochasticIsUnbiased) {
  CheckMean<Bf16>();
  CheckMean<F16>();
}

// Another seed, stream or element draws other bits.
TEST_P(ConvertTest, StochasticStreamsDiffer) {
  const std::vector<float> x(4096, 1 + 0x1.0p-9f);  // halfway in bf16
  const auto draw = [&](uint64_t seed, uint64_t stream, uint64_t first) {
    std::vector<bf16> y(x.size());
    ConvertStochastic(x.data(), y.data(), x.size(),
                      {Philox::StreamKey(seed, stream), first});
    return y;
  };
  const std::vector<bf16> base = draw(1, 2, 0);
  for (const auto& other :
       {draw(2, 2, 0), draw(1, 3, 0), draw(1, 2, 4096), draw(1, 2, 1)}) {
    size_t differ = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      differ += other[i].bits != base[i].bits;
    }
    // Half of them would; 12 sigma below and above.
    EXPECT_GT(differ, 4096 * 3 / 8 * 2 / 3);
    EXPECT_LT(differ, 4096 * 3 / 4);
  }
}

RANVIER_ON_EVERY_TARGET(ConvertTest);

}  // namespace
}  // namespace ranvier::simd
