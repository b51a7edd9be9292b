#include "ranvier/ops/blas1.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"

#include "tests/reference/blas1_reference.h"
#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier {
namespace {

using test::GuardedBuffer;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
// Around the chunk of sums, and beyond where threads are used.
constexpr size_t kSizes[] = {0,     1,      33,     16383,  16384,
                             16385, 131071, 131072, 200'003};

class Blas1OpsTest : public test::TargetTest {
 protected:
  std::mt19937 random_{13};
  Context one_{{.threads = 1}};
  Context two_{{.threads = 2}};
  Context seven_{{.threads = 7}};

  std::vector<float> Numbers(size_t n) {
    std::uniform_real_distribution<float> real(-1, 1);
    std::vector<float> x(n);
    for (float& v : x) v = real(random_);
    return x;
  }
  static double SumError(size_t n) {
    return (std::min(static_cast<double>(n) / 16, 1024.0) + 13) * 0x1.0p-24;
  }
  // The same elements at every stride-th place, NaN between them.
  static std::vector<float> Spread(const std::vector<float>& x, size_t stride) {
    std::vector<float> wide(x.size() * stride + 1, kNan);
    for (size_t i = 0; i < x.size(); ++i) wide[i * stride] = x[i];
    return wide;
  }
};

TEST_P(Blas1OpsTest, SumsAreRightAndTheSameForAnyThreadsAndStrides) {
  for (const size_t n : kSizes) {
    SCOPED_TRACE(n);
    const std::vector<float> x = Numbers(n);
    const std::vector<float> y = Numbers(n);
    const std::vector<float> x3 = Spread(x, 3);
    const std::vector<float> y2 = Spread(y, 2);
    const VecView<const float> xv(x.data(), n), yv(y.data(), n);
    const VecView<const float> xs(x3.data(), n, 3), ys(y2.data(), n, 2);
    std::vector<bf16> xb(n), yb(2 * n);
    std::vector<float> xb_wide(n), yb_wide(n);
    for (size_t i = 0; i < n; ++i) {
      xb[i] = ToBf16(x[i]);
      yb[2 * i] = ToBf16(y[i]);
      xb_wide[i] = ToFloat(xb[i]);
      yb_wide[i] = ToFloat(yb[2 * i]);
    }
    const VecView<const bf16> xbv(xb.data(), n), ybv(yb.data(), n, 2);

    const float dot = Dot(one_, xv, yv);
    const float dot_bf16 = Dot(one_, xbv, ybv);
    const float asum = Asum(one_, xv);
    const float nrm2 = Nrm2(one_, xv);
    const size_t iamax = Iamax(one_, xv);
    const auto expected = test::DotReference(x, y);
    EXPECT_TRUE(test::IsNear(dot, expected.sum,
                             {.absolute = SumError(n) * expected.magnitudes,
                              .sign_matters = false}));
    const auto expected_bf16 = test::DotReference(xb_wide, yb_wide);
    EXPECT_TRUE(
        test::IsNear(dot_bf16, expected_bf16.sum,
                     {.absolute = SumError(n) * expected_bf16.magnitudes,
                      .sign_matters = false}));
    EXPECT_TRUE(
        test::IsNear(asum, test::AsumReference(x), {.relative = SumError(n)}));
    // The reference adds up in f64 as well.
    EXPECT_TRUE(test::IsNear(
        nrm2, std::sqrt(test::SumOfSquaresReference(x)),
        {.relative = 1.001 * 0x1.0p-24 + static_cast<double>(n) * 0x1.0p-53}));
    EXPECT_EQ(iamax, test::IamaxReference(x));

    for (Context* ctx : {&one_, &two_, &seven_}) {
      for (const auto& [a, b] :
           {std::pair(xv, yv), std::pair(xs, ys), std::pair(xv, ys)}) {
        // Numbers, not NaN: equal is the same bits but for the sign of zero.
        EXPECT_EQ(Dot(*ctx, a, b), dot);
        EXPECT_EQ(Asum(*ctx, a), asum);
        EXPECT_EQ(Nrm2(*ctx, a), nrm2);
        EXPECT_EQ(Iamax(*ctx, a), iamax);
      }
      EXPECT_EQ(Dot(*ctx, xbv, ybv), dot_bf16);
    }
  }
}

TEST_P(Blas1OpsTest, AxpyAndScal) {
  for (const size_t n : kSizes) {
    SCOPED_TRACE(n);
    const std::vector<float> x = Numbers(n);
    const std::vector<float> y = Numbers(n);
    std::vector<float> expected_y(y), expected_x(x);
    Axpy(one_, 0.3f, VecView<const float>(x.data(), n),
         VecView<float>(expected_y.data(), n));
    Scal(one_, -0.7f, VecView<float>(expected_x.data(), n));
    for (size_t i = 0; i < n; ++i) {
      const double product = static_cast<double>(0.3f) * x[i];
      ASSERT_TRUE(test::IsNear(expected_y[i], product + y[i],
                               {.relative = 0x1.0p-24,
                                .absolute = std::abs(product) * 0x1.0p-24,
                                .sign_matters = false}))
          << i;
      ASSERT_EQ(expected_x[i], -0.7f * x[i]) << i;
    }
    const std::vector<float> x2 = Spread(x, 2);
    for (Context* ctx : {&two_, &seven_}) {
      GuardedBuffer<float> y1(n, 1);
      std::copy(y.begin(), y.end(), y1.data());
      Axpy(*ctx, 0.3f, VecView<const float>(x2.data(), n, 2),
           VecView<float>(y1.data(), n));
      EXPECT_TRUE(test::SameBits(std::span<const float>(y1.data(), n),
                                 std::span<const float>(expected_y)));
      EXPECT_TRUE(y1.Intact());
      std::copy(y.begin(), y.end(), y1.data());
      Axpy(*ctx, 0.3f, VecView<const float>(x.data(), n),
           VecView<float>(y1.data(), n));
      EXPECT_TRUE(test::SameBits(std::span<const float>(y1.data(), n),
                                 std::span<const float>(expected_y)));
      GuardedBuffer<float> x1(n, 1);
      std::copy(x.begin(), x.end(), x1.data());
      Scal(*ctx, -0.7f, VecView<float>(x1.data(), n));
      EXPECT_TRUE(test::SameBits(std::span<const float>(x1.data(), n),
                                 std::span<const float>(expected_x)));
      EXPECT_TRUE(x1.Intact());
      std::vector<float> gaps = Spread(x, 3);
      Scal(*ctx, -0.7f, VecView<float>(gaps.data(), n, 3));
      for (size_t i = 0; i < gaps.size(); ++i) {
        if (i % 3 == 0 && i / 3 < n) {
          ASSERT_EQ(gaps[i], expected_x[i / 3]) << i;
        } else {
          ASSERT_TRUE(std::isnan(gaps[i])) << i;
        }
      }
    }
  }
  std::vector<float> y = {1, 2, 3};
  const float two = 2;
  Axpy(one_, 1, VecView<const float>(&two, 3, 0), VecView<float>(y.data(), 3));
  EXPECT_EQ(y, (std::vector<float>{3, 4, 5}));
  Axpy(one_, 1, VecView<float>(y.data(), 3), VecView<float>(y.data(), 3));
  EXPECT_EQ(y, (std::vector<float>{6, 8, 10}));
  Axpy(one_, 0,
       VecView<const float>(std::vector{kNan, kInfinity, 1.0f}.data(), 3),
       VecView<float>(y.data(), 3));
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_TRUE(std::isnan(y[1]));
  EXPECT_EQ(y[2], 10);
}

TEST_P(Blas1OpsTest, Nrm2NeitherOverflowsNorUnderflows) {
  const auto norm = [&](std::vector<float> x) {
    return Nrm2(one_, VecView<const float>(x.data(), x.size()));
  };
  EXPECT_EQ(norm({3e38f / 5 * 3, 3e38f / 5 * 4}),
            static_cast<float>(std::hypot(static_cast<double>(3e38f / 5 * 3),
                                          static_cast<double>(3e38f / 5 * 4))));
  EXPECT_EQ(norm({3 * kSmallest, 4 * kSmallest}), 5 * kSmallest);
  EXPECT_EQ(norm({kLargest}), kLargest);
  EXPECT_EQ(norm({kLargest, kLargest}), kInfinity);
  EXPECT_EQ(norm({-kInfinity, 1}), kInfinity);
  EXPECT_TRUE(std::isnan(norm({kNan, kInfinity})));
}

// The greatest stands at each end of each chunk in turn; equal ones follow.
TEST_P(Blas1OpsTest, IamaxFindsTheFirst) {
  const size_t n = 150'000;
  for (const size_t at : {0, 16383, 16384, 49151, 49152, 149'999}) {
    std::vector<float> x = Numbers(n);
    x[at] = -2;
    for (size_t later = at + 1; later < n; later += 20'000) x[later] = 2;
    for (Context* ctx : {&one_, &two_, &seven_}) {
      EXPECT_EQ(Iamax(*ctx, VecView<const float>(x.data(), n)), at);
    }
    x[at] = kNan;
    x[n - 1] = at == n - 1 ? kNan : kInfinity;
    for (Context* ctx : {&one_, &two_, &seven_}) {
      EXPECT_EQ(Iamax(*ctx, VecView<const float>(x.data(), n)), at);
    }
  }
  EXPECT_EQ(Iamax(one_, {}), 0u);
}

RANVIER_ON_EVERY_TARGET(Blas1OpsTest);

TEST(Blas1Checks, SizesAndStrides) {
  Context ctx({.threads = 1});
  std::vector<float> x(4), y(5);
  std::vector<bf16> xb(4), yb(5);
  const VecView<float> xv(x.data(), 4), yv(y.data(), 5);
  EXPECT_THROW(Dot(ctx, xv, yv), ShapeError);
  EXPECT_THROW(Dot(ctx, VecView<const bf16>(xb.data(), 4),
                   VecView<const bf16>(yb.data(), 5)),
               ShapeError);
  EXPECT_THROW(Axpy(ctx, 1, xv, yv), ShapeError);
  EXPECT_THROW(Axpy(ctx, 1, xv, VecView<float>(y.data(), 4, 0)),
               std::invalid_argument);
  EXPECT_THROW(Scal(ctx, 1, VecView<float>(y.data(), 4, 0)),
               std::invalid_argument);
  Scal(ctx, 3, VecView<float>(y.data(), 1, 0));
  try {
    Dot(ctx, xv, yv);
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(),
                 "Dot: x has 4 elements and y has 5; they must have as many");
  }
}

}  // namespace
}  // namespace ranvier
