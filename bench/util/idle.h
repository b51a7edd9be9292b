#pragma once

#include <time.h>

#include <chrono>
#include <thread>

namespace ranvier::bench {

// Of all threads of this process.
inline double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         1e-9 * static_cast<double>(now.tv_nsec);
}

// Waits until all threads of this process sleep. Those of OpenMP and OpenBLAS
// spin for up to 0.1 s after a call, in case there comes another: that is their
// choice and stays as it is, for it is how people use them. But it must not
// take a core from whoever runs next.
inline void WaitUntilIdle() {
  for (int i = 0; i < 100; ++i) {
    const double before = CpuSeconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (CpuSeconds() - before < 0.5e-3) return;
  }
}

}  // namespace ranvier::bench
