#include "ranvier/ops/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"

#include "tests/lib/ops/stored_rows.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier {
namespace {

using test::GuardedBuffer;
using test::Layout;
using test::Row;
using test::StoredMatrix;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kUnit = 0x1.0p-24;
// Around vectors and four of them, the piece of sums, and a row that is shared
// between threads.
constexpr size_t kLengths[] = {1,  2,   3,   4,   5,    7,     8,     9,
                               15, 16,  17,  31,  32,   33,    63,    64,
                               65, 127, 129, 255, 1000, 16384, 16385, 65537};

// What the header promises for f32.
double SoftmaxError(double y, double below_max, size_t n) {
  const double terms = below_max + std::log(static_cast<double>(n));
  return y * (1.1 * terms + 10) * kUnit + 0x1.0p-126;
}
double LogError(double y, double own, size_t n) {
  return (own * std::abs(y) + 1.1 * std::log(static_cast<double>(n)) + 6) *
         kUnit;
}

class SoftmaxTest : public test::TargetTest {
 protected:
  std::mt19937 random_{17};
  Context one_{{.threads = 1}};
  Context two_{{.threads = 2}};
  Context seven_{{.threads = 7}};

  // Multiples of 1/64 within +-range, which times 1/2 and with each other added
  // are exact in f32, for a mask too.
  void FillExact(StoredMatrix& m, int range) {
    std::uniform_int_distribution<int> steps(-64 * range, 64 * range);
    for (size_t i = 0; i < m.rows(); ++i) {
      for (size_t j = 0; j < m.cols(); ++j) {
        m.Set(i, j, static_cast<float>(steps(random_)) / 64);
      }
    }
  }

  void ExpectRight(const StoredMatrix& x, const StoredMatrix* mask,
                   float scale) {
    const size_t n = x.cols();
    SoftmaxOptions options{.scale = scale};
    if (mask != nullptr) options.mask = mask->view();
    for (const ElementType type : test::kFloatTypes) {
      SCOPED_TRACE(Name(type));
      StoredMatrix y(type, Layout::kRows, x.rows(), n);
      StoredMatrix log_y(type, Layout::kScattered, x.rows(), n);
      std::vector<float> log_sum(2 * x.rows());
      Softmax(one_, x.view(), y.view(), options);
      LogSoftmax(one_, x.view(), log_y.view(), options);
      LogSumExp(one_, x.view(), VecView<float>(log_sum.data(), x.rows(), 2),
                options);
      EXPECT_TRUE(y.PaddingIntact());
      EXPECT_TRUE(log_y.PaddingIntact());
      for (size_t row = 0; row < x.rows(); ++row) {
        Row v = RowOf(x, row);
        for (size_t i = 0; i < n; ++i) {
          v[i] = scale * v[i] + (mask == nullptr ? 0 : mask->Get(row, i));
        }
        const double max = test::MaxOf(v);
        const Row expected = test::SoftmaxReference(v);
        const Row log_expected = test::LogSoftmaxReference(v);
        for (size_t i = 0; i < n; ++i) {
          ASSERT_TRUE(test::IsNearStored(
              y.Get(row, i), expected[i],
              SoftmaxError(expected[i], max - v[i], n), type))
              << row << " " << i;
          ASSERT_TRUE(test::IsNearStored(log_y.Get(row, i), log_expected[i],
                                         LogError(log_expected[i], 2, n), type))
              << row << " " << i;
        }
        const double expected_sum = test::LogSumExpReference(v);
        ASSERT_TRUE(test::IsNear(
            log_sum[2 * row], expected_sum,
            {.absolute = LogError(expected_sum, 1, n), .sign_matters = false}));
      }
    }
  }
};

TEST_P(SoftmaxTest, IsRightForEveryLengthAndType) {
  for (const size_t n : kLengths) {
    const size_t rows = n < 1000 ? 3 : 1;
    for (const ElementType type : test::kFloatTypes) {
      SCOPED_TRACE(testing::Message() << n << " of " << Name(type));
      StoredMatrix x(type, Layout::kRows, rows, n);
      FillExact(x, 12);
      ExpectRight(x, nullptr, 1);
      if (n > 1000) break;
      StoredMatrix mask(type, Layout::kColumns, rows, n);
      FillExact(mask, 5);
      ExpectRight(x, nullptr, -0.5f);
      ExpectRight(x, &mask, 0.5f);
      StoredMatrix scattered(type, Layout::kScattered, rows, n);
      FillExact(scattered, 100);
      ExpectRight(scattered, &mask, 1);
    }
  }
}

// A row has the same bits wherever it lies, in place or not, for any number of
// threads.
TEST_P(SoftmaxTest, SameBitsForAnyThreadsAndStrides) {
  using Function =
      void (*)(Context&, ConstAnyMatView, AnyMatView, const SoftmaxOptions&);
  for (const auto& [rows, n] : {std::pair<size_t, size_t>{700, 65},
                                {5, 20'000},
                                {2, 66'000},
                                {1, 200'001}}) {
    SCOPED_TRACE(n);
    StoredMatrix x(ElementType::kF32, Layout::kRows, rows, n);
    FillExact(x, 9);
    StoredMatrix mask(ElementType::kF32, Layout::kRows, 1, n);
    FillExact(mask, 1);
    const ConstAnyMatView first = mask.view();
    const ConstAnyMatView same(first.data(), first.type(), rows, n, 0);
    for (const Function function : {Function{Softmax}, Function{LogSoftmax}}) {
      const SoftmaxOptions options{.scale = 0.3f, .mask = same};
      StoredMatrix expected(ElementType::kF32, Layout::kRows, rows, n);
      function(one_, x.view(), expected.view(), options);
      std::vector<float> sums(rows);
      LogSumExp(one_, x.view(), VecView<float>(sums.data(), rows), options);
      for (Context* ctx : {&one_, &two_, &seven_}) {
        for (const Layout layout : test::kLayouts) {
          StoredMatrix in_place(ElementType::kF32, layout, rows, n);
          for (size_t i = 0; i < rows; ++i) {
            for (size_t j = 0; j < n; ++j) {
              in_place.Set(i, j, static_cast<float>(x.Get(i, j)));
            }
          }
          std::vector<float> other(rows);
          LogSumExp(*ctx, in_place.view(), VecView<float>(other.data(), rows),
                    options);
          EXPECT_EQ(other, sums);
          function(*ctx, in_place.view(), in_place.view(), options);
          EXPECT_EQ(in_place.Bits(), expected.Bits());
          EXPECT_TRUE(in_place.PaddingIntact());
        }
      }
    }
  }
}

// Of f32, added up exactly enough in double.
TEST_P(SoftmaxTest, RowsSumToOne) {
  std::uniform_real_distribution<float> real(-1, 1);
  for (const size_t n : kLengths) {
    for (const float range : {0.0f, 1e-3f, 1.0f, 20.0f, 1e3f}) {
      SCOPED_TRACE(testing::Message() << n << " within " << range);
      std::vector<float> x(n), y(n);
      for (float& one : x) one = range * real(random_);
      Softmax(one_, MatView<const float>(x.data(), 1, n),
              MatView<float>(y.data(), 1, n));
      double sum = 0;
      for (const float one : y) sum += one;
      EXPECT_LE(std::abs(sum - 1), 4 * kUnit);
    }
  }
}

TEST_P(SoftmaxTest, AdversarialRows) {
  const auto softmax = [&](std::vector<float> x) {
    Softmax(one_, MatView<const float>(x.data(), 1, x.size()),
            MatView<float>(x.data(), 1, x.size()));
    return x;
  };
  const auto log_softmax = [&](std::vector<float> x) {
    LogSoftmax(one_, MatView<const float>(x.data(), 1, x.size()),
               MatView<float>(x.data(), 1, x.size()));
    return x;
  };
  const auto log_sum_exp = [&](const std::vector<float>& x) {
    float y = 0;
    LogSumExp(one_, MatView<const float>(x.data(), 1, x.size()),
              VecView<float>(&y, 1));
    return y;
  };
  for (const size_t n : {1, 2, 5, 16, 64, 100, 20'000, 70'000}) {
    SCOPED_TRACE(n);
    const auto share = static_cast<float>(1 / static_cast<double>(n));
    const auto log_n = static_cast<float>(std::log(static_cast<double>(n)));
    for (const float value : {0.0f, 1e38f, -1e38f, 3.4e38f, 1e-40f}) {
      const std::vector<float> equal(n, value);
      EXPECT_EQ(softmax(equal), std::vector<float>(n, share));
      EXPECT_EQ(log_softmax(equal), std::vector<float>(n, -log_n));
    }
    // Nothing left.
    const std::vector<float> none(n, -kInfinity);
    EXPECT_EQ(softmax(none), std::vector<float>(n, 0));
    EXPECT_EQ(log_softmax(none), none);
    EXPECT_EQ(log_sum_exp(none), -kInfinity);
    for (const size_t at : {size_t{0}, n / 2, n - 1}) {
      std::vector<float> x(n, -kInfinity);
      x[at] = -5;
      std::vector<float> one(n, 0);
      one[at] = 1;
      EXPECT_EQ(softmax(x), one);
      std::vector<float> log_one(n, -kInfinity);
      log_one[at] = 0;
      EXPECT_EQ(log_softmax(x), log_one);
      EXPECT_EQ(log_sum_exp(x), -5);
      // Far above all others: what is left of them is 0, no NaN.
      std::fill(x.begin(), x.end(), -3e38f);
      x[at] = 3e38f;
      EXPECT_EQ(softmax(x), one);
      if (n > 1) {
        // One of them masked out, the others equal.
        std::fill(x.begin(), x.end(), 1e38f);
        x[at] = -kInfinity;
        const auto y = softmax(x);
        const auto rest = static_cast<float>(1 / (static_cast<double>(n) - 1));
        for (size_t i = 0; i < n; ++i) {
          ASSERT_EQ(y[i], i == at ? 0 : rest);
        }
      }
      for (const float other : {1.0f, -kInfinity}) {
        x.assign(n, other);
        x[at] = kInfinity;
        for (const float one_y : softmax(x)) ASSERT_TRUE(std::isnan(one_y));
        for (const float one_y : log_softmax(x)) ASSERT_TRUE(std::isnan(one_y));
        EXPECT_EQ(log_sum_exp(x), kInfinity);
        x[n - 1 - at] = kNan;
        for (const float one_y : softmax(x)) ASSERT_TRUE(std::isnan(one_y));
        for (const float one_y : log_softmax(x)) ASSERT_TRUE(std::isnan(one_y));
        EXPECT_TRUE(std::isnan(log_sum_exp(x)));
      }
      for (const float other : {1.0f, -kInfinity, kNan}) {
        x.assign(n, other);
        x[at] = kNan;
        for (const float one_y : softmax(x)) ASSERT_TRUE(std::isnan(one_y));
        for (const float one_y : log_softmax(x)) ASSERT_TRUE(std::isnan(one_y));
        EXPECT_TRUE(std::isnan(log_sum_exp(x)));
      }
    }
  }
  EXPECT_EQ(log_sum_exp({}), -kInfinity);
}

// Two short rows may be worked on together; none knows of the other.
TEST_P(SoftmaxTest, RowsDoNotKnowTheirNeighbours) {
  for (const size_t n : {8, 16, 32, 64, 128, 512}) {
    SCOPED_TRACE(n);
    const size_t rows = 11;
    StoredMatrix x(ElementType::kF32, Layout::kRows, rows, n);
    FillExact(x, 10);
    for (size_t i = 0; i < n; ++i) x.Set(3, i, -kInfinity);
    x.Set(4, n / 2, kNan);
    x.Set(6, n - 1, kInfinity);
    x.Set(8, 1, -kInfinity);
    StoredMatrix mask(ElementType::kF32, Layout::kRows, rows, n);
    FillExact(mask, 3);
    for (const bool masked : {false, true}) {
      const auto options = [&](size_t row, size_t count) {
        SoftmaxOptions of_rows{.scale = masked ? 0.7f : 1};
        if (masked)
          of_rows.mask = mask.view().As<float>().Block(row, 0, count, n);
        return of_rows;
      };
      StoredMatrix y(ElementType::kF32, Layout::kRows, rows, n);
      Softmax(one_, x.view(), y.view(), options(0, rows));
      EXPECT_TRUE(y.PaddingIntact());
      for (size_t row = 0; row < rows; ++row) {
        std::vector<float> alone(n), together(n);
        Softmax(one_, x.view().As<float>().Block(row, 0, 1, n),
                MatView<float>(alone.data(), 1, n), options(row, 1));
        for (size_t i = 0; i < n; ++i) {
          together[i] = static_cast<float>(y.Get(row, i));
        }
        if (row == 4 || row == 6) {
          for (size_t i = 0; i < n; ++i) {
            ASSERT_TRUE(std::isnan(together[i]));
            ASSERT_TRUE(std::isnan(alone[i]));
          }
        } else {
          EXPECT_EQ(together, alone) << row;
        }
      }
    }
  }
}

TEST_P(SoftmaxTest, MaskLeavesOut) {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6};
  const std::vector<float> mask = {0,          -kInfinity, 0,
                                   -kInfinity, -kInfinity, -kInfinity};
  std::vector<float> y(6);
  Softmax(one_, MatView<const float>(x.data(), 2, 3),
          MatView<float>(y.data(), 2, 3),
          {.mask = MatView<const float>(mask.data(), 2, 3)});
  EXPECT_NEAR(y[0], 1 / (1 + std::exp(2.0)), 1e-7);
  EXPECT_EQ(y[1], 0);
  EXPECT_NEAR(y[2], 1 / (1 + std::exp(-2.0)), 1e-7);
  for (size_t i = 3; i < 6; ++i) EXPECT_EQ(y[i], 0);
}

// Against the formula in double, and that against differences of the function.
TEST_P(SoftmaxTest, GradientsAreThoseOfTheFunctions) {
  std::uniform_real_distribution<float> real(-1, 1);
  const float scale = 0.25f;
  for (const size_t n : {1, 2, 3, 8, 17, 64, 100, 1000, 16'390, 70'000}) {
    for (const float range : {0.0f, 8.0f, 400.0f}) {
      SCOPED_TRACE(testing::Message() << n << " within " << range);
      Row v(n), g(n);
      for (double& one : v) one = range * real(random_);
      StoredMatrix dy(ElementType::kF32, Layout::kRows, 1, n);
      dy.FillRandom(n);
      for (size_t i = 0; i < n; ++i) g[i] = dy.Get(0, i);
      const Row y = test::SoftmaxReference(v);
      const Row log_y = test::LogSoftmaxReference(v);
      for (const ElementType type : test::kFloatTypes) {
        SCOPED_TRACE(Name(type));
        StoredMatrix y_in(type, Layout::kRows, 1, n);
        StoredMatrix log_in(type, Layout::kScattered, 1, n);
        for (size_t i = 0; i < n; ++i) {
          y_in.Set(0, i, static_cast<float>(y[i]));
          log_in.Set(0, i, static_cast<float>(log_y[i]));
        }
        StoredMatrix dx(ElementType::kF32, Layout::kRows, 1, n);
        StoredMatrix log_dx(type, Layout::kRows, 1, n);
        SoftmaxGradient(one_, y_in.view(), dy.view(), dx.view(), scale);
        LogSoftmaxGradient(one_, log_in.view(), dy.view(), log_dx.view(),
                           scale);
        EXPECT_TRUE(dx.PaddingIntact());
        EXPECT_TRUE(log_dx.PaddingIntact());
        // Of y as it was stored.
        const Row from = RowOf(y_in, 0);
        const Row log_from = RowOf(log_in, 0);
        double dot = 0, magnitude = 0, sum = 0, sum_magnitude = 0;
        for (size_t i = 0; i < n; ++i) {
          dot += from[i] * g[i];
          magnitude += std::abs(from[i] * g[i]);
          sum += g[i];
          sum_magnitude += std::abs(g[i]);
        }
        for (size_t i = 0; i < n; ++i) {
          ASSERT_TRUE(test::IsNear(
              dx.Get(0, i), scale * from[i] * (g[i] - dot),
              {.absolute = scale * from[i] *
                               (4 * std::abs(g[i]) + 9 * magnitude) * kUnit +
                           0x1.0p-140,
               .sign_matters = false}))
              << i;
          const double p = std::exp(log_from[i]);
          ASSERT_TRUE(test::IsNearStored(
              log_dx.Get(0, i), scale * (g[i] - p * sum),
              scale *
                      (3 * std::abs(g[i]) +
                       p * (std::abs(log_from[i]) / 8 + 9) * sum_magnitude) *
                      kUnit +
                  0x1.0p-120,
              type))
              << i;
        }
        if (n > 100 || range > 8 || type != ElementType::kF32) continue;
        // A step of 1e-3 is exact to 1e-12 here, y to half an ulp.
        const auto slopes = [&](auto&& function) {
          return test::NumericalGradient(
              [&](const Row& x) {
                Row scaled(x);
                for (double& one : scaled) one *= scale;
                return test::Dot(g, function(scaled));
              },
              [&] {
                Row x(v);
                for (double& one : x) one /= scale;
                return x;
              }(),
              1e-2);
        };
        const Row slope = slopes(test::SoftmaxReference);
        const Row log_slope = slopes(test::LogSoftmaxReference);
        for (size_t i = 0; i < n; ++i) {
          ASSERT_NEAR(dx.Get(0, i), slope[i], 1e-6);
          ASSERT_NEAR(log_dx.Get(0, i), log_slope[i],
                      1e-6 * (1 + sum_magnitude));
        }
      }
    }
  }
}

TEST_P(SoftmaxTest, GradientsHaveTheSameBitsForAnyThreadsAndInPlace) {
  using Function =
      void (*)(Context&, ConstAnyMatView, ConstAnyMatView, AnyMatView, float);
  for (const auto& [rows, n] :
       {std::pair<size_t, size_t>{700, 65}, {2, 200'001}}) {
    StoredMatrix y(ElementType::kF32, Layout::kRows, rows, n);
    StoredMatrix dy(ElementType::kF32, Layout::kRows, rows, n);
    y.FillRandom(1);
    dy.FillRandom(2);
    for (const Function function :
         {Function{SoftmaxGradient}, Function{LogSoftmaxGradient}}) {
      StoredMatrix expected(ElementType::kF32, Layout::kRows, rows, n);
      function(one_, y.view(), dy.view(), expected.view(), 0.7f);
      for (Context* ctx : {&one_, &two_, &seven_}) {
        StoredMatrix dx(ElementType::kF32, Layout::kScattered, rows, n);
        dx.FillRandom(2);  // dy
        function(*ctx, y.view(), dx.view(), dx.view(), 0.7f);
        EXPECT_EQ(dx.Bits(), expected.Bits());
        StoredMatrix over_y(ElementType::kF32, Layout::kRows, rows, n);
        over_y.FillRandom(1);
        function(*ctx, over_y.view(), dy.view(), over_y.view(), 0.7f);
        EXPECT_EQ(over_y.Bits(), expected.Bits());
      }
    }
  }
}

TEST_P(SoftmaxTest, GradientOfNothingLeft) {
  const std::vector<float> y(5, 0), dy = {1, 2, 3, 4, 5};
  std::vector<float> dx(5, kNan);
  SoftmaxGradient(one_, MatView<const float>(y.data(), 1, 5),
                  MatView<const float>(dy.data(), 1, 5),
                  MatView<float>(dx.data(), 1, 5));
  EXPECT_EQ(dx, y);
  const std::vector<float> none(5, -kInfinity);
  LogSoftmaxGradient(one_, MatView<const float>(none.data(), 1, 5),
                     MatView<const float>(dy.data(), 1, 5),
                     MatView<float>(dx.data(), 1, 5));
  EXPECT_EQ(dx, dy);
}

RANVIER_ON_EVERY_TARGET(SoftmaxTest);

// Larger than the last cache: written past it, where the machine has one that
// we know; a row of it has the bits that it has alone.
TEST(SoftmaxLarge, RowOfTenMillion) {
  const size_t n = 10'000'000;
  Context ctx({.threads = 2});
  std::mt19937 random(3);
  std::uniform_real_distribution<float> real(-8, 8);
  std::vector<float> x(n), y(n);
  for (float& one : x) one = real(random);
  Softmax(ctx, MatView<const float>(x.data(), 1, n),
          MatView<float>(y.data(), 1, n));
  double sum = 0;
  for (const float one : y) sum += one;
  EXPECT_LE(std::abs(sum - 1), 4 * kUnit);
  const double expected = test::LogSumExpReference(Row(x.begin(), x.end()));
  for (size_t i = 0; i < n; i += 997) {
    const double p = std::exp(x[i] - expected);
    ASSERT_TRUE(test::IsNear(y[i], p, {.absolute = SoftmaxError(p, 16, n)}));
  }
  float log_sum = 0;
  LogSumExp(ctx, MatView<const float>(x.data(), 1, n),
            VecView<float>(&log_sum, 1));
  EXPECT_TRUE(
      test::IsNear(log_sum, expected, {.absolute = LogError(expected, 1, n)}));
}

TEST(SoftmaxLarge, ManyRowsHaveTheBitsOfOne) {
  const size_t rows = 40'000;
  const size_t n = 256;
  Context ctx({.threads = 2});
  AlignedBuffer<float> x(rows * n), y(rows * n);
  std::mt19937 random(3);
  std::uniform_real_distribution<float> real(-8, 8);
  for (size_t i = 0; i < rows * n; ++i) x[i] = real(random);
  Softmax(ctx, MatView<const float>(x.data(), rows, n),
          MatView<float>(y.data(), rows, n));
  std::vector<float> one(n);
  for (size_t row = 0; row < rows; row += 999) {
    Softmax(ctx, MatView<const float>(&x[row * n], 1, n),
            MatView<float>(one.data(), 1, n));
    EXPECT_TRUE(test::SameBits(std::span<const float>(&y[row * n], n),
                               std::span<const float>(one)));
  }
}

TEST(SoftmaxChecks, ShapesAndTypes) {
  Context ctx({.threads = 1});
  std::vector<float> x(6), y(6);
  std::vector<int8_t> integers(6);
  const MatView<float> xv(x.data(), 2, 3), turned(y.data(), 3, 2),
      yv(y.data(), 2, 3), shared(y.data(), 2, 3, 0);
  EXPECT_THROW(Softmax(ctx, xv, turned), ShapeError);
  EXPECT_THROW(Softmax(ctx, xv, shared), ShapeError);
  EXPECT_THROW(Softmax(ctx, xv, yv, {.mask = turned}), ShapeError);
  EXPECT_THROW(Softmax(ctx, MatView<int8_t>(integers.data(), 2, 3), yv),
               std::invalid_argument);
  EXPECT_THROW(LogSoftmax(ctx, xv, turned), ShapeError);
  EXPECT_THROW(LogSumExp(ctx, xv, VecView<float>(y.data(), 3)), ShapeError);
  EXPECT_THROW(SoftmaxGradient(ctx, xv, turned, yv), ShapeError);
  EXPECT_THROW(LogSoftmaxGradient(ctx, xv, yv, turned), ShapeError);
  Softmax(ctx, MatView<float>(), MatView<float>());
  Softmax(ctx, MatView<float>(nullptr, 0, 3), MatView<float>(nullptr, 0, 3));
  try {
    LogSumExp(ctx, xv, VecView<float>(y.data(), 3));
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(),
                 "LogSumExp: y has 3 elements and x is [2, 3]; it must have "
                 "one for each row");
  }
}

}  // namespace
}  // namespace ranvier
