#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ranvier/cli/command.h"
#include "ranvier/cli/import_options.h"
#include "ranvier/cli/stimulus.h"
#include "ranvier/report/report.h"
#include "ranvier/spiking/lif_model.h"
#include "ranvier/spiking/protocol.h"
#include "ranvier/spiking/twin.h"

namespace ranvier::cli {

class ProgressBar;

// The arguments of `ranvier simulate` as they were typed.
struct SimulateOptions {
  std::string command = "simulate";  // or "tour", which simulates first
  std::string file;                  // empty: the synthetic twin
  ImportFlags import;
  std::string ids;  // "index", "id" or empty

  std::vector<std::string> excite, silence;
  std::string input;
  std::string voltage;

  std::string duration = "1s";
  int64_t trials = 1;
  uint64_t seed = 0;
  LifModel model;

  int threads = 0;
  std::string target;

  std::string out = "ranvier-out";
  std::string json;
  bool estimate = false, quiet = false, no_report = false;

  std::string command_line;  // for the report

  void AddTo(CLI::App& app);
  void AddTourTo(CLI::App& app);  // the few that `ranvier tour` has
  void KeepCommandLine(const std::vector<std::string>& args);
  bool uses_twin() const { return file.empty(); }
};

// What a run needs, before it is started.
struct RunEstimate {
  size_t connectome_bytes = 0;  // held, or while it is read or made
  size_t simulation_bytes = 0;
  size_t voltage_bytes = 0;
  size_t spike_bytes = 0;  // at the assumed rate
  size_t disk_bytes = 0;   // at the assumed rate
  size_t voltage_disk_bytes = 0;

  // Mean rate over all neurons that the spikes are counted for; the brain of a
  // feeding fly fires at about 0.1 Hz, a wildly active one at 10.
  static constexpr double kAssumedRateHz = 10;

  size_t certain_bytes() const {
    return connectome_bytes + simulation_bytes + voltage_bytes;
  }
};

// One experiment that has passed every check.
struct SimulatePlan {
  // Empty where only an estimate of the twin was asked for.
  Connectome connectome;
  size_t neurons = 0, edges = 0;
  std::string source;  // "synthetic twin, not real wiring (seed 783)"
  LifModel model;
  Protocol protocol;
  std::vector<std::string> stimuli;                // a sentence each
  std::vector<std::pair<double, double>> windows;  // of drives that end, ms
  std::vector<bool> driven;                        // [neurons]
  std::string synthetic;  // the warning that this is no real brain, or empty
  std::vector<std::string> warnings;  // that one first
  int64_t steps = 0;
  uint32_t trials = 1;
  RunEstimate estimate;
  double load_s = 0;
};

// Checks everything and loads the connectome. Whatever is wrong goes to
// `problems`, all of it; the plan may be used only if there is nothing.
SimulatePlan MakePlan(Context& ctx, const SimulateOptions& options,
                      Problems& problems, ProgressBar& progress);

// What a command measures between the trials and the files, which show it too.
struct MeasuredTable {
  TimingTable timings;
  // In run.json: of the list, and in its entries of what was computed and of
  // the rate.
  struct Keys {
    std::string list, what, rate;  // "products", "product", "gflops"
  } keys;
  // What the report calls the largest rate; empty: it does not tell it.
  std::string headline = {};
  double wall_s = 0;
};
struct Measurements {
  std::vector<MeasuredTable> tables;
  bool complete = true;

  std::vector<Timing> Rows() const;  // of all tables
};
using Measuring =
    std::function<Measurements(Context&, ProgressBar&, std::ostream& words)>;

// Runs the plan, then `measure` if there is one, and writes the outputs;
// returns the exit code.
int RunPlan(Context& ctx, const SimulateOptions& options,
            const SimulatePlan& plan, const Measuring& measure, Streams streams,
            ProgressBar& progress);

// Everything from the parsed options to the exit code.
int RunExperiment(const SimulateOptions& options, const Measuring& measure,
                  Streams streams);

// The files of a run, in the order they are shown.
struct OutputPaths {
  explicit OutputPaths(const SimulateOptions& options);
  std::string report, spikes_csv, spikes_npy, rates, voltage, run;
  std::vector<std::string> All() const;  // those that this run writes
};

}  // namespace ranvier::cli
