#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ranvier/simd/lif.h"
#include "ranvier/simd/synapse.h"

namespace ranvier::parallel {

// The leaky integrate-and-fire neuron with everything relative to rest (u is v
// - v_rest) and times in units of the step.
struct LifParameters {
  double dt_over_tau_m = 0;
  double dt_over_tau_s = 0;
  double theta_mV = 0;  // spike when u > theta
  double reset_mV = 0;  // u after a spike
  double w_syn_mV = 0;  // jump of g per unit of weight
  double kick_mV = 0;   // jump of u per input event
  int64_t delay_steps = 1;
};

// A running frame in which a sleeping neuron's state does not change.
//
// u and g are carried by two numbers A and B with
//   u(k) = A x(k) + B y(k),  g(k) = B z(k),  z > 0,
// k steps after the frame's base. Between inputs A and B are constant: nothing
// decays, nothing is stepped. An input of weight w at the end of a step adds
// (w a(k), w b(k)); a kick adds kick_a(k) to A. The functions are tables of
// repeated products, so they are the same on every machine that agrees on four
// exponentials.
//
// With kappa = tau_s / (tau_m - tau_s), u + kappa g decays with tau_m alone and
// kappa g with tau_s alone; these are the two numbers. Where the time constants
// are closer than one in a thousand kappa would cost digits; there A is u as if
// g had been zero, B is g, and y is the response of u to g.
//
// Who is silent. The peak of u over time is a maximum of linear functions of
// (u, g), so the states whose peak stays at or below theta are a convex set. It
// holds (0, theta / m), with m the peak of u after g = 1 at rest, and (theta,
// theta), where u only falls; less of either is silent too. So everything with
// u <= theta, g <= theta / m and below the line through those two points is
// silent: three comparisons, for any time constants. What lies above them is
// decided exactly by Silent.
class LifFrame {
 public:
  explicit LifFrame(const LifParameters& parameters);

  // How many steps fit before the frame must be moved.
  int64_t length() const { return length_; }

  simd::LifMoment At(int64_t k) const {
    return {x_[k],         y_[k],  z_[k],   parameters_.theta_mV,
            silent_below_, g_cap_, line_u_, line_g_};
  }
  simd::RowUpdate ArrivalAt(int64_t k) const {
    return {a_[k], b_[k], g_cap_ / z_[k], line_u_ * x_[k],
            line_u_ * y_[k] + line_g_ * z_[k]};
  }
  double KickA(int64_t k) const { return kick_a_[k]; }
  // A and B of a neuron with the given u and g, mV.
  double StateA(int64_t k, double u, double g) const {
    return (u - g / z_[k] * y_[k]) / x_[k];
  }
  double StateB(int64_t k, double g) const { return g / z_[k]; }
  // Factors for simd::RebaseState that make k the new base.
  struct Move {
    double aa, ab, bb;
  };
  Move MoveTo(int64_t k) const;

  // True if u cannot cross theta again without new input. Exact but for a
  // margin of 1e-9 theta; a wrong "false" costs time, never correctness.
  bool Silent(double u, double g) const;

  // False if rest itself is above threshold: then no neuron ever sleeps.
  bool CanSleep() const { return parameters_.theta_mV >= 0; }

  const LifParameters& parameters() const { return parameters_; }

 private:
  LifParameters parameters_;
  bool near_equal_ = false;
  double kappa_ = 0;
  double peak_response_ = 0;  // max over time of u after g = 1 at rest
  double silent_below_ = 0;
  double g_cap_ = 0;
  double line_u_ = 0, line_g_ = 0;
  int64_t length_ = 0;
  std::vector<double> x_, y_, z_, a_, b_, kick_a_;
};

}  // namespace ranvier::parallel
