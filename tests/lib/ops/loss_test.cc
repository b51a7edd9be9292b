#include "ranvier/ops/loss.h"

#include <cmath>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"
#include "ranvier/simd/base/float16.h"

#include "tests/lib/ops/loss_fixture.h"
#include "tests/reference/loss_reference.h"
#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"

namespace ranvier {
namespace {

using simd::ElementLoss;
using test::GuardedBuffer;
using test::kInfinity;
using test::kNan;
using test::kU;
using test::Mat;

struct Loss {
  ElementLoss loss;
  float parameter;
};
constexpr Loss kLosses[] = {
    {ElementLoss::kMse, 0},      {ElementLoss::kMae, 0},
    {ElementLoss::kHuber, 0.5f}, {ElementLoss::kQuantile, 0.75f},
    {ElementLoss::kSmape, 0},    {ElementLoss::kBinaryCrossEntropy, 0},
    {ElementLoss::kMape, 0}};

double Call(const Loss& loss, Context& ctx, ConstAnyMatView p,
            ConstAnyMatView t, const LossOptions& options = {},
            AnyMatView gradient = {}) {
  switch (loss.loss) {
    case ElementLoss::kMse:
      return MseLoss(ctx, p, t, options, gradient);
    case ElementLoss::kMae:
      return MaeLoss(ctx, p, t, options, gradient);
    case ElementLoss::kHuber:
      return HuberLoss(ctx, p, t, loss.parameter, options, gradient);
    case ElementLoss::kQuantile:
      return QuantileLoss(ctx, p, t, loss.parameter, options, gradient);
    case ElementLoss::kBinaryCrossEntropy:
      return BinaryCrossEntropyLoss(ctx, p, t, options, gradient);
    case ElementLoss::kSmape:
      return SmapeLoss(ctx, p, t, options, gradient);
    case ElementLoss::kMape:
      return MapeLoss(ctx, p, t, options, gradient);
  }
  return 0;
}

using LossOpsTest = test::LossFixture;

TEST_P(LossOpsTest, ReductionsAndWeights) {
  // Around the block and the chunk of sums, and beyond where threads are used.
  constexpr std::pair<size_t, size_t> kShapes[] = {
      {0, 3}, {1, 1}, {3, 5}, {1, 2049}, {5, 4099}, {70, 1000}};
  for (const Loss& loss : kLosses) {
    for (const auto& [rows, cols] : kShapes) {
      const size_t n = rows * cols;
      std::vector<float> p = Reals(n, -3, 3);
      std::vector<float> t = Reals(n, 0, 1);
      for (size_t i = 0; i < n; i += 7) t[i] = 0;
      std::vector<float> w = Reals(n, 0, 2);
      std::vector<float> row_w = Reals(rows, 0, 2);
      if (n > 3) w[2] = 0;
      for (const int weights : {0, 1, 2}) {  // none, of elements, of rows
        for (const LossReduction reduction :
             {LossReduction::kNone, LossReduction::kSum,
              LossReduction::kMean}) {
          SCOPED_TRACE(testing::Message()
                       << static_cast<int>(loss.loss) << " " << rows << " x "
                       << cols << " weights " << weights << " reduction "
                       << static_cast<int>(reduction));
          double sum = 0;
          double bound = 0;
          double total = 0;
          std::vector<double> expected(n), expected_bound(n);
          for (size_t i = 0; i < n; ++i) {
            const double weight = weights == 0   ? 1
                                  : weights == 1 ? w[i]
                                                 : row_w[i / cols];
            const double l =
                test::ReferenceLoss(loss.loss, loss.parameter, p[i], t[i]);
            const auto bounds =
                test::BoundsOf(loss.loss, loss.parameter, p[i], t[i]);
            sum += weight * l;
            bound += weight * (bounds.value + 2 * kU * l);
            if (loss.loss != ElementLoss::kMape || std::abs(t[i]) > 1e-8) {
              total += weight;
            }
            expected[i] = weight * test::ReferenceGradient(
                                       loss.loss, loss.parameter, p[i], t[i]);
            expected_bound[i] = weight * bounds.gradient;
          }
          const double divisor =
              reduction == LossReduction::kMean && n != 0 ? total : 1;
          GuardedBuffer<float> g(n, 1), l(n, 3);
          LossOptions options{.reduction = reduction, .gradient_scale = 8};
          if (weights == 1) options.weights = Mat(w, rows, cols);
          if (weights == 2) options.weights = Mat(row_w, rows, 1);
          options.losses = MatView<float>(l.data(), rows, cols);
          const double value =
              Call(loss, one_, Mat(p, rows, cols), Mat(t, rows, cols), options,
                   MatView<float>(g.data(), rows, cols));
          if (divisor == 0) {
            EXPECT_EQ(value, 0);
            continue;
          }
          const double roundings = 1e-12 * sum;
          EXPECT_NEAR(value, sum / divisor, (bound + roundings) / divisor);
          double sum_of_losses = 0;
          for (size_t i = 0; i < n; ++i) {
            const double wanted = 8 * expected[i] / divisor;
            ASSERT_NEAR(
                g[i], wanted,
                8 * expected_bound[i] / divisor + 4 * kU * std::abs(wanted))
                << i;
            sum_of_losses += l[i];
          }
          EXPECT_NEAR(sum_of_losses, sum, bound + roundings);
          EXPECT_TRUE(g.Intact());
          EXPECT_TRUE(l.Intact());
          for (Context* ctx : {&two_, &seven_}) {
            std::vector<float> again(n);
            options.losses = MatView<float>(l.data(), rows, cols);
            EXPECT_EQ(Call(loss, *ctx, Mat(p, rows, cols), Mat(t, rows, cols),
                           options, Mat(again, rows, cols)),
                      value);
            EXPECT_TRUE(test::SameBits(std::span<const float>(again),
                                       std::span<const float>(g.data(), n)));
          }
        }
      }
    }
  }
}

// The same numbers stored in other types and with gaps: the same bits.
TEST_P(LossOpsTest, TypesAndStrides) {
  const size_t rows = 9;
  const size_t cols = 301;
  const size_t n = rows * cols;
  for (const Loss& loss : kLosses) {
    SCOPED_TRACE(static_cast<int>(loss.loss));
    std::vector<bf16> p(n), t(n);
    std::vector<float> p_wide(n), t_wide(n), g(n), w = Reals(n, 0, 1);
    std::vector<f16> p_half(n);
    for (size_t i = 0; i < n; ++i) {
      // Multiples of 1/16 up to 2: numbers of either type.
      p_wide[i] =
          static_cast<float>(static_cast<int>(random_() % 63) - 31) / 16;
      t_wide[i] = static_cast<float>(random_() % 17) / 16;
      p[i] = ToBf16(p_wide[i]);
      p_half[i] = ToF16(p_wide[i]);
      t[i] = ToBf16(t_wide[i]);
    }
    LossOptions options;
    options.weights = Mat(w, rows, cols);
    const double value =
        Call(loss, one_, Mat(p_wide, rows, cols), Mat(t_wide, rows, cols),
             options, Mat(g, rows, cols));
    // Prediction by columns with gaps; the gradient every third place.
    std::vector<bf16> spread(2 * n + 5, bf16{0x7FC0});
    for (size_t i = 0; i < n; ++i) {
      spread[2 * (i % cols * rows + i / cols)] = p[i];
    }
    std::vector<float> g_spread(3 * n, kNan);
    EXPECT_EQ(Call(loss, seven_,
                   MatView<const bf16>(spread.data(), rows, cols, 2, 2 * rows),
                   Mat(t, rows, cols), options,
                   MatView<float>(g_spread.data(), rows, cols, 3 * cols, 3)),
              value);
    for (size_t i = 0; i < 3 * n; ++i) {
      if (i % 3 == 0) {
        ASSERT_EQ(g_spread[i], g[i / 3]) << i;
      } else {
        ASSERT_TRUE(std::isnan(g_spread[i])) << i;
      }
    }
    // In place, in 16 bits.
    EXPECT_EQ(Call(loss, two_, Mat(p_half, rows, cols), Mat(t, rows, cols),
                   options, Mat(p_half, rows, cols)),
              value);
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(p_half[i].bits, ToF16(g[i]).bits) << i;
    }
  }
}

// At each point the central difference of the loss in double precision; where
// the loss has a kink that is half way between its slopes, but for the
// quantile, which promises 0 there.
TEST_P(LossOpsTest, GradientsAgreeWithFiniteDifferences) {
  struct Point {
    float p, t;
  };
  const Point points[] = {
      {0, 0},       {1, 1},     {0.5f, 0}, {-0.5f, 0}, {0.5000001f, 0},
      {0.4999f, 0}, {2, 1},     {-2, -1},  {-2, 1},    {0, 1},
      {1, 0},       {-1, -2},   {30, 1},   {-30, 0},   {40, 0},
      {0, 0.5f},    {3, 0.25f}, {90, 1},   {1, 1e-8f}, {1e-3f, 0.999f}};
  for (const Loss& loss : kLosses) {
    for (const Point& point : points) {
      if (loss.loss == ElementLoss::kBinaryCrossEntropy && point.t < 0)
        continue;
      SCOPED_TRACE(testing::Message() << static_cast<int>(loss.loss) << " p "
                                      << point.p << " t " << point.t);
      const double h = 1e-5;
      const auto at = [&](double p) {
        return test::ReferenceLoss(loss.loss, loss.parameter, p, point.t);
      };
      const double p = point.p;
      const double t = point.t;
      double difference = (at(p + h) - at(p - h)) / (2 * h);
      // Third derivatives, and h / 4 times the jump of the second at delta.
      double curvature = 0;
      if (loss.loss == ElementLoss::kHuber) curvature = h / 4;
      if (loss.loss == ElementLoss::kBinaryCrossEntropy) curvature = h * h / 6;
      if (loss.loss == ElementLoss::kSmape) {
        const double sum = std::abs(p) + std::abs(t);
        // At p = t and p = 0 the slopes on both sides change at rates of
        // their own.
        curvature = sum == 0 ? 0
                    : p == t ? h * 400 / (sum * sum)
                    : p == 0 ? h * 400 / (t * t)
                             : h * h * 2400 * std::abs(t) / std::pow(sum, 4);
      }
      if (loss.loss == ElementLoss::kQuantile && p == t) difference = 0;
      const double cancelled = 0x1.0p-52 * (std::abs(at(p)) + std::abs(p) + 1) /
                               h * (loss.loss == ElementLoss::kMape ? 1e10 : 1);
      float g = 0;
      Call(loss, one_, MatView<const float>(&point.p, 1, 1),
           MatView<const float>(&point.t, 1, 1), {}, MatView<float>(&g, 1, 1));
      const auto bounds =
          test::BoundsOf(loss.loss, loss.parameter, point.p, point.t);
      EXPECT_NEAR(g, difference,
                  curvature + cancelled + bounds.gradient +
                      4 * kU * std::abs(difference));
    }
  }
}

// A mean over nothing, and what is left out.
TEST_P(LossOpsTest, NothingCounts) {
  std::vector<float> p = {1, kNan, kInfinity};
  std::vector<float> t = {0, 1, 2};
  std::vector<float> w = {0, 0, 0};
  std::vector<float> g(3, kNan);
  LossOptions options;
  options.weights = Mat(w, 1, 3);
  for (const Loss& loss : kLosses) {
    EXPECT_EQ(
        Call(loss, one_, Mat(p, 1, 3), Mat(t, 1, 3), options, Mat(g, 1, 3)), 0);
    EXPECT_EQ(g, (std::vector<float>{0, 0, 0}));
    EXPECT_EQ(Call(loss, one_, ConstAnyMatView(), ConstAnyMatView()), 0);
  }
  std::vector<float> zero(3, 0);
  p = {1, 2, 3};
  EXPECT_EQ(MapeLoss(one_, Mat(p, 1, 3), Mat(zero, 1, 3), {}, Mat(g, 1, 3)), 0);
  EXPECT_EQ(g, (std::vector<float>{0, 0, 0}));
}

RANVIER_ON_EVERY_TARGET(LossOpsTest);

class LossChecks : public testing::Test {
 protected:
  Context ctx_{{.threads = 1}};
  std::vector<float> x_ = std::vector<float>(12);
  std::vector<float> y_ = std::vector<float>(12);
  std::vector<int8_t> q_ = std::vector<int8_t>(12);
};

TEST_F(LossChecks, Arguments) {
  const auto p = Mat(x_, 3, 4);
  const auto t = Mat(y_, 3, 4);
  EXPECT_THROW(MseLoss(ctx_, p, Mat(y_, 4, 3)), ShapeError);
  EXPECT_THROW(MseLoss(ctx_, p, t, {}, Mat(y_, 4, 3)), ShapeError);
  EXPECT_THROW(MseLoss(ctx_, p, t, {.weights = Mat(y_, 1, 4)}), ShapeError);
  EXPECT_THROW(MseLoss(ctx_, p, t, {.losses = Mat(y_, 1, 4)}), ShapeError);
  EXPECT_THROW(MseLoss(ctx_, p, MatView<int8_t>(q_.data(), 3, 4)),
               std::invalid_argument);
  EXPECT_THROW(MseLoss(ctx_, p, t, {}, MatView<float>(y_.data(), 3, 4, 0)),
               std::invalid_argument);
  EXPECT_THROW(MseLoss(ctx_, p, t, {.reduction = LossReduction::kNone}),
               std::invalid_argument);
  for (const float bad : {0.0f, -1.0f, kNan}) {
    EXPECT_THROW(HuberLoss(ctx_, p, t, bad), std::invalid_argument);
  }
  for (const float bad : {-0.1f, 1.1f, kNan}) {
    EXPECT_THROW(QuantileLoss(ctx_, p, t, bad), std::invalid_argument);
  }
  try {
    MaeLoss(ctx_, p, Mat(y_, 4, 3));
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(),
                 "MaeLoss: prediction is [3, 4] and target is [4, 3]; they "
                 "must be the same");
  }
  const float half = 0.5f;  // read with stride 0: one target for all
  EXPECT_EQ(MseLoss(ctx_, p, MatView<const float>(&half, 3, 4, 0, 0)), 0.25);
}

}  // namespace
}  // namespace ranvier
