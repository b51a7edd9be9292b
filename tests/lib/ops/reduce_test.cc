#include "ranvier/ops/reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"

#include "tests/lib/ops/stored_rows.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier {
namespace {

using test::Layout;
using test::Row;
using test::StoredMatrix;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kUnit = 0x1.0p-24;
constexpr size_t kLengths[] = {1,  2,  3,  4,  5,   7,   8,    9,     15,   16,
                               17, 31, 33, 64, 127, 255, 4097, 16384, 16385};

// Before the first of equal ones; NaN before all else.
bool Greater(double a, double b) {
  return std::isnan(a) ? !std::isnan(b) : a > b;
}
size_t FirstGreatest(const Row& x) {
  size_t best = 0;
  for (size_t i = 1; i < x.size(); ++i) {
    if (Greater(x[i], x[best])) best = i;
  }
  return best;
}

class ReduceTest : public test::TargetTest {
 protected:
  std::mt19937 random_{23};
  Context one_{{.threads = 1}};
  Context two_{{.threads = 2}};
  Context seven_{{.threads = 7}};

  // Few values, so that many are equal, and some that are special.
  std::vector<float> Crowded(size_t n, int specials) {
    std::vector<float> x(n);
    for (float& one : x) {
      one = static_cast<float>(static_cast<int>(random_() % 9) - 4) / 2;
    }
    const float special[] = {kNan, -kNan, kInfinity, -kInfinity, -0.0f};
    for (int i = 0; i < specials && n != 0; ++i) {
      x[random_() % n] = special[random_() % 5];
    }
    return x;
  }
};

struct Sums {
  std::vector<float> sum, mean, variance, max;
  std::vector<int64_t> arg_max;

  Sums(Context& ctx, const ConstAnyMatView& x)
      : sum(x.rows()),
        mean(x.rows()),
        variance(x.rows()),
        max(x.rows()),
        arg_max(x.rows()) {
    const auto view = [](std::vector<float>& v) {
      return VecView<float>(v.data(), v.size());
    };
    SumRows(ctx, x, view(sum));
    MeanRows(ctx, x, view(mean));
    VarianceRows(ctx, x, view(variance));
    MaxRows(ctx, x, view(max));
    ArgMaxRows(ctx, x, VecView<int64_t>(arg_max.data(), arg_max.size()));
  }
  bool operator==(const Sums&) const = default;
};

TEST_P(ReduceTest, RowsColumnsAndAll) {
  for (const size_t n : kLengths) {
    const size_t rows = n < 1000 ? 5 : 2;
    for (const ElementType type : test::kFloatTypes) {
      for (const Layout layout : test::kLayouts) {
        SCOPED_TRACE(testing::Message()
                     << n << " of " << Name(type) << " in " << Name(layout));
        StoredMatrix x(type, layout, rows, n);
        x.FillRandom(n);
        if (n > 2) {  // a mean far from 0
          for (size_t i = 0; i < n; ++i) {
            x.Set(1, i, static_cast<float>(100 + x.Get(1, i)));
          }
        }
        const Sums sums(one_, x.view());
        Row all;
        for (size_t row = 0; row < rows; ++row) {
          const Row from = RowOf(x, row);
          all.insert(all.end(), from.begin(), from.end());
          Row magnitudes(from);
          for (double& one : magnitudes) one = std::abs(one);
          const double sum = test::Sum(from);
          const double error =
              2.1 * kUnit * test::Sum(magnitudes) + kUnit * std::abs(sum);
          const auto count = static_cast<double>(n);
          EXPECT_NEAR(sums.sum[row], sum, error);
          EXPECT_NEAR(sums.mean[row], sum / count, error / count);
          const double variance = test::VarianceOf(from);
          // Of one element: 0, but for what the reference rounds.
          EXPECT_TRUE(
              test::IsNear(sums.variance[row], variance,
                           {.relative = 36 * kUnit, .absolute = 1e-28}));
          EXPECT_EQ(sums.max[row], test::MaxOf(from));
          EXPECT_EQ(sums.arg_max[row],
                    static_cast<int64_t>(FirstGreatest(from)));
        }
        Row magnitudes(all);
        for (double& one : magnitudes) one = std::abs(one);
        const double error =
            2.1 * kUnit * test::Sum(magnitudes) + kUnit * test::Sum(all);
        const auto count = static_cast<double>(all.size());
        EXPECT_NEAR(Sum(one_, x.view()), test::Sum(all), std::abs(error));
        EXPECT_NEAR(Mean(one_, x.view()), test::MeanOf(all),
                    std::abs(error) / count);
        EXPECT_TRUE(test::IsNear(Variance(one_, x.view()),
                                 test::VarianceOf(all),
                                 {.relative = 36 * kUnit, .absolute = 1e-28}));
        EXPECT_EQ(Max(one_, x.view()), test::MaxOf(all));
        EXPECT_EQ(ArgMax(one_, x.view()),
                  static_cast<int64_t>(FirstGreatest(all)));
      }
    }
  }
}

TEST_P(ReduceTest, SameBitsForAnyThreads) {
  for (const auto& [rows, n] : {std::pair<size_t, size_t>{3, 100'000},
                                {3000, 65},
                                {1, 300'000},
                                {70'000, 3}}) {
    for (const Layout layout : test::kLayouts) {
      SCOPED_TRACE(testing::Message() << n << " in " << Name(layout));
      StoredMatrix x(ElementType::kF32, layout, rows, n);
      x.FillRandom(5);
      const Sums expected(one_, x.view());
      const float sum = Sum(one_, x.view());
      const float variance = Variance(one_, x.view());
      for (Context* ctx : {&two_, &seven_}) {
        EXPECT_EQ(Sums(*ctx, x.view()), expected);
        EXPECT_EQ(Sum(*ctx, x.view()), sum);
        EXPECT_EQ(Variance(*ctx, x.view()), variance);
        EXPECT_EQ(Max(*ctx, x.view()), Max(one_, x.view()));
        EXPECT_EQ(ArgMax(*ctx, x.view()), ArgMax(one_, x.view()));
      }
    }
  }
}

TEST_P(ReduceTest, VarianceDoesNotCancel) {
  std::normal_distribution<float> normal;
  for (const size_t n : {2, 7, 64, 1000, 40'000}) {
    for (const float mean : {1e6f, -3e7f, 1e30f}) {
      for (const float deviation : {1.0f, 0x1.0p-6f, 1e12f}) {
        SCOPED_TRACE(testing::Message()
                     << n << ": " << mean << " +- " << deviation);
        StoredMatrix x(ElementType::kF32, Layout::kRows, 1, n);
        StoredMatrix columns(ElementType::kF32, Layout::kColumns, 2, n);
        for (size_t i = 0; i < n; ++i) {
          const float v = mean + deviation * normal(random_);
          x.Set(0, i, v);
          columns.Set(0, i, v);
          columns.Set(1, i, 1);
        }
        const double variance = test::VarianceOf(RowOf(x, 0));
        float found[2];
        VarianceRows(one_, x.view(), VecView<float>(found, 1));
        // What the reference rounds: 2^-53 of the numbers, squared.
        const test::Tolerance near{.relative = 36 * kUnit,
                                   .absolute = std::pow(mean * 0x1.0p-40, 2)};
        EXPECT_TRUE(test::IsNear(found[0], variance, near));
        EXPECT_TRUE(test::IsNear(Variance(one_, x.view()), variance, near));
        VarianceRows(one_, columns.view(), VecView<float>(found, 2));
        EXPECT_TRUE(test::IsNear(found[0], variance, near));
        EXPECT_EQ(found[1], 0);
      }
    }
  }
}

TEST_P(ReduceTest, GreatestWithEqualOnesAndNan) {
  for (const size_t n : {1, 5, 16, 33, 64, 100, 5000, 20'000}) {
    for (int specials = 0; specials < 5; ++specials) {
      for (const Layout layout : test::kLayouts) {
        SCOPED_TRACE(testing::Message() << n << " in " << Name(layout));
        const size_t rows = 3;
        StoredMatrix x(ElementType::kF32, layout, rows, n);
        std::vector<float> all;
        for (size_t i = 0; i < rows; ++i) {
          const std::vector<float> row = Crowded(n, specials);
          for (size_t j = 0; j < n; ++j) x.Set(i, j, row[j]);
          all.insert(all.end(), row.begin(), row.end());
        }
        const Sums found(two_, x.view());
        for (size_t i = 0; i < rows; ++i) {
          const Row row = RowOf(x, i);
          const size_t at = FirstGreatest(row);
          ASSERT_EQ(found.arg_max[i], static_cast<int64_t>(at));
          if (std::isnan(row[at])) {
            ASSERT_TRUE(std::isnan(found.max[i]));
          } else {
            ASSERT_EQ(found.max[i], row[at]);
            ASSERT_FALSE(row[at] == 0 && std::signbit(found.max[i]));
          }
        }
        const Row wide(all.begin(), all.end());
        const size_t at = FirstGreatest(wide);
        ASSERT_EQ(ArgMax(two_, x.view()), static_cast<int64_t>(at));
        ASSERT_EQ(std::isnan(Max(two_, x.view())), std::isnan(wide[at]));
      }
    }
  }
  // All as small as can be.
  const std::vector<float> none(40, -kInfinity);
  EXPECT_EQ(ArgMax(one_, MatView<const float>(none.data(), 4, 10)), 0);
  EXPECT_EQ(Max(one_, MatView<const float>(none.data(), 4, 10)), -kInfinity);
  const Sums columns(one_, MatView<const float>(none.data(), 4, 10, 10, 1));
  EXPECT_EQ(columns.arg_max, std::vector<int64_t>(4, 0));
}

TEST_P(ReduceTest, OfNothing) {
  const Sums sums(one_, MatView<const float>(nullptr, 2, 0));
  EXPECT_EQ(sums.sum, std::vector<float>(2, 0));
  EXPECT_TRUE(std::isnan(sums.mean[0]));
  EXPECT_TRUE(std::isnan(sums.variance[1]));
  EXPECT_EQ(sums.max, std::vector<float>(2, -kInfinity));
  EXPECT_EQ(sums.arg_max, std::vector<int64_t>(2, 0));
  const MatView<const float> empty;
  EXPECT_EQ(Sum(one_, empty), 0);
  EXPECT_TRUE(std::isnan(Mean(one_, empty)));
  EXPECT_TRUE(std::isnan(Variance(one_, empty)));
  EXPECT_EQ(Max(one_, empty), -kInfinity);
  EXPECT_EQ(ArgMax(one_, empty), 0);
}

// The k greatest by sorting; equal ones in order.
std::vector<int64_t> TopKReference(const Row& x, size_t k) {
  std::vector<int64_t> order(x.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return Greater(x[static_cast<size_t>(a)], x[static_cast<size_t>(b)]);
  });
  order.resize(k);
  return order;
}

TEST_P(ReduceTest, TopKIsExact) {
  for (const size_t n : {1, 2, 7, 16, 100, 700, 3000, 40'000}) {
    for (const size_t k :
         {size_t{1}, size_t{2}, size_t{10}, size_t{100}, n / 3, n - 1, n}) {
      if (k > n || (k > 1000 && n > 3000 && k != n)) continue;
      // Random, many equal ones, all equal, up, down, specials.
      for (int kind = 0; kind < 7; ++kind) {
        const auto type = test::kFloatTypes[kind % 3];
        const auto layout = test::kLayouts[(kind + n) % 3];
        SCOPED_TRACE(testing::Message() << k << " of " << n << ", " << kind);
        const size_t rows = 2;
        StoredMatrix x(type, layout, rows, n);
        x.FillRandom(k);
        for (size_t i = 0; i < rows && kind > 0; ++i) {
          const std::vector<float> crowded = Crowded(n, kind == 5 ? 12 : 0);
          for (size_t j = 0; j < n; ++j) {
            const float v = kind == 2   ? 1.5f
                            : kind == 3 ? static_cast<float>(j)
                            : kind == 4 ? -static_cast<float>(j)
                            : kind == 6 ? (j % 2 == 0 ? kNan : -kInfinity)
                                        : crowded[j];
            x.Set(i, j, v);
          }
        }
        StoredMatrix values(type, Layout::kScattered, rows, k);
        std::vector<int64_t> indices(2 * rows * k, -1);
        TopK(two_, x.view(), k, values.view(),
             MatView<int64_t>(indices.data(), rows, k, 2 * k, 2));
        EXPECT_TRUE(values.PaddingIntact());
        for (size_t i = 0; i < rows; ++i) {
          const Row row = RowOf(x, i);
          const std::vector<int64_t> expected = TopKReference(row, k);
          for (size_t j = 0; j < k; ++j) {
            ASSERT_EQ(indices[i * 2 * k + 2 * j], expected[j]) << i << " " << j;
            ASSERT_EQ(indices[i * 2 * k + 2 * j + 1], -1);
            const double value = row[static_cast<size_t>(expected[j])];
            if (std::isnan(value)) {
              ASSERT_TRUE(std::isnan(values.Get(i, j)));
            } else {
              ASSERT_EQ(values.Get(i, j), value);
            }
          }
        }
      }
    }
  }
}

RANVIER_ON_EVERY_TARGET(ReduceTest);

TEST(ReduceChecks, ShapesAndTypes) {
  Context ctx({.threads = 1});
  std::vector<float> x(6), y(6);
  std::vector<int64_t> indices(6);
  std::vector<int32_t> integers(6);
  const MatView<float> xv(x.data(), 2, 3);
  const MatView<int32_t> wrong(integers.data(), 2, 3);
  const VecView<float> three(y.data(), 3), two(y.data(), 2),
      same(y.data(), 2, 0);
  EXPECT_THROW(SumRows(ctx, xv, three), ShapeError);
  EXPECT_THROW(SumRows(ctx, xv, same), std::invalid_argument);
  EXPECT_THROW(MeanRows(ctx, xv, three), ShapeError);
  EXPECT_THROW(VarianceRows(ctx, xv, three), ShapeError);
  EXPECT_THROW(MaxRows(ctx, wrong, two), std::invalid_argument);
  EXPECT_THROW(ArgMaxRows(ctx, xv, VecView<int64_t>(indices.data(), 3)),
               ShapeError);
  EXPECT_THROW(Sum(ctx, wrong), std::invalid_argument);
  const MatView<int64_t> places(indices.data(), 2, 2);
  EXPECT_THROW(TopK(ctx, xv, 4, MatView<float>(y.data(), 2, 2), places),
               ShapeError);
  EXPECT_THROW(TopK(ctx, xv, 2, MatView<float>(y.data(), 2, 3), places),
               ShapeError);
  EXPECT_THROW(TopK(ctx, xv, 1, MatView<float>(y.data(), 2, 1), places),
               ShapeError);
  TopK(ctx, xv, 0, MatView<float>(nullptr, 2, 0),
       MatView<int64_t>(nullptr, 2, 0));
}

}  // namespace
}  // namespace ranvier
