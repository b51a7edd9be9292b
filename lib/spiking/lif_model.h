#pragma once

#include <cstdint>

#include "ranvier/simd/base/export.h"

namespace ranvier {

// Leaky integrate-and-fire with an exponential synapse:
//   dv/dt = (v_rest - v + g) / tau_m      dg/dt = -g / tau_s
// both frozen while refractory; spike when v > threshold (strictly).
//
// Defaults are those of Shiu et al. 2024 for the fly brain.
struct LifModel {
  double dt_ms = 0.1;
  double v_rest_mV = -52.0;
  double v_reset_mV = -52.0;
  double v_threshold_mV = -45.0;
  double tau_m_ms = 20.0;
  double tau_s_ms = 5.0;
  double refractory_ms = 2.2;       // truncated to whole steps
  double driven_refractory_ms = 0;  // of neurons driven by kicks
  double w_syn_mV = 0.275;          // jump of g per unit of weight
  double kick_mV = 68.75;           // jump of v per input event

  bool operator==(const LifModel&) const = default;
};

// Steps as Brian2 counts them: a refractory time is truncated (2.19 ms is 21
// steps of 0.1 ms), a delay rounds to the nearest step (1.86 ms is 19).
RANVIER_API int64_t RefractorySteps(double refractory_ms, double dt_ms);
RANVIER_API int64_t DelaySteps(double delay_ms, double dt_ms);

// Throws std::invalid_argument naming the parameter, its value and its range.
RANVIER_API void CheckModel(const LifModel& model);

}  // namespace ranvier
