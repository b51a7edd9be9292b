#include "ranvier/simd/synapse.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <random>
#include <span>
#include <type_traits>
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
constexpr size_t kNeurons = 3000;
// Around the four of a pass and the distance of the prefetch.
constexpr size_t kSizes[] = {0,  1,  2,  3,  4,   5,   7,   8,
                             9,  15, 16, 17, 23,  24,  25,  27,
                             28, 29, 31, 33, 255, 256, 257, 2999};

class SynapseTest : public test::TargetTest {
 protected:
  std::mt19937_64 random_{7};

  double Real(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random_);
  }

  // Ascending, without repeats.
  std::vector<uint32_t> Columns(size_t n) {
    std::vector<uint32_t> all(kNeurons);
    for (size_t i = 0; i < kNeurons; ++i) all[i] = static_cast<uint32_t>(i);
    std::vector<uint32_t> columns;
    std::sample(all.begin(), all.end(), std::back_inserter(columns), n,
                random_);
    return columns;
  }

  template <typename W>
  W Weight() {
    if constexpr (std::is_integral_v<W>) {
      if (random_() % 8 == 0) {
        return random_() % 2 != 0 ? std::numeric_limits<W>::min()
                                  : std::numeric_limits<W>::max();
      }
      return static_cast<W>(static_cast<int>(random_() % 255) - 127);
    } else {
      return static_cast<W>(Real(-100, 100));
    }
  }

  template <typename W>
  void Check(const RowUpdate& update, size_t n) {
    SCOPED_TRACE(testing::Message() << "n " << n << ", cap " << update.cap);
    GuardedBuffer<double> state(2 * kNeurons);
    for (size_t i = 0; i < kNeurons; ++i) {
      const bool refractory = random_() % 10 == 0;
      state[2 * i] = refractory ? -kInfinity : Real(-50, 50);
      state[2 * i + 1] = refractory ? -kInfinity : Real(-50, 50);
    }
    GuardedBuffer<uint32_t> col(n, 1);
    GuardedBuffer<W> weight(n, 3);
    GuardedBuffer<uint32_t> touched(n, 1);
    const std::vector<uint32_t> columns = Columns(n);
    std::copy(columns.begin(), columns.end(), col.data());
    for (size_t i = 0; i < n; ++i) weight[i] = Weight<W>();

    // By the definition, product and sum apart.
    std::vector<double> expected(state.data(), state.data() + 2 * kNeurons);
    std::vector<uint32_t> expected_touched;
    for (size_t i = 0; i < n; ++i) {
      const auto w = static_cast<double>(weight[i]);
      double& a = expected[2 * size_t{columns[i]}];
      double& b = expected[2 * size_t{columns[i]} + 1];
      a += w * update.a;
      b += w * update.b;
      if (b > update.cap || update.line_a * a + update.line_b * b > 1) {
        expected_touched.push_back(columns[i]);
        ASSERT_TRUE(std::isfinite(a)) << "a refractory neuron may not cross";
      }
    }

    const size_t count = DeliverRow(update, col.data(), weight.data(), n,
                                    state.data(), touched.data());
    EXPECT_TRUE(test::SameBits(std::as_const(state).span(),
                               std::span<const double>(expected)));
    ASSERT_EQ(count, expected_touched.size());
    EXPECT_TRUE(test::SameBits(std::as_const(touched).span().first(count),
                               std::span<const uint32_t>(expected_touched)));
    EXPECT_TRUE(state.Intact());
    EXPECT_TRUE(col.Intact());
    EXPECT_TRUE(weight.Intact());
    EXPECT_TRUE(touched.Intact());
  }

  template <typename W>
  void CheckAll() {
    const double scale = std::is_same_v<W, int32_t> ? 1e-9 : 0.3;
    const RowUpdate updates[] = {
        // Some cross, by the cap, by the line, by either.
        {.a = scale, .b = 0.5 * scale, .cap = 40, .line_a = 0, .line_b = 0},
        {.a = -scale, .b = scale, .cap = 1e9, .line_a = 0.02, .line_b = 0.03},
        {.a = scale, .b = -scale, .cap = 30, .line_a = 0.01, .line_b = 0.01},
        // None do, and all do.
        {.a = scale, .b = scale, .cap = kInfinity, .line_a = 0, .line_b = 0},
        {.a = 0, .b = 0, .cap = -1e9, .line_a = 0, .line_b = 0}};
    for (const RowUpdate& update : updates) {
      for (const size_t n : kSizes) {
        Check<W>(update, n);
        if (HasFatalFailure()) return;
      }
    }
  }
};

TEST_P(SynapseTest, CountsOf16Bits) { CheckAll<int16_t>(); }
TEST_P(SynapseTest, CountsOf32Bits) { CheckAll<int32_t>(); }
TEST_P(SynapseTest, RealWeights) { CheckAll<float>(); }

// "May cross" is strict on both lines.
TEST_P(SynapseTest, TheLinesThemselvesAreSilent) {
  for (const size_t n : {size_t{1}, size_t{4}, size_t{5}}) {
    GuardedBuffer<double> state(2 * n);
    std::vector<uint32_t> col(n);
    std::vector<int16_t> weight(n, 1);
    std::vector<uint32_t> touched(n);
    for (size_t i = 0; i < n; ++i) {
      col[i] = static_cast<uint32_t>(i);
      state[2 * i] = 1;
      state[2 * i + 1] = 2;
    }
    // Afterwards A = 2 and B = 4, so 0.25 A + 0.125 B = 1.
    const RowUpdate on = {
        .a = 1, .b = 2, .cap = 4, .line_a = 0.25, .line_b = 0.125};
    EXPECT_EQ(DeliverRow(on, col.data(), weight.data(), n, state.data(),
                         touched.data()),
              0u);
    RowUpdate over = on;
    over.a = over.b = 0;
    over.cap = std::nextafter(4, 0);
    EXPECT_EQ(DeliverRow(over, col.data(), weight.data(), n, state.data(),
                         touched.data()),
              n);
    EXPECT_EQ(touched, col);
  }
}

RANVIER_ON_EVERY_TARGET(SynapseTest);

}  // namespace
}  // namespace ranvier::simd
