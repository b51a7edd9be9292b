#include "ranvier/spiking/twin_anatomy.h"

#include <algorithm>
#include <utility>

#include "ranvier/spiking/twin_random.h"

namespace ranvier::twin {
namespace {

// A neuron's rank by in-degree is its rank by out-degree plus uniform noise up
// to this, reflected at both ends, which keeps it uniform. The rank correlation
// is then sin(0.42 pi) / (0.42 pi) = 0.73; the real one is 0.72.
constexpr int64_t kRankNoise = 1803886264;  // 0.42 * 2^32

// Attractions in eighths: the sum for the largest twin still fits 32 bits.
constexpr double kTargetWeightScale = 8;

uint32_t InRank(uint32_t out_rank, uint32_t u) {
  const int64_t noise = ((int64_t{u} - 2147483648) * kRankNoise) / 2147483648;
  int64_t rank = int64_t{out_rank} + noise;
  if (rank < 0) rank = -rank;
  if (rank > UINT32_MAX) rank = 2 * int64_t{UINT32_MAX} - rank;
  return static_cast<uint32_t>(rank);
}

}  // namespace

Anatomy MakeAnatomy(Context& ctx, uint64_t seed, size_t neurons) {
  std::vector<uint32_t> neuropil_sizes;
  for (const Neuropil& neuropil : Neuropils()) {
    neuropil_sizes.push_back(neuropil.neurons);
  }
  const WeightedIndex neuropils(neuropil_sizes);
  const size_t communities = 2 * neuropil_sizes.size();

  std::vector<uint8_t> community(neurons);
  std::vector<uint8_t> inhibitory(neurons);
  std::vector<double> out_degree(neurons);
  std::vector<uint32_t> in_weight(neurons);
  constexpr size_t kBlock = 4096;
  ctx.ParallelFor((neurons + kBlock - 1) / kBlock, [&](size_t block) {
    const size_t end = std::min(neurons, (block + 1) * kBlock);
    for (size_t i = block * kBlock; i < end; ++i) {
      Stream random(seed, Purpose::kNeuron, static_cast<uint32_t>(i));
      const uint32_t neuropil = neuropils.Draw(random.Next());
      const uint32_t sign_and_side = random.Next();
      const uint32_t out_rank = random.Next();
      const uint32_t in_rank = InRank(out_rank, random.Next());
      community[i] = static_cast<uint8_t>(2 * neuropil + (sign_and_side & 1));
      inhibitory[i] = sign_and_side < kInhibitoryShare;
      out_degree[i] = inhibitory[i] ? InhibitoryOutDegree(out_rank)
                                    : ExcitatoryOutDegree(out_rank);
      in_weight[i] =
          static_cast<uint32_t>(InAttraction(in_rank) * kTargetWeightScale);
    }
  });

  std::vector<uint32_t> begin(communities + 1);
  for (uint8_t c : community) ++begin[c + 1];
  for (size_t c = 0; c < communities; ++c) begin[c + 1] += begin[c];
  std::vector<uint32_t> next(begin.begin(), begin.end() - 1);
  std::vector<uint32_t> order(neurons);
  std::vector<uint32_t> ordered_weight(neurons);
  for (size_t i = 0; i < neurons; ++i) {
    const uint32_t position = next[community[i]]++;
    order[position] = static_cast<uint32_t>(i);
    ordered_weight[position] = in_weight[i];
  }
  return {std::move(community),  std::move(inhibitory),
          std::move(out_degree), std::move(order),
          std::move(begin),      WeightedIndex(ordered_weight)};
}

}  // namespace ranvier::twin
