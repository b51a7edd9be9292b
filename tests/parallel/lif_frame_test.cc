#include "ranvier/parallel/lif_frame.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace ranvier::parallel {
namespace {

struct TimeConstants {
  double tau_m_ms, tau_s_ms;
};

constexpr double kTheta = 7;

LifParameters Parameters(TimeConstants tau) {
  return {.dt_over_tau_m = 0.1 / tau.tau_m_ms,
          .dt_over_tau_s = 0.1 / tau.tau_s_ms,
          .theta_mV = kTheta,
          .w_syn_mV = 0.275,
          .kick_mV = 68.75,
          .delay_steps = 18};
}

// u after `time_ms` without input, from the closed solution; the series of the
// difference where the time constants are equal.
double Later(TimeConstants tau, double u, double g, double time_ms) {
  const double p = time_ms / tau.tau_m_ms;
  const double q = time_ms / tau.tau_s_ms;
  const double response = p == q
                              ? p * std::exp(-p)
                              : p * std::exp(-p) * -std::expm1(p - q) / (q - p);
  return u * std::exp(-p) + g * response;
}

// Largest u from now on, over all times and not steps alone.
double Peak(TimeConstants tau, double u, double g) {
  const double end = 12 * std::max(tau.tau_m_ms, tau.tau_s_ms);
  double best = u;
  double best_at = 0;
  constexpr int kSamples = 2000;
  for (int i = 0; i <= kSamples; ++i) {
    const double at = end * i / kSamples;
    const double value = Later(tau, u, g, at);
    if (value > best) {
      best = value;
      best_at = at;
    }
  }
  double low = std::max(0.0, best_at - end / kSamples);
  double high = best_at + end / kSamples;
  for (int i = 0; i < 60; ++i) {  // one peak: the bracket shrinks by a third
    const double a = low + (high - low) / 3;
    const double b = high - (high - low) / 3;
    (Later(tau, u, g, a) < Later(tau, u, g, b) ? low : high) =
        Later(tau, u, g, a) < Later(tau, u, g, b) ? a : b;
  }
  return std::max(best, Later(tau, u, g, low));
}

class LifFrameTest : public testing::TestWithParam<TimeConstants> {};

// States scaled so that their peak is at 1 - 1e-7 and 1 + 1e-7 of threshold:
// the exact test must tell them apart, the lines may only err towards waking.
TEST_P(LifFrameTest, SilentIsExactAndTheLinesAreSafe) {
  const TimeConstants tau = GetParam();
  const LifFrame frame(Parameters(tau));
  const bool exact = std::abs(tau.tau_m_ms - tau.tau_s_ms) > 0.1;
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(0, 1);
  int under_lines = 0;
  for (int i = 0; i < 400; ++i) {
    double u = 30 * uniform(random) - 20;
    double g = 120 * uniform(random);
    const double peak = Peak(tau, u, g);
    if (peak <= 0) continue;
    const double scale = kTheta / peak;
    for (const double nudge : {1 - 1e-7, 1 + 1e-7, 0.9}) {
      const double un = u * scale * nudge;
      const double gn = g * scale * nudge;
      const bool crosses = nudge > 1;
      if (exact || crosses) {
        EXPECT_EQ(frame.Silent(un, gn), !crosses) << un << " " << gn;
      }
      const int64_t k = i % (frame.length() + 1);
      const simd::LifMoment moment = frame.At(k);
      const bool below = un <= moment.silent_below && gn <= moment.g_cap &&
                         moment.line_u * un + moment.line_g * gn <= 1;
      EXPECT_FALSE(below && crosses) << un << " " << gn;
      under_lines += below ? 1 : 0;
      // The row kernel's form of the same lines, in the frame's own numbers.
      const simd::RowUpdate row = frame.ArrivalAt(k);
      const double a = frame.StateA(k, un, gn);
      const double b = frame.StateB(k, gn);
      if (crosses && un <= kTheta) {
        EXPECT_TRUE(b > row.cap || a * row.line_a + b * row.line_b > 1)
            << un << " " << gn;
      }
    }
  }
  EXPECT_GT(under_lines, 50) << "the lines prove next to nothing";
}

// Moving the base changes the numbers, not what they mean.
TEST_P(LifFrameTest, StateSurvivesAMove) {
  const LifFrame frame(Parameters(GetParam()));
  const int64_t k = frame.length() / 2;
  const double a = frame.StateA(3, 2.5, 11.0);
  const double b = frame.StateB(3, 11.0);
  const simd::LifMoment before = frame.At(k);
  const LifFrame::Move move = frame.MoveTo(k);
  const double moved_a = a * move.aa + b * move.ab;
  const double moved_b = b * move.bb;
  const simd::LifMoment after = frame.At(0);
  const double bound = 1e4 * 0x1.0p-53 * 11;
  EXPECT_NEAR(moved_a * after.x + moved_b * after.y,
              a * before.x + b * before.y, bound);
  EXPECT_NEAR(moved_b * after.z, b * before.z, bound);
}

INSTANTIATE_TEST_SUITE_P(
    Ratios, LifFrameTest,
    testing::Values(TimeConstants{20, 5}, TimeConstants{20, 6.7},
                    TimeConstants{10, 9}, TimeConstants{20, 20},
                    TimeConstants{20, 20.001}, TimeConstants{20, 45},
                    TimeConstants{20, 0.4}, TimeConstants{5, 20}));

}  // namespace
}  // namespace ranvier::parallel
