// Two neurons, one strong synapse: a kick makes the first fire, and its spike
// makes the second fire once.

#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/spiking/connectome.h"
#include "ranvier/spiking/simulation.h"
#include "ranvier/version/version.h"

int main() {
  ranvier::ConnectomeParts parts;
  parts.row_ptr = {0, 1, 1};
  parts.col = {1};
  parts.weight = std::vector<int16_t>{1000};
  const ranvier::Connectome connectome(parts);

  ranvier::Protocol protocol;
  protocol.kicks.push_back({0, 0});  // step 0, neuron 0
  ranvier::Context ctx;
  ranvier::Simulation simulation(ctx, connectome, ranvier::LifModel{},
                                 protocol);
  simulation.Run(100);
  const std::vector<ranvier::Spike>& spikes = simulation.spikes();
  std::printf("ranvier %s (%s): %zu spikes\n", ranvier::Version(),
              ranvier::Commit(), spikes.size());
  if (spikes.size() != 2 || spikes[0] != ranvier::Spike{1, 0} ||
      spikes[1].neuron != 1) {
    std::fprintf(stderr, "expected one spike of each neuron, the first at 1\n");
    return 1;
  }

  // An exception keeps its type on the way out of a shared library.
  try {
    parts.row_ptr = {0, 2, 1};
    const ranvier::Connectome broken(parts);
    std::fprintf(stderr, "offsets that run backwards were taken\n");
    return 1;
  } catch (const std::invalid_argument&) {
  }
  return 0;
}
