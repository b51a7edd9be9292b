// Whole-brain simulation of the synthetic twin: the feeding experiment, and 1
// Hz and 10 Hz of kicks imposed on every neuron.
//
// Counters: real_time_factor is biological over wall time; events_per_s are
// synaptic deliveries; spikes is the number of the run, equal on both sides.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "ranvier/parallel/context.h"
#include "ranvier/spiking/poisson_source.h"
#include "ranvier/spiking/simulation.h"
#include "ranvier/spiking/twin.h"

#include "bench/spiking/dense_peer.h"
#include "bench/util/rows.h"

namespace ranvier::bench {
namespace {

struct Experiment {
  std::string name;
  Protocol protocol;
  int64_t steps = 0;
};

const Twin& TheTwin() {
  static const Twin twin = [] {
    Context ctx;
    return MakeTwin(ctx);
  }();
  return twin;
}

Experiment Feeding() {
  Experiment experiment{"feeding_200Hz_1s", {}, 10'000};
  for (const uint32_t neuron : TheTwin().feeding) {
    experiment.protocol.drives.push_back({neuron, 200.0});
  }
  return experiment;
}

Experiment Imposed(double rate_hz, int64_t steps) {
  Experiment experiment{"imposed_" + std::to_string(static_cast<int>(rate_hz)) +
                            "Hz_" + std::to_string(steps / 10) + "ms",
                        {},
                        steps};
  for (uint32_t i = 0; i < TheTwin().connectome.neurons(); ++i) {
    experiment.protocol.drives.push_back({i, rate_hz});
  }
  return experiment;
}

void Report(benchmark::State& state, const Experiment& experiment,
            const std::vector<Spike>& spikes) {
  const Connectome& connectome = TheTwin().connectome;
  const int64_t delay = DelaySteps(connectome.delay_ms(), LifModel().dt_ms);
  uint64_t events = 0;
  for (const Spike& spike : spikes) {
    if (spike.step + delay >= experiment.steps) continue;
    events += connectome.row_ptr()[spike.neuron + 1] -
              connectome.row_ptr()[spike.neuron];
  }
  state.counters["real_time_factor"] = PerSecond(
      static_cast<double>(experiment.steps) * LifModel().dt_ms * 1e-3);
  state.counters["events_per_s"] = PerSecond(static_cast<double>(events));
  state.counters["spikes"] = static_cast<double>(spikes.size());
}

void Ours(benchmark::State& state, const Experiment& experiment, int threads) {
  Context ctx({.threads = threads});
  std::vector<Spike> spikes;
  for (auto _ : state) {
    state.PauseTiming();
    Simulation simulation(ctx, TheTwin().connectome, LifModel(),
                          experiment.protocol);
    state.ResumeTiming();
    simulation.Run(experiment.steps);
    state.PauseTiming();
    spikes = simulation.spikes();
    state.ResumeTiming();
  }
  Report(state, experiment, spikes);
}

void Dense(benchmark::State& state, const Experiment& experiment) {
  KickSource source(experiment.protocol, LifModel().dt_ms, 0, 0);
  const std::span<const Kick> drawn = source.Next(0, experiment.steps);
  const std::vector<Kick> kicks(drawn.begin(), drawn.end());
  std::vector<uint32_t> driven;
  for (const PoissonDrive& drive : experiment.protocol.drives) {
    driven.push_back(drive.neuron);
  }
  std::vector<Spike> spikes;
  for (auto _ : state) {
    spikes = SimulateDense(TheTwin().connectome, LifModel(), driven, kicks,
                           experiment.steps);
  }
  Context ctx({.threads = 1});
  Simulation check(ctx, TheTwin().connectome, LifModel(), experiment.protocol);
  check.Run(experiment.steps);
  if (check.spikes() != spikes) {
    state.SkipWithError("the two sides differ in their spikes");
  }
  Report(state, experiment, spikes);
}

}  // namespace
}  // namespace ranvier::bench

int main(int argc, char** argv) {
  using namespace ranvier;
  using namespace ranvier::bench;
  for (const Experiment& experiment :
       {Feeding(), Imposed(1, 10'000), Imposed(10, 2'000)}) {
    const std::string name = "Simulate/f64/" + experiment.name;
    for (const int threads : ThreadCounts()) {
      RegisterRow(
          name, threads, "ranvier",
          [=](benchmark::State& state) { Ours(state, experiment, threads); })
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
    RegisterRow(name, 1, "dense",
                [=](benchmark::State& state) { Dense(state, experiment); })
        ->UseRealTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::AddCustomContext("connectome", TheTwin().connectome.name());
  return RunRows(argc, argv);
}
