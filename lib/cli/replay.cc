#include "ranvier/spiking/replay.h"

#include <filesystem>
#include <optional>
#include <stdexcept>

#include "ranvier/cli/arguments.h"
#include "ranvier/cli/import_options.h"
#include "ranvier/cli/interrupt.h"
#include "ranvier/cli/progress.h"
#include "ranvier/cli/targets.h"
#include "ranvier/cli/units.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/simd/targets.h"

namespace ranvier::cli {
namespace {

struct ReplayOptions {
  std::vector<std::string> folders;
  std::string connectome;
  ImportFlags import;
  std::string threads;
  std::string target;
};

// "1,2,7"; empty: {0}, which lets the usual rules decide.
std::vector<int> ParseThreads(const std::string& text, Problems& problems) {
  if (text.empty()) {
    try {
      DecideThreadCount(0);
    } catch (const std::invalid_argument& e) {
      problems.Usage("RANVIER_NUM_THREADS", e.what());
    }
    return {0};
  }
  std::vector<int> counts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const auto count = ParseInteger(text.substr(begin, end - begin));
    if (!count || *count < 1 || *count > 4096) {
      problems.Usage("--threads", "'" + text +
                                      "' is not a list of numbers from 1 to "
                                      "4096; write e.g. 1,2,7");
      return {};
    }
    counts.push_back(static_cast<int>(*count));
    begin = end + 1;
  }
  return counts;
}

std::string SpikeText(const Spike& spike) {
  return "step " + std::to_string(spike.step) + " neuron " +
         std::to_string(spike.neuron);
}

std::string ResultText(const ReplayResult& result) {
  if (!result.complete) return "stopped";
  const std::string took = " (" + FormatSeconds(result.wall_s) + ")";
  if (result.identical) {
    return "identical: " + Plural(result.found, "spike") + ", SHA-256 " +
           result.spikes_sha256.substr(0, 16) + took;
  }
  return "different: first at " + SpikeText(result.first) +
         (result.first_is_extra ? " (not expected)" : " (expected)") + "; " +
         std::to_string(result.expected) + " expected, " +
         std::to_string(result.found) + " found, " +
         std::to_string(result.missing) + " missing, " +
         std::to_string(result.extra) + " extra" + took;
}

// The folder's own name, wherever it lies: "toys/", "." and "toys" alike.
std::string FolderName(const std::string& folder) {
  std::error_code error;
  const auto path = std::filesystem::weakly_canonical(folder, error);
  const std::string name = path.filename().string();
  return error || name.empty() ? folder : name;
}

}  // namespace

int RunReplay(const std::vector<std::string>& args, Streams streams) {
  ReplayOptions options;
  Arguments arguments("replay");
  CLI::App& app = arguments.app();
  app.add_option("DIR", options.folders)->required();
  app.add_option("--connectome", options.connectome);
  options.import.AddTo(app);
  app.add_option("--threads", options.threads);
  app.add_option("--target", options.target);
  if (const auto code = arguments.Parse(args, streams)) return *code;

  Problems problems;
  const std::vector<int> threads = ParseThreads(options.threads, problems);
  options.import.Check(problems);
  std::vector<std::string> targets;
  if (options.target == "all") {
    targets = TargetNames();
  } else {
    ChooseTarget(options.target, problems);
    targets = {simd::CurrentTarget()};
  }
  if (!problems.empty()) {
    streams.err << problems.Text("replay");
    return problems.exit_code();
  }

  Context loader({.threads = threads[0]});
  InterruptGuard interrupt(loader);
  ProgressBar progress(streams.err, streams.terminal);
  std::optional<Connectome> connectome;
  if (!options.connectome.empty()) {
    loader.SetProgress([&](double done) { progress.Show(done); });
    progress.Start("loading " + BaseName(options.connectome));
    connectome =
        LoadConnectome(loader, options.connectome, options.import.options);
    progress.Finish();
    loader.SetProgress(nullptr);
  }

  size_t failed = 0, broken = 0, runs = 0;
  for (const std::string& folder : options.folders) {
    const std::string name = FolderName(folder);
    std::optional<Fixture> fixture;
    try {
      fixture =
          LoadFixture(loader, folder, connectome ? &*connectome : nullptr);
    } catch (const IoError& e) {
      streams.out << name << ": error: " << e.what() << std::endl;
      ++broken;
      continue;
    }
    for (const std::string& target : targets) {
      simd::ForceTarget(target);
      for (const int count : threads) {
        if (loader.cancelled()) break;
        // Ctrl-C cancels `loader`; a run follows it through its progress.
        Context ctx({.threads = count});
        progress.Start(name);
        ctx.SetProgress([&](double done) {
          progress.Show(done);
          if (loader.cancelled()) ctx.Cancel();
        });
        std::string text;
        try {
          const ReplayResult result = Replay(ctx, *fixture);
          text = ResultText(result);
          failed += !result.identical;
        } catch (const std::invalid_argument& e) {
          text = std::string("error: ") + e.what();
          ++broken;
        }
        progress.Finish();
        ++runs;
        streams.out << name << " [" << target << ", "
                    << Plural(static_cast<uint64_t>(ctx.threads()), "thread")
                    << "] " << text << std::endl;
      }
    }
    if (loader.cancelled()) break;
  }
  if (loader.cancelled()) {
    streams.err << "ranvier replay: stopped\n";
    return interrupt.exit_code();
  }
  if (runs + broken > 1) {
    streams.out << runs - failed << " of " << Plural(runs + broken, "run")
                << " identical" << std::endl;
  }
  return failed + broken == 0 ? kExitOk : kExitData;
}

}  // namespace ranvier::cli
