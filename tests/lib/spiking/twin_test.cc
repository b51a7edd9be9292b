#include "ranvier/spiking/twin.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/parallel/context.h"
#include "ranvier/spiking/connectome.h"
#include "ranvier/spiking/twin_anatomy.h"
#include "ranvier/spiking/twin_shape.h"

namespace ranvier {
namespace {

Twin MakeWith(int threads, const TwinOptions& options = {}) {
  Context ctx({.threads = threads});
  return MakeTwin(ctx, options);
}

std::span<const int16_t> Counts(const Connectome& connectome) {
  return std::get<std::span<const int16_t>>(connectome.weight());
}

// Of all arrays, in order and by value: 64-bit FNV-1a over whole numbers.
uint64_t Fingerprint(const Twin& twin) {
  uint64_t hash = 14695981039346656037u;
  const auto mix = [&](uint64_t value) {
    hash = (hash ^ value) * 1099511628211u;
    hash ^= hash >> 32;
  };
  for (uint64_t v : twin.connectome.row_ptr()) mix(v);
  for (uint32_t v : twin.connectome.col()) mix(v);
  for (int16_t v : Counts(twin.connectome)) mix(static_cast<uint16_t>(v));
  for (uint32_t v : twin.feeding) mix(v);
  for (uint32_t v : twin.ignition) mix(v);
  return hash;
}

// What the header promises of every twin.
void ExpectPromises(const Twin& twin, const TwinOptions& options) {
  const Connectome& c = twin.connectome;
  ASSERT_EQ(c.neurons(), options.neurons);
  ASSERT_EQ(c.edges(), options.edges);
  EXPECT_EQ(c.row_ptr().front(), 0u);
  EXPECT_EQ(c.row_ptr().back(), options.edges);
  EXPECT_TRUE(c.synthetic());
  EXPECT_FALSE(c.has_ids());
  EXPECT_EQ(c.delay_ms(), 1.8);
  EXPECT_EQ(c.name(),
            "synthetic twin (seed " + std::to_string(options.seed) + ")");

  const std::span<const int16_t> count = Counts(c);
  size_t empty = 0, unsorted = 0, self = 0, mixed = 0, outside = 0;
  for (size_t i = 0; i < c.neurons(); ++i) {
    const uint64_t begin = c.row_ptr()[i], end = c.row_ptr()[i + 1];
    if (begin >= end) {
      ++empty;
      continue;
    }
    for (uint64_t e = begin; e < end; ++e) {
      self += c.col()[e] == i;
      unsorted += e > begin && c.col()[e] <= c.col()[e - 1];
      mixed += (count[e] < 0) != (count[begin] < 0);
      outside += count[e] == 0 || std::abs(count[e]) > 3000;
    }
  }
  EXPECT_EQ(empty, 0u);
  EXPECT_EQ(unsorted, 0u);
  EXPECT_EQ(self, 0u);
  EXPECT_EQ(mixed, 0u) << "edges whose sign is not that of their row";
  EXPECT_EQ(outside, 0u) << "counts that are 0 or above 3000";

  EXPECT_EQ(twin.feeding.size(), 21u);
  EXPECT_EQ(twin.ignition.size(), 60u);
  std::set<uint32_t> stimulated(twin.feeding.begin(), twin.feeding.end());
  stimulated.insert(twin.ignition.begin(), twin.ignition.end());
  EXPECT_EQ(stimulated.size(), 81u) << "a neuron is named twice";
  for (uint32_t neuron : stimulated) {
    ASSERT_LT(neuron, c.neurons());
    EXPECT_GT(count[c.row_ptr()[neuron]], 0) << neuron << " is inhibitory";
  }
}

TEST(Twin, KeepsItsPromises) { ExpectPromises(MakeWith(2), TwinOptions{}); }

// The figures of FlyWire v783, a few per cent either way.
TEST(Twin, HasTheShapeOfFlyWire) {
  const Twin twin = MakeWith(2);
  const ConnectomeStats stats = ComputeStats(twin.connectome);
  EXPECT_EQ(stats.edges, 15091983u);
  EXPECT_NEAR(stats.mean_abs_weight, 3.59, 0.05);
  EXPECT_EQ(stats.max_abs_weight, 3000);
  EXPECT_NEAR(stats.share_of_weight_one, 0.5, 0.01);
  EXPECT_NEAR(double(stats.negative_edges) / double(stats.edges), 0.4, 0.01);
  EXPECT_NEAR(double(stats.out.p50), 78, 3);
  EXPECT_NEAR(double(stats.out.p90), 205, 8);
  EXPECT_NEAR(double(stats.out.p99), 571, 30);
  EXPECT_NEAR(double(stats.out.max), 9569, 500);
  EXPECT_NEAR(double(stats.in.p50), 78, 3);
  EXPECT_NEAR(double(stats.in.p90), 212, 8);
  EXPECT_NEAR(double(stats.in.p99), 585, 30);
  EXPECT_NEAR(double(stats.in.max), 6791, 700);

  const Connectome& c = twin.connectome;
  const std::span<const int16_t> count = Counts(c);
  const auto at_least_5 = std::count_if(
      count.begin(), count.end(), [](int16_t w) { return w >= 5 || w <= -5; });
  EXPECT_NEAR(double(at_least_5) / double(c.edges()), 0.174, 0.005);
  size_t inhibitory = 0;
  std::vector<uint64_t> in_sum(c.neurons());
  for (size_t i = 0; i < c.neurons(); ++i) {
    inhibitory += count[c.row_ptr()[i]] < 0;
    for (uint64_t e = c.row_ptr()[i]; e < c.row_ptr()[i + 1]; ++e) {
      in_sum[c.col()[e]] += std::abs(count[e]);
    }
  }
  EXPECT_NEAR(double(inhibitory) / double(c.neurons()), 0.257, 0.005);
  // All input of one neuron at once still fits 16 bits.
  EXPECT_LT(*std::max_element(in_sum.begin(), in_sum.end()), 32768u);
}

TEST(Twin, FavoursItsCommunities) {
  const TwinOptions options;
  Context ctx({.threads = 2});
  const Twin twin = MakeTwin(ctx, options);
  const twin::Anatomy anatomy =
      twin::MakeAnatomy(ctx, options.seed, options.neurons);
  const Connectome& c = twin.connectome;
  size_t local = 0;
  for (size_t i = 0; i < c.neurons(); ++i) {
    for (uint64_t e = c.row_ptr()[i]; e < c.row_ptr()[i + 1]; ++e) {
      local += anatomy.community[c.col()[e]] == anatomy.community[i];
    }
  }
  EXPECT_NEAR(double(local) / double(c.edges()), 0.47, 0.01);
}

// Recorded once. It is a promise to users: the twin of a seed never changes,
// on no machine, with no compiler.
TEST(Twin, IsTheSameForAnyThreadCountAndOnEveryMachine) {
  for (int threads : {1, 2, 7}) {
    EXPECT_EQ(Fingerprint(MakeWith(threads)), 13442537653132660174u)
        << threads << " threads";
  }
  const TwinOptions small = {.seed = 1, .neurons = 5000, .edges = 400000};
  EXPECT_EQ(Fingerprint(MakeWith(2, small)), 12637981731662901472u);
}

// Every index of a range gets its share of evenly spaced draws, and none
// outside of it gets any.
TEST(WeightedIndex, DrawsInProportionFromAnyRange) {
  const std::vector<uint32_t> weights = {3, 1, 1000000, 7, 1, 250, 40000, 1};
  const twin::WeightedIndex index(weights);
  constexpr uint64_t kDraws = 1 << 20;
  for (uint32_t begin = 0; begin < weights.size(); ++begin) {
    for (uint32_t end = begin + 1; end <= weights.size(); ++end) {
      std::vector<uint64_t> drawn(weights.size());
      for (uint64_t d = 0; d < kDraws; ++d) {
        ++drawn[index.Draw(static_cast<uint32_t>(d << 12), begin, end)];
      }
      ++drawn[index.Draw(UINT32_MAX, begin, end)];
      double sum = 0;
      for (uint32_t i = begin; i < end; ++i) sum += weights[i];
      for (uint32_t i = 0; i < weights.size(); ++i) {
        const bool inside = i >= begin && i < end;
        // One draw either end of its interval, and the one at UINT32_MAX.
        EXPECT_NEAR(double(drawn[i]),
                    inside ? weights[i] / sum * double(kDraws) : 0,
                    inside ? 3 : 0)
            << i << " in " << begin << ", " << end;
      }
    }
  }
}

TEST(Twin, FollowsTheWholeSeed) {
  TwinOptions options = {.seed = 5, .neurons = 3000, .edges = 90000};
  std::set<uint64_t> fingerprints;
  for (uint64_t seed : {uint64_t{0}, uint64_t{5}, uint64_t{6},
                        (uint64_t{1} << 32) + 5, UINT64_MAX}) {
    options.seed = seed;
    fingerprints.insert(Fingerprint(MakeWith(1, options)));
  }
  EXPECT_EQ(fingerprints.size(), 5u);
}

TEST(Twin, ComesInOtherSizes) {
  for (const TwinOptions& options :
       std::vector<TwinOptions>{{.neurons = 2000, .edges = 16000},   // sparsest
                                {.neurons = 2000, .edges = 999500},  // densest
                                {.seed = 9, .neurons = 4095, .edges = 100001},
                                {.neurons = 4096, .edges = 100000},
                                {.neurons = 4097, .edges = 99999},
                                {.neurons = 30000, .edges = 3000000},
                                {.neurons = 300000, .edges = 2500000}}) {
    SCOPED_TRACE(std::to_string(options.neurons) + " neurons, " +
                 std::to_string(options.edges) + " edges");
    ExpectPromises(MakeWith(2, options), options);
  }
}

TEST(Twin, NamesTheRangeOfItsSize) {
  const auto message = [](size_t neurons, size_t edges) -> std::string {
    try {
      MakeWith(1, {.neurons = neurons, .edges = edges});
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message(1999, 50000),
            "synthetic twin: 1999 neurons asked for; from 2000 to 4000000 can "
            "be made");
  EXPECT_EQ(message(4000001, 50000000),
            "synthetic twin: 4000001 neurons asked for; from 2000 to 4000000 "
            "can be made");
  EXPECT_EQ(message(2000, 15999),
            "synthetic twin: 15999 connections asked for; with 2000 neurons "
            "from 16000 to 999500 can be made");
  EXPECT_EQ(message(2000, 999501),
            "synthetic twin: 999501 connections asked for; with 2000 neurons "
            "from 16000 to 999500 can be made");
}

}  // namespace
}  // namespace ranvier
