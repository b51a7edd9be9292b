#include <algorithm>
#include <cmath>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/ops/loss.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/simd/base/float16.h"

#include "tests/lib/ops/loss_fixture.h"
#include "tests/reference/loss_reference.h"
#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"

namespace ranvier {
namespace {

using test::GuardedBuffer;
using test::kInfinity;
using test::kNan;
using test::kU;
using test::Mat;

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

class CrossEntropyTest : public test::LossFixture {
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

RANVIER_ON_EVERY_TARGET(CrossEntropyTest);

class CrossEntropyChecks : public testing::Test {
 protected:
  Context ctx_{{.threads = 1}};
  std::vector<float> x_ = std::vector<float>(12);
  std::vector<float> y_ = std::vector<float>(12);
};

TEST_F(CrossEntropyChecks, Arguments) {
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

TEST_F(CrossEntropyChecks, Blocks) {
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
