#pragma once

#include <cstdint>
#include <vector>

#include "ranvier/spiking/connectome.h"
#include "ranvier/spiking/lif_model.h"
#include "ranvier/spiking/protocol.h"
#include "ranvier/spiking/simulation.h"

namespace ranvier::test {

// The step semantics of SPEC 1.1 written down plainly: every neuron in every
// step, one thread, double precision, absolute v, a ring of past spikes, sums
// in the order of the edges. Slow, and meant to be read.
struct ReferenceResult {
  std::vector<Spike> spikes;
  std::vector<VoltageTrace> traces;
  std::vector<double> v_mV, g_mV;  // at the end
};

// Kicks are protocol.kicks alone; protocol.drives must be empty.
ReferenceResult SimulateReference(const Connectome& connectome,
                                  const LifModel& model,
                                  const Protocol& protocol, int64_t steps);

}  // namespace ranvier::test
