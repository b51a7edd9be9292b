#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "ranvier/spiking/connectome.h"
#include "ranvier/spiking/protocol.h"

namespace ranvier::test {

enum class WeightKind { kCount16, kCount32, kReal };

// A random network whose rows have from 0 to 2 * mean_degree targets.
inline Connectome RandomNetwork(uint32_t neurons, uint32_t mean_degree,
                                WeightKind kind, double delay_ms,
                                uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint64_t> row_ptr{0};
  std::vector<uint32_t> col;
  std::vector<double> weight;
  for (uint32_t i = 0; i < neurons; ++i) {
    const uint64_t degree = random() % (2 * mean_degree + 1);
    std::set<uint32_t> targets;
    for (uint64_t d = 0; d < degree; ++d) {
      targets.insert(static_cast<uint32_t>(random() % neurons));
    }
    const double sign = random() % 10 < 3 ? -1 : 1;
    for (const uint32_t target : targets) {
      col.push_back(target);
      weight.push_back(sign * static_cast<double>(1 + random() % 120));
    }
    row_ptr.push_back(col.size());
  }
  ConnectomeParts parts;
  parts.row_ptr = std::move(row_ptr);
  parts.col = std::move(col);
  parts.delay_ms = delay_ms;
  switch (kind) {
    case WeightKind::kCount16:
      parts.weight = std::vector<int16_t>(weight.begin(), weight.end());
      break;
    case WeightKind::kCount32:
      parts.weight = std::vector<int32_t>(weight.begin(), weight.end());
      break;
    case WeightKind::kReal: {
      std::vector<float> real;
      for (const double w : weight) {
        real.push_back(static_cast<float>(w) * 1.0625f + 0.03f);
      }
      parts.weight = std::move(real);
      break;
    }
  }
  return Connectome(std::move(parts));
}

// Kicks of `driven` neurons at about one per `interval` steps each.
inline std::vector<Kick> RandomKicks(uint32_t neurons, uint32_t driven,
                                     uint32_t steps, uint32_t interval,
                                     uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Kick> kicks;
  for (uint32_t d = 0; d < driven; ++d) {
    const auto neuron = static_cast<uint32_t>(random() % neurons);
    for (uint32_t s = 0; s < steps; ++s) {
      if (random() % interval == 0) kicks.push_back({s, neuron});
    }
  }
  std::shuffle(kicks.begin(), kicks.end(), random);
  return kicks;
}

}  // namespace ranvier::test
