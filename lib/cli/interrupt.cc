#include "ranvier/cli/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace ranvier::cli {
namespace {

// A handler sees only globals; both are lock-free.
std::atomic<Context*> g_context{nullptr};
std::atomic<int> g_signal{0};
static_assert(std::atomic<Context*>::is_always_lock_free);

struct sigaction g_old_int, g_old_term;

void OnSignal(int signal) {
  int none = 0;
  if (!g_signal.compare_exchange_strong(none, signal)) _exit(128 + signal);
  if (Context* ctx = g_context.load()) ctx->Cancel();
  constexpr char kText[] =
      "\nstopping at the next step; press Ctrl-C again to stop at once\n";
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, kText, sizeof(kText) - 1);
}

}  // namespace

InterruptGuard::InterruptGuard(Context& ctx) {
  g_signal = 0;
  g_context = &ctx;
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;  // a write in progress goes on
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, nullptr, &g_old_int);
  // A shell's background job ignores Ctrl-C, and so it stays.
  if (g_old_int.sa_handler != SIG_IGN) sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, &g_old_term);
}

InterruptGuard::~InterruptGuard() {
  sigaction(SIGINT, &g_old_int, nullptr);
  sigaction(SIGTERM, &g_old_term, nullptr);
  g_context = nullptr;
}

int InterruptGuard::exit_code() const {
  const int signal = g_signal.load();
  return signal == 0 ? 0 : 128 + signal;
}

}  // namespace ranvier::cli
