#include "ranvier/ops/loss.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"
#include "ranvier/simd/base/float16.h"

#include "tests/reference/loss_reference.h"
#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier {
namespace {

using simd::ElementLoss;
using test::GuardedBuffer;

constexpr double kU = 0x1.0p-24;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

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

class LossOpsTest : public test::TargetTest {
 protected:
  std::mt19937 random_{31};
  Context one_{{.threads = 1}};
  Context two_{{.threads = 2}};
  Context seven_{{.threads = 7}};

  float Real(float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(random_);
  }
  std::vector<float> Reals(size_t n, float low, float high) {
    std::vector<float> x(n);
    for (float& v : x) v = Real(low, high);
    return x;
  }
};

template <class T>
MatView<T> Mat(std::vector<T>& x, size_t rows, size_t cols) {
  return {x.data(), rows, cols};
}

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

// Rows of classes, targets by index; each row's weight.
struct Classes {
  size_t rows, cols;
  std::vector<float> logits;
  std::vector<int32_t> targets;
  std::vector<float> weights;

  struct Expected {
    double value = 0, bound = 0;
    std::vector<double> gradient, gradient_bound, losses;
  };
  Expected Reference(const CrossEntropyOptions& options) const {
    Expected all;
    double total = 0;
    const auto weight = [&](size_t r) {
      if (targets[r] == options.ignore_index) return 0.0;
      return options.weights.empty() ? 1.0 : double{options.weights[r]};
    };
    for (size_t r = 0; r < rows; ++r) total += weight(r);
    const double divisor =
        options.reduction == LossReduction::kMean ? total : 1;
    for (size_t r = 0; r < rows; ++r) {
      if (weight(r) == 0) {
        all.gradient.insert(all.gradient.end(), cols, 0);
        all.gradient_bound.insert(all.gradient_bound.end(), cols, 0);
        all.losses.push_back(0);
        continue;
      }
      const double smoothing = options.label_smoothing;
      std::vector<double> q(cols, smoothing / static_cast<double>(cols));
      q[static_cast<size_t>(targets[r])] += 1 - smoothing;
      std::vector<double> x(cols);
      std::copy_n(logits.begin() + static_cast<ptrdiff_t>(r * cols), cols,
                  x.begin());
      const test::ReferenceRow row = test::ReferenceCrossEntropy(x, q);
      all.value += weight(r) * row.loss / divisor;
      all.bound += weight(r) * (row.loss_bound + 1e-13 * row.loss) / divisor;
      all.losses.push_back(weight(r) * row.loss);
      const double factor = weight(r) * options.gradient_scale / divisor;
      for (size_t c = 0; c < cols; ++c) {
        all.gradient.push_back(factor * row.gradient[c]);
        all.gradient_bound.push_back(factor * row.gradient_bound[c] +
                                     0x1.0p-148);
      }
    }
    return all;
  }
};

class CrossEntropyTest : public LossOpsTest {
 protected:
  Classes Make(size_t rows, size_t cols, float scale, float offset = 0) {
    Classes made{rows, cols, {}, {}, {}};
    for (size_t i = 0; i < rows * cols; ++i) {
      made.logits.push_back(scale * Real(-1, 1) + offset);
    }
    for (size_t r = 0; r < rows; ++r) {
      made.targets.push_back(static_cast<int32_t>(random_() % cols));
      made.weights.push_back(r % 4 == 3 ? 0.0f : Real(0, 2));
    }
    return made;
  }
};

TEST_P(CrossEntropyTest, ClassIndices) {
  constexpr std::pair<size_t, size_t> kShapes[] = {
      {1, 1}, {1, 2}, {5, 10}, {7, 33}, {3, 2048}, {3, 2049}, {90, 1000}};
  for (const auto& [rows, cols] : kShapes) {
    for (const float scale : {1.0f, 30.0f, 1e3f}) {
      Classes made = Make(rows, cols, scale, 50 * scale);
      if (rows > 2) made.targets[1] = -100;
      for (const float smoothing : {0.0f, 0.1f}) {
        for (const LossReduction reduction :
             {LossReduction::kNone, LossReduction::kSum,
              LossReduction::kMean}) {
          for (const bool weighted : {false, true}) {
            SCOPED_TRACE(testing::Message()
                         << rows << " x " << cols << " scale " << scale
                         << " smoothing " << smoothing << " reduction "
                         << static_cast<int>(reduction) << " weighted "
                         << weighted);
            GuardedBuffer<float> g(rows * cols, 1), losses(rows, 1);
            CrossEntropyOptions options{.reduction = reduction,
                                        .label_smoothing = smoothing,
                                        .gradient_scale = 4};
            if (weighted) {
              options.weights = VecView<const float>(made.weights.data(), rows);
            }
            options.losses = VecView<float>(losses.data(), rows);
            const auto expected = made.Reference(options);
            const VecView<const int32_t> targets(made.targets.data(), rows);
            const auto logits = Mat(made.logits, rows, cols);
            const double value =
                CrossEntropyLoss(one_, logits, targets, options,
                                 MatView<float>(g.data(), rows, cols));
            EXPECT_NEAR(value, expected.value, expected.bound);
            for (size_t i = 0; i < rows * cols; ++i) {
              ASSERT_NEAR(g[i], expected.gradient[i],
                          expected.gradient_bound[i])
                  << i;
            }
            for (size_t r = 0; r < rows; ++r) {
              ASSERT_NEAR(losses[r], expected.losses[r],
                          (6 + std::log(static_cast<double>(cols))) * kU *
                              (2 + 2 * expected.losses[r]))
                  << r;
            }
            EXPECT_TRUE(g.Intact());
            EXPECT_TRUE(losses.Intact());
            // No gradient; threads; in place.
            EXPECT_EQ(CrossEntropyLoss(two_, logits, targets, options), value);
            std::vector<float> place = made.logits;
            EXPECT_EQ(CrossEntropyLoss(seven_, Mat(place, rows, cols), targets,
                                       options, Mat(place, rows, cols)),
                      value);
            EXPECT_TRUE(
                test::SameBits(std::span<const float>(place),
                               std::span<const float>(g.data(), g.size())));
            // One block of all classes.
            CrossEntropyBlocks blocks(cols, targets, options);
            blocks.Add(two_, 0, logits);
            EXPECT_EQ(blocks.Value(), value);
            blocks.Gradient(two_, 0, logits, Mat(place, rows, cols));
            EXPECT_TRUE(
                test::SameBits(std::span<const float>(place),
                               std::span<const float>(g.data(), g.size())));
          }
        }
      }
    }
  }
}

TEST_P(CrossEntropyTest, ThroughTheVocabularyInBlocks) {
  const size_t rows = 37;
  const size_t cols = 5003;
  Classes made = Make(rows, cols, 20);
  made.targets[5] = -100;
  made.targets[6] = 0;
  made.targets[7] = static_cast<int32_t>(cols - 1);
  const VecView<const int32_t> targets(made.targets.data(), rows);
  const size_t cuts[] = {0, 1, 1500, 1500, 2600, cols};
  for (const float smoothing : {0.0f, 0.2f}) {
    const CrossEntropyOptions options{.label_smoothing = smoothing};
    const auto expected = made.Reference(options);
    double value = 0;
    std::vector<float> first;
    for (Context* ctx : {&one_, &two_, &seven_}) {
      CrossEntropyBlocks loss(cols, targets, options);
      EXPECT_THROW(loss.Value(), std::logic_error);
      const auto block = [&](auto& from, size_t i) {
        return MatView<float>(from.data() + cuts[i], rows,
                              cuts[i + 1] - cuts[i], cols);
      };
      for (const size_t i : {3, 0, 4, 1, 2}) {
        loss.Add(*ctx, cuts[i], block(made.logits, i));
      }
      std::vector<float> g(rows * cols, kNan);
      for (const size_t i : {0, 1, 2, 3, 4}) {
        loss.Gradient(*ctx, cuts[i], block(made.logits, i), block(g, i));
      }
      EXPECT_NEAR(loss.Value(), expected.value, expected.bound);
      for (size_t i = 0; i < rows * cols; ++i) {
        ASSERT_NEAR(g[i], expected.gradient[i], expected.gradient_bound[i])
            << i;
      }
      if (first.empty()) {
        value = loss.Value();
        first = g;
      }
      EXPECT_EQ(loss.Value(), value);
      EXPECT_EQ(g, first);
      EXPECT_THROW(loss.Add(*ctx, 0, block(made.logits, 1)), std::logic_error);
    }
  }
}

TEST_P(CrossEntropyTest, Probabilities) {
  for (const auto& [rows, cols] :
       {std::pair<size_t, size_t>(4, 7), {3, 4099}, {80, 1000}}) {
    Classes made = Make(rows, cols, 5);
    std::vector<float> q = Reals(rows * cols, 0, 1);
    for (size_t i = 0; i < q.size(); i += 3) q[i] = 0;
    // A class that cannot be.
    made.logits[0] = -kInfinity;
    const auto logits = Mat(made.logits, rows, cols);
    std::vector<float> g(rows * cols), again(rows * cols);
    const double value = CrossEntropyLoss(
        one_, logits, ConstAnyMatView(Mat(q, rows, cols)),
        {.reduction = LossReduction::kSum}, Mat(g, rows, cols));
    double expected = 0;
    double bound = 0;
    for (size_t r = 0; r < rows; ++r) {
      const auto at = [&](const std::vector<float>& from) {
        return std::vector<double>(
            from.begin() + static_cast<ptrdiff_t>(r * cols),
            from.begin() + static_cast<ptrdiff_t>((r + 1) * cols));
      };
      const auto row = test::ReferenceCrossEntropy(at(made.logits), at(q));
      expected += row.loss;
      bound += row.loss_bound + 1e-13 * row.loss;
      for (size_t c = 0; c < cols; ++c) {
        ASSERT_NEAR(g[r * cols + c], row.gradient[c],
                    row.gradient_bound[c] + 0x1.0p-125)
            << r << " " << c;
      }
    }
    EXPECT_EQ(g[0], 0);
    EXPECT_NEAR(value, expected, bound);
    EXPECT_EQ(CrossEntropyLoss(
                  seven_, logits, ConstAnyMatView(Mat(q, rows, cols)),
                  {.reduction = LossReduction::kSum}, Mat(again, rows, cols)),
              value);
    EXPECT_EQ(again, g);
  }
}

// Logits and gradient in 16 bits and with gaps.
TEST_P(CrossEntropyTest, TypesAndStrides) {
  const size_t rows = 5;
  const size_t cols = 2500;
  Classes made = Make(rows, cols, 0);
  std::vector<f16> half(rows * cols);
  std::vector<bf16> spread(2 * rows * cols, bf16{0x7FC0});
  for (size_t i = 0; i < half.size(); ++i) {
    made.logits[i] =
        static_cast<float>(static_cast<int>(random_() % 255) - 127) / 16;
    half[i] = ToF16(made.logits[i]);
    spread[2 * (i % cols * rows + i / cols)] = ToBf16(made.logits[i]);
  }
  const VecView<const int32_t> targets(made.targets.data(), rows);
  std::vector<float> g(rows * cols);
  const double value = CrossEntropyLoss(one_, Mat(made.logits, rows, cols),
                                        targets, {}, Mat(g, rows, cols));
  const MatView<bf16> columns(spread.data(), rows, cols, 2, 2 * rows);
  EXPECT_EQ(CrossEntropyLoss(two_, columns, targets, {}, columns), value);
  EXPECT_EQ(CrossEntropyLoss(one_, Mat(half, rows, cols), targets, {},
                             Mat(half, rows, cols)),
            value);
  for (size_t i = 0; i < half.size(); ++i) {
    ASSERT_EQ(half[i].bits, ToF16(g[i]).bits) << i;
    ASSERT_EQ(columns(i / cols, i % cols).bits, ToBf16(g[i]).bits) << i;
  }
}

TEST_P(CrossEntropyTest, AdversarialRows) {
  const int32_t target = 1;
  const auto run = [&](std::vector<float> x, std::vector<float>* g) {
    g->assign(x.size(), 7);
    return CrossEntropyLoss(one_, Mat(x, 1, x.size()),
                            VecView<const int32_t>(&target, 1), {},
                            Mat(*g, 1, x.size()));
  };
  std::vector<float> g;
  for (const size_t n : {2, 3, 17, 40, 5000}) {
    SCOPED_TRACE(n);
    // All equal, of any size.
    for (const float v : {0.0f, 1e38f, -1e38f, -3.4e38f, 3.4e38f}) {
      const double value = run(std::vector<float>(n, v), &g);
      EXPECT_NEAR(value, std::log(static_cast<double>(n)),
                  (5 + std::log(static_cast<double>(n))) * kU);
      EXPECT_NEAR(g[0], 1.0 / static_cast<double>(n), 20 * kU);
      EXPECT_NEAR(g[1], 1.0 / static_cast<double>(n) - 1, 20 * kU);
    }
    std::vector<float> x(n, -1e38f);
    x[1] = 1e38f;  // right, and sure of it
    EXPECT_EQ(run(x, &g), 0);
    EXPECT_EQ(g, std::vector<float>(n, 0));
    x[0] = 1e38f;
    x[1] = -1e38f;  // wrong, and sure of it
    EXPECT_NEAR(run(x, &g), 2 * double{1e38f}, 1e30);
    EXPECT_EQ(g[0], 1);
    EXPECT_EQ(g[1], -1);
    // -inf is a class that cannot be.
    x.assign(n, 0);
    x[0] = -kInfinity;
    EXPECT_NEAR(run(x, &g), std::log(static_cast<double>(n) - 1),
                (5 + std::log(static_cast<double>(n))) * kU);
    EXPECT_EQ(g[0], 0);
    x.assign(n, 0);
    x[1] = -kInfinity;
    EXPECT_EQ(run(x, &g), kInfinity);
    EXPECT_EQ(g[1], -1);
    EXPECT_NEAR(g[0], 1.0 / (static_cast<double>(n) - 1), 20 * kU);
    for (const float bad : {kNan, kInfinity}) {
      for (const size_t at : {size_t{0}, n - 1}) {
        x.assign(n, 1);
        x[at] = bad;
        EXPECT_TRUE(std::isnan(run(x, &g)));
        for (const float v : g) ASSERT_TRUE(std::isnan(v));
      }
    }
    x.assign(n, -kInfinity);
    EXPECT_TRUE(std::isnan(run(x, &g)));
    for (const float v : g) ASSERT_TRUE(std::isnan(v));
  }
}

TEST_P(CrossEntropyTest, GradientsAgreeWithFiniteDifferences) {
  const double h = 1e-4;
  for (const float scale : {0.0f, 1.0f, 20.0f, 60.0f}) {
    for (const float smoothing : {0.0f, 0.3f}) {
      Classes made = Make(1, 6, scale);
      CrossEntropyOptions options{.label_smoothing = smoothing};
      std::vector<float> g(6);
      CrossEntropyLoss(one_, Mat(made.logits, 1, 6),
                       VecView<const int32_t>(made.targets.data(), 1), options,
                       Mat(g, 1, 6));
      std::vector<double> q(6, smoothing / 6.0);
      q[static_cast<size_t>(made.targets[0])] += 1 - double{smoothing};
      const std::vector<double> x(made.logits.begin(), made.logits.end());
      const auto here = test::ReferenceCrossEntropy(x, q);
      for (size_t c = 0; c < 6; ++c) {
        std::vector<double> up = x;
        std::vector<double> down = x;
        up[c] += h;
        down[c] -= h;
        const double difference = (test::ReferenceCrossEntropy(up, q).loss -
                                   test::ReferenceCrossEntropy(down, q).loss) /
                                  (2 * h);
        // The third derivative is at most 0.1.
        EXPECT_NEAR(g[c], difference,
                    here.gradient_bound[c] + h * h / 60 +
                        0x1.0p-50 * (1 + here.loss) / h);
      }
    }
  }
}

// Everyone is ignored: nothing to learn, and no NaN.
TEST_P(CrossEntropyTest, AllIgnored) {
  std::vector<float> x = {kNan, 1, 2, 3, 4, kInfinity};
  const std::vector<int32_t> targets = {-100, -100};
  std::vector<float> g(6, kNan);
  EXPECT_EQ(CrossEntropyLoss(one_, Mat(x, 2, 3),
                             VecView<const int32_t>(targets.data(), 2), {},
                             Mat(g, 2, 3)),
            0);
  EXPECT_EQ(g, std::vector<float>(6, 0));
}

// A gradient that goes past the cache: the bits of rows that do not.
TEST_P(CrossEntropyTest, Large) {
  const size_t rows = 530;
  const size_t cols = 32'001;
  std::vector<float> x(rows * cols), g(rows * cols), row(cols);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>((i * 2654435761u) % 8192) / 512;
  }
  std::vector<int32_t> targets(rows);
  for (size_t r = 0; r < rows; ++r) targets[r] = static_cast<int32_t>(r * 60);
  const CrossEntropyOptions options{.reduction = LossReduction::kSum};
  const double value = CrossEntropyLoss(
      two_, Mat(x, rows, cols), VecView<const int32_t>(targets.data(), rows),
      options, Mat(g, rows, cols));
  double sum = 0;
  for (const size_t r : {size_t{0}, size_t{1}, rows / 2, rows - 1}) {
    CrossEntropyLoss(one_, MatView<const float>(&x[r * cols], 1, cols),
                     VecView<const int32_t>(&targets[r], 1), options,
                     Mat(row, 1, cols));
    ASSERT_TRUE(test::SameBits(std::span<const float>(&g[r * cols], cols),
                               std::span<const float>(row)));
  }
  for (size_t r = 0; r < rows; ++r) {
    sum += CrossEntropyLoss(one_, MatView<const float>(&x[r * cols], 1, cols),
                            VecView<const int32_t>(&targets[r], 1), options);
  }
  EXPECT_NEAR(value, sum, 1e-12 * sum);
}

RANVIER_ON_EVERY_TARGET(LossOpsTest);
RANVIER_ON_EVERY_TARGET(CrossEntropyTest);

class LossChecks : public testing::Test {
 protected:
  Context ctx_{{.threads = 1}};
  std::vector<float> x_ = std::vector<float>(12);
  std::vector<float> y_ = std::vector<float>(12);
  std::vector<int8_t> q_ = std::vector<int8_t>(12);
};

TEST_F(LossChecks, ElementLosses) {
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

TEST_F(LossChecks, CrossEntropy) {
  const auto logits = Mat(x_, 3, 4);
  std::vector<int32_t> c = {0, 3, -100};
  const auto indices = [&] { return VecView<const int32_t>(c.data(), 3); };
  EXPECT_NEAR(CrossEntropyLoss(ctx_, logits, indices()), std::log(4.0), 1e-6);
  EXPECT_THROW(
      CrossEntropyLoss(ctx_, logits, VecView<const int32_t>(c.data(), 2)),
      ShapeError);
  EXPECT_THROW(
      CrossEntropyLoss(ctx_, MatView<float>(x_.data(), 3, 0), indices()),
      ShapeError);
  EXPECT_THROW(CrossEntropyLoss(ctx_, logits, indices(), {}, Mat(y_, 4, 3)),
               ShapeError);
  EXPECT_THROW(CrossEntropyLoss(ctx_, logits, indices(),
                                {.weights = VecView<float>(y_.data(), 4)}),
               ShapeError);
  EXPECT_THROW(CrossEntropyLoss(ctx_, logits, indices(),
                                {.losses = VecView<float>(y_.data(), 2)}),
               ShapeError);
  EXPECT_THROW(CrossEntropyLoss(ctx_, logits, indices(),
                                {.reduction = LossReduction::kNone}),
               std::invalid_argument);
  EXPECT_THROW(
      CrossEntropyLoss(ctx_, logits, indices(), {.label_smoothing = 1.5f}),
      std::invalid_argument);
  EXPECT_THROW(CrossEntropyLoss(ctx_, logits, ConstAnyMatView(Mat(y_, 3, 4)),
                                {.label_smoothing = 0.5f}),
               std::invalid_argument);
  for (const int32_t bad : {4, -1, 1 << 30}) {
    c[1] = bad;
    // Before any work.
    std::vector<float> g(12, 3);
    EXPECT_THROW(CrossEntropyLoss(ctx_, logits, indices(), {}, Mat(g, 3, 4)),
                 std::invalid_argument);
    EXPECT_EQ(g, std::vector<float>(12, 3));
    EXPECT_THROW(CrossEntropyBlocks(4, indices()), std::invalid_argument);
  }
  c[1] = c[2] = 9;
  CrossEntropyLoss(ctx_, logits, indices(), {.ignore_index = 9}, AnyMatView());
  try {
    c[2] = -100;
    CrossEntropyLoss(ctx_, logits, indices());
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "CrossEntropyLoss: class index 9 of row 1 is not one of the 4 "
                 "classes; rows to be left out have ignore_index, which is "
                 "-100");
  }
}

TEST_F(LossChecks, Blocks) {
  const std::vector<int32_t> c = {0, 3, 1};
  CrossEntropyBlocks loss(8, VecView<const int32_t>(c.data(), 3));
  EXPECT_THROW(loss.Add(ctx_, 5, Mat(x_, 3, 4)), ShapeError);
  EXPECT_THROW(loss.Add(ctx_, 9, MatView<float>(x_.data(), 3, 0)), ShapeError);
  EXPECT_THROW(loss.Add(ctx_, 0, Mat(x_, 4, 3)), ShapeError);
  loss.Add(ctx_, 0, Mat(x_, 3, 4));
  EXPECT_THROW(loss.Gradient(ctx_, 0, Mat(x_, 3, 4), Mat(y_, 3, 4)),
               std::logic_error);
  loss.Add(ctx_, 4, Mat(x_, 3, 4));
  EXPECT_NEAR(loss.Value(), std::log(8.0), 1e-6);
  EXPECT_THROW(loss.Gradient(ctx_, 0, Mat(x_, 3, 4), AnyMatView()),
               std::invalid_argument);
  loss.Gradient(ctx_, 4, Mat(x_, 3, 4), Mat(y_, 3, 4));
  EXPECT_NEAR(y_[0], 1.0 / 24, 1e-7);
  CrossEntropyBlocks moved = std::move(loss);
  EXPECT_NEAR(moved.Value(), std::log(8.0), 1e-6);
}

}  // namespace
}  // namespace ranvier
