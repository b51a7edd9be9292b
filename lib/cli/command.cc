#include "ranvier/cli/command.h"

#include <exception>
#include <new>
#include <stdexcept>

#include "ranvier/cli/help.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/version/version.h"

namespace ranvier::cli {
namespace {

int Dispatch(const std::vector<std::string>& args, Streams streams) {
  if (args.empty()) {
    streams.err << HelpPage("");
    return kExitUsage;
  }
  const std::string& command = args[0];
  const std::vector<std::string> rest(args.begin() + 1, args.end());
  if (command == "simulate") return RunSimulate(rest, streams);
  if (command == "tour") return RunTour(rest, streams);
  if (command == "replay") return RunReplay(rest, streams);
  if (command == "connectome") return RunConnectome(rest, streams);
  if (command == "info") return RunInfo(rest, streams);
  if (command == "-h" || command == "--help" || command == "help") {
    if (command == "help" && !rest.empty()) {
      std::vector<std::string> page = rest;
      page.push_back("--help");
      return Dispatch(page, streams);
    }
    streams.out << HelpPage("");
    return kExitOk;
  }
  if (command == "--version") {
    streams.out << "ranvier " << Version() << " (" << Commit() << ")\n";
    return kExitOk;
  }
  streams.err
      << "ranvier: there is no command '" << command
      << "'; there are tour, simulate, replay, connectome and info\nSee "
         "'ranvier --help'.\n";
  return kExitUsage;
}

}  // namespace

int RunCommand(const std::vector<std::string>& args, Streams streams) {
  const std::string name = args.empty() ? "" : " " + args[0];
  const auto fail = [&](const std::string& what, int code) {
    streams.err << "ranvier" << name << ": " << what << "\n";
    return code;
  };
  try {
    return Dispatch(args, streams);
  } catch (const CancelledError&) {
    return fail("stopped, nothing was written", kExitInterrupted);
  } catch (const std::invalid_argument& e) {
    return fail(e.what(), kExitUsage);
  } catch (const std::bad_alloc&) {
    return fail(
        "out of memory; --estimate of 'ranvier simulate' says what a "
        "run needs",
        kExitData);
  } catch (const std::exception& e) {
    return fail(e.what(), kExitData);
  }
}

}  // namespace ranvier::cli
