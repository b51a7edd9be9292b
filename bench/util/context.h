#pragma once

#include <memory>

#include "ranvier/parallel/context.h"

namespace ranvier::bench {

// Ours, with as many threads as were asked for last.
inline std::unique_ptr<Context> context;

inline void SetThreads(int threads) {
  if (context != nullptr && context->threads() == threads) return;
  context = std::make_unique<Context>(ContextOptions{.threads = threads});
}

}  // namespace ranvier::bench
