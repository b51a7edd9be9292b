#include "ranvier/cli/results.h"

#include <algorithm>
#include <cmath>

namespace ranvier::cli {

RunResults::RunResults(const SimulatePlan& plan)
    : plan_(plan),
      count_(plan.neurons, 0),
      square_hz_(plan.neurons, 0),
      sum_hz_(plan.neurons, 0) {}

void RunResults::Add(const Simulation& trial, double wall_s) {
  const int64_t steps = trial.steps();
  const std::vector<Spike>& spikes = trial.spikes();
  wall_s_ += wall_s;
  if (steps == 0) return;  // cancelled before it began
  rows_.reserve(rows_.size() + 3 * spikes.size());
  for (const Spike& spike : spikes) {
    rows_.insert(rows_.end(), {trials_, spike.step, spike.neuron});
  }
  if (trials_ == 0) first_trial_ = spikes;
  sha_.Update(spikes);
  trial_sha256_.push_back(SpikesSha256(spikes));

  std::vector<uint32_t> fired;
  for (const Spike& spike : spikes) fired.push_back(spike.neuron);
  std::sort(fired.begin(), fired.end());
  const double seconds = static_cast<double>(steps) * plan_.model.dt_ms / 1000;
  for (size_t i = 0; i < fired.size();) {
    size_t end = i;
    while (end < fired.size() && fired[end] == fired[i]) ++end;
    const double hz = static_cast<double>(end - i) / seconds;
    count_[fired[i]] += end - i;
    sum_hz_[fired[i]] += hz;
    square_hz_[fired[i]] += hz * hz;
    i = end;
  }
  trial_steps_.push_back(steps);
  total_steps_ += steps;
  longest_steps_ = std::max(longest_steps_, steps);
  synaptic_events_ += trial.synaptic_events();
  ++trials_;
}

std::vector<NeuronRate> RunResults::Rates() const {
  std::vector<NeuronRate> rates;
  const double n = std::max<double>(1, trials_);
  for (size_t i = 0; i < count_.size(); ++i) {
    if (count_[i] == 0) continue;
    NeuronRate rate;
    rate.neuron = static_cast<uint32_t>(i);
    rate.id = plan_.connectome.IdOf(i);
    rate.mean_hz = static_cast<double>(count_[i]) / biological_s();
    const double mean = sum_hz_[i] / n;
    rate.std_hz =
        trials_ > 1 ? std::sqrt(std::max(0.0, square_hz_[i] / n - mean * mean))
                    : 0;
    rate.spikes = count_[i];
    rate.driven = plan_.driven[i];
    rates.push_back(rate);
  }
  return rates;
}

std::vector<double> RunResults::PopulationHz(double bin_ms) const {
  const double dt_ms = plan_.model.dt_ms;
  const double duration_ms = static_cast<double>(longest_steps_) * dt_ms;
  // A bin that floating point would add at the very end is none.
  const size_t bins = static_cast<size_t>(
      std::max(1.0, std::ceil(duration_ms / bin_ms - 1e-9)));
  std::vector<double> hz(bins, 0), covered_ms(bins, 0);
  const auto bin_of = [&](uint32_t step) {
    const double bin = std::floor(step * dt_ms / bin_ms + 1e-9);
    return std::min(bins - 1, static_cast<size_t>(bin));
  };
  for (size_t i = 0; i < rows_.size(); i += 3) hz[bin_of(rows_[i + 1])] += 1;
  for (const int64_t steps : trial_steps_) {
    const double end_ms = static_cast<double>(steps) * dt_ms;
    for (size_t bin = 0; bin < bins; ++bin) {
      covered_ms[bin] +=
          std::clamp(end_ms - static_cast<double>(bin) * bin_ms, 0.0, bin_ms);
    }
  }
  for (size_t bin = 0; bin < bins; ++bin) {
    if (covered_ms[bin] > 0) hz[bin] *= 1000 / covered_ms[bin];
  }
  return hz;
}

const std::string& RunResults::spikes_sha256() {
  if (sha256_.empty()) sha256_ = sha_.HexDigest();
  return sha256_;
}

}  // namespace ranvier::cli
