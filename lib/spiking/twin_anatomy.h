#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/spiking/twin_shape.h"

namespace ranvier::twin {

// Positions [begin, end) of Anatomy::order.
struct Range {
  uint32_t begin = 0, end = 0;
  uint32_t size() const { return end - begin; }
};

// What the neurons are, before any connection exists.
struct Anatomy {
  // A community is one neuropil on one side: 2 * neuropil + side.
  std::vector<uint8_t> community;   // [neurons]
  std::vector<uint8_t> inhibitory;  // [neurons]
  // Out-degree it would have in v783; rows are scaled to the edges there are.
  std::vector<double> out_degree;  // [neurons]
  // The neurons by community, ascending within one.
  std::vector<uint32_t> order;            // [neurons]
  std::vector<uint32_t> community_begin;  // [communities + 1], into order
  // Draws a position of order by attraction.
  WeightedIndex targets;

  size_t neurons() const { return order.size(); }
  Range Community(size_t community_index) const {
    return {community_begin[community_index],
            community_begin[community_index + 1]};
  }
  // Both sides of one or more neuropils.
  Range NeuropilRange(size_t begin, size_t end) const {
    return {community_begin[2 * begin], community_begin[2 * end]};
  }
};

Anatomy MakeAnatomy(Context& ctx, uint64_t seed, size_t neurons);

}  // namespace ranvier::twin
