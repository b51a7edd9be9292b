#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ranvier/simd/base/spike_event.h"
#include "ranvier/spiking/connectome.h"
#include "ranvier/spiking/lif_model.h"

namespace ranvier::bench {

// The peer that is always at hand: what clock-driven simulators do, written as
// well as a plain loop allows. Every neuron is updated in every step (the loop
// vectorises), and spikes are delivered through a ring of past steps. One
// thread.
//
// Returns the spikes of `steps` steps under the sorted `kicks`; the neurons in
// `driven` have the driven refractory time.
std::vector<SpikeEvent> SimulateDense(const Connectome& connectome,
                                      const LifModel& model,
                                      std::span<const uint32_t> driven,
                                      std::span<const SpikeEvent> kicks,
                                      int64_t steps);

}  // namespace ranvier::bench
