#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/spiking/twin_anatomy.h"
#include "ranvier/spiking/twin_circuits.h"

namespace ranvier::twin {

struct Wiring {
  std::vector<uint64_t> row_ptr;  // [neurons + 1]
  std::vector<uint32_t> col;      // [edges], ascending within a row
  std::vector<int16_t> weight;    // [edges]
};

// Exactly `edges` connections: the planted ones, and random ones that follow
// the anatomy's degrees, communities and signs.
Wiring MakeWiring(Context& ctx, uint64_t seed, const Anatomy& anatomy,
                  const Circuits& circuits, size_t edges);

}  // namespace ranvier::twin
