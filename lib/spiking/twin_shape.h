#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// The shape of FlyWire v783 in numbers, and the tools that draw from it. All
// arithmetic is integer, or double with nothing but + - * /, so that the twin
// is the same on every machine.
namespace ranvier::twin {

inline constexpr uint32_t kMaxCount = 3000;
// Share of neurons that are inhibitory, in 1 / 2^32 (25.7 %).
inline constexpr uint32_t kInhibitoryShare = 1103806595;

// Degrees of the neuron at rank u / 2^32 in v783, linear between quantiles.
double ExcitatoryOutDegree(uint32_t u);
double InhibitoryOutDegree(uint32_t u);
// How often it is drawn as a target. Above its in-degree for hubs: a row that
// draws one twice has it once.
double InAttraction(uint32_t u);

// A neuropil and how many neurons have their main input there, both sides.
struct Neuropil {
  const char* name;
  uint32_t neurons;
};
// As in FlyWire v783, rounded: the optic lobes first, then the central brain.
std::span<const Neuropil> Neuropils();
inline constexpr size_t kOpticNeuropils = 4;

// Draws an index with probability proportional to its weight, from any
// contiguous range of indices: a cumulative sum, and a guide table that finds
// the place in it in about one step.
class WeightedIndex {
 public:
  // Weights >= 1 with a sum below 2^32.
  explicit WeightedIndex(std::span<const uint32_t> weights);

  // An index in [begin, end), begin < end; u is uniform over 32 bits.
  uint32_t Draw(uint32_t u, uint32_t begin, uint32_t end) const {
    const uint32_t base = cumulative_[begin];
    const uint32_t range = cumulative_[end] - base;
    const uint32_t r =
        base + static_cast<uint32_t>((uint64_t{u} * range) >> 32);
    uint32_t index = guide_[r >> shift_];
    while (cumulative_[index + 1] <= r) ++index;
    return index;
  }
  uint32_t Draw(uint32_t u) const {
    return Draw(u, 0, static_cast<uint32_t>(cumulative_.size() - 1));
  }

 private:
  std::vector<uint32_t> cumulative_;  // [weights + 1]
  std::vector<uint32_t> guide_;       // by r >> shift_: an index at or before
  int shift_ = 0;
};

// Synapse counts of one connection, minus 1: index 0 stands for count 1.
// Connections inside a community are stronger.
WeightedIndex LocalCounts();
WeightedIndex DistantCounts();

}  // namespace ranvier::twin
