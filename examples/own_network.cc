// A network of one's own: three neurons in a chain, the first one driven, the
// membrane of the last one recorded.

#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/spiking/simulation.h"

int main() {
  // Compressed sparse rows: 0 -> 1 with 300 synapses, 1 -> 2 with 120.
  ranvier::ConnectomeParts parts;
  parts.row_ptr = {0, 1, 2, 2};
  parts.col = {1, 2};
  parts.weight = std::vector<int16_t>{300, 120};
  const ranvier::Connectome connectome(std::move(parts));

  ranvier::Protocol protocol;
  protocol.kicks = {{100, 0}, {150, 0}};  // step, neuron
  protocol.record_voltage = {2};

  ranvier::Context ctx({.threads = 1});
  ranvier::Simulation simulation(ctx, connectome, ranvier::LifModel(),
                                 protocol);
  simulation.Run(500);  // 50 ms in steps of 0.1 ms

  for (const ranvier::Spike& spike : simulation.spikes()) {
    std::printf("%5.1f ms  neuron %u\n", 0.1 * spike.step, spike.neuron);
  }
  const std::vector<double>& v = simulation.traces()[0].v_mV;
  double peak = v[0];
  for (const double value : v) peak = value > peak ? value : peak;
  std::printf("neuron 2 peaks at %.2f mV\n", peak);
  return simulation.spikes().empty() ? 1 : 0;
}
