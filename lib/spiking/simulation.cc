#include "ranvier/spiking/simulation.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "ranvier/parallel/spiking.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/simd/targets.h"
#include "ranvier/spiking/poisson_source.h"

namespace ranvier {
namespace {

// Edges into neurons that hear nothing get weight zero.
template <typename T>
std::vector<T> Deafened(std::span<const T> weight,
                        std::span<const uint32_t> col,
                        const std::vector<uint8_t>& deaf) {
  std::vector<T> copy(weight.begin(), weight.end());
  for (size_t e = 0; e < copy.size(); ++e) {
    if (deaf[col[e]] != 0) copy[e] = 0;
  }
  return copy;
}

void CheckNetwork(const Connectome& connectome, const LifModel& model) {
  const int64_t delay = DelaySteps(connectome.delay_ms(), model.dt_ms);
  if (delay < 1 || delay > 1'000'000) {
    throw std::invalid_argument(
        "simulation: the delay of " + std::to_string(connectome.delay_ms()) +
        " ms is " + std::to_string(delay) + " steps of " +
        std::to_string(model.dt_ms) +
        " ms; it must be from 1 to 1000000 steps: choose another dt or delay");
  }
}

}  // namespace

struct Simulation::Impl {
  Impl(Context& context, const Connectome& network, const LifModel& model,
       const Protocol& protocol, uint32_t trial);

  Context& ctx;
  Connectome connectome;  // keeps the arrays alive
  LifModel model;
  KickSource kicks;
  // Copy of the weights, where some neurons are cut off from their inputs.
  std::variant<std::vector<int16_t>, std::vector<int32_t>, std::vector<float>>
      weight_copy;
  std::vector<uint32_t> probes;
  std::unique_ptr<parallel::SpikingEngine> engine;
  mutable std::vector<VoltageTrace> traces;
};

Simulation::Impl::Impl(Context& context, const Connectome& network,
                       const LifModel& lif, const Protocol& protocol,
                       uint32_t trial)
    : ctx(context),
      connectome(network),
      model(lif),
      kicks(protocol, lif.dt_ms, context.seed(), trial),
      probes(protocol.record_voltage) {
  const size_t neurons = connectome.neurons();
  const auto default_steps =
      static_cast<int32_t>(RefractorySteps(model.refractory_ms, model.dt_ms));
  const auto driven_steps = static_cast<int32_t>(
      RefractorySteps(model.driven_refractory_ms, model.dt_ms));

  parallel::NeuronSettings settings;
  settings.refractory_steps.assign(neurons, default_steps);
  for (const PoissonDrive& drive : protocol.drives) {
    settings.refractory_steps[drive.neuron] = driven_steps;
  }
  for (const Kick& kick : protocol.kicks) {
    settings.refractory_steps[kick.neuron] = driven_steps;
  }
  for (const auto& [neuron, refractory_ms] : protocol.refractory_ms) {
    settings.refractory_steps[neuron] =
        static_cast<int32_t>(RefractorySteps(refractory_ms, model.dt_ms));
  }

  static constexpr uint64_t kNoRows[] = {0};  // of a Connectome without neurons
  parallel::SynapseView synapses{connectome.row_ptr().empty()
                                     ? std::span<const uint64_t>(kNoRows)
                                     : connectome.row_ptr(),
                                 connectome.col(), connectome.weight()};
  std::vector<uint8_t> deaf;
  for (const Silence& silence : protocol.silences) {
    settings.muted.resize(neurons);
    settings.muted[silence.neuron] = 1;
    if (silence.kind == SilenceKind::kBoth) {
      deaf.resize(neurons);
      deaf[silence.neuron] = 1;
    }
  }
  if (!deaf.empty()) {
    std::visit(
        [&](auto span) {
          auto copy = Deafened(span, connectome.col(), deaf);
          synapses.weight = decltype(span)(copy);  // the heap block moves along
          weight_copy = std::move(copy);
        },
        connectome.weight());
  }

  const parallel::LifParameters parameters{
      .dt_over_tau_m = model.dt_ms / model.tau_m_ms,
      .dt_over_tau_s = model.dt_ms / model.tau_s_ms,
      .theta_mV = model.v_threshold_mV - model.v_rest_mV,
      .reset_mV = model.v_reset_mV - model.v_rest_mV,
      .w_syn_mV = model.w_syn_mV,
      .kick_mV = model.kick_mV,
      .delay_steps = DelaySteps(connectome.delay_ms(), model.dt_ms),
  };
  engine = std::make_unique<parallel::SpikingEngine>(ctx, synapses, parameters,
                                                     std::move(settings));

  std::vector<std::pair<uint32_t, std::pair<double, double>>> initial;
  for (const auto& [neuron, v] : protocol.v_init_mV) {
    initial.push_back({neuron, {v - model.v_rest_mV, 0}});
  }
  for (const auto& [neuron, g] : protocol.g_init_mV) {
    const auto same = std::find_if(
        initial.begin(), initial.end(),
        [n = neuron](const auto& entry) { return entry.first == n; });
    if (same != initial.end()) {
      same->second.second = g;
    } else {
      initial.push_back({neuron, {0, g}});
    }
  }
  for (const auto& [neuron, state] : initial) {
    engine->SetState(neuron, state.first, state.second);
  }
  for (const uint32_t neuron : probes) engine->Probe(neuron);
}

Simulation::Simulation(Context& ctx, const Connectome& connectome,
                       const LifModel& model, const Protocol& protocol,
                       uint32_t trial) {
  if (const std::string error = simd::TargetEnvironmentError();
      !error.empty()) {
    throw std::invalid_argument(error);
  }
  CheckModel(model);
  CheckNetwork(connectome, model);
  CheckProtocol(protocol, connectome.neurons(), model.dt_ms);
  impl_ = std::make_unique<Impl>(ctx, connectome, model, protocol, trial);
}

Simulation::~Simulation() = default;
Simulation::Simulation(Simulation&&) noexcept = default;
Simulation& Simulation::operator=(Simulation&&) noexcept = default;

int64_t Simulation::Run(int64_t steps) {
  parallel::SpikingEngine& engine = *impl_->engine;
  const int64_t begin = engine.steps();
  if (steps < 0 || begin + steps > int64_t{1} << 32) {
    throw std::invalid_argument("simulation: " + std::to_string(steps) +
                                " more steps after " + std::to_string(begin) +
                                "; a run has from 0 to 2^32 steps");
  }
  const int64_t end = begin + steps;
  // Often enough for a smooth bar, seldom enough to cost nothing.
  const int64_t report_every = std::max<int64_t>(1, steps / 200);
  int64_t next_report = begin + report_every;
  while (engine.steps() < end && !impl_->ctx.cancelled()) {
    const int64_t now = engine.steps();
    const int64_t count = std::min(engine.max_window(), end - now);
    engine.RunWindow(count, impl_->kicks.Next(now, now + count));
    if (engine.steps() >= next_report) {
      next_report += report_every;
      impl_->ctx.ReportProgress(static_cast<double>(engine.steps() - begin) /
                                static_cast<double>(steps));
    }
  }
  return engine.steps() - begin;
}

int64_t Simulation::steps() const { return impl_->engine->steps(); }

const std::vector<Spike>& Simulation::spikes() const {
  return impl_->engine->spikes();
}

uint64_t Simulation::synaptic_events() const {
  return impl_->engine->synaptic_events();
}

const std::vector<VoltageTrace>& Simulation::traces() const {
  std::vector<VoltageTrace>& traces = impl_->traces;
  traces.resize(impl_->probes.size());
  for (size_t i = 0; i < traces.size(); ++i) {
    const auto& recorded = impl_->engine->ProbeTrace(i);
    traces[i].neuron = impl_->probes[i];
    for (size_t s = traces[i].v_mV.size(); s < recorded.size(); ++s) {
      traces[i].v_mV.push_back(recorded[s].u_mV + impl_->model.v_rest_mV);
      traces[i].g_mV.push_back(recorded[s].g_mV);
    }
  }
  return traces;
}

void Simulation::ReadState(std::span<double> v_mV,
                           std::span<double> g_mV) const {
  const size_t neurons = impl_->connectome.neurons();
  if (v_mV.size() != neurons || g_mV.size() != neurons) {
    throw ShapeError("ReadState: v_mV has " + std::to_string(v_mV.size()) +
                     " and g_mV " + std::to_string(g_mV.size()) +
                     " entries; both need one for each of " +
                     std::to_string(neurons) + " neurons");
  }
  for (size_t i = 0; i < neurons; ++i) {
    const auto state = impl_->engine->StateOf(static_cast<uint32_t>(i));
    v_mV[i] = state.u_mV + impl_->model.v_rest_mV;
    g_mV[i] = state.g_mV;
  }
}

size_t EstimateSimulationBytes(size_t neurons, int threads, size_t spikes) {
  const size_t owners = static_cast<size_t>(std::max(threads, 1));
  const size_t state = neurons * (2 * sizeof(double) + sizeof(uint8_t));
  const size_t settings = neurons * (sizeof(int32_t) + sizeof(uint8_t));
  const size_t split = (owners + 1) * neurons * sizeof(uint64_t);
  // Awake, spiking and silent lists when every neuron is awake.
  const size_t lists = 3 * neurons * sizeof(uint64_t);
  // Vectors grow by doubling: while they move, three times their contents.
  return state + settings + split + lists + 3 * spikes * sizeof(Spike);
}

}  // namespace ranvier
