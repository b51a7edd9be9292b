#include "ranvier/cli/simulate.h"

#include <stdexcept>

#include "ranvier/cli/arguments.h"
#include "ranvier/cli/interrupt.h"
#include "ranvier/cli/machine.h"
#include "ranvier/cli/progress.h"
#include "ranvier/cli/targets.h"
#include "ranvier/cli/units.h"
#include "ranvier/report/format.h"

namespace ranvier::cli {
namespace {

std::string Quote(const std::string& argument) {
  const bool plain =
      !argument.empty() &&
      argument.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
          "-_./:@,=+%") == std::string::npos;
  if (plain) return argument;
  std::string quoted = "'";
  for (const char c : argument)
    quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

void PrintEstimate(const SimulatePlan& plan, std::ostream& out) {
  const RunEstimate& estimate = plan.estimate;
  const auto bytes = [](size_t n) {
    return FormatBytes(static_cast<double>(n));
  };
  out << plan.source << ": " << Plural(plan.neurons, "neuron") << ", "
      << Plural(plan.edges, "connection") << "\n"
      << Plural(static_cast<uint64_t>(plan.steps), "step") << " of "
      << report::Number(plan.model.dt_ms) << " ms, "
      << Plural(plan.trials, "trial") << "\n\n"
      << "memory   " << bytes(estimate.certain_bytes() + estimate.spike_bytes)
      << "\n  connectome " << bytes(estimate.connectome_bytes)
      << "\n  simulation " << bytes(estimate.simulation_bytes)
      << "\n  spikes     " << bytes(estimate.spike_bytes)
      << ", if neurons fire at " << report::Number(RunEstimate::kAssumedRateHz)
      << " Hz on average\n";
  if (estimate.voltage_bytes > 0) {
    out << "  voltage    " << bytes(estimate.voltage_bytes) << "\n";
  }
  out << "disk     " << bytes(estimate.disk_bytes + estimate.voltage_disk_bytes)
      << ", for the same number of spikes\n";
  if (const auto memory = AvailableMemory()) {
    out << "\navailable: " << bytes(memory->bytes) << " of memory ("
        << memory->reason << ")\n";
  }
}

// An option whose value is a time: "0.1", "0.1ms", "100us".
void AddTime(CLI::App& app, const std::string& name, double& ms) {
  app.add_option_function<std::string>(name, [name, &ms](const std::string& s) {
    const auto value = ParseDurationMs(s);
    if (!value) {
      throw CLI::ValidationError(name,
                                 "'" + s + "' is not a time; write e.g. 2.2ms");
    }
    ms = *value;
  });
}

}  // namespace

void SimulateOptions::AddTo(CLI::App& app) {
  app.add_option("FILE", file);
  import.AddTo(app);
  app.add_option("--ids", ids);
  app.add_option("--excite", excite)->allow_extra_args(false);
  app.add_option("--silence", silence)->allow_extra_args(false);
  app.add_option("--input", input);
  app.add_option("--voltage", voltage);
  app.add_option("--duration", duration);
  app.add_option("--trials", trials);
  app.add_option("--seed", seed);
  AddTime(app, "--dt", model.dt_ms);
  AddTime(app, "--tau-m", model.tau_m_ms);
  AddTime(app, "--tau-s", model.tau_s_ms);
  app.add_option("--v-rest", model.v_rest_mV);
  app.add_option("--v-reset", model.v_reset_mV);
  app.add_option("--v-threshold", model.v_threshold_mV);
  AddTime(app, "--refractory", model.refractory_ms);
  AddTime(app, "--driven-refractory", model.driven_refractory_ms);
  app.add_option("--w-syn", model.w_syn_mV);
  app.add_option("--kick", model.kick_mV);
  app.add_option("--threads", threads);
  app.add_option("--target", target);
  app.add_option("--out", out);
  app.add_option("--json", json);
  app.add_flag("--estimate", estimate);
  app.add_flag("--no-report", no_report);
  app.add_flag("-q,--quiet", quiet);
}

void SimulateOptions::KeepCommandLine(const std::vector<std::string>& args) {
  command_line = "ranvier " + command;
  for (const std::string& arg : args) command_line += " " + Quote(arg);
}

int RunExperiment(const SimulateOptions& options, const Measuring& measure,
                  Streams streams) {
  Problems problems;
  ContextOptions context;
  context.seed = options.seed;
  try {
    DecideThreadCount(options.threads);
    context.threads = options.threads;
  } catch (const std::invalid_argument& e) {
    // Go on with one thread to find what else is wrong.
    problems.Usage(options.threads != 0 ? "--threads" : "RANVIER_NUM_THREADS",
                   e.what());
    context.threads = 1;
  }
  ChooseTarget(options.target, problems);

  Context ctx(context);
  InterruptGuard interrupt(ctx);
  ProgressBar progress(streams.err, streams.terminal && !options.quiet);
  const SimulatePlan plan = MakePlan(ctx, options, problems, progress);
  progress.Finish();
  if (ctx.cancelled()) {
    streams.err << "ranvier " << options.command
                << ": stopped before the run began, nothing was written\n";
    return interrupt.exit_code();
  }
  if (!problems.empty()) {
    streams.err << problems.Text(options.command);
    return problems.exit_code();
  }
  for (const std::string& warning : plan.warnings) {
    if (warning == plan.synthetic) continue;  // the first line says so
    streams.err << "ranvier " << options.command << ": note: " << warning
                << "\n";
  }
  if (options.estimate) {
    PrintEstimate(plan, streams.out);
    return kExitOk;
  }
  const int code = RunPlan(ctx, options, plan, measure, streams, progress);
  return interrupt.exit_code() != 0 ? interrupt.exit_code() : code;
}

int RunSimulate(const std::vector<std::string>& args, Streams streams) {
  SimulateOptions options;
  Arguments arguments("simulate");
  options.AddTo(arguments.app());
  if (const auto code = arguments.Parse(args, streams)) return *code;
  options.KeepCommandLine(args);
  return RunExperiment(options, nullptr, streams);
}

}  // namespace ranvier::cli
