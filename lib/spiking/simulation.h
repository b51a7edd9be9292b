#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/simd/base/spike_event.h"
#include "ranvier/spiking/connectome.h"
#include "ranvier/spiking/lif_model.h"
#include "ranvier/spiking/protocol.h"

namespace ranvier {

using Spike = SpikeEvent;

// v and g of one recorded neuron at the end of each step run so far.
struct VoltageTrace {
  uint32_t neuron = 0;
  std::vector<double> v_mV;
  std::vector<double> g_mV;
};

// One trial of one protocol on one connectome, held by value. ctx must outlive
// it; the arrays of connectome are shared.
//
//   Simulation simulation(ctx, connectome, model, protocol, /*trial=*/0);
//   simulation.Run(10000);
//   for (const Spike& spike : simulation.spikes()) ...
//
// State is double precision. A step is: integrate, threshold, deliver, reset,
// record. Spikes equal those of Brian2 with the exact integrator.
//
// Random   seed is that of ctx; a drive is a function of (seed, trial, neuron).
// Threads  Those of ctx. Same spikes for any thread count and SIMD target.
// Throws   std::invalid_argument (model, protocol, RANVIER_TARGET), before any
//          work;
//          CancelledError never: Run returns early instead.
class RANVIER_API Simulation {
 public:
  Simulation(Context& ctx, const Connectome& connectome, const LifModel& model,
             const Protocol& protocol, uint32_t trial = 0);
  ~Simulation();
  Simulation(Simulation&&) noexcept;
  Simulation& operator=(Simulation&&) noexcept;

  // Runs up to `steps` more steps and returns how many were run: all of them,
  // or fewer if ctx was cancelled. Reports progress to ctx.
  int64_t Run(int64_t steps);

  int64_t steps() const;                     // run so far
  const std::vector<Spike>& spikes() const;  // sorted by step, then neuron
  uint64_t synaptic_events() const;  // deliveries, dropped ones included
  const std::vector<VoltageTrace>& traces() const;

  // v and g of every neuron at the end of the last step.
  void ReadState(std::span<double> v_mV, std::span<double> g_mV) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Bytes a Simulation needs beyond the connectome itself, for a given number of
// threads and spikes; silencing of kind kBoth adds a copy of the weights.
RANVIER_API size_t EstimateSimulationBytes(size_t neurons, int threads,
                                           size_t spikes);

// SHA-256, lower-case hex, of the spikes as little-endian u32 step, u32 neuron
// pairs sorted by step then neuron.
RANVIER_API std::string SpikesSha256(std::span<const Spike> spikes);

}  // namespace ranvier
