#pragma once

#include <cstddef>

#include "bench/util/element.h"

namespace ranvier::bench {

// What this machine can do at best, on the current SIMD target: the roof under
// which products run.

struct Rate {
  double amount = 0;  // operations, 2 in a multiply-add; or bytes
  double seconds = 0;
};

// Multiply-adds that wait for nothing: enough sums side by side to hide their
// latency, all in registers.
enum class Chain {
  kF32Fma,
  kBf16Dot,   // amount 0 where the target has no such instruction
  kInt8Dot,   // 8-bit factors, exact 32-bit sums
  kInt8Pair,  // the same where pairs are added in 16 bits first
};
// About two milliseconds of it on each thread, of processor time: nothing is
// waited for, so that is the time it takes on an idle machine.
Rate RunChain(Chain chain, int threads);

// The best operations per second for factors of this type that were seen since
// the program began; measures once more. 16-bit and 8-bit factors may also be
// widened, so their peak is never below that of f32.
double MeasurePeak(Element element, int threads);

// What the machine gives now, as a share of the best that it gave. A virtual
// processor that has to share a core with another, at the host's discretion,
// gives about half for as long as that lasts.
double MachineShare(int threads);

enum class Traffic {
  kRead,
  kCopy,           // bytes read and written both count
  kCopyStreaming,  // stores that go past the caches
};
// Passes over `bytes` for each thread, of its own, for about two milliseconds.
Rate RunTraffic(Traffic traffic, size_t bytes, int threads);

}  // namespace ranvier::bench
