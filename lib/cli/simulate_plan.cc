#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <tuple>

#include "ranvier/cli/machine.h"
#include "ranvier/cli/neurons.h"
#include "ranvier/cli/progress.h"
#include "ranvier/cli/simulate.h"
#include "ranvier/cli/units.h"
#include "ranvier/io/output_file.h"
#include "ranvier/report/format.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/spiking/simulation.h"
#include "ranvier/spiking/step_list.h"
#include "ranvier/spiking/with_delay.h"

namespace ranvier::cli {
namespace {

namespace fs = std::filesystem;
using report::Number;
using report::Thousands;

constexpr char kSynthetic[] = "synthetic twin, not real wiring";

// Fills model, steps and trials.
void CheckTime(const SimulateOptions& options, SimulatePlan& plan,
               Problems& problems) {
  plan.model = options.model;
  bool has_dt = true;
  try {
    CheckModel(plan.model);
  } catch (const std::invalid_argument& e) {
    problems.Usage("model", e.what());
    has_dt = plan.model.dt_ms > 0 && std::isfinite(plan.model.dt_ms);
  }
  if (options.trials < 1 || options.trials > 1'000'000) {
    problems.Usage("--trials", std::to_string(options.trials) +
                                   " trials; there must be 1 to 1,000,000");
  } else {
    plan.trials = static_cast<uint32_t>(options.trials);
  }
  const auto duration_ms = ParseDurationMs(options.duration);
  if (!duration_ms) {
    problems.Usage("--duration", "'" + options.duration +
                                     "' is not a time; write e.g. 500ms, 1s, "
                                     "2min (ms where no unit is given)");
    return;
  }
  if (!has_dt) return;
  const double steps = *duration_ms / plan.model.dt_ms;
  constexpr double kMostSteps = std::numeric_limits<uint32_t>::max();
  if (!(steps >= 0.5 && steps <= kMostSteps)) {
    problems.Usage("--duration", FormatDurationMs(*duration_ms) + " is " +
                                     Number(steps, 4) + " steps of " +
                                     Number(plan.model.dt_ms) +
                                     " ms; a run has 1 to 4,294,967,295");
    return;
  }
  plan.steps = std::llround(steps);
  if (std::fabs(steps - std::round(steps)) > 1e-6) {
    plan.warnings.push_back(
        options.duration + " is not a whole number of steps of " +
        Number(plan.model.dt_ms) + " ms; running " +
        Number(static_cast<double>(plan.steps) * plan.model.dt_ms, 9) + " ms");
  }
}

void CheckOutputs(const SimulateOptions& options, Problems& problems) {
  if (options.estimate) return;
  const std::string why = WhyNotWritable(options.out);
  if (!why.empty()) {
    problems.Data("--out", why + "; choose another folder");
  } else if (fs::is_directory(options.out)) {
    for (const std::string& path : OutputPaths(options).All()) {
      try {
        CheckWritable(path);
      } catch (const IoError& e) {
        problems.Data("--out", e.what());
      }
    }
  }
  if (options.json.empty() || options.json == "-") return;
  try {
    // In the output folder it may wait for the folder to be made.
    const fs::path parent = fs::path(options.json).parent_path();
    if (fs::exists(parent.empty() ? "." : parent) ||
        fs::path(options.out) != parent) {
      CheckWritable(options.json);
    }
  } catch (const IoError& e) {
    problems.Data("--json", e.what());
  }
}

void LoadFile(Context& ctx, const SimulateOptions& options,
              const ImportFlags& import, SimulatePlan& plan,
              Problems& problems) {
  if (!fs::exists(options.file)) {
    problems.Data(options.file,
                  "does not exist; without FILE the synthetic twin is used");
    return;
  }
  try {
    CheckMemoryFor(options.file, import.options, AvailableMemory());
    plan.connectome = LoadConnectome(ctx, options.file, import.options);
    if (!import.delay.empty()) {
      plan.connectome = WithDelay(plan.connectome, import.options.delay_ms);
    }
    plan.source = options.file;
    if (plan.connectome.synthetic()) {
      plan.source += std::string(" (") + kSynthetic + ")";
    }
    plan.neurons = plan.connectome.neurons();
    plan.edges = plan.connectome.edges();
    if (plan.neurons == 0) problems.Data(options.file, "holds no neurons");
  } catch (const CancelledError&) {
    // The caller sees it in ctx.
  } catch (const IoError& e) {
    problems.Data("", e.what());
  } catch (const std::invalid_argument& e) {
    problems.Data(options.file, e.what());
  }
}

size_t ConnectomeBytes(size_t neurons, size_t edges, bool wide) {
  return neurons * (sizeof(uint64_t) + sizeof(int64_t)) +
         edges * (sizeof(uint32_t) + (wide ? 4 : 2));
}

void Estimate(const Context& ctx, const SimulateOptions& options,
              size_t recorded, SimulatePlan& plan) {
  RunEstimate& estimate = plan.estimate;
  const double seconds =
      static_cast<double>(plan.steps) * plan.model.dt_ms / 1000;
  const size_t spikes =
      static_cast<size_t>(RunEstimate::kAssumedRateHz * seconds *
                          static_cast<double>(plan.neurons));
  const size_t steps = static_cast<size_t>(plan.steps);
  estimate.simulation_bytes =
      EstimateSimulationBytes(plan.neurons, ctx.threads(), 0);
  for (const Silence& silence : plan.protocol.silences) {
    if (silence.kind != SilenceKind::kBoth) continue;
    const bool narrow = plan.connectome.weight().index() == 0;
    estimate.simulation_bytes += plan.edges * (narrow ? 2 : 4);  // a copy
    break;
  }
  // A spike is held by the simulation and, with its trial, for spikes.npy.
  estimate.spike_bytes =
      EstimateSimulationBytes(plan.neurons, ctx.threads(), spikes) -
      EstimateSimulationBytes(plan.neurons, ctx.threads(), 0) +
      spikes * plan.trials * 12;
  estimate.voltage_bytes = recorded * steps * 2 * sizeof(double);
  estimate.disk_bytes = spikes * plan.trials * (12 + 6) + plan.neurons * 50 +
                        (options.no_report ? 0 : 1'500'000);
  estimate.voltage_disk_bytes = recorded * steps * plan.trials * 70;
  const bool wide =
      plan.connectome.neurons() > 0 && plan.connectome.weight().index() != 0;
  estimate.connectome_bytes = ConnectomeBytes(plan.neurons, plan.edges, wide);
  if (options.uses_twin()) estimate.connectome_bytes += plan.neurons * 60;
}

// `loaded`: the connectome is in memory already.
void CheckResources(const SimulateOptions& options, bool loaded,
                    SimulatePlan& plan, Problems& problems) {
  const RunEstimate& estimate = plan.estimate;
  const auto bytes = [](size_t n) {
    return FormatBytes(static_cast<double>(n));
  };
  const auto memory = AvailableMemory();
  const size_t needed =
      estimate.certain_bytes() - (loaded ? estimate.connectome_bytes : 0);
  if (memory && needed > memory->bytes) {
    problems.Data("memory", "the run needs " + bytes(needed) + ", there are " +
                                bytes(memory->bytes) + " (" + memory->reason +
                                "); --estimate lists the parts");
  } else if (memory && needed + estimate.spike_bytes > memory->bytes) {
    plan.warnings.push_back(
        "if neurons fire at " + Number(RunEstimate::kAssumedRateHz) +
        " Hz on average, the spikes need " + bytes(estimate.spike_bytes) +
        " of memory and there are " + bytes(memory->bytes) +
        "; a shorter run or fewer trials need less");
  }
  const auto disk = FreeDisk(options.out);
  if (disk && estimate.voltage_disk_bytes > *disk) {
    problems.Data("--voltage", "voltage.csv needs about " +
                                   bytes(estimate.voltage_disk_bytes) + ", " +
                                   options.out + " has " + bytes(*disk) +
                                   " free");
  } else if (disk && estimate.disk_bytes > *disk) {
    plan.warnings.push_back(
        "the outputs may need " + bytes(estimate.disk_bytes) +
        " of disk, there are " + bytes(*disk) + " free at " + options.out);
  }
}

// Fills protocol, stimuli, windows and driven from the named neurons.
class ProtocolBuilder {
 public:
  ProtocolBuilder(const NeuronNames& names, SimulatePlan& plan,
                  Problems& problems)
      : names_(names), plan_(plan), problems_(problems) {
    plan_.driven.assign(names.neurons, false);
  }

  void Add(const Excite& excite) {
    const auto neurons =
        SelectNeurons(names_, excite.what, "--excite", problems_);
    const double most_hz = 1000 / plan_.model.dt_ms;
    if (excite.rate_hz > most_hz) {
      problems_.Usage("--excite", Number(excite.rate_hz) +
                                      " Hz is more than one event in each "
                                      "step; at --dt " +
                                      Number(plan_.model.dt_ms) +
                                      " ms the highest rate is " +
                                      Number(most_hz) + " Hz");
    }
    for (const uint32_t neuron : neurons) {
      plan_.protocol.drives.push_back(
          {neuron, excite.rate_hz, excite.begin_ms, excite.end_ms});
      plan_.driven[neuron] = true;
    }
    const double duration_ms =
        static_cast<double>(plan_.steps) * plan_.model.dt_ms;
    if (excite.begin_ms > 0 || excite.end_ms < duration_ms) {
      plan_.windows.emplace_back(excite.begin_ms,
                                 std::min(excite.end_ms, duration_ms));
    }
    if (plan_.steps > 0 && excite.begin_ms >= duration_ms) {
      plan_.warnings.push_back("--excite " + Describe(excite) +
                               ": begins after the run has ended");
    }
    plan_.stimuli.push_back(Plural(neurons.size(), "neuron") +
                            (neurons.size() == 1 ? " is" : " are") +
                            " driven by Poisson kicks: " + Describe(excite));
  }

  void Add(const SilenceOption& silence) {
    const auto neurons =
        SelectNeurons(names_, silence.what, "--silence", problems_);
    for (const uint32_t neuron : neurons) {
      plan_.protocol.silences.push_back({neuron, silence.kind});
    }
    plan_.stimuli.push_back(Plural(neurons.size(), "neuron") +
                            (neurons.size() == 1 ? " is" : " are") +
                            " silenced (" + Describe(silence.kind) +
                            "): " + silence.what);
  }

  void AddInput(const std::string& path) {
    if (!fs::exists(path)) {
      problems_.Data("--input", path + " does not exist");
      return;
    }
    try {
      size_t late = 0;
      for (const Spike& event :
           ReadStepList(path, names_.neurons, names_.ids)) {
        plan_.protocol.kicks.push_back({event.step, event.neuron});
        plan_.driven[event.neuron] = true;
        late += event.step >= plan_.steps;
      }
      const size_t events = plan_.protocol.kicks.size();
      plan_.stimuli.push_back(Plural(events, "input event") + " from " + path);
      if (late > 0 && plan_.steps > 0) {
        plan_.warnings.push_back(Thousands(late) + " of " +
                                 Plural(events, "input event") +
                                 " lie after the end of the run");
      }
    } catch (const IoError& e) {
      problems_.Data("--input", e.what());
    }
  }

  // The kicks of a drive depend on seed, trial, neuron and step only: two
  // drives at one time would kick together instead of adding their rates.
  void CheckOverlaps() {
    std::vector<PoissonDrive> drives = plan_.protocol.drives;
    std::sort(drives.begin(), drives.end(),
              [](const PoissonDrive& a, const PoissonDrive& b) {
                return std::tie(a.neuron, a.begin_ms) <
                       std::tie(b.neuron, b.begin_ms);
              });
    for (size_t i = 1; i < drives.size(); ++i) {
      const PoissonDrive &a = drives[i - 1], &b = drives[i];
      if (a.neuron != b.neuron || b.begin_ms >= a.end_ms) continue;
      problems_.Usage(
          "--excite",
          "neuron " +
              std::to_string(names_.ids != nullptr
                                 ? names_.ids->IdOf(a.neuron)
                                 : static_cast<int64_t>(a.neuron)) +
              " is driven twice at the same time; give it one rate, or "
              "windows that do not overlap");
      return;
    }
  }

 private:
  const NeuronNames& names_;
  SimulatePlan& plan_;
  Problems& problems_;
};

}  // namespace

OutputPaths::OutputPaths(const SimulateOptions& options) {
  const fs::path folder(options.out);
  if (!options.no_report) report = (folder / "report.html").string();
  spikes_csv = (folder / "spikes.csv.gz").string();
  spikes_npy = (folder / "spikes.npy").string();
  rates = (folder / "rates.csv").string();
  if (!options.voltage.empty()) voltage = (folder / "voltage.csv").string();
  run = (folder / "run.json").string();
}

std::vector<std::string> OutputPaths::All() const {
  std::vector<std::string> all;
  for (const std::string& path :
       {report, spikes_csv, spikes_npy, rates, voltage, run}) {
    if (!path.empty()) all.push_back(path);
  }
  return all;
}

SimulatePlan MakePlan(Context& ctx, const SimulateOptions& options,
                      Problems& problems, ProgressBar& progress) {
  SimulatePlan plan;
  CheckTime(options, plan, problems);
  std::vector<Excite> excites;
  std::vector<SilenceOption> silences;
  for (const std::string& text : options.excite) {
    if (const auto excite = ParseExcite(text, problems)) {
      excites.push_back(*excite);
    }
  }
  for (const std::string& text : options.silence) {
    if (const auto silence = ParseSilence(text, problems)) {
      silences.push_back(*silence);
    }
  }
  if (!options.ids.empty() && options.ids != "index" && options.ids != "id") {
    problems.Usage("--ids", "'" + options.ids + "' is neither index nor id");
  }
  ImportFlags import = options.import;
  import.Check(problems);
  CheckOutputs(options, problems);

  const auto begin = std::chrono::steady_clock::now();
  ctx.SetProgress([&](double done) { progress.Show(done); });
  NeuronNames names;
  bool loaded = false;
  if (options.uses_twin()) {
    if (options.excite.empty() && options.input.empty()) {
      excites.push_back({"feeding", DefaultRateHz("feeding")});
    }
    const TwinOptions twin_options;
    plan.neurons = twin_options.neurons;
    plan.edges = twin_options.edges;
    plan.source = std::string(kSynthetic) + " (seed " +
                  std::to_string(twin_options.seed) + ")";
    plan.synthetic =
        "Synthetic twin, not real wiring: generated with the size and shape "
        "of FlyWire v783. Use it for speed, memory and exactness, never for "
        "biology.";
    plan.warnings.insert(plan.warnings.begin(), plan.synthetic);
    const size_t told = plan.warnings.size();
    names.sets = {{"feeding", {}}, {"ignition", {}}};
    Estimate(ctx, options, 0, plan);
    CheckResources(options, false, plan, problems);
    plan.warnings.resize(told);  // told again below, with the voltages
    // Making it takes seconds: not for an estimate, or to find an error.
    if (problems.empty() && !options.estimate) {
      progress.Start("making the synthetic twin");
      Twin twin = MakeTwin(ctx, twin_options);
      if (ctx.cancelled()) return plan;
      plan.connectome = std::move(twin.connectome);
      if (!import.delay.empty()) {
        plan.connectome = WithDelay(plan.connectome, import.options.delay_ms);
      }
      names.sets["feeding"] = std::move(twin.feeding);
      names.sets["ignition"] = std::move(twin.ignition);
      loaded = true;
    }
  } else {
    progress.Start("loading " + BaseName(options.file));
    LoadFile(ctx, options, import, plan, problems);
    if (ctx.cancelled()) return plan;
    if (plan.neurons == 0) return plan;  // told already; ids mean nothing now
    loaded = true;
    if (plan.connectome.synthetic()) {
      plan.synthetic =
          "The connectome is synthetic, not real wiring: use it for speed, "
          "memory and exactness, never for biology.";
      plan.warnings.insert(plan.warnings.begin(), plan.synthetic);
    }
  }
  progress.Finish();
  ctx.SetProgress(nullptr);
  plan.load_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();

  names.neurons = plan.neurons;
  if (loaded && plan.connectome.has_ids() && options.ids != "index") {
    names.ids = &plan.connectome;
  } else if (options.ids == "id" && loaded) {
    problems.Usage("--ids", plan.source +
                                " has no ids of its own; its neurons are "
                                "called by index");
  }
  ProtocolBuilder builder(names, plan, problems);
  for (const Excite& excite : excites) builder.Add(excite);
  for (const SilenceOption& silence : silences) builder.Add(silence);
  if (!options.input.empty()) builder.AddInput(options.input);
  builder.CheckOverlaps();
  if (!options.voltage.empty()) {
    plan.protocol.record_voltage =
        SelectNeurons(names, options.voltage, "--voltage", problems);
  }
  if (plan.protocol.drives.empty() && plan.protocol.kicks.empty() &&
      problems.empty() && loaded &&
      plan.model.v_rest_mV <= plan.model.v_threshold_mV) {
    plan.warnings.push_back(
        "nothing drives the network, so no neuron will fire; --excite or "
        "--input does");
  }
  const double delay_ms =
      loaded ? plan.connectome.delay_ms() : import.options.delay_ms;
  if (plan.model.dt_ms > 0 && DelaySteps(delay_ms, plan.model.dt_ms) < 1) {
    problems.Usage("--delay", "the synaptic delay of " + Number(delay_ms) +
                                  " ms is less than one step of " +
                                  Number(plan.model.dt_ms) +
                                  " ms; choose a shorter --dt or a longer "
                                  "--delay");
  }
  if (problems.empty()) {
    try {
      CheckProtocol(plan.protocol, plan.neurons, plan.model.dt_ms);
    } catch (const std::invalid_argument& e) {
      problems.Usage("protocol", e.what());
    }
  }
  Estimate(ctx, options, plan.protocol.record_voltage.size(), plan);
  CheckResources(options, loaded, plan, problems);
  return plan;
}

}  // namespace ranvier::cli
