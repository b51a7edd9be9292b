#pragma once

#include <chrono>
#include <ostream>
#include <string>

namespace ranvier::cli {

// A bar on one line of a terminal, redrawn at most ten times a second, with the
// time that is left; wiped by Finish and by the destructor. Draws nothing where
// it is not enabled.
class ProgressBar {
 public:
  ProgressBar(std::ostream& out, bool enabled) : out_(out), enabled_(enabled) {}
  ~ProgressBar() { Finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Starts over under a new label.
  void Start(const std::string& label);
  void Show(double done);  // in [0, 1]
  void Finish();

  // For a command: only where stderr is a terminal that can move its cursor.
  static bool TerminalIsCapable();

 private:
  using Clock = std::chrono::steady_clock;

  std::ostream& out_;
  bool enabled_;
  bool drawn_ = false;
  std::string label_;
  Clock::time_point begin_, last_;
};

}  // namespace ranvier::cli
