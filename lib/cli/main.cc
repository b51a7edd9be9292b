#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>

#include "ranvier/cli/command.h"
#include "ranvier/cli/progress.h"

int main(int argc, char** argv) {
  using namespace ranvier::cli;
  // A reader that goes away, as `head` does, must not cut off the files that
  // are still to be written.
  std::signal(SIGPIPE, SIG_IGN);
  const int code =
      RunCommand(std::vector<std::string>(argv + (argc > 0), argv + argc),
                 {std::cout, std::cerr, ProgressBar::TerminalIsCapable()});
  errno = 0;
  std::cout.flush();
  if (!std::cout && errno != EPIPE && errno != 0) {
    std::cerr << "ranvier: standard output: " << std::strerror(errno) << "\n";
    return code == kExitOk ? kExitData : code;
  }
  return code;
}
