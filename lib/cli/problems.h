#pragma once

#include <string>
#include <vector>

namespace ranvier::cli {

// What a command returns to the shell.
inline constexpr int kExitOk = 0;
inline constexpr int kExitData = 1;           // a file or the machine is wrong
inline constexpr int kExitUsage = 2;          // the arguments are wrong
inline constexpr int kExitInterrupted = 130;  // Ctrl-C

// Everything that is wrong with a command, collected so that it can be told at
// once, before the work starts.
class Problems {
 public:
  // `where` is an option or a file, `what` says what was found and what to try.
  void Usage(const std::string& where, const std::string& what);
  void Data(const std::string& where, const std::string& what);

  bool empty() const { return lines_.empty(); }
  size_t size() const { return lines_.size(); }
  // kExitUsage if any argument is wrong, else kExitData, else kExitOk.
  int exit_code() const { return exit_code_; }
  // "ranvier simulate: 2 things are wrong, nothing was run" and one per line.
  std::string Text(const std::string& command) const;

 private:
  std::vector<std::string> lines_;
  int exit_code_ = kExitOk;
};

}  // namespace ranvier::cli
