#include "ranvier/parallel/context.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/task_arena.h>

#include "ranvier/simd/base/philox.h"

namespace ranvier {
namespace {

void Pause(int us) {
  std::this_thread::sleep_for(std::chrono::microseconds(us));
}

// Counts who is inside at the same time.
class Crowd {
 public:
  void Enter() {
    const int now = ++inside_;
    int most = most_;
    while (now > most && !most_.compare_exchange_weak(most, now)) {
    }
  }
  void Leave() { --inside_; }
  int inside() const { return inside_; }
  int most() const { return most_; }

 private:
  std::atomic<int> inside_ = 0;
  std::atomic<int> most_ = 0;
};

TEST(Context, EachIndexOnce) {
  for (const int threads : {1, 2, 7}) {
    Context ctx({.threads = threads});
    for (const size_t n : {0, 1, 2, 3, 7, 8, 9, 64, 1000}) {
      std::vector<std::atomic<int>> calls(n);
      ctx.ParallelFor(n, [&](size_t i) { ++calls.at(i); });
      for (const std::atomic<int>& count : calls) ASSERT_EQ(count, 1);
    }
  }
}

TEST(Context, OneThreadOrOneIndexStaysOnTheCaller) {
  Context one({.threads = 1});
  Context many({.threads = 4});
  const std::thread::id caller = std::this_thread::get_id();
  std::vector<size_t> order;
  one.ParallelFor(5, [&](size_t i) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    order.push_back(i);
  });
  EXPECT_EQ(order, (std::vector<size_t>{0, 1, 2, 3, 4}));
  many.ParallelFor(
      1, [&](size_t) { EXPECT_EQ(std::this_thread::get_id(), caller); });
}

TEST(Context, SeveralThreadsButNoMoreThanAskedFor) {
  for (const int threads : {2, 3, 7}) {
    Context ctx({.threads = threads});
    Crowd crowd;
    ctx.ParallelFor(60, [&](size_t) {
      crowd.Enter();
      Pause(1000);
      // A busy machine starts a second thread late: for ten seconds at most.
      for (int i = 0; i < 10'000 && crowd.most() < 2; ++i) Pause(1000);
      crowd.Leave();
    });
    EXPECT_GE(crowd.most(), 2);
    EXPECT_LE(crowd.most(), threads);
  }
}

// Also on a machine with fewer processors, and after a smaller Context.
TEST(Context, AllThreadsThatWereAskedFor) {
  testing::internal::CaptureStderr();
  Context small({.threads = 2});
  small.ParallelFor(2, [](size_t) {});
  Context large({.threads = 7});
  Crowd crowd;
  large.ParallelFor(7, [&](size_t) {
    crowd.Enter();
    // Until all are here, or for ten seconds.
    for (int i = 0; i < 10'000 && crowd.most() < 7; ++i) Pause(1000);
    crowd.Leave();
  });
  EXPECT_EQ(crowd.most(), 7);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

// Both want more threads than there are processors, whatever the machine.
TEST(Context, ALargeOneBesideASmallOneGetsItsThreads) {
  testing::internal::CaptureStderr();
  const int small_count = tbb::info::default_concurrency() + 1;
  const int large_count = small_count + 3;
  Context small({.threads = small_count});
  small.ParallelFor(small_count, [](size_t) {});
  Context large({.threads = large_count});
  Crowd crowd;
  large.ParallelFor(large_count, [&](size_t) {
    crowd.Enter();
    // Until all are here, or for ten seconds.
    for (int i = 0; i < 10'000 && crowd.most() < large_count; ++i) Pause(1000);
    crowd.Leave();
  });
  EXPECT_EQ(crowd.most(), large_count);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Context, SameBitsForAnyThreadCount) {
  const auto run = [](int threads) {
    Context ctx({.threads = threads, .seed = 5});
    std::vector<double> sums(33);
    ctx.ParallelFor(sums.size(), [&](size_t block) {
      for (uint64_t i = 0; i < 1000; ++i) {
        const Philox::Counter x = Philox::At(ctx.seed(), 0, block, i);
        sums[block] += Uniform(x[0], x[1]);
      }
    });
    return sums;
  };
  const std::vector<double> one = run(1);
  EXPECT_EQ(run(2), one);
  EXPECT_EQ(run(7), one);
}

TEST(Context, ExceptionIsRethrownWhenTheOthersHaveEnded) {
  for (const int threads : {1, 2, 7}) {
    Context ctx({.threads = threads});
    Crowd crowd;
    const auto body = [&](size_t i) {
      crowd.Enter();
      if (i == 13) {
        crowd.Leave();
        throw std::domain_error("thirteen");
      }
      Pause(100);
      crowd.Leave();
    };
    try {
      ctx.ParallelFor(50, body);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::domain_error& error) {
      EXPECT_STREQ(error.what(), "thirteen");
    }
    EXPECT_EQ(crowd.inside(), 0);
    // And the Context is as good as before.
    std::atomic<int> calls = 0;
    ctx.ParallelFor(50, [&](size_t) { ++calls; });
    EXPECT_EQ(calls, 50);
  }
}

TEST(Context, NestedCallsNeitherBlockNorMultiplyThreads) {
  for (const int threads : {1, 2, 7}) {
    Context ctx({.threads = threads});
    Crowd crowd;
    std::atomic<int> calls = 0;
    ctx.ParallelFor(9, [&](size_t) {
      ctx.ParallelFor(9, [&](size_t) {
        ctx.ParallelFor(3, [&](size_t) {
          crowd.Enter();
          Pause(50);
          ++calls;
          crowd.Leave();
        });
      });
    });
    EXPECT_EQ(calls, 9 * 9 * 3);
    EXPECT_LE(crowd.most(), threads);
  }
}

// A body that waits for an inner loop is not given another outer body, which
// would use the same thread's scratch.
TEST(Context, WaitingBodyKeepsItsScratch) {
  Context ctx({.threads = 4});
  for (int round = 0; round < 20; ++round) {
    ctx.ParallelFor(16, [&](size_t i) {
      auto* mine = static_cast<uint8_t*>(ctx.Scratch(64));
      std::memset(mine, static_cast<int>(i), 64);
      ctx.ParallelFor(4, [&](size_t j) { Pause(static_cast<int>(40 * j)); });
      EXPECT_TRUE(
          std::all_of(mine, mine + 64, [&](uint8_t x) { return x == i; }));
    });
  }
}

TEST(Context, TwoContextsInsideOneAnother) {
  Context outer({.threads = 2});
  Context inner({.threads = 3});
  std::atomic<int> calls = 0;
  std::mutex one_caller;
  outer.ParallelFor(4, [&](size_t) {
    const std::lock_guard lock(one_caller);
    inner.ParallelFor(10, [&](size_t) { ++calls; });
  });
  EXPECT_EQ(calls, 40);
}

TEST(Context, CallersArena) {
  // Else oneTBB warns where there are fewer processors.
  const tbb::global_control allow(tbb::global_control::max_allowed_parallelism,
                                  3);
  tbb::task_arena arena(3);
  Context ctx(arena, 77);
  EXPECT_EQ(ctx.threads(), 3);
  EXPECT_EQ(ctx.thread_count().reason, "caller's arena");
  EXPECT_EQ(ctx.seed(), 77u);
  Crowd crowd;
  ctx.ParallelFor(40, [&](size_t) {
    crowd.Enter();
    EXPECT_EQ(tbb::this_task_arena::max_concurrency(), 3);
    Pause(200);
    crowd.Leave();
  });
  EXPECT_LE(crowd.most(), 3);
  // From inside the arena too.
  std::atomic<int> calls = 0;
  arena.execute([&] { ctx.ParallelFor(10, [&](size_t) { ++calls; }); });
  EXPECT_EQ(calls, 10);
  EXPECT_THROW(ctx.ParallelFor(10, [](size_t) { throw std::domain_error(""); }),
               std::domain_error);
}

TEST(Context, CallersArenaOfOneThread) {
  tbb::task_arena arena(1);
  Context ctx(arena);
  EXPECT_EQ(ctx.threads(), 1);
  int calls = 0;
  ctx.ParallelFor(5, [&](size_t) { ++calls; });
  EXPECT_EQ(calls, 5);
}

TEST(Context, ScratchIsAlignedGrowsAndStays) {
  Context ctx({.threads = 1});
  ctx.Scratch(0);
  void* small = ctx.Scratch(1000);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(small) % 128, 0u);
  std::memset(small, 1, 1000);
  EXPECT_EQ(ctx.Scratch(10), small);
  EXPECT_EQ(ctx.Scratch(1000), small);
  void* large = ctx.Scratch(1'000'000);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large) % 128, 0u);
  std::memset(large, 2, 1'000'000);
  EXPECT_EQ(ctx.Scratch(1000), large);
  Context other({.threads = 1});
  EXPECT_NE(other.Scratch(1000), large);
}

TEST(Context, ScratchOfEachThreadIsItsOwn) {
  Context ctx({.threads = 4});
  ctx.ParallelFor(64, [&](size_t i) {
    auto* mine = static_cast<uint64_t*>(ctx.Scratch(8 * (i + 1)));
    for (size_t k = 0; k <= i; ++k) mine[k] = i;
    Pause(100);
    for (size_t k = 0; k <= i; ++k) EXPECT_EQ(mine[k], i);
  });
}

static_assert(std::atomic<bool>::is_always_lock_free);
Context* signalled = nullptr;

TEST(Context, CancelFromASignalHandler) {
  Context ctx({.threads = 2});
  EXPECT_FALSE(ctx.cancelled());
  signalled = &ctx;
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) { signalled->Cancel(); };
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  raise(SIGUSR1);
  sigaction(SIGUSR1, &before, nullptr);
  EXPECT_TRUE(ctx.cancelled());
  ctx.ResetCancel();
  EXPECT_FALSE(ctx.cancelled());
}

TEST(Context, CancelFromABodyIsSeenByTheOthers) {
  Context ctx({.threads = 2});
  ctx.ParallelFor(2, [&](size_t i) {
    if (i == 0) {
      ctx.Cancel();
    } else {
      // Whichever runs first, neither waits for ever.
      for (int k = 0; k < 1000 && !ctx.cancelled(); ++k) Pause(10);
    }
  });
  EXPECT_TRUE(ctx.cancelled());
}

TEST(Context, Progress) {
  Context ctx({.threads = 1});
  ctx.ReportProgress(0.1);  // nobody listens
  std::vector<double> seen;
  ctx.SetProgress([&](double done) { seen.push_back(done); });
  ctx.ReportProgress(0.5);
  ctx.ReportProgress(1);
  ctx.SetProgress(nullptr);
  ctx.ReportProgress(1);
  EXPECT_EQ(seen, (std::vector<double>{0.5, 1}));
}

TEST(Context, ThreadCountIsChecked) {
  EXPECT_THROW(Context({.threads = -1}), std::invalid_argument);
  EXPECT_THROW(Context({.threads = 5000}), std::invalid_argument);
}

}  // namespace
}  // namespace ranvier
