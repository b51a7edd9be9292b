#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/util/temp_dir.h"

namespace ranvier::cli {

// For a shell. A program cross-compiled for another machine needs its emulator.
inline const std::string kCommand =
    std::string(RANVIER_EMULATOR) + " " + RANVIER_COMMAND;

// Starts the program; what it prints goes to the file `log`.
inline pid_t Start(std::vector<std::string> args, const std::string& log) {
  args.insert(args.begin(), RANVIER_COMMAND);
  if (*RANVIER_EMULATOR != '\0') args.insert(args.begin(), RANVIER_EMULATOR);
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    // A test runner may ignore Ctrl-C, which children inherit.
    signal(SIGINT, SIG_DFL);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  return child;
}

// The exit code, or -1 if a signal ended it.
inline int Wait(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Waits until the program has written `text`, and a moment longer.
inline void WaitForText(const std::string& log, const std::string& text) {
  for (int i = 0; i < 1200; ++i) {
    if (test::ReadFile(log).find(text) != std::string::npos) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
}

}  // namespace ranvier::cli
