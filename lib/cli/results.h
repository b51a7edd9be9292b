#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ranvier/cli/simulate.h"
#include "ranvier/report/report.h"
#include "ranvier/spiking/sha256.h"
#include "ranvier/spiking/simulation.h"

namespace ranvier::cli {

// What the trials of a run have brought so far. A trial may be cut short: all
// rates are per second that was really simulated.
class RunResults {
 public:
  explicit RunResults(const SimulatePlan& plan);

  void Add(const Simulation& trial, double wall_s);

  uint32_t trials() const { return trials_; }
  int64_t total_steps() const { return total_steps_; }
  // All trials were run to their end.
  bool complete() const {
    return trials_ == plan_.trials && total_steps_ == plan_.steps * trials_;
  }
  uint64_t spikes() const { return rows_.size() / 3; }
  uint64_t synaptic_events() const { return synaptic_events_; }
  double wall_s() const { return wall_s_; }
  double biological_s() const {
    return static_cast<double>(total_steps_) * plan_.model.dt_ms / 1000;
  }
  double real_time_factor() const {
    return wall_s_ > 0 ? biological_s() / wall_s_ : 0;
  }
  // Trial, step, neuron of each spike.
  std::span<const uint32_t> rows() const { return rows_; }
  std::span<const Spike> first_trial() const { return first_trial_; }
  int64_t longest_steps() const { return longest_steps_; }

  // Neurons that fired, by index.
  std::vector<NeuronRate> Rates() const;
  // Spikes per second in bins of `bin_ms`, mean over the trials that were
  // running then.
  std::vector<double> PopulationHz(double bin_ms) const;
  // Of all spikes, trial after trial; for one trial that of SpikesSha256.
  const std::string& spikes_sha256();
  const std::vector<std::string>& trial_sha256() const { return trial_sha256_; }

 private:
  const SimulatePlan& plan_;
  uint32_t trials_ = 0;
  int64_t total_steps_ = 0, longest_steps_ = 0;
  uint64_t synaptic_events_ = 0;
  double wall_s_ = 0;
  std::vector<uint32_t> rows_;
  std::vector<Spike> first_trial_;
  std::vector<int64_t> trial_steps_;
  std::vector<uint64_t> count_;    // [neurons] over all trials
  std::vector<double> square_hz_;  // [neurons] sum of squared trial rates
  std::vector<double> sum_hz_;     // [neurons] sum of trial rates
  Sha256 sha_;
  std::string sha256_;
  std::vector<std::string> trial_sha256_;
};

}  // namespace ranvier::cli
