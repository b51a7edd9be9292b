#include "tests/reference/lif_reference.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace ranvier::test {

ReferenceResult SimulateReference(const Connectome& connectome,
                                  const LifModel& model,
                                  const Protocol& protocol, int64_t steps) {
  const size_t n = connectome.neurons();
  const double es = std::exp(-model.dt_ms / model.tau_s_ms);
  const double em = std::exp(-model.dt_ms / model.tau_m_ms);
  const double tm = model.tau_m_ms;
  const double ts = model.tau_s_ms;
  // (es - em) ts / (ts - tm), without losing digits where ts is nearly tm.
  const double gap = model.dt_ms / ts - model.dt_ms / tm;
  const double ems = gap == 0 ? model.dt_ms / tm * em
                              : model.dt_ms / tm * em * -std::expm1(-gap) / gap;
  const int64_t delay = DelaySteps(connectome.delay_ms(), model.dt_ms);

  std::vector<int64_t> refractory(
      n, RefractorySteps(model.refractory_ms, model.dt_ms));
  std::map<int64_t, std::vector<uint32_t>> kicks;
  for (const Kick& kick : protocol.kicks) {
    kicks[kick.step].push_back(kick.neuron);
    refractory[kick.neuron] =
        RefractorySteps(model.driven_refractory_ms, model.dt_ms);
  }
  for (const auto& [neuron, ms] : protocol.refractory_ms) {
    refractory[neuron] = RefractorySteps(ms, model.dt_ms);
  }
  std::set<uint32_t> muted, deaf;
  for (const Silence& silence : protocol.silences) {
    muted.insert(silence.neuron);
    if (silence.kind == SilenceKind::kBoth) deaf.insert(silence.neuron);
  }

  std::vector<double> v(n, model.v_rest_mV);
  std::vector<double> g(n, 0.0);
  for (const auto& [neuron, value] : protocol.v_init_mV) v[neuron] = value;
  for (const auto& [neuron, value] : protocol.g_init_mV) g[neuron] = value;
  std::vector<int64_t> last(n, -1'000'000'000);
  std::vector<uint8_t> free(n);
  std::vector<std::vector<uint32_t>> fired(static_cast<size_t>(delay) + 1);

  ReferenceResult result;
  for (const uint32_t neuron : protocol.record_voltage) {
    result.traces.push_back({neuron, {}, {}});
  }
  for (int64_t s = 0; s < steps; ++s) {
    std::vector<uint32_t>& spikes = fired[static_cast<size_t>(s % (delay + 1))];
    spikes.clear();
    for (uint32_t i = 0; i < n; ++i) {
      free[i] = s - last[i] >= refractory[i];
      if (!free[i]) continue;
      v[i] = model.v_rest_mV + em * (v[i] - model.v_rest_mV) + ems * g[i];
      g[i] = es * g[i];
      if (v[i] > model.v_threshold_mV) {
        spikes.push_back(i);
        last[i] = s;
        free[i] = 0;
        result.spikes.push_back({static_cast<uint32_t>(s), i});
      }
    }
    if (s >= delay) {
      for (const uint32_t pre :
           fired[static_cast<size_t>((s - delay) % (delay + 1))]) {
        if (muted.count(pre) != 0) continue;
        for (uint64_t e = connectome.row_ptr()[pre];
             e < connectome.row_ptr()[pre + 1]; ++e) {
          const uint32_t post = connectome.col()[e];
          if (free[post] && deaf.count(post) == 0) {
            g[post] += connectome.WeightOf(e) * model.w_syn_mV;
          }
        }
      }
    }
    if (const auto now = kicks.find(s); now != kicks.end()) {
      for (const uint32_t i : now->second) {
        if (free[i]) v[i] += model.kick_mV;
      }
    }
    for (const uint32_t i : spikes) {
      v[i] = model.v_reset_mV;
      g[i] = 0;
    }
    for (VoltageTrace& trace : result.traces) {
      trace.v_mV.push_back(v[trace.neuron]);
      trace.g_mV.push_back(g[trace.neuron]);
    }
  }
  result.v_mV = std::move(v);
  result.g_mV = std::move(g);
  return result;
}

}  // namespace ranvier::test
