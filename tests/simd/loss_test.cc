#include "ranvier/simd/loss.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/reference/loss_reference.h"
#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier::simd {
namespace {

using test::GuardedBuffer;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr size_t kSizes[] = {0,  1,  2,   3,   4,   5,   7,    8,
                             9,  15, 16,  17,  31,  32,  33,   63,
                             64, 65, 127, 128, 129, 200, 1000, 2048};

struct Loss {
  ElementLoss loss;
  float parameter;
};
constexpr Loss kLosses[] = {{ElementLoss::kMse, 0},
                            {ElementLoss::kMae, 0},
                            {ElementLoss::kHuber, 0.5f},
                            {ElementLoss::kHuber, 3},
                            {ElementLoss::kQuantile, 0.9f},
                            {ElementLoss::kQuantile, 0},
                            {ElementLoss::kBinaryCrossEntropy, 0},
                            {ElementLoss::kSmape, 0},
                            {ElementLoss::kMape, 0}};

// Where something changes or might overflow.
constexpr std::pair<float, float> kPoints[] = {
    {0.0f, 0.0f},    {-0.0f, 0.0f},   {1.0f, 1.0f},           {0.5f, 0.0f},
    {-0.5f, 0.0f},   {0.5000001f, 0}, {0.49999997f, 0},       {3.0f, -2.0f},
    {-3.0f, 2.0f},   {0.0f, 1.0f},    {0.0f, -1.0f},          {1.0f, 0.0f},
    {1.0f, 1e-8f},   {1.0f, 2e-8f},   {1.0f, -1.0000001e-8f}, {1e15f, 1.0f},
    {-2.0f, -3.0f},  {-3.0f, -2.0f},  {1e5f, -1e5f},          {1e-30f, 2e-30f},
    {1.0000001f, 1}, {-7.0f, -7.0f}};
constexpr std::pair<float, float> kLogits[] = {
    {0.0f, 0.0f},   {0.0f, 1.0f},    {-0.0f, 1.0f},  {20.0f, 1.0f},
    {-20.0f, 0.0f}, {20.0f, 0.0f},   {-20.0f, 1.0f}, {88.0f, 1.0f},
    {-90.0f, 0.0f}, {104.0f, 0.25f}, {1e38f, 0.0f},  {-1e38f, 1.0f},
    {1e38f, 1.0f},  {-1e38f, 0.0f},  {1e-30f, 0.5f}, {-1e-3f, 0.1f},
    {5.0f, 0.999f}, {-5.0f, 1e-4f}};

class LossTest : public test::TargetTest {
 protected:
  std::mt19937 random_{21};

  float Real(float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(random_);
  }
  std::pair<float, float> Point(ElementLoss loss, size_t i) {
    const bool logit = loss == ElementLoss::kBinaryCrossEntropy;
    if (i % 2 == 0) {
      return logit ? kLogits[i / 2 % std::size(kLogits)]
                   : kPoints[i / 2 % std::size(kPoints)];
    }
    if (logit) return {Real(-12, 12), Real(0, 1)};
    return {Real(-2, 2), Real(-2, 2)};
  }
};

TEST_P(LossTest, EveryLossAgainstTheReference) {
  const double u = 0x1.0p-24;
  for (const auto& [loss, parameter] : kLosses) {
    for (const size_t n : kSizes) {
      for (const bool weighted : {false, true}) {
        SCOPED_TRACE(testing::Message() << static_cast<int>(loss) << " n " << n
                                        << " weighted " << weighted);
        GuardedBuffer<float> p(n, 1), t(n, 3), w(n, 2), g(n, 5), l(n, 7);
        const float factor = 0.37f;
        double sum = 0;
        double bound = 0;
        std::vector<double> gradients(n), gradient_bounds(n), losses(n);
        for (size_t i = 0; i < n; ++i) {
          std::tie(p[i], t[i]) = Point(loss, i);
          w[i] = i % 5 == 1 ? 0.0f : Real(0, 2);
          const double weight = weighted ? w[i] : 1;
          const auto one = test::BoundsOf(loss, parameter, p[i], t[i]);
          losses[i] = weight * test::ReferenceLoss(loss, parameter, p[i], t[i]);
          gradients[i] = weight * factor *
                         test::ReferenceGradient(loss, parameter, p[i], t[i]);
          sum += losses[i];
          bound += weight * one.value + 2 * u * losses[i];
          gradient_bounds[i] = weight * factor * one.gradient +
                               4 * u * std::abs(gradients[i]) + 0x1.0p-148;
          if (weight == 0) {
            if (i % 2 == 1) p[i] = kNan;
            if (i % 3 == 0) t[i] = kInfinity;
          }
        }
        LossBlock block{.prediction = p.data(),
                        .target = t.data(),
                        .weights = weighted ? w.data() : nullptr,
                        .gradient = g.data(),
                        .losses = l.data(),
                        .factor = factor,
                        .n = n};
        const double value = SumLosses(loss, parameter, block);
        EXPECT_TRUE(test::IsNear(
            value, sum,
            {.absolute = bound + static_cast<double>(n) * 0x1.0p-53 * sum}));
        for (size_t i = 0; i < n; ++i) {
          ASSERT_NEAR(g[i], gradients[i], gradient_bounds[i])
              << i << ": " << p[i] << " " << t[i];
          ASSERT_NEAR(
              l[i], losses[i],
              2 * u * losses[i] + 0x1.0p-148 +
                  (weighted && w[i] == 0
                       ? 0
                       : (weighted ? w[i] : 1) *
                             test::BoundsOf(loss, parameter, p[i], t[i]).value))
              << i << ": " << p[i] << " " << t[i];
        }
        EXPECT_TRUE(p.Intact() && t.Intact() && w.Intact());
        EXPECT_TRUE(g.Intact());
        EXPECT_TRUE(l.Intact());
        // The value does not depend on what else is wanted, the elements not
        // on where they stand, and the gradient may take the prediction's
        // place.
        const std::vector<float> g_all(g.data(), g.data() + n);
        const std::vector<float> l_all(l.data(), l.data() + n);
        block.gradient = nullptr;
        block.losses = nullptr;
        EXPECT_EQ(SumLosses(loss, parameter, block), value);
        const size_t skipped = std::min<size_t>(n, 3);
        block = {.prediction = p.data() + skipped,
                 .target = t.data() + skipped,
                 .weights = weighted ? w.data() + skipped : nullptr,
                 .gradient = p.data() + skipped,
                 .losses = l.data(),
                 .factor = factor,
                 .n = n - skipped};
        SumLosses(loss, parameter, block);
        EXPECT_TRUE(test::SameBits(
            std::span<const float>(p.data() + skipped, n - skipped),
            std::span<const float>(g_all).subspan(skipped)));
        EXPECT_TRUE(
            test::SameBits(std::span<const float>(l.data(), n - skipped),
                           std::span<const float>(l_all).subspan(skipped)));
      }
    }
  }
}

TEST_P(LossTest, NanIsSeenWhereverItStands) {
  for (const auto& [loss, parameter] : kLosses) {
    for (const bool in_target : {false, true}) {
      for (size_t at = 0; at < 70; ++at) {
        std::vector<float> p(70, 0.25f), t(70, 0.75f), g(70);
        (in_target ? t : p)[at] = kNan;
        const double sum = SumLosses(loss, parameter,
                                     {.prediction = p.data(),
                                      .target = t.data(),
                                      .gradient = g.data(),
                                      .n = 70});
        ASSERT_TRUE(std::isnan(sum)) << static_cast<int>(loss) << " " << at;
        for (size_t i = 0; i < 70; ++i) {
          ASSERT_EQ(std::isnan(g[i]), i == at)
              << static_cast<int>(loss) << " " << at << " " << i;
        }
      }
    }
  }
}

TEST_P(LossTest, WeightsThatCount) {
  for (const size_t n : kSizes) {
    GuardedBuffer<float> t(n, 1), w(n, 3);
    double all = 0;
    double some = 0;
    double some_unweighted = 0;
    for (size_t i = 0; i < n; ++i) {
      t[i] = i % 3 == 0 ? 9.99999994e-9f : i % 3 == 1 ? -1.00000008e-8f : 2;
      w[i] = Real(0, 1);
      all += w[i];
      if (i % 3 != 0) some += w[i];
      if (i % 3 != 0) ++some_unweighted;
    }
    const double error = static_cast<double>(n) * 0x1.0p-53 * all;
    const auto count = static_cast<double>(n);
    using enum ElementLoss;
    EXPECT_NEAR(SumLossWeights(kMse, t.data(), w.data(), n), all, error);
    EXPECT_NEAR(SumLossWeights(kMape, t.data(), w.data(), n), some, error);
    EXPECT_EQ(SumLossWeights(kMse, t.data(), nullptr, n), count);
    EXPECT_EQ(SumLossWeights(kMape, t.data(), nullptr, n), some_unweighted);
  }
}

// Values of a row, in blocks, and its gradient, in every way of storing it.
TEST_P(LossTest, LogitsInBlocks) {
  for (const size_t n : kSizes) {
    if (n == 0) continue;
    for (const float scale : {0.0f, 1.0f, 30.0f, 1e4f}) {
      SCOPED_TRACE(testing::Message() << n << " scale " << scale);
      GuardedBuffer<float> x(n, 1), q(n, 3);
      double q_sum = 0;
      std::vector<double> x_wide(n), q_wide(n);
      for (size_t i = 0; i < n; ++i) {
        x_wide[i] = x[i] = scale * Real(-1, 1) + 100 * scale;
        q_wide[i] = q[i] = i % 3 == 0 ? 0 : Real(0, 1);
        q_sum += q_wide[i];
      }
      const auto expected = test::ReferenceCrossEntropy(x_wide, q_wide);
      const size_t cut = n / 3;
      CrossEntropySums sums;
      AddLogits(x.data() + cut, q.data() + cut, false, n - cut, &sums);
      AddLogits(x.data(), q.data(), false, cut, &sums);
      EXPECT_EQ(sums.reference, *std::max_element(x.data(), x.data() + n));
      EXPECT_NEAR(sums.weight, q_sum, 1e-12);
      EXPECT_NEAR(sums.weight * std::log(sums.exponentials) - sums.distances,
                  expected.loss, expected.loss_bound);
      CrossEntropyGradient of{
          .reference = sums.reference,
          .factor = static_cast<float>(sums.weight / sums.exponentials),
          .target_factor = 1};
      GuardedBuffer<float> g(n, 5);
      WriteGradient(of, x.data(), q.data(), n, g.data());
      for (size_t i = 0; i < n; ++i) {
        ASSERT_NEAR(g[i], expected.gradient[i], expected.gradient_bound[i])
            << i;
      }
      EXPECT_TRUE(g.Intact());
      of.streamed = true;
      for (const size_t offset : {0, 1, 6, 15}) {
        GuardedBuffer<float> streamed(n, offset);
        WriteGradient(of, x.data(), q.data(), n, streamed.data());
        EXPECT_TRUE(test::SameBits(std::span<const float>(streamed.data(), n),
                                   std::span<const float>(g.data(), n)));
        EXPECT_TRUE(streamed.Intact());
      }
      of.streamed = false;
      EXPECT_TRUE(x.Intact() && q.Intact());
      WriteGradient(of, x.data(), q.data(), n, x.data());
      EXPECT_TRUE(test::SameBits(std::span<const float>(x.data(), n),
                                 std::span<const float>(g.data(), n)));
    }
  }
}

RANVIER_ON_EVERY_TARGET(LossTest);

}  // namespace
}  // namespace ranvier::simd
