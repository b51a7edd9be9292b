#pragma once

#include <compare>
#include <cstdint>

namespace ranvier {

// Something that happens to a neuron in a step: a spike, or an input kick.
// Orders by step, then neuron.
struct SpikeEvent {
  uint32_t step = 0;
  uint32_t neuron = 0;
  auto operator<=>(const SpikeEvent&) const = default;
};

}  // namespace ranvier
