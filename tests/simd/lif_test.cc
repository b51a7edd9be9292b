#include "ranvier/simd/lif.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier::simd {
namespace {

using test::GuardedBuffer;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Around every number of lanes from 2 to 8, and the padding.
constexpr size_t kSizes[] = {0,  1,  2,  3,  4,  5,  7,   8,   9,   15,  16,
                             17, 31, 33, 63, 64, 65, 127, 128, 129, 1000};

class LifTest : public test::TargetTest {
 protected:
  std::mt19937_64 random_{3};

  double Real(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random_);
  }

  // n of 3 n + 5 neurons are awake; the others hold NaN.
  void CheckStep(const LifMoment& m, size_t n) {
    SCOPED_TRACE(n);
    const size_t neurons = 3 * n + 5;
    GuardedBuffer<double> state(2 * neurons, 1);
    std::fill(state.span().begin(), state.span().end(),
              std::numeric_limits<double>::quiet_NaN());
    std::vector<uint64_t> all(neurons);
    for (size_t i = 0; i < neurons; ++i) all[i] = i;
    std::vector<uint64_t> chosen;
    std::sample(all.begin(), all.end(), std::back_inserter(chosen), n, random_);
    // The list of awake neurons is in any order.
    std::shuffle(chosen.begin(), chosen.end(), random_);
    for (const uint64_t i : chosen) {
      state[2 * i] = Real(-20, 20);
      state[2 * i + 1] = Real(-60, 60);
    }

    std::vector<uint64_t> stay, spike, sleep;
    for (const uint64_t i : chosen) {
      const double u = state[2 * i] * m.x + state[2 * i + 1] * m.y;
      const double g = state[2 * i + 1] * m.z;
      const bool silent = u <= m.silent_below &&
                          (g <= m.silent_below || u >= g ||
                           (g <= m.g_cap && m.line_u * u + m.line_g * g <= 1));
      (u > m.theta ? spike : silent ? sleep : stay).push_back(i);
    }

    const std::vector<double> before(state.data(), state.data() + 2 * neurons);
    GuardedBuffer<uint64_t> awake(n + kLifPadding, 1);
    GuardedBuffer<uint64_t> spiking(n + kLifPadding, 1);
    GuardedBuffer<uint64_t> silent(n + kLifPadding, 1);
    std::copy(chosen.begin(), chosen.end(), awake.data());
    size_t spikes = 99;
    size_t silents = 99;
    const size_t kept =
        StepAwake(m, state.data(), awake.data(), n, spiking.data(), &spikes,
                  silent.data(), &silents);
    const auto same = [](const GuardedBuffer<uint64_t>& actual, size_t count,
                         const std::vector<uint64_t>& expected) {
      return test::SameBits(actual.span().first(count),
                            std::span<const uint64_t>(expected));
    };
    EXPECT_TRUE(same(awake, kept, stay));
    EXPECT_TRUE(same(spiking, spikes, spike));
    EXPECT_TRUE(same(silent, silents, sleep));
    EXPECT_TRUE(test::SameBits(std::as_const(state).span(),
                               std::span<const double>(before)));
    EXPECT_TRUE(awake.Intact());
    EXPECT_TRUE(spiking.Intact());
    EXPECT_TRUE(silent.Intact());
    EXPECT_TRUE(state.Intact());
  }
};

TEST_P(LifTest, StepAwakeSortsThree) {
  const LifMoment moments[] = {
      // Some of each.
      {.x = 0.9,
       .y = 0.2,
       .z = 0.7,
       .theta = 7,
       .silent_below = 6.9,
       .g_cap = 30,
       .line_u = 0.12,
       .line_g = 0.02},
      // y < 0, as where the synapse is the faster one.
      {.x = 0.8,
       .y = -0.3,
       .z = 0.4,
       .theta = 1,
       .silent_below = 0.9,
       .g_cap = 5,
       .line_u = 0.5,
       .line_g = 0.1},
      // All spike; none does and all sleep; nobody may ever sleep.
      {.x = 1, .y = 0, .z = 1, .theta = -1e3, .silent_below = -2e3},
      {.x = 1, .y = 0, .z = 1, .theta = 1e3, .silent_below = 1e3},
      {.x = 1,
       .y = 0,
       .z = 1,
       .theta = 0,
       .silent_below = -kInfinity,
       .g_cap = kInfinity}};
  for (const LifMoment& moment : moments) {
    for (const size_t n : kSizes) CheckStep(moment, n);
  }
}

// u == theta is no spike: the threshold is strict. u == silent_below sleeps.
TEST_P(LifTest, ExactlyAtTheThreshold) {
  const LifMoment m = {.x = 1, .y = 0, .z = 1, .theta = 7, .silent_below = 6.5};
  const double values[] = {7, std::nextafter(7, 8), 6.5,
                           std::nextafter(6.5, 7)};
  std::vector<double> state;
  for (const double value : values) {
    state.push_back(value);
    state.push_back(0);  // g = 0: nothing pushes it up
  }
  std::vector<uint64_t> awake(4 + kLifPadding);
  for (uint64_t i = 0; i < 4; ++i) awake[i] = i;
  std::vector<uint64_t> spiking(awake.size()), silent(awake.size());
  size_t spikes = 0;
  size_t silents = 0;
  ASSERT_EQ(StepAwake(m, state.data(), awake.data(), 4, spiking.data(), &spikes,
                      silent.data(), &silents),
            2u);
  EXPECT_EQ(awake[0], 0u);
  EXPECT_EQ(awake[1], 3u);
  ASSERT_EQ(spikes, 1u);
  EXPECT_EQ(spiking[0], 1u);
  ASSERT_EQ(silents, 1u);
  EXPECT_EQ(silent[0], 2u);
}

// A fused product and sum would move u by half an ulp on targets that have one,
// and with it a spike.
TEST_P(LifTest, ProductAndSumAreRoundedApart) {
  for (int i = 0; i < 200; ++i) {
    const double state[] = {Real(1, 20), Real(1, 20)};
    LifMoment m = {.x = Real(0.5, 1), .y = Real(0.5, 1), .z = 1};
    m.silent_below = -kInfinity;
    const double product = state[0] * m.x;
    const double u = product + state[1] * m.y;
    for (const bool fires : {false, true}) {
      m.theta = fires ? std::nextafter(u, 0) : u;
      std::vector<uint64_t> awake(1 + kLifPadding);
      std::vector<uint64_t> spiking(awake.size()), silent(awake.size());
      size_t spikes = 0;
      size_t silents = 0;
      const size_t kept = StepAwake(m, state, awake.data(), 1, spiking.data(),
                                    &spikes, silent.data(), &silents);
      ASSERT_EQ(spikes, fires ? 1u : 0u) << i;
      ASSERT_EQ(kept, fires ? 0u : 1u) << i;
    }
  }
}

TEST_P(LifTest, RebaseState) {
  const double special[] = {0.0,    -0.0,    -kInfinity, 1e-200,
                            9e-201, -9e-201, 1e-320,     -1e-320,
                            1e-199, -1e-199, 1e6,        -1e6};
  for (const double ab : {0.0, 0.25}) {
    for (const size_t n : kSizes) {
      SCOPED_TRACE(n);
      GuardedBuffer<double> state(2 * n, 1);
      for (size_t i = 0; i < n; ++i) {
        const bool plain = random_() % 2 != 0;
        state[2 * i] = plain ? Real(-50, 50) : special[random_() % 12];
        state[2 * i + 1] = plain ? Real(-50, 50) : special[random_() % 12];
      }
      const double aa = 0.125;
      const double bb = 0.0625;
      const auto flush = [](double x) { return std::abs(x) < 1e-200 ? 0 : x; };
      std::vector<double> expected;
      for (size_t i = 0; i < n; ++i) {
        const double a = state[2 * i];
        const double b = state[2 * i + 1];
        expected.push_back(flush(ab == 0 ? a * aa : a * aa + b * ab));
        expected.push_back(flush(b * bb));
      }
      RebaseState(aa, ab, bb, state.data(), n);
      EXPECT_TRUE(test::SameBits(std::as_const(state).span(),
                                 std::span<const double>(expected)));
      EXPECT_TRUE(state.Intact());
      for (const double x : state.span()) {
        EXPECT_TRUE(x == 0 || std::isnormal(x) || x == -kInfinity) << x;
      }
    }
  }
}

RANVIER_ON_EVERY_TARGET(LifTest);

}  // namespace
}  // namespace ranvier::simd
