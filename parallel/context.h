#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "ranvier/parallel/thread_count.h"
#include "ranvier/simd/base/export.h"

namespace ranvier {

struct ContextOptions {
  int threads = 0;  // 0: by the rules of DecideThreadCount
  uint64_t seed = 0;
};

// A body of ParallelFor may run on the thread that called it: what the caller
// keeps for all bodies stands in another room than what a body uses.
enum class ScratchRoom { kTask, kOperands };

// Threads, scratch memory, seed, cancellation and progress of one piece of
// work; passed by reference, no globals.
//
// Threads  No thread is started before the first parallel call. A Context may
//          be used by one caller at a time; Cancel may be called from any
//          thread and from a signal handler.
class RANVIER_API Context {
 public:
  explicit Context(const ContextOptions& options = {});
  // Uses the caller's tbb::task_arena: parallel calls run inside it and never
  // start another one. The arena must outlive the Context. (A template, so that
  // this header needs none of oneTBB's.)
  template <class Arena>
  requires requires(Arena& a) {
    a.execute([] {});
    a.max_concurrency();
  }
  explicit Context(Arena& arena, uint64_t seed = 0)
      : Context([&arena](const std::function<void()>& f) { arena.execute(f); },
                arena.max_concurrency(), seed) {}
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  int threads() const { return count_.threads; }
  const ThreadCount& thread_count() const { return count_; }
  uint64_t seed() const { return seed_; }

  // Calls body(i) for i in [0, n), each i once, on up to threads() threads;
  // with one thread or n == 1 on the calling thread. The first exception of a
  // body is rethrown here after the others have ended. Grain is one index.
  void ParallelFor(size_t n, const std::function<void(size_t)>& body);

  // At least `bytes` of 128-byte aligned memory that belongs to the calling
  // thread until its next Scratch call for the same room of this Context;
  // contents undefined. Grows, never shrinks, and is freed with the Context.
  void* Scratch(size_t bytes, ScratchRoom room = ScratchRoom::kTask);

  // Cancellation: long work looks at this between its steps.
  void Cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const noexcept {
    return cancelled_.load(std::memory_order_relaxed);
  }
  void ResetCancel() noexcept {
    cancelled_.store(false, std::memory_order_relaxed);
  }

  // Progress: called on the thread that called the long-running function,
  // with the done share in [0, 1].
  void SetProgress(std::function<void(double)> callback);
  void ReportProgress(double done) const;

 private:
  struct Impl;
  Context(std::function<void(const std::function<void()>&)> execute,
          int concurrency, uint64_t seed);

  ThreadCount count_;
  uint64_t seed_ = 0;
  std::atomic<bool> cancelled_{false};
  std::function<void(double)> progress_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ranvier
