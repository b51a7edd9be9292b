#include "ranvier/simd/activations.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/reference/activation_reference.h"
#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier::simd {
namespace {

using test::GuardedBuffer;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kTiny = std::numeric_limits<float>::denorm_min();
constexpr float kMax = std::numeric_limits<float>::max();

struct Function {
  const char* name;
  void (*kernel)(const float* x, float* y, size_t n);
  double (*reference)(double x);
  double bound;      // ULP, as the headers say
  double bound_sse;  // without fused multiply-add
};

template <Activation kActivation>
constexpr Function Of(const char* name, double bound, double bound_sse) {
  return {name,
          [](const float* x, float* y, size_t n) {
            ApplyActivation(kActivation, x, y, n);
          },
          [](double x) { return reference::ApplyActivation(kActivation, x); },
          bound, bound_sse};
}

const Function kFunctions[] = {
    {"exp", [](const float* x, float* y, size_t n) { Exp(x, y, n); },
     [](double x) { return std::exp(x); }, 1, 1.3},
    Of<Activation::kNone>("none", 0, 0),
    Of<Activation::kRelu>("relu", 0, 0),
    Of<Activation::kSigmoid>("sigmoid", 2, 2),
    Of<Activation::kTanh>("tanh", 1.3, 1.6),
    Of<Activation::kSilu>("silu", 2, 2),
    Of<Activation::kGelu>("gelu", 3.2, 4),
    Of<Activation::kGeluTanh>("gelu_tanh", 2.3, 3),
};

// Every 65537-th bit pattern; both zeros, infinities, NaN and the ends of the
// subnormal and normal numbers with their neighbours; and every region in which
// one of the functions does something of its own.
std::vector<float> Sample() {
  std::vector<float> x;
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += 65537) {
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  }
  for (const float special :
       {0.0f,      kTiny,     0x1p-126f, 0x1p-97f,  0x1p-64f, 0x1p-24f, 0.5625f,
        1.0f,      6.0f,      9.0f,      10.0f,     10.9f,    14.375f,  40.0f,
        88.72284f, 88.72283f, 89.0f,     103.97f,   104.5f,   105.0f,   109.5f,
        0x1p98f,   0x1p127f,  kMax,      kInfinity, kNaN}) {
    uint32_t bits = std::bit_cast<uint32_t>(special);
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

using ActivationsTest = test::TargetTest;

TEST_P(ActivationsTest, WithinTheirBounds) {
  const std::vector<float> x = Sample();
  std::vector<float> y(x.size());
  const bool fused = RunningTarget().find("SSE") == std::string::npos;
  for (const Function& function : kFunctions) {
    SCOPED_TRACE(function.name);
    const double bound = fused ? function.bound : function.bound_sse;
    function.kernel(x.data(), y.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = function.reference(static_cast<double>(x[i]));
      // Written so that NaN fails.
      ASSERT_TRUE(reference::UlpError(y[i], expected) <= bound)
          << "x " << testing::PrintToString(x[i]) << ", actual "
          << testing::PrintToString(y[i]) << ", expected "
          << testing::PrintToString(expected);
    }
  }
}

TEST_P(ActivationsTest, SpecialValues) {
  struct Row {
    float x;
    // In the order of kFunctions.
    float y[std::size(kFunctions)];
  };
  const Row rows[] = {
      {0.0f, {1, 0, 0, 0.5f, 0, 0, 0, 0}},
      {-0.0f, {1, -0.0f, -0.0f, 0.5f, -0.0f, -0.0f, -0.0f, -0.0f}},
      {kInfinity,
       {kInfinity, kInfinity, kInfinity, 1, 1, kInfinity, kInfinity,
        kInfinity}},
      {-kInfinity, {0, -kInfinity, 0, 0, -1, -0.0f, -0.0f, -0.0f}},
      {kMax, {kInfinity, kMax, kMax, 1, 1, kMax, kMax, kMax}},
      {-kMax, {0, -kMax, 0, 0, -1, -0.0f, -0.0f, -0.0f}},
      {kNaN, {kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN}},
      {-kNaN, {kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN}},
  };
  for (const Row& row : rows) {
    for (size_t f = 0; f < std::size(kFunctions); ++f) {
      SCOPED_TRACE(testing::Message()
                   << kFunctions[f].name << "(" << row.x << ")");
      float y = 99;
      kFunctions[f].kernel(&row.x, &y, 1);
      if (std::isnan(row.y[f])) {
        EXPECT_TRUE(std::isnan(y)) << y;
      } else {
        EXPECT_EQ(std::bit_cast<uint32_t>(y), std::bit_cast<uint32_t>(row.y[f]))
            << y;
      }
    }
  }
}

// Every pattern of NaN, signalling ones too, leaves as NaN.
TEST_P(ActivationsTest, EveryKindOfNaN) {
  std::vector<float> x;
  for (const uint32_t payload :
       {0x7F800001u, 0x7FBFFFFFu, 0x7FC00000u, 0x7FC00001u, 0x7FFFFFFFu,
        0x7F8001FFu, 0x7FC001FFu}) {
    x.push_back(std::bit_cast<float>(payload));
    x.push_back(std::bit_cast<float>(payload | 0x80000000u));
  }
  std::vector<float> y(x.size());
  for (const Function& function : kFunctions) {
    SCOPED_TRACE(function.name);
    function.kernel(x.data(), y.data(), x.size());
    for (const float v : y) EXPECT_TRUE(std::isnan(v)) << v;
  }
}

// Gelu meets its bound where others lose every digit: down to the last
// subnormal result.
TEST_P(ActivationsTest, GeluUnderflowsGradually) {
  const float x[] = {-13.0f, -13.5f, -14.0f, -14.25f, -14.3f, -14.4f};
  float y[std::size(x)];
  ApplyActivation(Activation::kGelu, x, y, std::size(x));
  for (size_t i = 0; i < std::size(x); ++i) {
    const double expected = reference::ApplyActivation(
        Activation::kGelu, static_cast<double>(x[i]));
    EXPECT_LE(reference::UlpError(y[i], expected), 4) << x[i];
    EXPECT_EQ(y[i]<0, x[i]> - 14.35f) << x[i];
    EXPECT_TRUE(std::signbit(y[i])) << x[i];
  }
}

// The bits of a value are the same alone, anywhere in a vector, in the
// remainder, among ordinary neighbours and among NaN, and in place; nothing
// before or after the n values is written.
TEST_P(ActivationsTest, PositionDoesNotMatter) {
  std::vector<float> all;
  for (int i = 0; i < 300; ++i) {
    all.push_back(std::ldexp(static_cast<float>(i % 17) - 8.3f, i % 9 - 4));
  }
  for (size_t i = 0; i < all.size(); i += 23) all[i] = kNaN;
  for (size_t i = 0; i < all.size(); i += 31) all[i] = -kInfinity;
  for (const Function& function : kFunctions) {
    SCOPED_TRACE(function.name);
    std::vector<float> alone(all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      function.kernel(&all[i], &alone[i], 1);
    }
    for (const size_t n : {0,  1,  2,  3,  4,  5,  7,  8,  9,   15,
                           16, 17, 31, 32, 33, 63, 64, 65, 255, 299}) {
      SCOPED_TRACE(n);
      for (const size_t offset : {0, 1, 3}) {
        const std::span<const float> expected =
            std::span<const float>(alone).subspan(offset % 2, n);
        GuardedBuffer<float> x(n, offset);
        GuardedBuffer<float> y(n, offset + 1);
        std::copy_n(all.data() + offset % 2, n, x.data());
        function.kernel(x.data(), y.data(), n);
        EXPECT_TRUE(test::SameBits(std::as_const(y).span(), expected));
        EXPECT_TRUE(
            test::SameBits(std::as_const(x).span(),
                           std::span<const float>(all).subspan(offset % 2, n)));
        function.kernel(x.data(), x.data(), n);
        EXPECT_TRUE(test::SameBits(std::as_const(x).span(), expected));
        EXPECT_TRUE(x.Intact());
        EXPECT_TRUE(y.Intact());
      }
    }
  }
}

RANVIER_ON_EVERY_TARGET(ActivationsTest);

}  // namespace
}  // namespace ranvier::simd
