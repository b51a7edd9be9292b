#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "ranvier/io/connectome_file.h"

namespace ranvier::cli {

// The options that say how a connectome file is to be read, shared by all
// commands that read one.
struct ImportFlags {
  std::string format = "auto";
  ImportOptions options;
  std::string where;  // COLUMN=VALUE, or empty
  std::string delay;  // a duration; empty: what the file says, else 1.8 ms

  void AddTo(CLI::App& app);
  // Checks and fills `options`; `problems` gets what is wrong.
  void Check(class Problems& problems);
};

// "neurons.csv", "brain.rvc": the name that reports show.
std::string BaseName(const std::string& path);

}  // namespace ranvier::cli
