#include "ranvier/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "ranvier/cli/units.h"

namespace ranvier::cli {

void ProgressBar::Start(const std::string& label) {
  Finish();
  label_ = label;
  begin_ = Clock::now();
  last_ = begin_;
}

void ProgressBar::Show(double done) {
  using std::chrono::duration;
  const Clock::time_point now = Clock::now();
  if (!enabled_ || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  done = std::clamp(done, 0.0, 1.0);
  constexpr size_t kCells = 30;
  const size_t filled = static_cast<size_t>(done * kCells);
  const double spent_s = duration<double>(now - begin_).count();
  out_ << "\r" << label_ << " [" << std::string(filled, '#')
       << std::string(kCells - filled, '.') << "] "
       << static_cast<int>(done * 100) << " %";
  // The first moments say little about the rest.
  if (done > 0.02 && spent_s > 0.5) {
    out_ << ", " << FormatSeconds(spent_s / done - spent_s) << " left";
  }
  out_ << "\x1b[K" << std::flush;
  drawn_ = true;
}

void ProgressBar::Finish() {
  if (drawn_) out_ << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

bool ProgressBar::TerminalIsCapable() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 &&
         (term == nullptr || std::string_view(term) != "dumb");
}

}  // namespace ranvier::cli
