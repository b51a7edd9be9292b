#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "ranvier/cli/problems.h"

namespace ranvier::cli {

// Where a command writes. `terminal` allows the progress bar on `err`.
struct Streams {
  std::ostream& out;
  std::ostream& err;
  bool terminal = false;
};

// The whole command: args without the program's name. Returns the exit code
// (problems.h) and throws nothing.
int RunCommand(const std::vector<std::string>& args, Streams streams);

// Each command, its own arguments without its name. They throw what the library
// throws; RunCommand turns that into a message and an exit code.
int RunSimulate(const std::vector<std::string>& args, Streams streams);
int RunTour(const std::vector<std::string>& args, Streams streams);
int RunReplay(const std::vector<std::string>& args, Streams streams);
int RunConnectome(const std::vector<std::string>& args, Streams streams);
int RunInfo(const std::vector<std::string>& args, Streams streams);

}  // namespace ranvier::cli
