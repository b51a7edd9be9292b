#include "bench/spiking/dense_peer.h"

#include <algorithm>
#include <cmath>
#include <variant>

namespace ranvier::bench {

std::vector<SpikeEvent> SimulateDense(const Connectome& connectome,
                                      const LifModel& model,
                                      std::span<const uint32_t> driven,
                                      std::span<const SpikeEvent> kicks,
                                      int64_t steps) {
  const size_t n = connectome.neurons();
  const double em = std::exp(-model.dt_ms / model.tau_m_ms);
  const double es = std::exp(-model.dt_ms / model.tau_s_ms);
  const double ems =
      (em - es) * model.tau_s_ms / (model.tau_m_ms - model.tau_s_ms);
  const double theta = model.v_threshold_mV - model.v_rest_mV;
  const double reset = model.v_reset_mV - model.v_rest_mV;
  const int64_t delay = DelaySteps(connectome.delay_ms(), model.dt_ms);

  std::vector<int64_t> refractory(
      n, RefractorySteps(model.refractory_ms, model.dt_ms));
  for (const uint32_t neuron : driven) {
    refractory[neuron] =
        RefractorySteps(model.driven_refractory_ms, model.dt_ms);
  }
  std::vector<double> u(n, 0.0), g(n, 0.0);
  std::vector<int64_t> free_from(n, 0);  // step at which the neuron moves again
  std::vector<uint8_t> crosses(n, 0);
  std::vector<SpikeEvent> spikes;
  std::vector<size_t> step_begin(1, 0);
  auto kick = kicks.begin();
  for (int64_t s = 0; s < steps; ++s) {
    for (size_t i = 0; i < n; ++i) {
      const bool free = s >= free_from[i];
      const double moved = em * u[i] + ems * g[i];
      u[i] = free ? moved : u[i];
      g[i] = free ? es * g[i] : g[i];
      crosses[i] = free && u[i] > theta;
    }
    for (size_t i = 0; i < n; ++i) {
      if (crosses[i] == 0) continue;
      spikes.push_back({static_cast<uint32_t>(s), static_cast<uint32_t>(i)});
      free_from[i] = s + std::max<int64_t>(1, refractory[i]);
      u[i] = reset;
      g[i] = 0;
    }
    step_begin.push_back(spikes.size());
    if (s >= delay) {
      std::visit(
          [&](const auto& weight) {
            for (size_t k = step_begin[static_cast<size_t>(s - delay)];
                 k < step_begin[static_cast<size_t>(s - delay) + 1]; ++k) {
              const uint32_t pre = spikes[k].neuron;
              for (uint64_t e = connectome.row_ptr()[pre];
                   e < connectome.row_ptr()[pre + 1]; ++e) {
                const uint32_t post = connectome.col()[e];
                if (s >= free_from[post]) {
                  g[post] += static_cast<double>(weight[e]) * model.w_syn_mV;
                }
              }
            }
          },
          connectome.weight());
    }
    for (; kick != kicks.end() && kick->step == s; ++kick) {
      if (s >= free_from[kick->neuron]) u[kick->neuron] += model.kick_mV;
    }
  }
  return spikes;
}

}  // namespace ranvier::bench
