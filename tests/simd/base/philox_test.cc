#include "ranvier/simd/base/philox.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <set>

#include <gtest/gtest.h>

namespace ranvier {
namespace {

// The known answers published with Random123 (kat_vectors, philox4x32 10).
TEST(Philox, PublishedVectors) {
  constexpr uint32_t kAll = 0xFFFFFFFF;
  static_assert(
      Philox::Block({0, 0, 0, 0}, {0, 0}) ==
      Philox::Counter{0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8});
  EXPECT_EQ(Philox::Block({kAll, kAll, kAll, kAll}, {kAll, kAll}),
            (Philox::Counter{0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD}));
  // Digits of pi.
  EXPECT_EQ(Philox::Block({0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344},
                          {0xA4093822, 0x299F31D0}),
            (Philox::Counter{0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1}));
}

TEST(Philox, MappingIsOneBlockOfTheStreamsKey) {
  const Philox::Counter mixed =
      Philox::Block({0x89ABCDEF, 0x01234567, 0x76696572, 0x0052616E},
                    {0x55667788, 0x11223344});
  EXPECT_EQ(Philox::StreamKey(0x1122334455667788, 0x0123456789ABCDEF),
            (Philox::Key{mixed[0], mixed[1]}));
  EXPECT_EQ(
      Philox::At(0x1122334455667788, 0x0123456789ABCDEF, 7, 0xFFFFFFFF00000001),
      Philox::Block({7, 0, 1, 0xFFFFFFFF}, {mixed[0], mixed[1]}));
}

TEST(Philox, EveryBitOfEveryArgumentCounts) {
  std::set<Philox::Counter> seen{Philox::At(0, 0, 0, 0)};
  for (int bit = 0; bit < 64; ++bit) {
    const uint64_t x = uint64_t{1} << bit;
    for (const Philox::Counter& block :
         {Philox::At(x, 0, 0, 0), Philox::At(0, x, 0, 0),
          Philox::At(0, 0, x, 0), Philox::At(0, 0, 0, x)}) {
      EXPECT_TRUE(seen.insert(block).second) << bit;
    }
  }
}

TEST(Philox, UniformEnds) {
  constexpr uint32_t kAll = 0xFFFFFFFF;
  EXPECT_EQ(Uniform(0, 0), 0.0);
  EXPECT_EQ(Uniform(kAll, kAll), 1 - 0x1.0p-53);
  EXPECT_EQ(Uniform(0x80000000, 0), 0.5);
  EXPECT_EQ(Uniform(0, 1u << 11), 0x1.0p-53);
  EXPECT_EQ(UniformOpenZero(0, 0), 0x1.0p-53);
  EXPECT_EQ(UniformOpenZero(kAll, kAll), 1.0);
  EXPECT_EQ(UniformOpenZero(0x7FFFFFFF, kAll), 0.5);
}

// Mean, variance and the correlation of neighbours in each of the four
// arguments. A mean of n numbers of variance s has the deviation sqrt(s / n);
// five of them are passed once in a million runs, and the numbers are fixed.
TEST(Philox, NeighboursAreIndependent) {
  constexpr int kCount = 200'000;
  const auto uniform = [](uint64_t seed, uint64_t stream, uint64_t element,
                          uint64_t step) {
    const Philox::Counter block = Philox::At(seed, stream, element, step);
    return Uniform(block[0], block[1]) - 0.5;
  };
  const std::function<double(uint64_t)> sequences[] = {
      [&](uint64_t i) { return uniform(i, 1, 2, 3); },
      [&](uint64_t i) { return uniform(1, i, 2, 3); },
      [&](uint64_t i) { return uniform(1, 2, i, 3); },
      [&](uint64_t i) { return uniform(1, 2, 3, i); }};
  for (const auto& sequence : sequences) {
    double sum = 0;
    double squares = 0;
    double products = 0;
    double last = sequence(0);
    for (uint64_t i = 1; i <= kCount; ++i) {
      const double x = sequence(i);
      sum += x;
      squares += x * x;
      products += x * last;
      last = x;
    }
    constexpr double kVariance = 1.0 / 12;
    EXPECT_LT(std::abs(sum / kCount), 5 * std::sqrt(kVariance / kCount));
    EXPECT_LT(std::abs(squares / kCount - kVariance),
              5 * std::sqrt(1.0 / 180 / kCount));
    EXPECT_LT(std::abs(products / kCount), 5 * kVariance / std::sqrt(kCount));
  }
}

}  // namespace
}  // namespace ranvier
