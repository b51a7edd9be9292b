// Threads in a server. Many short requests: one thread each, as below with
// one Context per worker; no request waits for another one's threads. Few
// large ones: the server's own tbb::task_arena bounds what ranvier may use.
// Both share one PackedMatrix, and give the same bits.

#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include <tbb/task_arena.h>

#include "ranvier/ops/gemm.h"
#include "ranvier/ops/packed_matrix.h"
#include "ranvier/parallel/context.h"
#include "ranvier/tensor/tensor.h"

namespace {

constexpr size_t kIn = 256, kOut = 512;

// One request: some rows of features.
ranvier::Tensor<float> Request(size_t number) {
  ranvier::Tensor<float> x({1 + number % 5, kIn});
  for (size_t i = 0; i < x.elements(); ++i) {
    x.data()[i] = static_cast<float>((i * 7 + number) % 11) - 5;
  }
  return x;
}

ranvier::Tensor<float> Answer(ranvier::Context& ctx,
                              const ranvier::Tensor<float>& x,
                              const ranvier::PackedMatrix& weights) {
  auto y = ranvier::Tensor<float>::Uninitialized({x.size(0), kOut});
  ranvier::Gemm(ctx, x, weights, y, {.activation = ranvier::Activation::kRelu});
  return y;
}

}  // namespace

int main() {  // NOLINT(bugprone-exception-escape): it ends the example
  // Read by all workers at a time: it never changes.
  ranvier::Context loading({.threads = 1});
  ranvier::Tensor<float> w({kIn, kOut});
  for (size_t i = 0; i < w.elements(); ++i) {
    w.data()[i] = static_cast<float>(i % 13) / 13 - 0.5F;
  }
  const ranvier::PackedMatrix weights(loading, w);

  constexpr size_t kRequests = 40, kWorkers = 4;
  std::vector<ranvier::Tensor<float>> answers(kRequests);
  std::vector<std::thread> workers;
  for (size_t worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      // Never starts a thread. A Context belongs to one caller at a time.
      ranvier::Context ctx({.threads = 1});
      for (size_t i = worker; i < kRequests; i += kWorkers) {
        answers[i] = Answer(ctx, Request(i), weights);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();

  // What ranvier does now happens inside this arena and nowhere else.
  tbb::task_arena arena(2);
  ranvier::Context ctx(arena);
  size_t same = 0;
  for (size_t i = 0; i < kRequests; ++i) {
    const ranvier::Tensor<float> y = Answer(ctx, Request(i), weights);
    same += y.shape() == answers[i].shape() &&
            std::memcmp(y.data(), answers[i].data(), y.size_bytes()) == 0;
  }
  std::printf("%zu of %zu answers have the same bits on one thread and on %d\n",
              same, kRequests, ctx.threads());
  return same == kRequests ? 0 : 1;
}
