#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace ranvier::simd {

// The steps of choosing the k greatest of a row; one thread, any alignment.

// An integer that orders like a number: -0 has that of 0, and all NaN have the
// greatest.
constexpr uint32_t OrderKey(float x) {
  if (x != x) return std::numeric_limits<uint32_t>::max();
  const auto bits = std::bit_cast<uint32_t>(x + 0.0f);
  return bits ^ ((bits >> 31) != 0 ? 0xFFFFFFFFu : 0x80000000u);
}
// The number of a key; of that of all NaN some NaN.
constexpr float NumberOf(uint32_t key) {
  return std::bit_cast<float>(key ^
                              ((key >> 31) != 0 ? 0x80000000u : 0xFFFFFFFFu));
}

// A number and its place as one integer: the greater number is less, of equal
// ones that with the lower place. No two are the same.
constexpr uint64_t RankOf(float x, uint32_t index) {
  return uint64_t{~OrderKey(x)} << 32 | index;
}
constexpr uint32_t IndexOf(uint64_t rank) {
  return static_cast<uint32_t>(rank);
}

// Cuts x into groups and writes the greatest of each, of which a NaN may be
// left out; which elements are a group is the target's choice. Returns how many
// there are: at least `wanted`, less than wanted + kGroupsMore, for n >= 2
// (wanted + kGroupsMore).
inline constexpr size_t kGroupsMore = 64;
size_t GroupMaxima(const float* x, size_t n, size_t wanted,
                   float* maxima) noexcept;

// The ranks of all x[i] >= least, and of NaN, in order of i, which is counted
// from 0. Returns how many.
size_t RanksAtLeast(const float* x, size_t n, float least,
                    uint64_t* ranks) noexcept;

// Moves the k least of n, all different, to the front and sorts them; k <= n.
// By radix selection: for each 8 bits a pass over what is still undecided.
void SelectLeast(uint64_t* ranks, size_t n, size_t k) noexcept;
// The k-th greatest of n numbers by key, 1 <= k <= n. `keys` has room for n.
float SelectGreatest(const float* x, size_t n, size_t k,
                     uint32_t* keys) noexcept;

}  // namespace ranvier::simd
