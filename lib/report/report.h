#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ranvier/simd/base/export.h"
#include "ranvier/spiking/simulation.h"

namespace ranvier {

// Activity of one neuron over all trials of a run.
struct NeuronRate {
  uint32_t neuron = 0;
  int64_t id = 0;
  double mean_hz = 0;
  double std_hz = 0;  // over trials, population form; 0 for one trial
  uint64_t spikes = 0;
  bool driven = false;
};

// A span of time that charts shade, e.g. while a drive is on.
struct ReportWindow {
  double begin_ms = 0, end_ms = 0;
  std::string label;
};

// One way to compute something. It is compared with the same in double
// precision first, and timed only if it is right.
struct Timing {
  std::string what;  // "1024 x 1024 x 1024"; the ways of one stand together
  std::string way;   // "SIMD, bf16"
  int threads = 1;
  bool baseline = false;   // what the other ways are held to
  double error_share = 0;  // largest |error| / bound; right if at most 1
  double seconds = 0;      // median; 0 if not timed
  double rate = 0;         // in the unit of the table
  double speedup = 0;      // over the baseline

  bool right() const { return error_share <= 1; }  // false for NaN
};

struct TimingTable {
  std::string title;  // "Matrix products"
  std::string unit;   // of the rates: "GFLOP/s"
  std::string note;   // what is counted, a sentence or two
  std::vector<Timing> rows = {};
};

// What a run's report shows. Text may come from files: it is escaped.
struct RunReport {
  using Rows = std::vector<std::pair<std::string, std::string>>;

  std::string title;     // "Synthetic twin", a file name
  std::string subtitle;  // one line: version, command, time
  std::vector<std::string> warnings;
  std::vector<std::string> stimuli;  // one plain sentence each
  Rows figures;                      // the headline numbers
  Rows parameters;                   // what was simulated and how
  Rows performance;                  // how fast, on what
  std::vector<ReportWindow> windows;

  double dt_ms = 0.1;
  int64_t steps = 0;    // of each trial
  size_t neurons = 0;   // of the connectome
  uint32_t trials = 1;  // that were run
  // Spikes of the first trial, sorted by step: the raster.
  std::span<const Spike> raster;
  // Spikes per second of the whole population in each bin of the duration,
  // mean over trials.
  std::vector<double> population_hz;
  double bin_ms = 1;
  std::vector<NeuronRate> rates;     // the neurons that fired, any order
  std::vector<TimingTable> timings;  // those without rows are not shown

  double duration_ms() const { return static_cast<double>(steps) * dt_ms; }
};

// One HTML page with inline SVG: no script, no link, nothing from outside, and
// below about 1.5 MB for any number of spikes and neurons.
RANVIER_API std::string RenderReport(const RunReport& report);

// Throws  IoError.
RANVIER_API void WriteReport(const std::string& path, const RunReport& report);

// A round bin width (1, 2, 5, 10, ... ms, at least dt) that cuts the duration
// into at most about 1000 bins.
RANVIER_API double PopulationBinMs(double duration_ms, double dt_ms);

}  // namespace ranvier
