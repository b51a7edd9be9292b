#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ranvier/spiking/twin_anatomy.h"

namespace ranvier::twin {

struct PlantedEdge {
  uint32_t from = 0, to = 0;
  uint16_t count = 0;
};

// What a neuron is in the planted circuits.
enum class Role : uint8_t { kNone, kFeeding, kCore, kTrigger };

// The two circuits that are planted into the random wiring.
//
// Feeding  21 taste neurons drive a feed-forward pathway of members in and
//          around the gnathal ganglion. Each member has a target rate and gets
//          as much input as that rate needs, mostly through stronger members.
// Ignition 60 trigger neurons project into half of a core of excitatory central
//          neurons, whose recurrent excitation keeps them going on its own.
struct Circuits {
  std::vector<uint32_t> feeding;   // the 21, ascending
  std::vector<uint32_t> ignition;  // the 60, ascending
  std::vector<Role> role;          // [neurons]
  std::vector<PlantedEdge> edges;  // by from, then to; no pair twice
  std::vector<uint32_t> row_ptr;   // [neurons + 1], into edges

  std::span<const PlantedEdge> Row(size_t neuron) const {
    return std::span(edges).subspan(row_ptr[neuron],
                                    row_ptr[neuron + 1] - row_ptr[neuron]);
  }
};

Circuits PlantCircuits(const Anatomy& anatomy, uint64_t seed);

}  // namespace ranvier::twin
