#include "ranvier/cli/problems.h"

namespace ranvier::cli {

void Problems::Usage(const std::string& where, const std::string& what) {
  lines_.push_back(where + ": " + what);
  exit_code_ = kExitUsage;
}

void Problems::Data(const std::string& where, const std::string& what) {
  lines_.push_back(where.empty() ? what : where + ": " + what);
  if (exit_code_ == kExitOk) exit_code_ = kExitData;
}

std::string Problems::Text(const std::string& command) const {
  if (lines_.size() == 1) {
    return "ranvier " + command + ": " + lines_[0] + "\n";
  }
  std::string text = "ranvier " + command + ": " +
                     std::to_string(lines_.size()) +
                     " things are wrong, nothing was run\n";
  for (const std::string& line : lines_) text += "  " + line + "\n";
  return text;
}

}  // namespace ranvier::cli
