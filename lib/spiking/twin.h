#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/spiking/connectome.h"

namespace ranvier {

struct TwinOptions {
  uint64_t seed = 783;
  size_t neurons = 138639;
  size_t edges = 15091983;
};

// A synthetic connectome of the size and shape of FlyWire v783, made from a
// seed: degree tails, counts, signs, a planted feeding pathway and an ignition
// core. NOT real wiring: for speed, memory and exactness, never for biology.
struct Twin {
  Connectome connectome;
  std::vector<uint32_t> feeding;   // 21 neurons: 200 Hz drives the pathway
  std::vector<uint32_t> ignition;  // 60 neurons: 150 Hz ignites dense activity
};

// The same on every machine, for any thread count and target.
// Throws std::invalid_argument (neurons or edges out of range).
RANVIER_API Twin MakeTwin(Context& ctx, const TwinOptions& options = {});

}  // namespace ranvier
