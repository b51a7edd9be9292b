#include "ranvier/simd/elementwise.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/element_type.h"
#include "ranvier/simd/base/float16.h"

#include "tests/reference/elementwise_reference.h"
#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier::simd {
namespace {

using reference::ElementwiseBound;
using reference::kElementwiseBounds;
using test::GuardedBuffer;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kTiny = std::numeric_limits<float>::denorm_min();
constexpr float kMax = std::numeric_limits<float>::max();

// f or f' of n elements, by the kernel; one NaN for all, as which of two NaN a
// product keeps is the compiler's choice.
void Compute(const ElementwiseBound& bound, float alpha, const float* x,
             float* y, size_t n) {
  const ElementwiseCall call{bound.f, alpha};
  if (bound.derivative) {
    const std::vector<float> one(n, 1.0f);
    MapGradient(call, {x}, {}, {one.data()}, {y}, n);
  } else {
    Map(call, {x}, {}, {y}, n);
  }
  for (size_t i = 0; i < n; ++i) {
    if (std::isnan(y[i])) y[i] = kNaN;
  }
}

// Every 65537-th bit pattern; both zeros, infinities, NaN and the ends of the
// subnormal and normal numbers with their neighbours; and every region in which
// one of the functions does something of its own.
std::vector<float> Sample() {
  std::vector<float> x;
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += 65537) {
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  }
  for (const float special :
       {0.0f,        kTiny,    0x1p-126f, 0x1p-97f, 0x1p-64f, 0x1p-24f,
        0.34657f,    0.41421f, 0.5625f,   0.70711f, 1.0f,     1.4142f,
        3.92f,       6.0f,     6.5f,      9.0f,     10.0f,    10.375f,
        10.9f,       11.125f,  14.375f,   14.625f,  16.7f,    40.0f,
        88.72284f,   89.0f,    103.97f,   104.5f,   105.0f,   109.5f,
        111.0f,      0x1p24f,  0x1p25f,   0x1p98f,  0x1p100f, 0x1p127f,
        0x1.6ap127f, kMax,     kInfinity, kNaN}) {
    const uint32_t bits = std::bit_cast<uint32_t>(special);
    for (uint32_t step = bits < 3 ? 0 : bits - 3; step <= bits + 3; ++step) {
      x.push_back(std::bit_cast<float>(step));
      x.push_back(-std::bit_cast<float>(step));
    }
  }
  const std::pair<float, float> regions[] = {
      {0, 1}, {0.5f, 0.6f}, {1, 6}, {6, 15}, {15, 42}, {85, 90}, {100, 112}};
  for (const auto& [begin, end] : regions) {
    for (int i = 0; i < 30000; ++i) {
      const float t = begin + (end - begin) * static_cast<float>(i) / 30000;
      x.push_back(t);
      x.push_back(-t);
    }
  }
  return x;
}

using ElementwiseTest = test::TargetTest;

TEST_P(ElementwiseTest, WithinTheirBounds) {
  const std::vector<float> x = Sample();
  std::vector<float> y(x.size());
  const bool fused = RunningTarget().find("SSE") == std::string::npos;
  for (const ElementwiseBound& bound : kElementwiseBounds) {
    SCOPED_TRACE(bound.name());
    const float alpha = DefaultAlpha(bound.f);
    const double most = fused ? bound.ulp : bound.ulp_sse;
    Compute(bound, alpha, x.data(), y.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const auto exact = static_cast<double>(x[i]);
      const double expected = bound.Expected(exact, static_cast<double>(alpha));
      // Written so that NaN fails.
      ASSERT_TRUE(bound.Error(exact, y[i], expected) <= most)
          << "x " << testing::PrintToString(x[i]) << ", actual "
          << testing::PrintToString(y[i]) << ", expected "
          << testing::PrintToString(expected);
    }
  }
}

TEST_P(ElementwiseTest, Alpha) {
  const float x[] = {-2.5f, -0.0f, 0.0f, 1.5f};
  float y[4];
  Map({Elementwise::kLeakyRelu, 0.25f}, {x}, {}, {y}, 4);
  EXPECT_EQ(y[0], -0.625f);
  EXPECT_EQ(y[3], 1.5f);
  Map({Elementwise::kElu, 2.0f}, {x}, {}, {y}, 4);
  EXPECT_LE(reference::UlpError(y[0], 2 * std::expm1(-2.5)), 3);
  EXPECT_TRUE(std::signbit(y[1]));
  EXPECT_FALSE(std::signbit(y[2]));
  const float one[] = {1, 1, 1, 1};
  MapGradient({Elementwise::kElu, 2.0f}, {x}, {}, {one}, {y}, 4);
  EXPECT_EQ(y[2], 2.0f);
  EXPECT_EQ(y[3], 1.0f);
  MapGradient({Elementwise::kLeakyRelu, 0.25f}, {x}, {}, {one}, {y}, 4);
  EXPECT_EQ(y[0], 0.25f);
  EXPECT_EQ(y[2], 0.25f);
  EXPECT_EQ(y[3], 1.0f);
}

// The table of docs/numerics.md, as this target gives it.
std::string SpecialValues() {
  const std::pair<const char*, float> inputs[] = {
      {"-inf", -kInfinity}, {"-max", -kMax}, {"-1", -1.0f},  {"-min", -kTiny},
      {"-0", -0.0f},        {"0", 0.0f},     {"min", kTiny}, {"max", kMax},
      {"inf", kInfinity},   {"NaN", kNaN}};
  std::string table = "| x |";
  for (const auto& input : inputs)
    table += std::string(" ") + input.first + " |";
  table += "\n|---|";
  for (size_t i = 0; i < std::size(inputs); ++i) table += "---|";
  table += "\n";
  for (const ElementwiseBound& bound : kElementwiseBounds) {
    table += "| " + bound.name() + " |";
    for (const auto& input : inputs) {
      float y = 99;
      Compute(bound, DefaultAlpha(bound.f), &input.second, &y, 1);
      char text[32];
      std::snprintf(text, sizeof(text), "%.4g", static_cast<double>(y));
      const bool largest = std::abs(y) == kMax;
      const bool smallest = std::abs(y) == kTiny;
      table += std::string(" ") +
               (std::isnan(y) ? "NaN"
                : largest     ? y > 0 ? "max" : "-max"
                : smallest    ? y > 0 ? "min" : "-min"
                              : text) +
               " |";
    }
    table += "\n";
  }
  return table;
}

TEST_P(ElementwiseTest, SpecialValuesAreThoseOfTheTable) {
  std::ifstream in(std::string(RANVIER_SOURCE_DIR) + "/docs/numerics.md");
  const std::string page(std::istreambuf_iterator<char>(in), {});
  const std::string table = SpecialValues();
  EXPECT_NE(page.find(table), std::string::npos)
      << "docs/numerics.md does not hold this:\n"
      << table;
}

// Every pattern of NaN, signalling ones too, leaves as NaN.
TEST_P(ElementwiseTest, EveryKindOfNaN) {
  std::vector<float> x;
  for (const uint32_t payload :
       {0x7F800001u, 0x7FBFFFFFu, 0x7FC00000u, 0x7FC00001u, 0x7FFFFFFFu,
        0x7F8001FFu, 0x7FC001FFu}) {
    x.push_back(std::bit_cast<float>(payload));
    x.push_back(std::bit_cast<float>(payload | 0x80000000u));
  }
  std::vector<float> y(x.size());
  for (const ElementwiseBound& bound : kElementwiseBounds) {
    SCOPED_TRACE(bound.name());
    Compute(bound, 1, x.data(), y.data(), x.size());
    for (const float v : y) EXPECT_TRUE(std::isnan(v)) << v;
  }
}

// They meet their bounds where others lose every digit: down to the last
// subnormal result.
TEST_P(ElementwiseTest, TailsUnderflowGradually) {
  struct Tail {
    Elementwise f;
    bool derivative;
    float begin, end;  // the last result that is not 0 lies between
  };
  const Tail tails[] = {{Elementwise::kGelu, false, -13, -14.5f},
                        {Elementwise::kGelu, true, -13, -14.625f},
                        {Elementwise::kGeluTanh, true, -10, -11},
                        {Elementwise::kSilu, true, -90, -109},
                        {Elementwise::kSoftplus, false, -86, -104},
                        {Elementwise::kSigmoid, true, 86, 104},
                        {Elementwise::kTanh, true, 43, 53},
                        {Elementwise::kErf, true, 9, 10.25f}};
  for (const Tail& tail : tails) {
    SCOPED_TRACE(testing::Message() << Name(tail.f) << tail.derivative);
    const ElementwiseBound bound{tail.f, tail.derivative, 4, 4};
    float last = 1;
    for (int i = 0; i <= 4000; ++i) {
      const float x =
          tail.begin + (tail.end - tail.begin) * static_cast<float>(i) / 4000;
      Compute(bound, 1, &x, &last, 1);
      const double expected = bound.Expected(static_cast<double>(x), 1);
      ASSERT_LE(reference::UlpError(last, expected), 4) << x;
    }
    EXPECT_EQ(last, 0);
  }
}

const Elementwise kSome[] = {Elementwise::kRelu, Elementwise::kGelu,
                             Elementwise::kLog, Elementwise::kSilu};

std::vector<float> Mixed(size_t n) {
  std::vector<float> all(n);
  for (size_t i = 0; i < n; ++i) {
    all[i] = std::ldexp(static_cast<float>(i % 17) - 8.3f,
                        static_cast<int>(i % 9) - 4);
  }
  for (size_t i = 0; i < n; i += 23) all[i] = kNaN;
  for (size_t i = 0; i < n; i += 31) all[i] = -kInfinity;
  return all;
}

// The bits of a value are the same alone, anywhere in a vector, in the
// remainder, among ordinary neighbours and among NaN, and in place; nothing
// before or after the n values is written.
TEST_P(ElementwiseTest, PositionDoesNotMatter) {
  const std::vector<float> all = Mixed(1200);
  for (const ElementwiseBound& bound : kElementwiseBounds) {
    SCOPED_TRACE(bound.name());
    std::vector<float> alone(all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      Compute(bound, 0.3f, &all[i], &alone[i], 1);
    }
    for (const size_t n : {0,  1,  2,  3,  4,  5,  7,  8,   9,   15,  16,
                           17, 31, 32, 33, 63, 64, 65, 255, 299, 1100}) {
      SCOPED_TRACE(n);
      for (const size_t offset : {0, 1, 3}) {
        const std::span<const float> expected =
            std::span<const float>(alone).subspan(offset % 2, n);
        GuardedBuffer<float> x(n, offset);
        GuardedBuffer<float> y(n, offset + 1);
        std::copy_n(all.data() + offset % 2, n, x.data());
        Compute(bound, 0.3f, x.data(), y.data(), n);
        EXPECT_TRUE(test::SameBits(std::as_const(y).span(), expected));
        EXPECT_TRUE(
            test::SameBits(std::as_const(x).span(),
                           std::span<const float>(all).subspan(offset % 2, n)));
        Compute(bound, 0.3f, x.data(), x.data(), n);
        EXPECT_TRUE(test::SameBits(std::as_const(x).span(), expected));
        EXPECT_TRUE(x.Intact());
        EXPECT_TRUE(y.Intact());
      }
    }
  }
}

// Four operands in storage T with gaps; results in other ones. What is computed
// is what the kernel gives for f32 without gaps, and one rounding.
template <class T>
float Widened(T x) {
  if constexpr (std::is_same_v<T, float>) {
    return x;
  } else {
    return ToFloat(x);
  }
}
template <class T>
T Rounded(float x) {
  if constexpr (std::is_same_v<T, float>) {
    return x;
  } else if constexpr (std::is_same_v<T, bf16>) {
    return ToBf16(x);
  } else {
    return ToF16(x);
  }
}

template <class T>
void CheckStorage(Elementwise f, size_t n, size_t stride, bool streaming) {
  SCOPED_TRACE(testing::Message() << Name(f) << ", n " << n << ", stride "
                                  << stride << ", streaming " << streaming);
  const std::vector<float> numbers = Mixed(4 * n + 4);
  const auto operand = [&](size_t first) {
    GuardedBuffer<T> x(n == 0 ? 0 : (n - 1) * stride + 1, 1);
    std::fill_n(x.data(), x.size(), Rounded<T>(kNaN));
    for (size_t i = 0; i < n; ++i) {
      x[i * stride] = Rounded<T>(numbers[first * n + i]);
    }
    return x;
  };
  const auto plain = [&](const GuardedBuffer<T>& x) {
    std::vector<float> y(n);
    for (size_t i = 0; i < n; ++i) y[i] = Widened(x[i * stride]);
    return y;
  };
  const auto same = [&](const GuardedBuffer<T>& actual,
                        const std::vector<float>& expected) {
    for (size_t i = 0; i < n; ++i) {
      const T wanted = Rounded<T>(expected[i]);
      // Of two NaN either may be the one that a product keeps.
      if (std::isnan(expected[i]) && std::isnan(Widened(actual[i * stride]))) {
        continue;
      }
      if (std::memcmp(&actual[i * stride], &wanted, sizeof(T)) != 0) {
        return testing::AssertionFailure()
               << "at " << i << ": " << Widened(actual[i * stride]) << ", not "
               << Widened(wanted);
      }
    }
    return actual.Intact();
  };
  const ElementType type = kElementType<T>;
  const ElementwiseCall call{f, 0.3f, streaming};
  const ElementwiseCall simple{f, 0.3f};
  const GuardedBuffer<T> x = operand(0);
  const GuardedBuffer<T> up = operand(1);
  const GuardedBuffer<T> dy = operand(2);
  const GuardedBuffer<T> bias = operand(3);
  const std::vector<float> x_plain = plain(x);
  const std::vector<float> up_plain = plain(up);
  const std::vector<float> dy_plain = plain(dy);
  const std::vector<float> bias_plain = plain(bias);
  const ConstElements at_x{x.data(), type, stride};
  const ConstElements at_up{up.data(), type, stride};
  const ConstElements at_dy{dy.data(), type, stride};
  const ConstElements at_bias{bias.data(), type, stride};
  std::vector<float> sum(n), value(n), slope(n), value_of_sum(n),
      slope_of_sum(n);
  for (size_t i = 0; i < n; ++i) sum[i] = x_plain[i] + bias_plain[i];
  const ElementwiseBound function{f, false, 0, 0};
  const ElementwiseBound derivative{f, true, 0, 0};
  Compute(function, 0.3f, x_plain.data(), value.data(), n);
  Compute(derivative, 0.3f, x_plain.data(), slope.data(), n);
  Compute(function, 0.3f, sum.data(), value_of_sum.data(), n);
  Compute(derivative, 0.3f, sum.data(), slope_of_sum.data(), n);

  GuardedBuffer<T> y = operand(0);  // in place too
  const Elements at_y{y.data(), type, stride};
  Map(call, at_x, {}, at_y, n);
  EXPECT_TRUE(same(y, value));
  Map(call, at_x, at_bias, at_y, n);
  EXPECT_TRUE(same(y, value_of_sum));
  std::copy_n(x.data(), x.size(), y.data());
  Map(simple, at_y, at_bias, at_y, n);
  EXPECT_TRUE(same(y, value_of_sum));

  std::vector<float> product(n);
  for (size_t i = 0; i < n; ++i) product[i] = dy_plain[i] * slope[i];
  MapGradient(call, at_x, {}, at_dy, at_y, n);
  EXPECT_TRUE(same(y, product));
  std::copy_n(x.data(), x.size(), y.data());
  MapGradient(simple, at_y, {}, at_dy, at_y, n);
  EXPECT_TRUE(same(y, product));
  for (size_t i = 0; i < n; ++i) product[i] = dy_plain[i] * slope_of_sum[i];
  MapGradient(call, at_x, at_bias, at_dy, at_y, n);
  EXPECT_TRUE(same(y, product));

  for (size_t i = 0; i < n; ++i) product[i] = value[i] * up_plain[i];
  Gated(call, at_x, at_up, at_y, n);
  EXPECT_TRUE(same(y, product));
  std::copy_n(up.data(), up.size(), y.data());
  Gated(simple, at_x, at_y, at_y, n);
  EXPECT_TRUE(same(y, product));

  std::vector<float> dup(n);
  for (size_t i = 0; i < n; ++i) {
    product[i] = dy_plain[i] * up_plain[i] * slope[i];
    dup[i] = dy_plain[i] * value[i];
  }
  GuardedBuffer<T> z = operand(1);
  const Elements at_z{z.data(), type, stride};
  GatedGradient(call, at_x, at_up, at_dy, at_y, at_z, n);
  EXPECT_TRUE(same(y, product));
  EXPECT_TRUE(same(z, dup));
  std::copy_n(x.data(), x.size(), z.data());
  std::copy_n(up.data(), up.size(), y.data());
  GatedGradient(simple, at_z, at_y, at_dy, at_y, at_z, n);  // crossed, in place
  EXPECT_TRUE(same(y, product));
  EXPECT_TRUE(same(z, dup));
  EXPECT_TRUE(x.Intact());
}

TEST_P(ElementwiseTest, StorageAndOperations) {
  for (const Elementwise f : kSome) {
    for (const size_t n : {0, 1, 7, 64, 511, 512, 513, 1601}) {
      for (const bool streaming : {false, true}) {
        CheckStorage<float>(f, n, 1, streaming);
        CheckStorage<bf16>(f, n, 1, streaming);
        CheckStorage<f16>(f, n, 1, streaming);
        CheckStorage<float>(f, n, 3, streaming);
        CheckStorage<bf16>(f, n, 2, streaming);
      }
    }
  }
}

RANVIER_ON_EVERY_TARGET(ElementwiseTest);

}  // namespace
}  // namespace ranvier::simd
