#pragma once

#include <array>
#include <cstdint>

namespace ranvier {

// Philox4x32-10: a random number is a function of a counter and a key, so no
// generator has state, and any element of a stream can be asked for alone.
//
// Ref  Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
struct Philox {
  using Counter = std::array<uint32_t, 4>;
  using Key = std::array<uint32_t, 2>;

  static constexpr Counter Block(Counter counter, Key key) {
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = uint64_t{0xD2511F53} * counter[0];
      const uint64_t p1 = uint64_t{0xCD9E8D57} * counter[2];
      counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ key[0],
                 static_cast<uint32_t>(p1),
                 static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ key[1],
                 static_cast<uint32_t>(p0)};
      key[0] += 0x9E3779B9;  // golden ratio
      key[1] += 0xBB67AE85;  // sqrt(3) - 1
    }
    return counter;
  }

  // The mapping of the house: four numbers for one step of one element of one
  // stream. Seed is the key; stream is folded into it by one block, so that any
  // 64-bit stream is as good as another.
  static constexpr Counter At(uint64_t seed, uint64_t stream, uint64_t element,
                              uint64_t step) {
    return Block(Split(element, step), StreamKey(seed, stream));
  }

  // The key of a stream, for loops over many of its elements.
  static constexpr Key StreamKey(uint64_t seed, uint64_t stream) {
    const Counter mixed =
        Block(Split(stream, 0x52616E76696572), Split(seed));  // "Ranvier"
    return {mixed[0], mixed[1]};
  }

  static constexpr Counter Split(uint64_t low, uint64_t high) {
    return {static_cast<uint32_t>(low), static_cast<uint32_t>(low >> 32),
            static_cast<uint32_t>(high), static_cast<uint32_t>(high >> 32)};
  }
  static constexpr Key Split(uint64_t value) {
    return {static_cast<uint32_t>(value), static_cast<uint32_t>(value >> 32)};
  }
};

// Uniform on (0, 1] in steps of 2^-53: safe under a logarithm.
constexpr double UniformOpenZero(uint32_t high, uint32_t low) {
  const uint64_t bits = (uint64_t{high} << 32 | low) >> 11;
  return static_cast<double>(bits + 1) * 0x1.0p-53;
}

// Uniform on [0, 1) in steps of 2^-53.
constexpr double Uniform(uint32_t high, uint32_t low) {
  const uint64_t bits = (uint64_t{high} << 32 | low) >> 11;
  return static_cast<double>(bits) * 0x1.0p-53;
}

}  // namespace ranvier
