#include "ranvier/spiking/twin_circuits.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "ranvier/spiking/twin_random.h"

namespace ranvier::twin {
namespace {

constexpr size_t kTasteNeurons = 21;
constexpr size_t kTriggerNeurons = 60;

// Hands out neurons without a role from a range of positions, in random order.
class Picker {
 public:
  Picker(const Anatomy& anatomy, std::vector<Role>& role, Range range,
         Stream& random)
      : anatomy_(anatomy), role_(role), random_(random) {
    candidates_.reserve(range.size());
    for (uint32_t p = range.begin; p < range.end; ++p) {
      candidates_.push_back(anatomy.order[p]);
    }
  }

  // Only excitatory ones if asked. Neurons with fewer than min_out_degree
  // connections are taken only when others are hard to find.
  uint32_t Pick(Role role, bool excitatory_only, double min_out_degree) {
    for (size_t tries = 0;; ++tries) {
      const uint32_t k =
          random_.Below(static_cast<uint32_t>(candidates_.size()));
      const uint32_t neuron = candidates_[k];
      if (tries > 4 * candidates_.size()) min_out_degree = 0;
      if (role_[neuron] != Role::kNone ||
          (excitatory_only && anatomy_.inhibitory[neuron]) ||
          anatomy_.out_degree[neuron] < min_out_degree) {
        continue;
      }
      role_[neuron] = role;
      candidates_[k] = candidates_.back();
      candidates_.pop_back();
      return neuron;
    }
  }

 private:
  const Anatomy& anatomy_;
  std::vector<Role>& role_;
  Stream& random_;
  std::vector<uint32_t> candidates_;
};

// `n` different values below `limit` (n <= limit), in the order drawn.
std::vector<uint32_t> DrawDistinct(Stream& random, uint32_t n, uint32_t limit) {
  std::vector<uint32_t> values;
  while (values.size() < n) {
    const uint32_t value = random.Below(limit);
    if (std::find(values.begin(), values.end(), value) == values.end()) {
      values.push_back(value);
    }
  }
  return values;
}

// ---- Feeding

// Neurons that fire have more connections than most: an active neuron of the
// fly brain has two to three times the mean.
constexpr double kMinMemberOutDegree = 120;

// Mean input, as rate * count summed over a member's sources, that makes it
// fire at a rate. Measured in the planted pathway; near threshold the neuron
// fires on fluctuations.
struct Drive {
  double rate_hz;
  double events_per_s;
};
constexpr Drive kDriveForRate[] = {
    {0, 4000},  {5, 4700},   {14, 5300},  {22, 6200},  {29, 7200},
    {37, 8600}, {47, 10800}, {60, 14400}, {73, 19000}, {100, 30000}};

double DriveForRate(double rate_hz) {
  size_t k = 1;
  while (k + 1 < std::size(kDriveForRate) &&
         kDriveForRate[k].rate_hz <= rate_hz) {
    ++k;
  }
  const Drive& a = kDriveForRate[k - 1];
  const Drive& b = kDriveForRate[k];
  return a.events_per_s + (b.events_per_s - a.events_per_s) *
                              (rate_hz - a.rate_hz) / (b.rate_hz - a.rate_hz);
}

// Target rates fall from 97 Hz for the first member to 5 Hz for the last:
// few strong, many weak ones, as in the published feeding response.
double TargetRate(size_t member, size_t members) {
  const double left = 1 - (double(member) + 0.5) / double(members);
  return 5 + 92 * left * left * (0.4 + 0.6 * left);
}

void PlantFeeding(const Anatomy& anatomy, uint64_t seed, Circuits& circuits) {
  Stream random(seed, Purpose::kFeeding, 0);
  const size_t members = std::min<size_t>(400, anatomy.neurons() / 20);

  // The gnathal ganglion; in a small twin also the neuropils after it.
  constexpr std::string_view kHome = "GNG";
  size_t home = 0;
  while (Neuropils()[home].name != kHome) ++home;
  size_t home_end = home + 1;
  while (home_end < Neuropils().size() &&
         anatomy.NeuropilRange(home, home_end).size() <
             8 * (kTasteNeurons + members)) {
    ++home_end;
  }
  Picker picker(anatomy, circuits.role, anatomy.NeuropilRange(home, home_end),
                random);

  // Possible sources with the rate they are expected to fire at. A driven
  // neuron misses the kicks that come while it is about to spike.
  struct Source {
    uint32_t neuron;
    double rate_hz;
  };
  std::vector<Source> sources;
  for (size_t i = 0; i < kTasteNeurons; ++i) {
    circuits.feeding.push_back(picker.Pick(Role::kFeeding, true, 0));
    sources.push_back({circuits.feeding.back(), 196});
  }

  std::vector<uint32_t> member(members);
  for (size_t m = 0; m < members; ++m) {
    member[m] = picker.Pick(Role::kFeeding, false, kMinMemberOutDegree);
    const double rate = TargetRate(m, members);
    // Only sources that fire clearly faster than the member will: the first
    // members hear the taste neurons alone, and errors do not run in circles.
    uint32_t eligible = 0;
    while (eligible < sources.size() &&
           (eligible < kTasteNeurons ||
            sources[eligible].rate_hz >= 1.15 * rate)) {
      ++eligible;
    }
    const std::vector<uint32_t> chosen =
        DrawDistinct(random, 6 + random.Below(7), eligible);
    std::vector<uint32_t> share;
    uint32_t share_sum = 0;
    for (size_t s = 0; s < chosen.size(); ++s) {
      share.push_back(64 + random.Below(128));
      share_sum += share.back();
    }
    const double drive = DriveForRate(rate);
    for (size_t s = 0; s < chosen.size(); ++s) {
      const Source& source = sources[chosen[s]];
      const double count = drive * share[s] / share_sum / source.rate_hz;
      circuits.edges.push_back(
          {source.neuron, member[m],
           static_cast<uint16_t>(std::max(1.0, count + 0.5))});
    }
    if (!anatomy.inhibitory[member[m]] && rate >= 20) {
      sources.push_back({member[m], rate});
    }
  }

  // Inhibitory members weakly inhibit slower ones.
  constexpr uint32_t kInhibited = 6;
  for (size_t m = 0; m + 2 * kInhibited < members; ++m) {
    if (!anatomy.inhibitory[member[m]]) continue;
    const uint32_t slower = static_cast<uint32_t>(members - m - 1);
    for (uint32_t k : DrawDistinct(random, kInhibited, slower)) {
      circuits.edges.push_back({member[m], member[m + 1 + k],
                                static_cast<uint16_t>(1 + random.Below(4))});
    }
  }
}

// ---- Ignition

constexpr double kCoreShare = 4000.0 / 138639.0;  // of all neurons
// Core neurons reach far beyond the core: they have many targets.
constexpr double kMinCoreOutDegree = 90;
// Recurrent inputs of a core neuron; their counts are uniform from 1 to this.
constexpr uint32_t kCoreInputs = 46;
constexpr uint32_t kMaxRecurrentCount = 10;
// Inputs from trigger neurons of a core neuron in the triggered half.
constexpr uint32_t kTriggerInputs = 9;

void PlantIgnition(const Anatomy& anatomy, uint64_t seed, Circuits& circuits) {
  Stream random(seed, Purpose::kIgnition, 0);
  const uint32_t size =
      static_cast<uint32_t>(kCoreShare * double(anatomy.neurons()) + 0.5);
  Picker picker(anatomy, circuits.role,
                anatomy.NeuropilRange(kOpticNeuropils, Neuropils().size()),
                random);
  std::vector<uint32_t> core(size);
  for (uint32_t& neuron : core) {
    neuron = picker.Pick(Role::kCore, true, kMinCoreOutDegree);
  }
  for (size_t i = 0; i < kTriggerNeurons; ++i) {
    circuits.ignition.push_back(picker.Pick(Role::kTrigger, true, 0));
  }

  // A small core has fewer and stronger inputs.
  const uint32_t inputs = std::min(kCoreInputs, size / 2);
  const uint32_t max_count = kMaxRecurrentCount * kCoreInputs / inputs;
  for (uint32_t target = 0; target < size; ++target) {
    // Drawn among the others: no self edge.
    for (uint32_t k : DrawDistinct(random, inputs, size - 1)) {
      const uint32_t source = k + (k >= target);
      const uint32_t count = 1 + random.Below(max_count);
      circuits.edges.push_back(
          {core[source], core[target], static_cast<uint16_t>(count)});
    }
    if (target >= size / 2) continue;
    for (uint32_t k : DrawDistinct(random, kTriggerInputs, kTriggerNeurons)) {
      circuits.edges.push_back({circuits.ignition[k], core[target],
                                static_cast<uint16_t>(6 + random.Below(7))});
    }
  }
}

}  // namespace

Circuits PlantCircuits(const Anatomy& anatomy, uint64_t seed) {
  Circuits circuits;
  circuits.role.assign(anatomy.neurons(), Role::kNone);
  PlantFeeding(anatomy, seed, circuits);
  PlantIgnition(anatomy, seed, circuits);
  std::sort(circuits.feeding.begin(), circuits.feeding.end());
  std::sort(circuits.ignition.begin(), circuits.ignition.end());

  // No pair is planted twice: excitatory sources of a member are drawn once,
  // and inhibitory neurons are never among them.
  std::sort(circuits.edges.begin(), circuits.edges.end(),
            [](const PlantedEdge& a, const PlantedEdge& b) {
              return a.from != b.from ? a.from < b.from : a.to < b.to;
            });
  circuits.row_ptr.assign(anatomy.neurons() + 1, 0);
  for (const PlantedEdge& edge : circuits.edges) {
    ++circuits.row_ptr[edge.from + 1];
  }
  for (size_t i = 0; i < anatomy.neurons(); ++i) {
    circuits.row_ptr[i + 1] += circuits.row_ptr[i];
  }
  return circuits;
}

}  // namespace ranvier::twin
