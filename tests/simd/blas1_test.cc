#include "ranvier/simd/blas1.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/float16.h"

#include "tests/reference/blas1_reference.h"
#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier::simd {
namespace {

using test::GuardedBuffer;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
// Around every vector and every group of four vectors, and the blocks of Iamax.
constexpr size_t kSizes[] = {0,   1,   2,   3,   4,   5,    7,    8,    9,
                             15,  16,  17,  31,  32,  33,   63,   64,   65,
                             127, 128, 129, 255, 256, 1000, 4095, 4096, 8193};

class Blas1Test : public test::TargetTest {
 protected:
  std::mt19937 random_{5};

  float Real() { return std::uniform_real_distribution<float>(-1, 1)(random_); }
  void Fill(GuardedBuffer<float>& x) {
    for (float& v : x.span()) v = Real();
  }
  // Of the sums that the header bounds.
  static double SumError(size_t n) {
    return (static_cast<double>(n) / 16 + 12) * 0x1.0p-24;
  }
};

TEST_P(Blas1Test, Dot) {
  for (const size_t n : kSizes) {
    SCOPED_TRACE(n);
    GuardedBuffer<float> x(n, 1);
    GuardedBuffer<float> y(n, 3);
    Fill(x);
    Fill(y);
    const auto expected = test::DotReference(x.span(), y.span());
    EXPECT_TRUE(test::IsNear(Dot(x.data(), y.data(), n), expected.sum,
                             {.absolute = SumError(n) * expected.magnitudes,
                              .sign_matters = n == 1}));
  }
}

TEST_P(Blas1Test, DotBf16) {
  for (const size_t n : kSizes) {
    SCOPED_TRACE(n);
    GuardedBuffer<bf16> x(n, 1);
    GuardedBuffer<bf16> y(n, 3);
    std::vector<float> x_wide(n), y_wide(n);
    for (size_t i = 0; i < n; ++i) {
      x[i] = ToBf16(Real());
      y[i] = ToBf16(Real());
      x_wide[i] = ToFloat(x[i]);
      y_wide[i] = ToFloat(y[i]);
    }
    const auto expected = test::DotReference(x_wide, y_wide);
    EXPECT_TRUE(test::IsNear(Dot(x.data(), y.data(), n), expected.sum,
                             {.absolute = SumError(n) * expected.magnitudes,
                              .sign_matters = n == 1}));
  }
}

// Each element counts once, at each place: products are powers of two times
// small integers, so that every sum is exact in any order.
TEST_P(Blas1Test, SumsMissNothing) {
  for (const size_t n : kSizes) {
    SCOPED_TRACE(n);
    std::vector<float> x(n), y(n);
    std::vector<bf16> x_narrow(n), y_narrow(n);
    double dot = 0;
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < n; ++i) {
      x[i] = static_cast<float>(static_cast<int>(random_() % 33) - 16);
      y[i] = static_cast<float>(static_cast<int>(random_() % 33) - 16);
      x_narrow[i] = ToBf16(x[i]);
      y_narrow[i] = ToBf16(y[i]);
      dot += static_cast<double>(x[i]) * y[i];
      sum += std::abs(x[i]);
      squares += static_cast<double>(x[i]) * x[i];
    }
    EXPECT_EQ(Dot(x.data(), y.data(), n), dot);
    EXPECT_EQ(Dot(x_narrow.data(), y_narrow.data(), n), dot);
    EXPECT_EQ(Asum(x.data(), n), sum);
    EXPECT_EQ(SumOfSquares(x.data(), n), squares);
  }
}

TEST_P(Blas1Test, SubnormalBf16Count) {
  const std::vector<bf16> x(40, bf16{1});  // 2^-133
  const std::vector<bf16> y(40, ToBf16(0x1.0p100f));
  EXPECT_EQ(Dot(x.data(), y.data(), 40), 40 * 0x1.0p-33f);
}

TEST_P(Blas1Test, NanAndInfinityReachTheSums) {
  for (const size_t n : {1, 3, 16, 70, 300}) {
    for (size_t at = 0; at < n; ++at) {
      std::vector<float> x(n, 1);
      const std::vector<float> zero(n, 0);
      x[at] = kNan;
      ASSERT_TRUE(std::isnan(Dot(x.data(), zero.data(), n))) << n << " " << at;
      ASSERT_TRUE(std::isnan(Dot(zero.data(), x.data(), n))) << n << " " << at;
      ASSERT_TRUE(std::isnan(Asum(x.data(), n))) << n << " " << at;
      ASSERT_TRUE(std::isnan(SumOfSquares(x.data(), n))) << n << " " << at;
      x[at] = -kInfinity;
      ASSERT_TRUE(std::isnan(Dot(x.data(), zero.data(), n))) << n << " " << at;
      ASSERT_EQ(Asum(x.data(), n), kInfinity) << n << " " << at;
      ASSERT_EQ(SumOfSquares(x.data(), n), kInfinity) << n << " " << at;
    }
  }
}

TEST_P(Blas1Test, Axpy) {
  const float special[] = {0.0f, -0.0f, kLargest, kSmallest, -kInfinity};
  for (const size_t n : kSizes) {
    for (const float alpha : {0.3f, -1.0f, 0.0f}) {
      SCOPED_TRACE(testing::Message() << n << ", alpha " << alpha);
      GuardedBuffer<float> x(n, 1);
      GuardedBuffer<float> y(n, 3);
      Fill(x);
      Fill(y);
      for (size_t i = 0; i < n; i += 7) x[i] = special[i / 7 % 5];
      const std::vector<float> before(y.data(), y.data() + n);
      Axpy(alpha, x.data(), y.data(), n);
      for (size_t i = 0; i < n; ++i) {
        // Fused or not: one rounding of the sum, and perhaps one of the
        // product.
        const double product = static_cast<double>(alpha) * x[i];
        const double expected = product + before[i];
        if (std::isnan(expected)) {
          ASSERT_TRUE(std::isnan(y[i])) << i;
          continue;
        }
        ASSERT_TRUE(test::IsNear(
            y[i], expected,
            {.relative = 0x1.0p-24,
             .absolute = std::abs(product) * 0x1.0p-24 + 0x1.0p-149,
             .sign_matters = false}))
            << i;
      }
      EXPECT_TRUE(y.Intact());

      // With gaps, and one at a time: the same bits. NaN stands in the gaps.
      GuardedBuffer<float> gaps(n == 0 ? 0 : 3 * n - 2);
      GuardedBuffer<float> x_gaps(n == 0 ? 0 : 2 * n - 1);
      std::fill(gaps.span().begin(), gaps.span().end(), kNan);
      std::fill(x_gaps.span().begin(), x_gaps.span().end(), kNan);
      std::vector<float> single(before);
      for (size_t i = 0; i < n; ++i) {
        gaps[3 * i] = before[i];
        x_gaps[2 * i] = x[i];
        Axpy(alpha, &x[i], &single[i], 1);
      }
      Axpy(alpha, x_gaps.data(), 2, gaps.data(), 3, n);
      EXPECT_TRUE(gaps.Intact());
      std::vector<float> taken(n);
      for (size_t i = 0; i < gaps.size(); ++i) {
        if (i % 3 == 0) {
          taken[i / 3] = gaps[i];
        } else {
          ASSERT_TRUE(std::isnan(gaps[i])) << i;
        }
      }
      const std::span<const float> whole(y.data(), n);
      EXPECT_TRUE(test::SameBits(std::span<const float>(taken), whole));
      EXPECT_TRUE(test::SameBits(std::span<const float>(single), whole));
    }
  }
}

TEST_P(Blas1Test, Scal) {
  for (const size_t n : kSizes) {
    SCOPED_TRACE(n);
    GuardedBuffer<float> x(n, 1);
    Fill(x);
    if (n > 2) x[2] = kSmallest;
    std::vector<float> expected;
    for (const float v : x.span()) expected.push_back(-0.7f * v);
    std::vector<float> gaps(2 * n, kNan);
    for (size_t i = 0; i < n; ++i) gaps[2 * i] = x[i];
    Scal(-0.7f, x.data(), n);
    EXPECT_TRUE(test::SameBits(std::span<const float>(x.data(), n),
                               std::span<const float>(expected)));
    EXPECT_TRUE(x.Intact());
    Scal(-0.7f, gaps.data(), 2, n);
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(gaps[2 * i], expected[i]) << i;
      ASSERT_TRUE(std::isnan(gaps[2 * i + 1])) << i;
    }
  }
  float x[] = {kNan, kInfinity, 1};
  Scal(0, x, 3);
  EXPECT_TRUE(std::isnan(x[0]));
  EXPECT_TRUE(std::isnan(x[1]));
  EXPECT_EQ(x[2], 0);
}

TEST_P(Blas1Test, Asum) {
  for (const size_t n : kSizes) {
    SCOPED_TRACE(n);
    GuardedBuffer<float> x(n, 1);
    Fill(x);
    EXPECT_TRUE(test::IsNear(Asum(x.data(), n), test::AsumReference(x.span()),
                             {.relative = SumError(n)}));
  }
}

TEST_P(Blas1Test, SumOfSquares) {
  for (const float scale : {1.0f, 0x1.0p127f, 0x1.0p-140f}) {
    for (const size_t n : kSizes) {
      SCOPED_TRACE(testing::Message() << n << " times " << scale);
      GuardedBuffer<float> x(n, 1);
      Fill(x);
      for (float& v : x.span()) v *= scale;
      // The reference itself rounds up to n times.
      const double error = 2 * static_cast<double>(n) + 12;
      EXPECT_TRUE(test::IsNear(SumOfSquares(x.data(), n),
                               test::SumOfSquaresReference(x.span()),
                               {.relative = error * 0x1.0p-53}));
    }
  }
}

TEST_P(Blas1Test, Iamax) {
  for (const size_t n : kSizes) {
    SCOPED_TRACE(n);
    GuardedBuffer<float> x(n, 1);
    for (int trial = 0; trial < 6; ++trial) {
      // Few values: many are the greatest, and the first one counts.
      for (float& v : x.span()) {
        v = trial == 0
                ? Real()
                : static_cast<float>(static_cast<int>(random_() % 5) - 2);
      }
      for (int k = 0; k < trial - 2 && n != 0; ++k) {
        const float special[] = {kNan, -kNan, kInfinity, -kInfinity};
        x[random_() % n] = special[random_() % 4];
      }
      EXPECT_EQ(Iamax(x.data(), n).index, test::IamaxReference(x.span()));
    }
  }
}

// Alone and first at every place, the others all zero or all smaller.
TEST_P(Blas1Test, IamaxEverywhere) {
  const size_t n = 300;
  for (size_t at = 0; at < n; ++at) {
    std::vector<float> x(n, 0);
    x[at] = -kSmallest;
    ASSERT_EQ(Iamax(x.data(), n).index, at);
    std::fill(x.begin(), x.end(), kInfinity);
    // A signalling NaN with the least payload, before one with the greatest.
    x[at] = std::bit_cast<float>(0xFF800001u);
    if (at + 1 < n) x[at + 1] = std::bit_cast<float>(0x7FFFFFFFu);
    ASSERT_EQ(Iamax(x.data(), n).index, at);
  }
  const std::vector<float> zeros(n, -0.0f);
  EXPECT_EQ(Iamax(zeros.data(), n).index, 0u);
  EXPECT_EQ(Iamax(nullptr, 0).order, -1);
}

RANVIER_ON_EVERY_TARGET(Blas1Test);

}  // namespace
}  // namespace ranvier::simd
