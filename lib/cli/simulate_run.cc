#include <chrono>
#include <filesystem>
#include <optional>

#include <nlohmann/json.hpp>

#include "ranvier/cli/outputs.h"
#include "ranvier/cli/progress.h"
#include "ranvier/cli/simulate.h"
#include "ranvier/cli/units.h"
#include "ranvier/io/npy.h"
#include "ranvier/io/output_file.h"
#include "ranvier/report/format.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/simd/targets.h"

namespace ranvier::cli {
namespace {

using Clock = std::chrono::steady_clock;
using report::Number;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void WriteText(const std::string& path, const std::string& text) {
  OutputFile file(path);
  file.Write(text);
  file.Commit();
}

void PrintPlan(const Context& ctx, const SimulatePlan& plan,
               std::ostream& out) {
  out << plan.source << "\n"
      << Plural(plan.neurons, "neuron") << ", "
      << Plural(plan.edges, "connection") << ", ready in "
      << FormatSeconds(plan.load_s) << "\n";
  for (const std::string& stimulus : plan.stimuli) out << stimulus << "\n";
  out << FormatDurationMs(static_cast<double>(plan.steps) * plan.model.dt_ms)
      << " in steps of " << Number(plan.model.dt_ms) << " ms, "
      << Plural(plan.trials, "trial") << ", seed " << ctx.seed() << ", "
      << Plural(static_cast<uint64_t>(ctx.threads()), "thread") << " ("
      << ctx.thread_count().reason << "), " << simd::CurrentTarget()
      << std::endl;
}

void PrintResults(const RunResults& results, size_t active, std::ostream& out) {
  out << "\n"
      << Plural(results.spikes(), "spike") << " of " << Plural(active, "neuron")
      << ", " << Plural(results.synaptic_events(), "synaptic event") << "\n"
      << FormatDurationMs(results.biological_s() * 1000) << " simulated in "
      << FormatSeconds(results.wall_s()) << ": "
      << Number(results.real_time_factor(), 3) << " times real time\n\n"
      << std::flush;
}

void PrintPaths(const OutputPaths& paths, std::ostream& out) {
  const auto line = [&](const char* name, const std::string& path) {
    if (!path.empty()) out << name << path << "\n";
  };
  line("report   ", paths.report);
  line("spikes   ", paths.spikes_csv);
  line("         ", paths.spikes_npy);
  line("rates    ", paths.rates);
  line("voltage  ", paths.voltage);
  line("figures  ", paths.run);
}

}  // namespace

std::vector<Timing> Measurements::Rows() const {
  std::vector<Timing> rows;
  for (const MeasuredTable& table : tables) {
    rows.insert(rows.end(), table.timings.rows.begin(),
                table.timings.rows.end());
  }
  return rows;
}

int RunPlan(Context& ctx, const SimulateOptions& options,
            const SimulatePlan& plan, const Measuring& measure, Streams streams,
            ProgressBar& progress) {
  // With figures on stdout the words go to stderr.
  std::ostream& words = options.json == "-" ? streams.err : streams.out;
  if (!options.quiet) PrintPlan(ctx, plan, words);

  const OutputPaths paths(options);
  std::error_code error;
  std::filesystem::create_directories(options.out, error);
  if (error) throw IoError(options.out + ": " + error.message());
  std::optional<VoltageWriter> voltage;
  if (!paths.voltage.empty()) voltage.emplace(paths.voltage);

  RunResults results(plan);
  RunTimes times;
  times.load_s = plan.load_s;
  progress.Start("simulating");
  for (uint32_t trial = 0; trial < plan.trials && !ctx.cancelled(); ++trial) {
    ctx.SetProgress([&, trial](double done) {
      progress.Show((trial + done) / plan.trials);
    });
    auto begin = Clock::now();
    Simulation simulation(ctx, plan.connectome, plan.model, plan.protocol,
                          trial);
    times.setup_s += SecondsSince(begin);
    begin = Clock::now();
    simulation.Run(plan.steps);
    results.Add(simulation, SecondsSince(begin));
    if (voltage) voltage->Add(plan, trial, simulation);
  }
  ctx.SetProgress(nullptr);
  progress.Finish();

  const std::vector<NeuronRate> rates = results.Rates();
  if (!options.quiet) PrintResults(results, rates.size(), words);
  Measurements measured;
  if (measure) measured = measure(ctx, progress, words);

  const auto begin = Clock::now();
  WriteSpikesCsv(paths.spikes_csv, plan, results);
  WriteNpy(paths.spikes_npy, results.rows(),
           {static_cast<size_t>(results.spikes()), 3});
  WriteRatesCsv(paths.rates, rates);
  if (voltage) voltage->Commit();
  if (!paths.report.empty()) {
    WriteReport(paths.report, MakeReport(ctx, options, plan, results, rates,
                                         times, measured));
  }
  times.output_s = SecondsSince(begin);
  const std::string json =
      RunJson(ctx, options, plan, results, times, measured)
          .dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
      "\n";
  WriteText(paths.run, json);
  if (options.json == "-") {
    streams.out << json;
  } else if (!options.json.empty()) {
    WriteText(options.json, json);
  }
  if (!options.quiet) PrintPaths(paths, words);
  if (!results.complete() || !measured.complete) {
    streams.err << "ranvier " << options.command << ": stopped after "
                << (results.complete()
                        ? Plural(measured.Rows().size(), "measurement")
                        : FormatDurationMs(results.biological_s() * 1000) +
                              " of simulated time")
                << "; the files hold what was reached and say \"complete\": "
                   "false\n";
    return kExitInterrupted;
  }
  size_t wrong = 0;
  for (const Timing& row : measured.Rows()) {
    if (row.right()) continue;
    ++wrong;
    streams.err << "ranvier " << options.command << ": " << row.what << ", "
                << row.way << ", on "
                << Plural(static_cast<uint64_t>(row.threads), "thread")
                << " of " << simd::CurrentTarget() << " is wrong: the error is "
                << Number(row.error_share, 3) << " times its bound\n";
  }
  if (wrong == 0) return kExitOk;
  streams.err << "ranvier " << options.command
              << ": please report this with the output of 'ranvier info'; "
                 "another --target may be right\n";
  return kExitData;
}

}  // namespace ranvier::cli
