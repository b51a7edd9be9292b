#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "ranvier/cli/command.h"

namespace ranvier::cli {

// A parser whose help is the hand-written page of `command`.
class Arguments {
 public:
  explicit Arguments(const std::string& command);

  CLI::App& app() { return app_; }

  // Nothing if the arguments are well formed and the command goes on; else the
  // exit code, after printing the help or what is wrong.
  std::optional<int> Parse(const std::vector<std::string>& args,
                           Streams streams);

 private:
  std::string Nearest(const std::string& option) const;

  std::string command_;
  bool wants_help_ = false;
  CLI::App app_;
};

}  // namespace ranvier::cli
