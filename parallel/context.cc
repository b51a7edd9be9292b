#include "ranvier/parallel/context.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>

#include "ranvier/simd/base/aligned_buffer.h"

namespace ranvier {
namespace {

// oneTBB allows as many threads as the machine has processors; more must be
// asked for, or it complains on standard error. Of several that ask the one
// that asks for least decides, so one asks for all Contexts that live.
class Allowance {
 public:
  explicit Allowance(int threads) : threads_(static_cast<size_t>(threads)) {
    const std::lock_guard lock(Mutex());
    Wanted().insert(threads_);
    Renew();
  }
  ~Allowance() {
    const std::lock_guard lock(Mutex());
    Wanted().erase(Wanted().find(threads_));
    Renew();
  }
  Allowance(const Allowance&) = delete;
  Allowance& operator=(const Allowance&) = delete;

 private:
  // Never destroyed: a Context may outlive every other static object.
  static std::mutex& Mutex() {
    static auto* mutex = new std::mutex;
    return *mutex;
  }
  static std::multiset<size_t>& Wanted() {
    static auto* wanted = new std::multiset<size_t>;
    return *wanted;
  }
  static void Renew() {
    static auto* control = new std::unique_ptr<tbb::global_control>;
    static size_t allowed = 0;
    const size_t most = Wanted().empty() ? 0 : *Wanted().rbegin();
    if (most == allowed) return;
    allowed = most;
    // The new one is there before the old one goes.
    *control = most == 0
                   ? nullptr
                   : std::make_unique<tbb::global_control>(
                         tbb::global_control::max_allowed_parallelism, most);
  }

  size_t threads_;
};

}  // namespace

struct Context::Impl {
  // The caller's arena, or nothing: then own is made by the first parallel
  // call, and oneTBB starts threads only for work that is waiting there.
  std::function<void(const std::function<void()>&)> execute;
  std::once_flag make_own;
  std::unique_ptr<Allowance> allowance;  // of more threads than processors
  std::unique_ptr<tbb::task_arena> own;
  struct Rooms {
    AlignedBuffer<std::byte> task, operands;
  };
  tbb::enumerable_thread_specific<Rooms> scratch;
};

Context::Context(const ContextOptions& options)
    : count_(DecideThreadCount(options.threads)),
      seed_(options.seed),
      impl_(std::make_unique<Impl>()) {}

Context::Context(std::function<void(const std::function<void()>&)> execute,
                 int concurrency, uint64_t seed)
    : count_{std::max(concurrency, 1), "caller's arena"},
      seed_(seed),
      impl_(std::make_unique<Impl>()) {
  impl_->execute = std::move(execute);
}

Context::~Context() = default;

void Context::ParallelFor(size_t n, const std::function<void(size_t)>& body) {
  if (n <= 1 || threads() == 1) {
    for (size_t i = 0; i < n; ++i) body(i);
    return;
  }
  const auto loop = [&] {
    tbb::parallel_for(
        tbb::blocked_range<size_t>(0, n, 1),
        [&](const tbb::blocked_range<size_t>& range) {
          for (size_t i = range.begin(); i != range.end(); ++i) body(i);
        },
        tbb::simple_partitioner());
  };
  // Isolated: a body that waits for a loop of its own must not be handed
  // another body meanwhile, which would take the Scratch that it is using.
  const auto run = [&loop] { tbb::this_task_arena::isolate(loop); };
  if (impl_->execute) {
    impl_->execute(run);
    return;
  }
  std::call_once(impl_->make_own, [&] {
    if (threads() > tbb::info::default_concurrency()) {
      impl_->allowance = std::make_unique<Allowance>(threads());
    }
    impl_->own = std::make_unique<tbb::task_arena>(threads());
  });
  impl_->own->execute(run);
}

void* Context::Scratch(size_t bytes, ScratchRoom room) {
  Impl::Rooms& rooms = impl_->scratch.local();
  AlignedBuffer<std::byte>& buffer =
      room == ScratchRoom::kTask ? rooms.task : rooms.operands;
  if (buffer.size() < bytes) buffer = AlignedBuffer<std::byte>(bytes);
  return buffer.data();
}

void Context::SetProgress(std::function<void(double)> callback) {
  progress_ = std::move(callback);
}

void Context::ReportProgress(double done) const {
  if (progress_) progress_(done);
}

}  // namespace ranvier
