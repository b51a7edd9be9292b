#include "ranvier/spiking/poisson_source.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "ranvier/simd/base/philox.h"

namespace ranvier {
namespace {

// Steps drawn ahead at once: long enough that looking at every drive costs
// nothing, short enough that dense drives stay in cache.
constexpr int64_t kAhead = 512;

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// First step at or after a time.
int64_t StepAt(double ms, double dt_ms) {
  const double step = std::ceil(ms / dt_ms - 1e-9);
  return step < 0x1.0p62 ? static_cast<int64_t>(step) : kNever;
}

}  // namespace

KickSource::KickSource(const Protocol& protocol, double dt_ms, uint64_t seed,
                       uint32_t trial)
    : seed_(seed), listed_(protocol.kicks) {
  std::sort(listed_.begin(), listed_.end());

  std::unordered_map<uint32_t, uint64_t> ordinal;
  drives_.reserve(protocol.drives.size());
  for (const PoissonDrive& drive : protocol.drives) {
    const uint64_t before = ordinal[drive.neuron]++;
    const double p = std::min(1.0, drive.rate_hz * dt_ms * 1e-3);
    const int64_t begin = StepAt(drive.begin_ms, dt_ms);
    const int64_t end = StepAt(drive.end_ms, dt_ms);
    if (p == 0 || begin >= end) continue;
    Drive entry{.neuron = drive.neuron,
                .stream = before << 32 | trial,
                .inverse_log_miss = 1 / std::log1p(-p),
                .end = end};
    Advance(entry, begin);
    drives_.push_back(entry);
  }
  // Ascending neurons keep each step of a filled stretch sorted.
  std::stable_sort(
      drives_.begin(), drives_.end(),
      [](const Drive& a, const Drive& b) { return a.neuron < b.neuron; });
}

// The next success among the steps from `from` on.
void KickSource::Advance(Drive& drive, int64_t from) const {
  const Philox::Counter random =
      Philox::At(seed_, drive.stream, drive.neuron, drive.draws++);
  const double failures = std::floor(
      std::log(UniformOpenZero(random[0], random[1])) * drive.inverse_log_miss);
  const double left = static_cast<double>(drive.end - from);
  drive.next = failures < left ? from + static_cast<int64_t>(failures) : kNever;
}

void KickSource::Fill(int64_t begin, int64_t end) {
  ahead_.clear();
  next_ahead_ = 0;
  for (Drive& drive : drives_) {
    while (drive.next < end) {
      ahead_.push_back({static_cast<uint32_t>(drive.next), drive.neuron});
      Advance(drive, drive.next + 1);
    }
  }
  for (; next_listed_ < listed_.size() && listed_[next_listed_].step < end;
       ++next_listed_) {
    if (listed_[next_listed_].step >= begin) {
      ahead_.push_back(listed_[next_listed_]);
    }
  }
  std::sort(ahead_.begin(), ahead_.end());
}

std::span<const Kick> KickSource::Next(int64_t begin, int64_t end) {
  if (end > filled_until_) {
    // What is left of the last stretch goes before the next one.
    std::vector<Kick> rest(
        ahead_.begin() + static_cast<std::ptrdiff_t>(next_ahead_),
        ahead_.end());
    const int64_t until = std::max(end, filled_until_ + kAhead);
    Fill(std::max(begin, filled_until_), until);
    ahead_.insert(ahead_.begin(), rest.begin(), rest.end());
    filled_until_ = until;
  }
  const auto first = ahead_.begin() + static_cast<std::ptrdiff_t>(next_ahead_);
  const auto last = std::upper_bound(
      first, ahead_.end(), end, [](int64_t step, const Kick& kick) {
        return step <= static_cast<int64_t>(kick.step);
      });
  next_ahead_ = static_cast<size_t>(last - ahead_.begin());
  return {first, last};
}

}  // namespace ranvier
