#include "ranvier/parallel/lif_frame.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ranvier::parallel {
namespace {

// e^64 = 6e27: with weights and state up to 1e6 nothing comes near the ends of
// double's range, and a frame of the fly model lasts 3200 steps.
constexpr double kMaxExponent = 64;

// (e^-p - e^-q) / (q - p), also where p and q are equal.
double DividedDifference(double p, double q) {
  const double gap = q - p;
  if (gap == 0) return std::exp(-p);
  return std::exp(-p) * -std::expm1(-gap) / gap;
}

}  // namespace

LifFrame::LifFrame(const LifParameters& parameters) : parameters_(parameters) {
  const double pm = parameters.dt_over_tau_m;
  const double ps = parameters.dt_over_tau_s;
  near_equal_ = std::abs(pm - ps) < 1e-3 * std::max(pm, ps);
  length_ =
      std::max<int64_t>(1, static_cast<int64_t>(std::min(
                               kMaxExponent / std::max(pm, ps), 100'000.0)));

  // tau_s / (tau_m - tau_s) in terms of the rates.
  kappa_ = near_equal_ ? 0 : pm / (ps - pm);
  if (near_equal_) {
    peak_response_ = 1.001 * std::exp(-1.0);  // of equal time constants
  } else {
    const double peak_steps = std::log(ps / pm) / (ps - pm);
    peak_response_ = std::exp(-ps * peak_steps);
  }
  silent_below_ = CanSleep() ? parameters.theta_mV -
                                   1e-9 * std::max(parameters.theta_mV, 1e-3)
                             : -std::numeric_limits<double>::infinity();
  g_cap_ = silent_below_;
  if (CanSleep() && silent_below_ > 0) {
    g_cap_ = silent_below_ / peak_response_;
    line_u_ = (1 - peak_response_) / silent_below_;
    line_g_ = peak_response_ / silent_below_;
  }

  const double decay_m = std::exp(-pm);
  const double decay_s = std::exp(-ps);
  const size_t size = static_cast<size_t>(length_) + 1;
  x_.resize(size);
  y_.resize(size);
  z_.resize(size);
  a_.resize(size);
  b_.resize(size);
  kick_a_.resize(size);
  double em = 1;  // decay_m ^ k
  double es = 1;
  for (size_t k = 0; k < size; ++k) {
    x_[k] = em;
    kick_a_[k] = parameters.kick_mV / em;
    if (near_equal_) {
      // u(k) after g = 1 at k = 0, the limit of kappa (em - es).
      const double steps = static_cast<double>(k);
      const double response =
          pm * steps * DividedDifference(pm * steps, ps * steps);
      y_[k] = response;
      z_[k] = es;
      a_[k] = -parameters.w_syn_mV * response / (em * es);
      b_[k] = parameters.w_syn_mV / es;
    } else {
      const double size_of_kappa = std::abs(kappa_);  // keeps z positive
      y_[k] = kappa_ > 0 ? -es : es;
      z_[k] = es / size_of_kappa;
      a_[k] = parameters.w_syn_mV * kappa_ / em;
      b_[k] = parameters.w_syn_mV * size_of_kappa / es;
    }
    em *= decay_m;
    es *= decay_s;
  }
}

LifFrame::Move LifFrame::MoveTo(int64_t k) const {
  if (near_equal_) return {x_[k], y_[k], z_[k]};
  return {x_[k], 0, z_[k] / z_[0]};
}

bool LifFrame::Silent(double u, double g) const {
  const double below = silent_below_;
  if (!(u <= below)) return false;
  // u moves towards g, which only falls.
  if (g <= below || u >= g) return true;
  if (g <= g_cap_ && line_u_ * u + line_g_ * g <= 1) return true;
  if (near_equal_) return false;
  // The peak of u is where u meets g. There u + kappa g, which decays with
  // tau_m alone, is (1 + kappa) times the peak, which gives its height.
  const double p = u + kappa_ * g;
  if (kappa_ > 0 && p <= 0) return true;
  const double ratio = (1 + kappa_) * g / p;
  return g * std::pow(ratio, -(1 + kappa_)) <= below;
}

}  // namespace ranvier::parallel
