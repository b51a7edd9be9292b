#pragma once

#include "ranvier/parallel/context.h"

namespace ranvier::cli {

// While it lives, the first Ctrl-C (or SIGTERM) cancels `ctx`, so that the work
// stops at its next step and what is there gets written; the second one ends
// the process at once. One at a time.
class InterruptGuard {
 public:
  explicit InterruptGuard(Context& ctx);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  // 128 + the signal that came, as shells count; 0 if none came.
  int exit_code() const;
};

}  // namespace ranvier::cli
