#include "ranvier/ops/norm.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/aligned_buffer.h"
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
constexpr size_t kDims[] = {1,  2,  3,  4,  5,  7,   8,   9,   15,  16,    17,
                            31, 33, 63, 64, 65, 127, 128, 129, 768, 20'000};

// What the header promises for f32.
double LayerNormError(double z, double weight, double y) {
  return ((16 * std::abs(z) + 8) * std::abs(weight) + std::abs(y)) * kUnit;
}

class NormTest : public test::TargetTest {
 protected:
  std::mt19937 random_{19};
  Context one_{{.threads = 1}};
  Context two_{{.threads = 2}};
  Context seven_{{.threads = 7}};

  std::vector<float> Numbers(size_t n) {
    std::uniform_real_distribution<float> real(-1, 1);
    std::vector<float> x(n);
    for (float& one : x) one = real(random_);
    return x;
  }
  static Row Wide(const std::vector<float>& x) {
    return Row(x.begin(), x.end());
  }

  // One row against the definitions, for finite x with a variance.
  void ExpectRowRight(const std::vector<float>& x, float epsilon) {
    const size_t n = x.size();
    const std::vector<float> weight = Numbers(n), bias = Numbers(n);
    std::vector<float> y(n), rms_y(n);
    float mean = 0, rstd = 0, rms = 0;
    LayerNorm(one_, MatView<const float>(x.data(), 1, n),
              VecView<const float>(weight.data(), n),
              VecView<const float>(bias.data(), n),
              MatView<float>(y.data(), 1, n),
              {.epsilon = epsilon,
               .mean = VecView<float>(&mean, 1),
               .rstd = VecView<float>(&rstd, 1)});
    RmsNorm(one_, MatView<const float>(x.data(), 1, n),
            VecView<const float>(weight.data(), n),
            MatView<float>(rms_y.data(), 1, n),
            {.epsilon = epsilon, .rstd = VecView<float>(&rms, 1)});
    const Row wide = Wide(x);
    const double scale = 1 / std::sqrt(test::VarianceOf(wide) + epsilon);
    const double rms_scale =
        1 / std::sqrt(test::Dot(wide, wide) / static_cast<double>(n) + epsilon);
    EXPECT_TRUE(test::IsNear(rstd, scale, {.relative = 11 * kUnit}));
    EXPECT_TRUE(test::IsNear(rms, rms_scale, {.relative = 4 * kUnit}));
    const double exact_mean = test::MeanOf(wide);
    EXPECT_TRUE(
        test::IsNear(mean, exact_mean,
                     {.absolute = kUnit * (std::abs(exact_mean) + 7 / scale),
                      .sign_matters = false}));
    const Row expected =
        test::LayerNormReference(wide, Wide(weight), Wide(bias), epsilon);
    const Row rms_expected =
        test::RmsNormReference(wide, Wide(weight), epsilon);
    for (size_t i = 0; i < n; ++i) {
      const double z = (wide[i] - exact_mean) * scale;
      ASSERT_TRUE(
          test::IsNear(y[i], expected[i],
                       {.absolute = LayerNormError(z, weight[i], expected[i]),
                        .sign_matters = false}))
          << i;
      ASSERT_TRUE(test::IsNear(rms_y[i], rms_expected[i],
                               {.relative = 7 * kUnit, .absolute = 0x1.0p-140}))
          << i;
    }
  }
};

TEST_P(NormTest, IsRightForEveryLengthTypeAndLayout) {
  for (const size_t n : kDims) {
    const size_t rows = n < 1000 ? 3 : 1;
    const std::vector<float> weight = Numbers(2 * n), bias = Numbers(n);
    Row w(n), b(n), w1(n);
    for (size_t i = 0; i < n; ++i) {
      w[i] = weight[2 * i];
      w1[i] = 1 + w[i];
      b[i] = bias[i];
    }
    const VecView<const float> weights(weight.data(), n, 2);
    for (const ElementType type : test::kFloatTypes) {
      for (const Layout layout : test::kLayouts) {
        SCOPED_TRACE(testing::Message()
                     << n << " of " << Name(type) << " in " << Name(layout));
        StoredMatrix x(type, layout, rows, n);
        x.FillRandom(n);
        for (const ElementType to : test::kFloatTypes) {
          StoredMatrix y(to, Layout::kRows, rows, n);
          LayerNorm(one_, x.view(), weights,
                    VecView<const float>(bias.data(), n), y.view());
          StoredMatrix rms_y(to, Layout::kColumns, rows, n);
          RmsNorm(one_, x.view(), weights, rms_y.view(), {.weight_offset = 1});
          EXPECT_TRUE(y.PaddingIntact());
          EXPECT_TRUE(rms_y.PaddingIntact());
          for (size_t row = 0; row < rows; ++row) {
            const Row from = RowOf(x, row);
            const Row expected = test::LayerNormReference(from, w, b, 1e-5f);
            const Row rms_expected = test::RmsNormReference(from, w1, 1e-5f);
            const Row z =
                test::LayerNormReference(from, Row(n, 1), Row(n, 0), 1e-5f);
            for (size_t i = 0; i < n; ++i) {
              ASSERT_TRUE(test::IsNearStored(
                  y.Get(row, i), expected[i],
                  LayerNormError(z[i], w[i], expected[i]), to))
                  << row << " " << i;
              ASSERT_TRUE(
                  test::IsNearStored(rms_y.Get(row, i), rms_expected[i],
                                     7 * kUnit * std::abs(rms_expected[i]), to))
                  << row << " " << i;
            }
          }
        }
      }
    }
  }
}

// Means far above what the numbers differ by, large and small numbers, and one
// that is much larger than all others.
TEST_P(NormTest, NothingCancelsAndNothingOverflows) {
  std::normal_distribution<float> normal;
  for (const size_t n : {2, 5, 64, 100, 768, 4099}) {
    for (const float mean : {0.0f, 1e6f, -3e7f, 1e30f, -1e36f}) {
      for (const float deviation : {1.0f, 0x1.0p-10f, 1e6f, 1e30f}) {
        SCOPED_TRACE(testing::Message()
                     << n << ": " << mean << " +- " << deviation);
        std::vector<float> x(n);
        for (float& one : x) one = mean + deviation * normal(random_);
        x[0] = mean + std::abs(mean) * 0x1.0p-22f + deviation;
        if (test::VarianceOf(Wide(x)) == 0) continue;
        ExpectRowRight(x, 0);
        ExpectRowRight(x, 1e-5f);
      }
    }
    for (const float scale : {1e-12f, 1e-25f, 1e-38f, 1e36f}) {
      SCOPED_TRACE(testing::Message() << n << " times " << scale);
      std::vector<float> x = Numbers(n);
      for (float& one : x) one *= scale;
      ExpectRowRight(x, scale < 1e-30f ? 1e-5f : 0);
    }
    std::vector<float> x = Numbers(n);
    for (const float large : {1e4f, 1e10f, 1e36f}) {
      x[n / 2] = large;
      ExpectRowRight(x, 1e-5f);
    }
  }
}

// What the first elements say of the mean is far from it.
TEST_P(NormTest, FirstElementsAreUnlikeTheRest) {
  for (const size_t n : {300, 4099, 20'000}) {
    for (const float first : {1000.3f, -1e6f, 3e9f}) {
      SCOPED_TRACE(testing::Message() << n << ": " << first);
      std::vector<float> x = Numbers(n);
      for (size_t i = 0; i < 64; ++i) x[i] += first;
      ExpectRowRight(x, 1e-5f);
    }
  }
}

TEST_P(NormTest, SpecialRows) {
  const size_t n = 70;
  const std::vector<float> weight(n, 2), bias(n, 3);
  const auto layer_norm = [&](std::vector<float> x, float epsilon) {
    LayerNorm(one_, MatView<const float>(x.data(), 1, n),
              VecView<const float>(weight.data(), n),
              VecView<const float>(bias.data(), n),
              MatView<float>(x.data(), 1, n), {.epsilon = epsilon});
    return x;
  };
  const auto rms_norm = [&](std::vector<float> x, float epsilon) {
    RmsNorm(one_, MatView<const float>(x.data(), 1, n),
            VecView<const float>(weight.data(), n),
            MatView<float>(x.data(), 1, n), {.epsilon = epsilon});
    return x;
  };
  for (const float value : {0.0f, 1.0f, 0.1f, -1e6f, 1e-40f}) {
    EXPECT_EQ(layer_norm(std::vector<float>(n, value), 1e-5f), bias);
  }
  EXPECT_EQ(rms_norm(std::vector<float>(n, 0), 1e-5f),
            std::vector<float>(n, 0));
  for (const float y : layer_norm(std::vector<float>(n, 1), 0)) {
    ASSERT_TRUE(std::isnan(y));
  }
  for (const float y : rms_norm(std::vector<float>(n, 0), 0)) {
    ASSERT_TRUE(std::isnan(y));
  }
  for (const float value : {kNan, kInfinity, -kInfinity}) {
    for (size_t at = 0; at < n; at += 23) {
      std::vector<float> x = Numbers(n);
      x[at] = value;
      for (const float y : layer_norm(x, 1e-5f)) ASSERT_TRUE(std::isnan(y));
      const std::vector<float> rms = rms_norm(x, 1e-5f);
      EXPECT_TRUE(std::isnan(rms[at]));
      // What is divided by infinity is 0.
      for (size_t i = 0; i < n; ++i) {
        if (i == at) continue;
        ASSERT_TRUE(std::isnan(value) ? std::isnan(rms[i]) : rms[i] == 0);
      }
    }
  }
}

TEST_P(NormTest, SameBitsForAnyThreadsAndStrides) {
  const size_t rows = 300;
  const size_t n = 769;
  StoredMatrix x(ElementType::kF32, Layout::kRows, rows, n);
  x.FillRandom(1);
  const std::vector<float> weight = Numbers(n), bias = Numbers(n);
  const VecView<const float> w(weight.data(), n), b(bias.data(), n);
  StoredMatrix y(ElementType::kF32, Layout::kRows, rows, n);
  StoredMatrix rms_y(ElementType::kF32, Layout::kRows, rows, n);
  std::vector<float> mean(rows), rstd(rows), rms(rows);
  LayerNorm(one_, x.view(), w, b, y.view(),
            {.mean = VecView<float>(mean.data(), rows),
             .rstd = VecView<float>(rstd.data(), rows)});
  RmsNorm(one_, x.view(), w, rms_y.view(),
          {.rstd = VecView<float>(rms.data(), rows)});
  for (Context* ctx : {&one_, &two_, &seven_}) {
    for (const Layout layout : test::kLayouts) {
      StoredMatrix in_place(ElementType::kF32, layout, rows, n);
      in_place.FillRandom(1);
      std::vector<float> spread(3 * rows, kNan);
      LayerNorm(*ctx, in_place.view(), w, b, in_place.view(),
                {.mean = VecView<float>(spread.data(), rows, 3),
                 .rstd = VecView<float>(spread.data() + 1, rows, 3)});
      EXPECT_EQ(in_place.Bits(), y.Bits());
      EXPECT_TRUE(in_place.PaddingIntact());
      for (size_t i = 0; i < rows; ++i) {
        ASSERT_EQ(spread[3 * i], mean[i]);
        ASSERT_EQ(spread[3 * i + 1], rstd[i]);
        ASSERT_TRUE(std::isnan(spread[3 * i + 2]));
      }
      in_place.FillRandom(1);
      RmsNorm(*ctx, in_place.view(), w, in_place.view(),
              {.rstd = VecView<float>(spread.data(), rows, 3)});
      EXPECT_EQ(in_place.Bits(), rms_y.Bits());
      for (size_t i = 0; i < rows; ++i) ASSERT_EQ(spread[3 * i], rms[i]);
    }
  }
}

// Gradients of rows in double, and what the header promises of them in f32.
struct Gradients {
  Row dx, dx_error, z;
};

Gradients LayerNormGradientReference(const Row& x, const Row& weight,
                                     double rstd, const Row& dy) {
  const size_t n = x.size();
  const double mean = test::MeanOf(x);
  Row g(n), z(n), gz(n), weighted(n), magnitude(n);
  for (size_t i = 0; i < n; ++i) {
    z[i] = (x[i] - mean) * rstd;
    g[i] = weight[i] * dy[i];
    gz[i] = g[i] * z[i];
    magnitude[i] = std::abs(g[i]);
    weighted[i] = std::abs(g[i]) * (1 + std::abs(z[i]));
  }
  Gradients result{Row(n), Row(n), z};
  for (size_t i = 0; i < n; ++i) {
    result.dx[i] = rstd * (g[i] - test::MeanOf(g) - z[i] * test::MeanOf(gz));
    result.dx_error[i] = 16 * kUnit * rstd *
                         (magnitude[i] + test::MeanOf(magnitude) +
                          (1 + std::abs(z[i])) * test::MeanOf(weighted));
  }
  return result;
}

Gradients RmsNormGradientReference(const Row& x, const Row& weight, double rstd,
                                   const Row& dy) {
  const size_t n = x.size();
  Row g(n), z(n), gz(n), weighted(n);
  for (size_t i = 0; i < n; ++i) {
    z[i] = x[i] * rstd;
    g[i] = weight[i] * dy[i];
    gz[i] = g[i] * z[i];
    weighted[i] = std::abs(g[i]) * (1 + std::abs(z[i]));
  }
  Gradients result{Row(n), Row(n), z};
  for (size_t i = 0; i < n; ++i) {
    result.dx[i] = rstd * (g[i] - z[i] * test::MeanOf(gz));
    result.dx_error[i] =
        16 * kUnit * rstd *
        (std::abs(g[i]) + (1 + std::abs(z[i])) * test::MeanOf(weighted));
  }
  return result;
}

TEST_P(NormTest, GradientsAreThoseOfTheFunctions) {
  const float epsilon = 1e-5f;
  for (const size_t rows : {1, 3, 33, 200}) {
    for (const size_t n : {1, 2, 5, 16, 33, 129}) {
      // All equal, hardly different, far from 0, and as usual.
      for (const auto& [mean, range] : {std::pair<float, float>{0.5f, 0},
                                        {1, 0x1.0p-18f},
                                        {1e6f, 1},
                                        {0, 2}}) {
        for (const ElementType type : test::kFloatTypes) {
          SCOPED_TRACE(testing::Message()
                       << rows << " x " << n << " of " << Name(type) << ": "
                       << mean << " +- " << range);
          if (type == ElementType::kF16 && mean > 1e4f) continue;
          StoredMatrix x(type, Layout::kRows, rows, n);
          StoredMatrix dy(type, Layout::kColumns, rows, n);
          x.FillRandom(1);
          dy.FillRandom(2);
          for (size_t i = 0; i < rows; ++i) {
            for (size_t j = 0; j < n; ++j) {
              const auto at = static_cast<float>(x.Get(i, j));
              x.Set(i, j, mean + range * at);
            }
          }
          const std::vector<float> weight = Numbers(n);
          const Row w = Wide(weight);
          const VecView<const float> wv(weight.data(), n);
          std::vector<float> means(rows), rstds(rows), rms(rows);
          StoredMatrix y(type, Layout::kRows, rows, n);
          LayerNorm(one_, x.view(), wv, {}, y.view(),
                    {.epsilon = epsilon,
                     .mean = VecView<float>(means.data(), rows),
                     .rstd = VecView<float>(rstds.data(), rows)});
          RmsNorm(one_, x.view(), wv, y.view(),
                  {.epsilon = epsilon,
                   .weight_offset = 1,
                   .rstd = VecView<float>(rms.data(), rows)});
          StoredMatrix dx(type, Layout::kRows, rows, n);
          StoredMatrix rms_dx(type, Layout::kScattered, rows, n);
          std::vector<float> dw(n), db(n), rms_dw(n);
          LayerNormGradient(
              one_, x.view(), wv, VecView<const float>(means.data(), rows),
              VecView<const float>(rstds.data(), rows), dy.view(), dx.view(),
              VecView<float>(dw.data(), n), VecView<float>(db.data(), n));
          RmsNormGradient(one_, x.view(), wv,
                          VecView<const float>(rms.data(), rows), dy.view(),
                          rms_dx.view(), VecView<float>(rms_dw.data(), n), 1);
          EXPECT_TRUE(dx.PaddingIntact());
          EXPECT_TRUE(rms_dx.PaddingIntact());
          Row w1(w);
          for (double& one : w1) one += 1;
          Row dw_sum(n), db_sum(n), rms_sum(n);
          Row dw_error(n), db_error(n), rms_error(n);
          for (size_t row = 0; row < rows; ++row) {
            const Row from = RowOf(x, row), g = RowOf(dy, row);
            const Gradients right =
                LayerNormGradientReference(from, w, rstds[row], g);
            const Gradients rms_right =
                RmsNormGradientReference(from, w1, rms[row], g);
            for (size_t i = 0; i < n; ++i) {
              ASSERT_TRUE(test::IsNearStored(dx.Get(row, i), right.dx[i],
                                             right.dx_error[i], type))
                  << row << " " << i;
              ASSERT_TRUE(test::IsNearStored(rms_dx.Get(row, i),
                                             rms_right.dx[i],
                                             rms_right.dx_error[i], type))
                  << row << " " << i;
              const double magnitude = std::abs(g[i]) * kUnit;
              dw_sum[i] += g[i] * right.z[i];
              db_sum[i] += g[i];
              rms_sum[i] += g[i] * rms_right.z[i];
              dw_error[i] += 48 * magnitude * (1 + std::abs(right.z[i]));
              db_error[i] += 40 * magnitude;
              rms_error[i] += 48 * magnitude * (1 + std::abs(rms_right.z[i]));
            }
            // Where the function is smooth at the scale of the step.
            if (row != 0 || n > 33 || type != ElementType::kF32) continue;
            const double step = range == 0 ? 1e-5 : 1e-3 * range;
            const Row slope = test::NumericalGradient(
                [&](const Row& at) {
                  return test::Dot(
                      g, test::LayerNormReference(at, w, Row(n, 0), epsilon));
                },
                from, step);
            const Row rms_slope = test::NumericalGradient(
                [&](const Row& at) {
                  return test::Dot(g, test::RmsNormReference(at, w1, epsilon));
                },
                from, step);
            // rstd was rounded by 11 units, the numbers of a difference by
            // 2^-53 of their own.
            const double loss = 0x1.0p-48 * (1 + std::abs(mean)) * rstds[row] *
                                static_cast<double>(n) / step;
            for (size_t i = 0; i < n; ++i) {
              const double near = 1e-6 * rstds[row] + loss;
              ASSERT_NEAR(dx.Get(row, i), slope[i], right.dx_error[i] + near)
                  << i;
              ASSERT_NEAR(rms_dx.Get(row, i), rms_slope[i],
                          rms_right.dx_error[i] + 1e-6 * rms[row] + loss)
                  << i;
            }
          }
          for (size_t i = 0; i < n; ++i) {
            ASSERT_NEAR(dw[i], dw_sum[i], dw_error[i]) << i;
            ASSERT_NEAR(db[i], db_sum[i], db_error[i]) << i;
            ASSERT_NEAR(rms_dw[i], rms_sum[i], rms_error[i]) << i;
          }
        }
      }
    }
  }
}

TEST_P(NormTest, GradientsHaveTheSameBitsForAnyThreadsAndInPlace) {
  const size_t rows = 2500;
  const size_t n = 65;
  StoredMatrix x(ElementType::kF32, Layout::kRows, rows, n);
  StoredMatrix dy(ElementType::kF32, Layout::kRows, rows, n);
  x.FillRandom(1);
  dy.FillRandom(2);
  const std::vector<float> weight = Numbers(n);
  const std::vector<float> mean(rows, 0.1f), rstd(rows, 1.5f);
  const VecView<const float> w(weight.data(), n), m(mean.data(), rows),
      r(rstd.data(), rows);
  StoredMatrix dx(ElementType::kF32, Layout::kRows, rows, n);
  StoredMatrix rms_dx(ElementType::kF32, Layout::kRows, rows, n);
  std::vector<float> dw(n), db(n), rms_dw(n);
  LayerNormGradient(one_, x.view(), w, m, r, dy.view(), dx.view(),
                    VecView<float>(dw.data(), n), VecView<float>(db.data(), n));
  RmsNormGradient(one_, x.view(), w, r, dy.view(), rms_dx.view(),
                  VecView<float>(rms_dw.data(), n));
  for (Context* ctx : {&one_, &two_, &seven_}) {
    StoredMatrix other(ElementType::kF32, Layout::kScattered, rows, n);
    other.FillRandom(2);  // dy
    std::vector<float> spread(2 * n, kNan), other_db(n);
    LayerNormGradient(*ctx, x.view(), w, m, r, other.view(), other.view(),
                      VecView<float>(spread.data(), n, 2),
                      VecView<float>(other_db.data(), n));
    EXPECT_EQ(other.Bits(), dx.Bits());
    EXPECT_EQ(other_db, db);
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(spread[2 * i], dw[i]);
    other.FillRandom(1);  // x
    LayerNormGradient(*ctx, other.view(), w, m, r, dy.view(), other.view(), {},
                      {});
    EXPECT_EQ(other.Bits(), dx.Bits());
    other.FillRandom(2);
    std::vector<float> other_dw(n);
    RmsNormGradient(*ctx, x.view(), w, r, other.view(), other.view(),
                    VecView<float>(other_dw.data(), n));
    EXPECT_EQ(other.Bits(), rms_dx.Bits());
    EXPECT_EQ(other_dw, rms_dw);
  }
}

RANVIER_ON_EVERY_TARGET(NormTest);

// Larger than the last cache: written past it, where the machine has one that
// we know.
TEST(NormLarge, ManyRowsHaveTheBitsOfOne) {
  const size_t rows = 16'384;
  const size_t n = 768;
  Context ctx({.threads = 2});
  AlignedBuffer<float> x(rows * n), y(rows * n), z(rows * n);
  std::mt19937 random(3);
  std::uniform_real_distribution<float> real(-8, 8);
  for (size_t i = 0; i < rows * n; ++i) x[i] = real(random);
  const std::vector<float> weight(n, 1.5f), bias(n, 0.1f);
  const VecView<const float> w(weight.data(), n), b(bias.data(), n);
  LayerNorm(ctx, MatView<const float>(x.data(), rows, n), w, b,
            MatView<float>(y.data(), rows, n));
  RmsNorm(ctx, MatView<const float>(x.data(), rows, n), w,
          MatView<float>(z.data(), rows, n));
  std::vector<float> one(n), other(n);
  for (size_t row = 0; row < rows; row += 501) {
    LayerNorm(ctx, MatView<const float>(&x[row * n], 1, n), w, b,
              MatView<float>(one.data(), 1, n));
    RmsNorm(ctx, MatView<const float>(&x[row * n], 1, n), w,
            MatView<float>(other.data(), 1, n));
    EXPECT_TRUE(test::SameBits(std::span<const float>(&y[row * n], n),
                               std::span<const float>(one)));
    EXPECT_TRUE(test::SameBits(std::span<const float>(&z[row * n], n),
                               std::span<const float>(other)));
  }
}

TEST(NormChecks, ShapesAndArguments) {
  Context ctx({.threads = 1});
  std::vector<float> x(6), y(6), v(3);
  const MatView<float> xv(x.data(), 2, 3), yv(y.data(), 2, 3),
      turned(y.data(), 3, 2);
  const VecView<float> three(v.data(), 3), two(v.data(), 2), none;
  EXPECT_THROW(LayerNorm(ctx, xv, none, none, turned), ShapeError);
  EXPECT_THROW(LayerNorm(ctx, xv, two, none, yv), ShapeError);
  EXPECT_THROW(LayerNorm(ctx, xv, three, two, yv), ShapeError);
  EXPECT_THROW(LayerNorm(ctx, xv, three, none, yv, {.mean = three}),
               ShapeError);
  EXPECT_THROW(LayerNorm(ctx, xv, three, none, yv, {.epsilon = -1}),
               std::invalid_argument);
  EXPECT_THROW(LayerNorm(ctx, xv, three, none, yv, {.epsilon = kNan}),
               std::invalid_argument);
  EXPECT_THROW(RmsNorm(ctx, xv, two, yv), ShapeError);
  EXPECT_THROW(RmsNorm(ctx, xv, none, yv, {.rstd = three}), ShapeError);
  EXPECT_THROW(LayerNormGradient(ctx, xv, none, three, two, xv, yv, none, none),
               ShapeError);
  EXPECT_THROW(LayerNormGradient(ctx, xv, none, two, none, xv, yv, none, none),
               ShapeError);
  EXPECT_THROW(RmsNormGradient(ctx, xv, none, two, xv, yv, two), ShapeError);
  EXPECT_THROW(RmsNormGradient(ctx, xv, none, two, turned, yv, none),
               ShapeError);
  // No rows: sums over them are 0.
  v = {1, 2, 3};
  const MatView<float> empty(nullptr, 0, 3);
  LayerNormGradient(ctx, empty, none, none, none, empty, empty, three, none);
  EXPECT_EQ(v, std::vector<float>(3, 0));
  LayerNorm(ctx, empty, none, none, empty);
  RmsNorm(ctx, MatView<float>(nullptr, 2, 0), none,
          MatView<float>(nullptr, 2, 0));
}

}  // namespace
}  // namespace ranvier
