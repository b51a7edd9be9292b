#include "ranvier/spiking/twin_wiring.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "ranvier/spiking/twin_random.h"

namespace ranvier::twin {
namespace {

// Where the random targets of a row are drawn: in its own community, in its
// neuropil on either side, the rest in the whole brain. By chance more of them
// are local; 47 % of all edges stay in the community.
constexpr uint32_t kCommunityPercent = 37;
constexpr uint32_t kNeuropilPercent = 8;

// Synapses of feeding neurons onto others are weak: the response to taste stays
// within the pathway. Those of the core are not strong: its fire spreads, but
// does not take the whole brain.
constexpr uint32_t kMaxFeedingCount = 8;
constexpr uint32_t kMaxCoreCount = 60;

// Rows of `edges` connections in all: each its planted ones, one more, and a
// share of the rest by wished degree, at most about half of all neurons.
std::vector<uint64_t> MakeRowPtr(const Anatomy& anatomy,
                                 const Circuits& circuits, size_t edges) {
  const size_t n = anatomy.neurons();
  const size_t rest = edges - n - circuits.edges.size();
  std::vector<double> wish(n);
  std::vector<double> room(n);
  for (size_t i = 0; i < n; ++i) {
    const double planted = double(circuits.Row(i).size());
    wish[i] = std::max(1.0, anatomy.out_degree[i] - planted - 1);
    room[i] = std::max(0.0, double(n / 2) - planted - 2);
  }
  // The scale at which wishes, cut at the room there is, add up to the rest.
  // Rows found full at one scale stay so: the scale only grows.
  double scale = 0;
  for (size_t full = SIZE_MAX;;) {
    double open_wish = 0, full_room = 0;
    size_t now_full = 0;
    for (size_t i = 0; i < n; ++i) {
      if (scale * wish[i] >= room[i]) {
        full_room += room[i];
        ++now_full;
      } else {
        open_wish += wish[i];
      }
    }
    if (now_full == full) break;
    full = now_full;
    scale = (double(rest) - full_room) / open_wish;
  }
  // Rounded with the error carried on, in fixed point.
  constexpr double kOne = 1048576;  // 2^20
  std::vector<uint64_t> row_ptr(n + 1);
  uint64_t carried = 0, sum = 0;
  for (size_t i = 0; i < n; ++i) {
    carried += static_cast<uint64_t>(std::min(scale * wish[i], room[i]) * kOne);
    const uint64_t whole = std::min<uint64_t>(carried >> 20, rest - sum);
    carried -= whole << 20;
    sum += whole;
    row_ptr[i + 1] = whole + 1 + circuits.Row(i).size();
  }
  // Cutting to fixed point loses less than one edge in 2^20 rows.
  for (size_t i = 0; sum < rest; ++sum) ++row_ptr[1 + i++];
  for (size_t i = 0; i < n; ++i) row_ptr[i + 1] += row_ptr[i];
  return row_ptr;
}

// The targets of one row: a set that is read out in ascending order. A bit per
// neuron, and a bit per word that is not empty.
class TargetSet {
 public:
  static size_t Words(size_t neurons) { return (neurons + 63) / 64; }
  static size_t ScratchBytes(size_t neurons) {
    return (Words(neurons) + Words(Words(neurons))) * sizeof(uint64_t);
  }
  TargetSet(void* scratch, size_t neurons)
      : words_(static_cast<uint64_t*>(scratch)),
        summary_(words_ + Words(neurons)),
        summary_words_(Words(Words(neurons))) {
    std::memset(scratch, 0, ScratchBytes(neurons));
  }

  // False if it was there before.
  bool Insert(uint32_t target) {
    uint64_t& word = words_[target / 64];
    const uint64_t bit = uint64_t{1} << (target % 64);
    if ((word & bit) != 0) return false;
    word |= bit;
    summary_[target / 4096] |= uint64_t{1} << (target / 64 % 64);
    return true;
  }

  // Calls visit(target) in ascending order and leaves the set empty.
  template <typename Visit>
  void Drain(Visit visit) {
    for (size_t s = 0; s < summary_words_; ++s) {
      for (uint64_t summary = summary_[s]; summary != 0;
           summary &= summary - 1) {
        const size_t w = 64 * s + std::countr_zero(summary);
        for (uint64_t word = words_[w]; word != 0; word &= word - 1) {
          visit(static_cast<uint32_t>(64 * w + std::countr_zero(word)));
        }
        words_[w] = 0;
      }
      summary_[s] = 0;
    }
  }

 private:
  uint64_t* words_;
  uint64_t* summary_;
  size_t summary_words_;
};

class RowMaker {
 public:
  RowMaker(uint64_t seed, const Anatomy& anatomy, const Circuits& circuits)
      : seed_(seed),
        anatomy_(anatomy),
        circuits_(circuits),
        local_counts_(LocalCounts()),
        distant_counts_(DistantCounts()) {}

  // Writes the row of `neuron`, col and weight being its own parts.
  void Make(uint32_t neuron, std::span<uint32_t> col, std::span<int16_t> weight,
            TargetSet& set) const {
    Stream random(seed_, Purpose::kRow, neuron);
    DrawTargets(neuron, static_cast<uint32_t>(col.size()), random, set);
    const int sign = anatomy_.inhibitory[neuron] ? -1 : 1;
    const uint8_t community = anatomy_.community[neuron];
    const uint32_t max_count = MaxCount(circuits_.role[neuron]);
    const std::span<const PlantedEdge> planted = circuits_.Row(neuron);
    size_t e = 0, p = 0;
    set.Drain([&](uint32_t target) {
      uint32_t count;
      if (p < planted.size() && planted[p].to == target) {
        count = planted[p++].count;
      } else {
        const bool local = anatomy_.community[target] == community;
        const WeightedIndex& counts = local ? local_counts_ : distant_counts_;
        count = std::min(max_count, 1 + counts.Draw(random.Next()));
      }
      col[e] = target;
      weight[e] = static_cast<int16_t>(sign * static_cast<int>(count));
      ++e;
    });
  }

 private:
  static uint32_t MaxCount(Role role) {
    switch (role) {
      case Role::kFeeding:
        return kMaxFeedingCount;
      case Role::kCore:
        return kMaxCoreCount;
      default:
        return kMaxCount;
    }
  }

  // Random edges between feeding neurons would short-cut the planted pathway.
  bool Allowed(uint32_t neuron, uint32_t target) const {
    return target != neuron && !(circuits_.role[neuron] == Role::kFeeding &&
                                 circuits_.role[target] == Role::kFeeding);
  }

  void DrawTargets(uint32_t neuron, uint32_t degree, Stream& random,
                   TargetSet& set) const {
    uint32_t size = 0;
    for (const PlantedEdge& edge : circuits_.Row(neuron)) {
      set.Insert(edge.to);
      ++size;
    }
    const uint32_t free = degree - size;
    // Up to `quota` new targets; few tries where the range is nearly used up.
    const auto draw = [&](Range range, uint32_t quota, uint32_t tries) {
      const uint32_t stop = std::min(degree, size + quota);
      for (; size < stop && tries > 0; --tries) {
        const uint32_t target = anatomy_.order[anatomy_.targets.Draw(
            random.Next(), range.begin, range.end)];
        if (Allowed(neuron, target) && set.Insert(target)) ++size;
      }
    };
    const size_t home = anatomy_.community[neuron];
    const Range community = anatomy_.Community(home);
    const Range neuropil = anatomy_.NeuropilRange(home / 2, home / 2 + 1);
    const Range brain = {0, static_cast<uint32_t>(anatomy_.neurons())};
    // A dither, so that short rows keep the shares on average.
    const auto part = [&](uint32_t percent, Range range) {
      const uint64_t whole = uint64_t{free} * percent + random.Below(100);
      return std::min(static_cast<uint32_t>(whole / 100), range.size() / 3);
    };
    const uint32_t in_community = part(kCommunityPercent, community);
    draw(community, in_community, 4 * in_community);
    const uint32_t in_neuropil = part(kNeuropilPercent, neuropil);
    draw(neuropil, in_neuropil, 4 * in_neuropil);
    draw(brain, degree, 16 * degree);
    // What random tries left over in a dense row: the next free ones.
    for (uint32_t target = random.Below(brain.end); size < degree;
         target = target + 1 == brain.end ? 0 : target + 1) {
      if (Allowed(neuron, target) && set.Insert(target)) ++size;
    }
  }

  uint64_t seed_;
  const Anatomy& anatomy_;
  const Circuits& circuits_;
  WeightedIndex local_counts_, distant_counts_;
};

}  // namespace

Wiring MakeWiring(Context& ctx, uint64_t seed, const Anatomy& anatomy,
                  const Circuits& circuits, size_t edges) {
  const size_t n = anatomy.neurons();
  Wiring wiring;
  wiring.row_ptr = MakeRowPtr(anatomy, circuits, edges);
  wiring.col.resize(edges);
  wiring.weight.resize(edges);
  const RowMaker rows(seed, anatomy, circuits);
  constexpr size_t kBlock = 512;
  ctx.ParallelFor((n + kBlock - 1) / kBlock, [&](size_t block) {
    TargetSet set(ctx.Scratch(TargetSet::ScratchBytes(n)), n);
    const size_t end = std::min(n, (block + 1) * kBlock);
    for (size_t i = block * kBlock; i < end; ++i) {
      const size_t begin = wiring.row_ptr[i];
      const size_t degree = wiring.row_ptr[i + 1] - begin;
      rows.Make(static_cast<uint32_t>(i),
                std::span(wiring.col).subspan(begin, degree),
                std::span(wiring.weight).subspan(begin, degree), set);
    }
  });
  return wiring;
}

}  // namespace ranvier::twin
