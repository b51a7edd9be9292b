#include "ranvier/spiking/lif_model.h"

#include <cmath>
#include <sstream>
#include <stdexcept>

namespace ranvier {
namespace {

[[noreturn]] void Refuse(const char* name, double value, const char* range) {
  std::ostringstream message;
  message << "LIF model: " << name << " is " << value << "; it must be "
          << range;
  throw std::invalid_argument(message.str());
}

void CheckPositive(const char* name, double value) {
  if (!(value > 0) || !std::isfinite(value)) {
    Refuse(name, value, "finite and above 0");
  }
}

void CheckFinite(const char* name, double value) {
  if (!std::isfinite(value)) Refuse(name, value, "finite");
}

}  // namespace

int64_t RefractorySteps(double refractory_ms, double dt_ms) {
  // In seconds and with Brian2's allowance of a thousandth of a step, so that
  // 2.2 ms is 22 steps although 2.2 / 0.1 is a little less than 22.
  const double dt = dt_ms * 0.001;
  return static_cast<int64_t>((refractory_ms * 0.001 + 1e-3 * dt) / dt);
}

int64_t DelaySteps(double delay_ms, double dt_ms) {
  return static_cast<int64_t>(delay_ms / dt_ms + 0.5);
}

void CheckModel(const LifModel& model) {
  CheckPositive("dt_ms", model.dt_ms);
  CheckFinite("v_rest_mV", model.v_rest_mV);
  CheckFinite("v_reset_mV", model.v_reset_mV);
  CheckFinite("v_threshold_mV", model.v_threshold_mV);
  CheckPositive("tau_m_ms", model.tau_m_ms);
  CheckPositive("tau_s_ms", model.tau_s_ms);
  CheckFinite("w_syn_mV", model.w_syn_mV);
  CheckFinite("kick_mV", model.kick_mV);
  // Within one step e^(-dt / tau) must stay a number one can divide by.
  if (model.dt_ms > 50 * model.tau_m_ms) {
    Refuse("tau_m_ms", model.tau_m_ms, "at least dt_ms / 50");
  }
  if (model.dt_ms > 50 * model.tau_s_ms) {
    Refuse("tau_s_ms", model.tau_s_ms, "at least dt_ms / 50");
  }
  constexpr double kMaxSteps = 1e6;
  for (const auto& [name, value] :
       {std::pair{"refractory_ms", model.refractory_ms},
        std::pair{"driven_refractory_ms", model.driven_refractory_ms}}) {
    if (!(value >= 0) || !(value / model.dt_ms <= kMaxSteps)) {
      Refuse(name, value, "from 0 to a million steps");
    }
  }
  if (!(model.v_reset_mV <= model.v_threshold_mV)) {
    Refuse("v_reset_mV", model.v_reset_mV, "at or below v_threshold_mV");
  }
}

}  // namespace ranvier
