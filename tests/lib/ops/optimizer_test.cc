#include "ranvier/ops/optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"
#include "ranvier/simd/base/float16.h"

#include "tests/util/compare.h"
#include "tests/util/guarded_buffer.h"
#include "tests/util/target_fixture.h"

namespace ranvier {
namespace {

using test::GuardedBuffer;

constexpr double kU = 0x1.0p-24;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr size_t kSizes[] = {0,  1,  2,   3,    4,      5,      7,
                             8,  9,  15,  16,   17,     31,     33,
                             64, 65, 127, 1000, 65'535, 65'537, 150'001};

// A number in double precision and how far the one computed may be from it.
struct Bounded {
  double value = 0, error = 0;
};
double Size(const Bounded& x) { return std::abs(x.value) + x.error; }

// One parameter's state by the formulas of the header, with what roundings may
// have done to it so far.
struct State {
  Bounded p;
  std::array<Bounded, 3> moments;
};

// old + rate (new - old), with `rate` rounded, in at most four roundings.
Bounded Towards(const Bounded& old, const Bounded& next, double rate) {
  const double step = rate * (Size(old) + Size(next));
  return {old.value + rate * (next.value - old.value),
          (1 - rate) * old.error + rate * next.error + 4 * kU * step +
              kU * (Size(old) + step) + 0x1.0p-149};
}

using Rule = std::function<void(State&, double g, uint64_t t)>;

// p' = p - what, of which the error is known.
void TakeAway(State& s, const Bounded& what) {
  s.p.value -= what.value;
  s.p.error += what.error;
  s.p.error += kU * Size(s.p);
}

Rule SgdRule(const SgdOptions& o) {
  return [o](State& s, double gradient, uint64_t) {
    const double decayed = gradient + o.weight_decay * s.p.value;
    Bounded g{decayed,
              o.weight_decay * s.p.error +
                  4 * kU * (std::abs(gradient) + o.weight_decay * Size(s.p))};
    if (o.momentum != 0) {
      Bounded& b = s.moments[0];
      b = {o.momentum * b.value + g.value,
           o.momentum * b.error + g.error +
               4 * kU * (o.momentum * Size(b) + Size(g))};
      if (o.nesterov) {
        g = {g.value + o.momentum * b.value,
             g.error + o.momentum * b.error +
                 4 * kU * (Size(g) + o.momentum * Size(b))};
      } else {
        g = b;
      }
    }
    TakeAway(s, {o.learning_rate * g.value,
                 o.learning_rate * (g.error + 3 * kU * Size(g))});
  };
}

Rule AdamWRule(const AdamWOptions& o) {
  return [o](State& s, double gradient, uint64_t t) {
    const Bounded g{gradient, 2 * kU * std::abs(gradient)};
    const Bounded square{gradient * gradient, 6 * kU * gradient * gradient};
    Bounded& m = s.moments[0];
    Bounded& v = s.moments[1];
    m = Towards(m, g, 1 - o.beta1);
    v = Towards(v, square, 1 - o.beta2);
    const auto steps = static_cast<double>(t);
    const double m_scale = 1 / (1 - std::pow(o.beta1, steps));
    const double v_scale = 1 / (1 - std::pow(o.beta2, steps));
    const double root = std::sqrt(v.value * v_scale);
    const double below = root + o.epsilon;
    // |sqrt(a) - sqrt(b)| <= |a - b| / sqrt(b), and sqrt(|a - b|).
    const double root_error =
        std::min(std::sqrt(v.error * v_scale),
                 root > 0 ? v.error * v_scale / root : HUGE_VAL) +
        4 * kU * below;
    const double ratio = m.value * m_scale / below;
    const double least = std::max(below - root_error, o.epsilon * 0.9);
    const double ratio_error =
        (m.error * m_scale + std::abs(ratio) * root_error) / least +
        6 * kU * std::abs(ratio);
    const double decay = o.learning_rate * o.weight_decay;
    TakeAway(s, {decay * s.p.value + o.learning_rate * ratio,
                 decay * s.p.error + o.learning_rate * ratio_error +
                     4 * kU *
                         (decay * Size(s.p) +
                          o.learning_rate * (std::abs(ratio) + ratio_error))});
  };
}

Rule RmsPropRule(const RmsPropOptions& o, bool centred) {
  return [o, centred](State& s, double gradient, uint64_t) {
    const double decayed = gradient + o.weight_decay * s.p.value;
    const Bounded g{
        decayed,
        o.weight_decay * s.p.error +
            4 * kU * (std::abs(gradient) + o.weight_decay * Size(s.p))};
    const Bounded square{decayed * decayed, (2 * Size(g) + g.error) * g.error +
                                                4 * kU * Size(g) * Size(g)};
    Bounded& v = s.moments[0];
    v = Towards(v, square, 1 - o.alpha);
    Bounded variance = v;
    if (centred) {
      Bounded& mean = s.moments[2];
      mean = Towards(mean, g, 1 - o.alpha);
      variance.value = std::max(0.0, v.value - mean.value * mean.value);
      variance.error += 2 * Size(mean) * mean.error + 4 * kU * Size(v);
    }
    const double root = std::sqrt(variance.value);
    const double below = root + o.epsilon;
    const double root_error =
        std::min(std::sqrt(variance.error),
                 root > 0 ? variance.error / root : HUGE_VAL) +
        4 * kU * below;
    const double ratio = g.value / below;
    const double least = std::max(below - root_error, o.epsilon * 0.9);
    Bounded slope{ratio, (g.error + std::abs(ratio) * root_error) / least +
                             4 * kU * std::abs(ratio)};
    if (o.momentum != 0) {
      Bounded& b = s.moments[1];
      b = {o.momentum * b.value + slope.value,
           o.momentum * b.error + slope.error +
               4 * kU * (o.momentum * Size(b) + Size(slope))};
      slope = b;
    }
    TakeAway(s, {o.learning_rate * slope.value,
                 o.learning_rate * (slope.error + 3 * kU * Size(slope))});
  };
}

// Arrays of n elements, as an update takes them.
struct Arrays {
  explicit Arrays(size_t n)
      : p(n, 1),
        g(n, 3),
        m0(n, 5),
        m1(n, 7),
        m2(n, 2),
        bf(n, 1),
        half(n, 3),
        g_bf(n, 1),
        g_half(n, 5) {
    for (auto* x : {&m0, &m1, &m2}) std::fill_n(x->data(), n, 0.0f);
  }
  GuardedBuffer<float> p, g, m0, m1, m2;
  GuardedBuffer<bf16> bf;
  GuardedBuffer<f16> half;
  GuardedBuffer<bf16> g_bf;
  GuardedBuffer<f16> g_half;

  template <class T>
  static MatView<T> Row(GuardedBuffer<T>& x) {
    return {x.data(), 1, x.size()};
  }
  bool Intact() const {
    return p.Intact() && g.Intact() && m0.Intact() && m1.Intact() &&
           m2.Intact() && bf.Intact() && half.Intact() && g_bf.Intact() &&
           g_half.Intact();
  }
};

enum class GradientType { kF32, kBf16, kF16 };

using Update = std::function<void(Context&, Arrays&, const ParameterViews&,
                                  uint64_t t, const GradientStep&)>;

struct Optimiser {
  const char* name;
  Rule rule;
  Update update;
};

std::vector<Optimiser> Optimisers() {
  std::vector<Optimiser> all;
  const auto add_sgd = [&](const char* name, const SgdOptions& o) {
    all.push_back({name, SgdRule(o),
                   [o](Context& ctx, Arrays& a, const ParameterViews& views,
                       uint64_t, const GradientStep& step) {
                     UpdateSgd(
                         ctx, views,
                         o.momentum == 0 ? MatView<float>() : Arrays::Row(a.m0),
                         o, step);
                   }});
  };
  add_sgd("sgd", {.learning_rate = 0.1});
  add_sgd("sgd decay", {.learning_rate = 0.1, .weight_decay = 0.02});
  add_sgd("momentum",
          {.learning_rate = 0.01, .momentum = 0.9, .weight_decay = 0.01});
  add_sgd("nesterov", {.learning_rate = 0.01,
                       .momentum = 0.9,
                       .weight_decay = 0.01,
                       .nesterov = true});
  const auto add_adam = [&](const char* name, const AdamWOptions& o) {
    all.push_back({name, AdamWRule(o),
                   [o](Context& ctx, Arrays& a, const ParameterViews& views,
                       uint64_t t, const GradientStep& step) {
                     UpdateAdamW(ctx, views, Arrays::Row(a.m0),
                                 Arrays::Row(a.m1), t, o, step);
                   }});
  };
  add_adam("adamw", {});
  add_adam("adam", {.learning_rate = 0.01, .beta2 = 0.95, .weight_decay = 0});
  const auto add_rms = [&](const char* name, const RmsPropOptions& o,
                           bool centred) {
    all.push_back(
        {name, RmsPropRule(o, centred),
         [o, centred](Context& ctx, Arrays& a, const ParameterViews& views,
                      uint64_t, const GradientStep& step) {
           UpdateRmsProp(ctx, views, Arrays::Row(a.m0),
                         o.momentum == 0 ? MatView<float>() : Arrays::Row(a.m1),
                         centred ? Arrays::Row(a.m2) : MatView<float>(), o,
                         step);
         }});
  };
  add_rms("rmsprop", {}, false);
  add_rms("rmsprop momentum", {.weight_decay = 0.01, .momentum = 0.9}, false);
  add_rms("rmsprop centred", {.epsilon = 1e-2, .momentum = 0.5}, true);
  return all;
}

class OptimizerTest : public test::TargetTest {
 protected:
  std::mt19937 random_{41};
  Context one_{{.threads = 1}};
  Context two_{{.threads = 2}};
  Context seven_{{.threads = 7}};

  float Real() { return std::uniform_real_distribution<float>(-1, 1)(random_); }
  void FillGradients(Arrays& a) {
    for (size_t i = 0; i < a.g.size(); ++i) {
      // Of very different sizes; halves where one is asked for.
      const float x = Real() * (i % 4 == 0 ? 1e-3f : 1.0f);
      a.g_bf[i] = ToBf16(x);
      a.g_half[i] = ToF16(x);
      a.g[i] = x;
    }
  }
  static ParameterViews Views(Arrays& a, GradientType type, bool bf_copy) {
    ParameterViews views{Arrays::Row(a.p), Arrays::Row(a.g)};
    if (type == GradientType::kBf16) views.gradient = Arrays::Row(a.g_bf);
    if (type == GradientType::kF16) views.gradient = Arrays::Row(a.g_half);
    if (bf_copy) {
      views.copy = Arrays::Row(a.bf);
    } else {
      views.copy = Arrays::Row(a.half);
    }
    return views;
  }
  static double Gradient(const Arrays& a, GradientType type, size_t i) {
    return type == GradientType::kBf16  ? ToFloat(a.g_bf[i])
           : type == GradientType::kF16 ? ToFloat(a.g_half[i])
                                        : a.g[i];
  }
};

// Many steps against the formulas in double precision; the bound is carried
// along with them.
TEST_P(OptimizerTest, Trajectories) {
  for (const Optimiser& optimiser : Optimisers()) {
    for (const GradientType type :
         {GradientType::kF32, GradientType::kBf16, GradientType::kF16}) {
      SCOPED_TRACE(testing::Message()
                   << optimiser.name << " gradient " << static_cast<int>(type));
      const size_t n = 37;
      Arrays a(n);
      std::vector<State> states(n);
      for (size_t i = 0; i < n; ++i) {
        a.p[i] = Real();
        states[i].p.value = a.p[i];
      }
      const GradientStep step{.multiplier = 0.3f};
      for (uint64_t t = 1; t <= 200; ++t) {
        FillGradients(a);
        optimiser.update(one_, a, Views(a, type, t % 2 == 0), t, step);
        for (size_t i = 0; i < n; ++i) {
          optimiser.rule(states[i],
                         Gradient(a, type, i) * double{step.multiplier}, t);
          ASSERT_NEAR(a.p[i], states[i].p.value, states[i].p.error)
              << "step " << t << " element " << i;
          ASSERT_NEAR(a.m0[i], states[i].moments[0].value,
                      states[i].moments[0].error);
          ASSERT_NEAR(a.m1[i], states[i].moments[1].value,
                      states[i].moments[1].error);
          ASSERT_NEAR(a.m2[i], states[i].moments[2].value,
                      states[i].moments[2].error);
          if (t % 2 == 0) {
            ASSERT_EQ(a.bf[i].bits, ToBf16(a.p[i]).bits);
          } else {
            ASSERT_EQ(a.half[i].bits, ToF16(a.p[i]).bits);
          }
        }
      }
      EXPECT_TRUE(a.Intact());
      // The bound says something.
      EXPECT_LT(states[1].p.error, 1e-2);
    }
  }
}

// Threads and place: each element alone gives the bits that it has in a range.
TEST_P(OptimizerTest, SameBitsAnywhere) {
  for (const Optimiser& optimiser : Optimisers()) {
    for (const size_t n : kSizes) {
      SCOPED_TRACE(testing::Message() << optimiser.name << " " << n);
      Arrays start(n);
      for (float& v : start.p.span()) v = Real();
      FillGradients(start);
      std::vector<float> p, m;
      for (Context* ctx : {&one_, &two_, &seven_}) {
        Arrays a(n);
        std::copy_n(start.p.data(), n, a.p.data());
        std::copy_n(start.g.data(), n, a.g.data());
        for (uint64_t t = 1; t <= 3; ++t) {
          optimiser.update(*ctx, a, Views(a, GradientType::kF32, true), t, {});
        }
        EXPECT_TRUE(a.Intact());
        if (p.empty()) {
          p.assign(a.p.data(), a.p.data() + n);
          m.assign(a.m0.data(), a.m0.data() + n);
        }
        EXPECT_TRUE(test::SameBits(std::span<const float>(a.p.data(), n),
                                   std::span<const float>(p)));
        EXPECT_TRUE(test::SameBits(std::span<const float>(a.m0.data(), n),
                                   std::span<const float>(m)));
      }
      for (size_t i = 0; i < n; i += 1 + n / 7) {
        Arrays a(1);
        a.p[0] = start.p[i];
        a.g[0] = start.g[i];
        for (uint64_t t = 1; t <= 3; ++t) {
          optimiser.update(one_, a, Views(a, GradientType::kF32, true), t, {});
        }
        ASSERT_EQ(a.p[0], p[i]) << i;
      }
    }
  }
}

// A gradient that is not finite anywhere stops the step everywhere.
TEST_P(OptimizerTest, SkippedStepsLeaveEveryBit) {
  for (const Optimiser& optimiser : Optimisers()) {
    const size_t n = 100;
    Arrays a(n), other(3);
    for (float& v : a.p.span()) v = Real();
    FillGradients(a);
    FillGradients(other);
    uint64_t t = 0;
    const auto one_step = [&](bool expected) {
      const ConstAnyMatView gradients[] = {Arrays::Row(a.g),
                                           Arrays::Row(other.g)};
      const GradientStatistics found = FindGradientStatistics(one_, gradients);
      const GradientStep step =
          PlanGradientStep(found, {.loss_scale = 4, .max_norm = 1});
      EXPECT_EQ(!step.skip, expected);
      if (!step.skip) ++t;
      optimiser.update(one_, a, Views(a, GradientType::kF32, true), t, step);
    };
    one_step(true);
    one_step(true);
    for (const float bad : {kNan, kInfinity, -kInfinity}) {
      const std::vector<float> p(a.p.data(), a.p.data() + n);
      const std::vector<float> m0(a.m0.data(), a.m0.data() + n);
      const std::vector<float> m1(a.m1.data(), a.m1.data() + n);
      const std::vector<float> m2(a.m2.data(), a.m2.data() + n);
      std::fill_n(a.bf.data(), n, bf16{0x1234});
      other.g[1] = bad;
      one_step(false);
      EXPECT_EQ(t, 2u);
      const auto same = [&](const GuardedBuffer<float>& now,
                            const std::vector<float>& before) {
        return test::SameBits(now.span(), std::span<const float>(before));
      };
      EXPECT_TRUE(same(a.p, p));
      EXPECT_TRUE(same(a.m0, m0));
      EXPECT_TRUE(same(a.m1, m1));
      EXPECT_TRUE(same(a.m2, m2));
      for (size_t i = 0; i < n; ++i) ASSERT_EQ(a.bf[i].bits, 0x1234);
    }
    other.g[1] = 0;
    one_step(true);
    EXPECT_EQ(t, 3u);
  }
}

TEST_P(OptimizerTest, Statistics) {
  for (const size_t n : kSizes) {
    SCOPED_TRACE(n);
    Arrays a(n);
    FillGradients(a);
    double sum = 0;
    for (size_t i = 0; i < n; ++i) {
      for (const GradientType type :
           {GradientType::kF32, GradientType::kBf16, GradientType::kF16}) {
        sum += std::pow(Gradient(a, type, i), 2);
      }
    }
    const ConstAnyMatView gradients[] = {Arrays::Row(a.g), Arrays::Row(a.g_bf),
                                         MatView<float>(),
                                         Arrays::Row(a.g_half)};
    const GradientStatistics found = FindGradientStatistics(one_, gradients);
    EXPECT_NEAR(found.sum_of_squares, sum,
                (1100 + 3 * static_cast<double>(n)) * 0x1.0p-53 * sum);
    EXPECT_EQ(found.non_finite, 0u);
    for (Context* ctx : {&two_, &seven_}) {
      EXPECT_EQ(FindGradientStatistics(*ctx, gradients).sum_of_squares,
                found.sum_of_squares);
    }
    if (n == 0) continue;
    a.g[n - 1] = kNan;
    a.g_bf[0] = ToBf16(kInfinity);
    a.g_half[n / 2] = ToF16(-kInfinity);
    a.g[n / 2] = kNan;
    for (Context* ctx : {&one_, &seven_}) {
      const GradientStatistics bad = FindGradientStatistics(*ctx, gradients);
      EXPECT_EQ(bad.non_finite, n - 1 == n / 2 ? 3u : 4u);
      EXPECT_FALSE(std::isfinite(bad.sum_of_squares));
      EXPECT_TRUE(PlanGradientStep(bad).skip);
    }
  }
  // No f32 is too large, or too small.
  const float large[] = {3e38f, -3e38f, 1e-45f};
  const ConstAnyMatView row = MatView<const float>(large, 1, 3);
  const GradientStatistics found =
      FindGradientStatistics(one_, std::span(&row, 1));
  EXPECT_EQ(found.non_finite, 0u);
  EXPECT_NEAR(found.sum_of_squares, 1.8e77, 1e71);
}

RANVIER_ON_EVERY_TARGET(OptimizerTest);

TEST(GradientStepTest, ScaleAndClipping) {
  const GradientStatistics found{.sum_of_squares = 64.0 * 64 * 25};
  GradientStep step = PlanGradientStep(found, {.loss_scale = 64});
  EXPECT_FALSE(step.skip);
  EXPECT_EQ(step.norm, 5);
  EXPECT_EQ(step.multiplier, 1.0f / 64);
  step = PlanGradientStep(found, {.loss_scale = 64, .max_norm = 1});
  EXPECT_FLOAT_EQ(step.multiplier, 0.2f / 64);
  step = PlanGradientStep(found, {.loss_scale = 64, .max_norm = 10});
  EXPECT_EQ(step.multiplier, 1.0f / 64);
  step = PlanGradientStep({}, {.max_norm = 1});
  EXPECT_EQ(step.multiplier, 1);
  for (const double bad : {0.0, -1.0, HUGE_VAL, std::nan("")}) {
    EXPECT_THROW(PlanGradientStep(found, {.loss_scale = bad}),
                 std::invalid_argument);
  }
  for (const double bad : {-1.0, std::nan("")}) {
    EXPECT_THROW(PlanGradientStep(found, {.max_norm = bad}),
                 std::invalid_argument);
  }
}

TEST(OptimizerChecks, Arguments) {
  Context ctx({.threads = 1});
  std::vector<float> x(12), y(12), z(12), m(12), v(12);
  std::vector<bf16> copy(12);
  std::vector<int8_t> q(12);
  const MatView<float> p(x.data(), 3, 4), g(y.data(), 3, 4),
      m34(m.data(), 3, 4), v34(v.data(), 3, 4);
  const auto adam = [&](const ParameterViews& views, MatView<float> first,
                        MatView<float> second, uint64_t t,
                        const AdamWOptions& options) {
    UpdateAdamW(ctx, views, first, second, t, options);
  };
  const ParameterViews views{p, g};
  adam(views, m34, v34, 1, {});
  EXPECT_THROW(adam(views, m34, v34, 0, {}), std::invalid_argument);
  EXPECT_THROW(adam(views, m34, {}, 1, {}), ShapeError);
  EXPECT_THROW(adam(views, MatView<float>(m.data(), 4, 3), v34, 1, {}),
               ShapeError);
  EXPECT_THROW(adam({p, MatView<float>(y.data(), 4, 3)}, m34, v34, 1, {}),
               ShapeError);
  EXPECT_THROW(adam({p, MatView<int8_t>(q.data(), 3, 4)}, m34, v34, 1, {}),
               std::invalid_argument);
  EXPECT_THROW(adam({p, g, MatView<float>(z.data(), 3, 4)}, m34, v34, 1, {}),
               std::invalid_argument);
  EXPECT_THROW(adam({p, g, MatView<bf16>(copy.data(), 4, 3)}, m34, v34, 1, {}),
               ShapeError);
  EXPECT_THROW(adam({p, g.Transposed()}, m34, v34, 1, {}), ShapeError);
  EXPECT_THROW(adam({p, MatView<float>(y.data(), 3, 4, 1, 3)}, m34, v34, 1, {}),
               std::invalid_argument);
  EXPECT_THROW(adam(views, m34, v34, 1, {.beta1 = 1}), std::invalid_argument);
  EXPECT_THROW(adam(views, m34, v34, 1, {.beta2 = -0.1}),
               std::invalid_argument);
  EXPECT_THROW(adam(views, m34, v34, 1, {.learning_rate = kNan}),
               std::invalid_argument);
  UpdateSgd(ctx, views, {}, {});
  EXPECT_THROW(UpdateSgd(ctx, views, {}, {.momentum = 0.9}), ShapeError);
  EXPECT_THROW(UpdateSgd(ctx, views, m34, {.nesterov = true}),
               std::invalid_argument);
  UpdateRmsProp(ctx, views, m34, {}, {}, {});
  EXPECT_THROW(UpdateRmsProp(ctx, views, {}, {}, {}, {}), ShapeError);
  EXPECT_THROW(UpdateRmsProp(ctx, views, m34, {}, {}, {.momentum = 0.9}),
               ShapeError);
  EXPECT_THROW(UpdateRmsProp(ctx, views, m34, {}, {}, {.alpha = 1}),
               std::invalid_argument);
  const ConstAnyMatView bad[] = {MatView<int8_t>(q.data(), 3, 4)};
  EXPECT_THROW(FindGradientStatistics(ctx, bad), std::invalid_argument);
  const ConstAnyMatView gaps[] = {MatView<float>(y.data(), 3, 2, 4)};
  EXPECT_THROW(FindGradientStatistics(ctx, gaps), std::invalid_argument);
}

}  // namespace
}  // namespace ranvier
