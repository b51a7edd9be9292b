// One test in one program: it needs a process in which no thread was ever
// started.

#include <signal.h>

#include <atomic>
#include <cfenv>
#include <chrono>
#include <clocale>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "ranvier/parallel/context.h"

namespace ranvier {
namespace {

int CountThreads() {
  return static_cast<int>(
      std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                    std::filesystem::directory_iterator()));
}

// What an embedder set up and would be surprised to find changed.
struct ProcessState {
  std::string locale = setlocale(LC_ALL, nullptr);
  int rounding = std::fegetround();
  unsigned control = 0;
  std::vector<void*> handlers;

  ProcessState() {
#if defined(__SSE__)
    control = _mm_getcsr() & ~0x3Fu;  // without the sticky flags
#endif
    for (int number = 1; number < 32; ++number) {
      struct sigaction action = {};
      sigaction(number, nullptr, &action);
      handlers.push_back(reinterpret_cast<void*>(action.sa_handler));
    }
  }
  bool operator==(const ProcessState&) const = default;
};

TEST(ContextLazy, NoThreadBeforeTheFirstParallelCall) {
  const ProcessState state;
  const int before = CountThreads();
  Context many({.threads = 4});
  Context one({.threads = 1});
  std::atomic<int> calls = 0;
  many.Scratch(1000);
  many.ParallelFor(0, [&](size_t) { ++calls; });
  many.ParallelFor(1, [&](size_t) { ++calls; });
  one.ParallelFor(100, [&](size_t) { ++calls; });
  EXPECT_EQ(calls, 101);
  EXPECT_EQ(CountThreads(), before);

  // Bodies that take time, so that there is work for others to come for.
  many.ParallelFor(32, [&](size_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  });
  const int after = CountThreads();
  EXPECT_GT(after, before);
#if !defined(__SANITIZE_THREAD__)  // which starts one of its own
  EXPECT_LE(after, before + 3);    // the caller is the fourth
#endif
  EXPECT_EQ(ProcessState(), state);
}

}  // namespace
}  // namespace ranvier
