#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/export.h"
#include "ranvier/spiking/connectome.h"

namespace ranvier {

inline constexpr size_t kMinTwinNeurons = 2000;
inline constexpr size_t kMaxTwinNeurons = 4000000;
inline constexpr size_t kMinTwinMeanDegree = 8;

// Defaults are the size of FlyWire v783.
struct TwinOptions {
  uint64_t seed = 783;
  size_t neurons = 138639;  // kMinTwinNeurons .. kMaxTwinNeurons
  // kMinTwinMeanDegree * neurons .. neurons * (neurons - 1) / 4, and exact.
  size_t edges = 15091983;
};

// A synthetic connectome of the size and shape of FlyWire v783, made from a
// seed: degree tails, counts, signs, communities, a planted feeding pathway and
// an ignition core. NOT real wiring: for speed, memory and exactness, never for
// biology.
struct Twin {
  Connectome connectome;
  // 21 neurons. At 200 Hz each they drive the feeding pathway: in one second
  // of the default twin 350 to 450 neurons fire 15,000 to 18,000 spikes.
  std::vector<uint32_t> feeding;
  // 60 neurons. At 150 Hz for 0.3 s they ignite dense activity that goes on
  // afterwards: 550,000 spikes per second of about 13,500 neurons.
  std::vector<uint32_t> ignition;
};

// Every row has at least one edge, none its own neuron. Counts are 1 to 3000,
// and negative in all edges of an inhibitory neuron. Ids are not made up.
//
// Other sizes  keep the shape. The feeding pathway has neurons / 20 members, at
//              most 400 (from 8,000 neurons on); the ignition core has 2.9 % of
//              all neurons. With more than neurons / 20 edges per neuron
//              the random wiring is so dense that any input spreads.
// Same         arrays on every machine, for any thread count and target: made
//              with Philox, integers and doubles' + - * /, no library function.
// Memory       the result, and about 60 bytes per neuron while it is made.
// Throws       std::invalid_argument (neurons or edges out of range).
RANVIER_API Twin MakeTwin(Context& ctx, const TwinOptions& options = {});

}  // namespace ranvier
