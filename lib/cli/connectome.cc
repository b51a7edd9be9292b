#include "ranvier/spiking/connectome.h"

#include <filesystem>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "ranvier/cli/arguments.h"
#include "ranvier/cli/help.h"
#include "ranvier/cli/import_options.h"
#include "ranvier/cli/interrupt.h"
#include "ranvier/cli/machine.h"
#include "ranvier/cli/progress.h"
#include "ranvier/cli/units.h"
#include "ranvier/io/output_file.h"
#include "ranvier/report/format.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/spiking/twin.h"
#include "ranvier/spiking/with_delay.h"

namespace ranvier::cli {
namespace {

using report::Number;
using report::Thousands;

int ParseThreads(int threads, Problems& problems) {
  try {
    DecideThreadCount(threads);
  } catch (const std::invalid_argument& e) {
    problems.Usage(threads != 0 ? "--threads" : "RANVIER_NUM_THREADS",
                   e.what());
    return 1;
  }
  return threads;
}

void CheckOut(const std::string& path, Problems& problems) {
  try {
    CheckWritable(path);
  } catch (const IoError& e) {
    problems.Data("", e.what());
  }
}

// Says what was written and returns the exit code.
int Finish(const Connectome& connectome, const std::string& out,
           const std::string& what, const InterruptGuard& interrupt,
           const Context& ctx, Streams streams) {
  if (ctx.cancelled()) {
    streams.err << "ranvier connectome: stopped, nothing was written\n";
    return interrupt.exit_code();
  }
  SaveConnectome(connectome, out);
  std::error_code error;
  const auto size = std::filesystem::file_size(out, error);
  streams.out << what << ": " << Plural(connectome.neurons(), "neuron") << ", "
              << Plural(connectome.edges(), "connection") << "\n"
              << "written to " << out;
  if (!error) streams.out << ", " << FormatBytes(static_cast<double>(size));
  streams.out << "\n";
  return kExitOk;
}

int RunImport(const std::vector<std::string>& args, Streams streams) {
  std::string in, out;
  ImportFlags import;
  int threads = 0;
  Arguments arguments("connectome import");
  CLI::App& app = arguments.app();
  app.add_option("IN", in)->required();
  app.add_option("OUT", out)->required();
  import.AddTo(app);
  app.add_option("--threads", threads);
  if (const auto code = arguments.Parse(args, streams)) return *code;

  Problems problems;
  import.Check(problems);
  threads = ParseThreads(threads, problems);
  if (!std::filesystem::exists(in)) problems.Data(in, "does not exist");
  CheckOut(out, problems);
  if (!problems.empty()) {
    streams.err << problems.Text("connectome import");
    return problems.exit_code();
  }
  Context ctx({.threads = threads});
  InterruptGuard interrupt(ctx);
  ProgressBar progress(streams.err, streams.terminal);
  progress.Start("reading " + BaseName(in));
  ctx.SetProgress([&](double done) { progress.Show(done); });
  CheckMemoryFor(in, import.options, AvailableMemory());
  Connectome connectome = LoadConnectome(ctx, in, import.options);
  if (!import.delay.empty()) {
    connectome = WithDelay(connectome, import.options.delay_ms);
  }
  progress.Finish();
  return Finish(connectome, out, in, interrupt, ctx, streams);
}

int RunSynth(const std::vector<std::string>& args, Streams streams) {
  std::string out;
  TwinOptions twin;
  int64_t neurons = static_cast<int64_t>(twin.neurons);
  int64_t edges = static_cast<int64_t>(twin.edges);
  int threads = 0;
  Arguments arguments("connectome synth");
  CLI::App& app = arguments.app();
  app.add_option("OUT", out)->required();
  app.add_option("--seed", twin.seed);
  app.add_option("--neurons", neurons);
  app.add_option("--edges", edges);
  app.add_option("--threads", threads);
  if (const auto code = arguments.Parse(args, streams)) return *code;

  Problems problems;
  threads = ParseThreads(threads, problems);
  if (neurons < 1) problems.Usage("--neurons", "must be 1 or more");
  if (edges < 0) problems.Usage("--edges", "must be 0 or more");
  CheckOut(out, problems);
  if (!problems.empty()) {
    streams.err << problems.Text("connectome synth");
    return problems.exit_code();
  }
  twin.neurons = static_cast<size_t>(neurons);
  twin.edges = static_cast<size_t>(edges);
  Context ctx({.threads = threads});
  InterruptGuard interrupt(ctx);
  ProgressBar progress(streams.err, streams.terminal);
  progress.Start("making the synthetic twin");
  ctx.SetProgress([&](double done) { progress.Show(done); });
  const Twin made = MakeTwin(ctx, twin);
  progress.Finish();
  return Finish(made.connectome, out,
                "synthetic twin, not real wiring (seed " +
                    std::to_string(twin.seed) + ")",
                interrupt, ctx, streams);
}

nlohmann::json DegreeJson(const DegreeStats& degree) {
  return {{"mean", degree.mean}, {"p50", degree.p50}, {"p90", degree.p90},
          {"p99", degree.p99},   {"max", degree.max}, {"zero", degree.zero}};
}

void PrintStats(const Connectome& connectome, const ConnectomeStats& stats,
                std::ostream& out) {
  const auto share = [&](size_t part) {
    return stats.edges == 0 ? std::string("0 %")
                            : Number(100.0 * static_cast<double>(part) /
                                         static_cast<double>(stats.edges),
                                     3) +
                                  " %";
  };
  out << connectome.name()
      << (connectome.synthetic() ? " (synthetic, not real wiring)" : "")
      << "\n\n"
      << "neurons               " << Thousands(stats.neurons) << "\n"
      << "connections           " << Thousands(stats.edges) << "\n"
      << "  negative            " << Thousands(stats.negative_edges) << ", "
      << share(stats.negative_edges) << "\n"
      << "  onto itself         " << Thousands(stats.self_edges) << "\n"
      << "  of weight one       " << Number(100 * stats.share_of_weight_one, 3)
      << " %\n"
      << "weights               "
      << (connectome.has_counts() ? "synapse counts" : "real numbers") << "\n"
      << "  sum of |weight|     " << Number(stats.sum_abs_weight, 9) << "\n"
      << "  mean, largest       " << Number(stats.mean_abs_weight, 4) << ", "
      << Number(stats.max_abs_weight, 6) << "\n"
      << "delay                 " << Number(connectome.delay_ms()) << " ms\n"
      << "ids                   ";
  if (connectome.has_ids() && stats.neurons > 0) {
    out << "first " << connectome.IdOf(0) << ", last "
        << connectome.IdOf(stats.neurons - 1) << "\n";
  } else {
    out << "none, neurons are called by index\n";
  }
  out << "\ndegree          mean      p50      p90      p99      max     "
         "none\n";
  const auto row = [&](const char* name, const DegreeStats& degree) {
    out << name;
    const auto cell = [&](const std::string& text) {
      out << std::string(text.size() < 9 ? 9 - text.size() : 1, ' ') << text;
    };
    cell(Number(degree.mean, 4));
    for (const uint64_t value :
         {degree.p50, degree.p90, degree.p99, degree.max, degree.zero}) {
      cell(Thousands(value));
    }
    out << "\n";
  };
  row("  outgoing ", stats.out);
  row("  incoming ", stats.in);
}

int RunStats(const std::vector<std::string>& args, Streams streams) {
  std::string file;
  ImportFlags import;
  bool as_json = false;
  Arguments arguments("connectome stats");
  CLI::App& app = arguments.app();
  app.add_option("FILE", file)->required();
  import.AddTo(app);
  app.add_flag("--json", as_json);
  if (const auto code = arguments.Parse(args, streams)) return *code;

  Problems problems;
  import.Check(problems);
  ParseThreads(0, problems);
  if (!std::filesystem::exists(file)) problems.Data(file, "does not exist");
  if (!problems.empty()) {
    streams.err << problems.Text("connectome stats");
    return problems.exit_code();
  }
  Context ctx;
  InterruptGuard interrupt(ctx);
  ProgressBar progress(streams.err, streams.terminal);
  progress.Start("reading " + BaseName(file));
  ctx.SetProgress([&](double done) { progress.Show(done); });
  CheckMemoryFor(file, import.options, AvailableMemory());
  const Connectome connectome = LoadConnectome(ctx, file, import.options);
  progress.Finish();
  if (ctx.cancelled()) return interrupt.exit_code();
  const ConnectomeStats stats = ComputeStats(connectome);
  if (!as_json) {
    PrintStats(connectome, stats, streams.out);
    return kExitOk;
  }
  nlohmann::json json = {
      {"file", file},
      {"name", connectome.name()},
      {"synthetic", connectome.synthetic()},
      {"neurons", stats.neurons},
      {"edges", stats.edges},
      {"negative_edges", stats.negative_edges},
      {"self_edges", stats.self_edges},
      {"weights", connectome.has_counts() ? "counts" : "real"},
      {"sum_abs_weight", stats.sum_abs_weight},
      {"mean_abs_weight", stats.mean_abs_weight},
      {"max_abs_weight", stats.max_abs_weight},
      {"share_of_weight_one", stats.share_of_weight_one},
      {"delay_ms", connectome.delay_ms()},
      {"has_ids", connectome.has_ids()},
      {"out_degree", DegreeJson(stats.out)},
      {"in_degree", DegreeJson(stats.in)},
  };
  streams.out << json.dump(2, ' ', false,
                           nlohmann::json::error_handler_t::replace)
              << "\n";
  return kExitOk;
}

}  // namespace

int RunConnectome(const std::vector<std::string>& args, Streams streams) {
  if (args.empty() || args[0] == "-h" || args[0] == "--help") {
    (args.empty() ? streams.err : streams.out) << HelpPage("connectome");
    return args.empty() ? kExitUsage : kExitOk;
  }
  const std::vector<std::string> rest(args.begin() + 1, args.end());
  if (args[0] == "import") return RunImport(rest, streams);
  if (args[0] == "stats") return RunStats(rest, streams);
  if (args[0] == "synth") return RunSynth(rest, streams);
  streams.err << "ranvier connectome: there is no command '" << args[0]
              << "'; there are import, stats and synth\nSee 'ranvier "
                 "connectome --help'.\n";
  return kExitUsage;
}

}  // namespace ranvier::cli
