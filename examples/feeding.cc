// The fly's feeding experiment on the synthetic twin of its brain: 21 neurons
// driven at 200 Hz for a second. Prints the ten busiest others.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/spiking/simulation.h"
#include "ranvier/spiking/twin.h"

int main() {
  ranvier::Context ctx({.seed = 1});
  const ranvier::Twin twin = ranvier::MakeTwin(ctx);

  ranvier::Protocol protocol;
  for (const uint32_t neuron : twin.feeding) {
    protocol.drives.push_back({neuron, 200.0});
  }
  ranvier::Simulation simulation(ctx, twin.connectome, ranvier::LifModel(),
                                 protocol);
  simulation.Run(10'000);

  std::vector<uint32_t> count(twin.connectome.neurons());
  for (const ranvier::Spike& spike : simulation.spikes()) ++count[spike.neuron];
  for (const uint32_t neuron : twin.feeding) count[neuron] = 0;

  std::vector<uint32_t> order(count.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::partial_sort(
      order.begin(), order.begin() + 10, order.end(),
      [&](uint32_t a, uint32_t b) { return count[a] > count[b]; });
  std::printf("%zu spikes; the busiest neurons that were not driven:\n",
              simulation.spikes().size());
  for (int i = 0; i < 10; ++i) {
    std::printf("  neuron %6u  %3u Hz\n", order[i], count[order[i]]);
  }
  return simulation.spikes().empty() ? 1 : 0;
}
