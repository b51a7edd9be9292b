#include "bench/gemm/machine_bench.h"

#include <algorithm>
#include <string>

#include <benchmark/benchmark.h>

#include "ranvier/parallel/cache_sizes.h"

#include "bench/util/peak.h"
#include "bench/util/rows.h"

namespace ranvier::bench {
namespace {

template <class F>
void Register(const std::string& name, int threads, const std::string& counter,
              const F& run) {
  RegisterRow(name, threads, "machine", [=](benchmark::State& state) {
    double best = 0;  // what took a core away in between is not the machine
    for (auto _ : state) {
      const Rate rate = run(threads);
      best = std::max(best, rate.amount / rate.seconds);
      state.SetIterationTime(rate.seconds);
    }
    state.counters[counter] = best * 1e-9;
  })->UseManualTime();
}

void RegisterTraffic(const std::string& level, size_t bytes, int threads) {
  const size_t kib = std::max<size_t>(bytes >> 10, 1);
  const auto add = [&](const char* what, Traffic traffic, size_t size) {
    Register(std::string("Memory/") + what + "/" + level + ":" +
                 (kib < 1024 ? std::to_string(kib) + "KiB"
                             : std::to_string(kib >> 10) + "MiB"),
             threads, "gbyte_per_s",
             [=](int count) { return RunTraffic(traffic, size, count); });
  };
  add("read", Traffic::kRead, bytes);
  add("copy", Traffic::kCopy, bytes / 2);  // bytes is both arrays
  if (level == "DRAM") {
    add("copy_streaming", Traffic::kCopyStreaming, bytes / 2);
  }
}

}  // namespace

void RegisterMachine() {
  const CacheSizes caches = DetectCacheSizes();
  for (const int threads : ThreadCounts()) {
    Register("Peak/f32/fma", threads, "gflop_per_s",
             [](int n) { return RunChain(Chain::kF32Fma, n); });
    if (RunChain(Chain::kBf16Dot, 1).amount > 0) {
      Register("Peak/bf16/dot", threads, "gflop_per_s",
               [](int n) { return RunChain(Chain::kBf16Dot, n); });
    }
    Register("Peak/int8/dot", threads, "gop_per_s",
             [](int n) { return RunChain(Chain::kInt8Dot, n); });
    Register("Peak/int8/pair_dot", threads, "gop_per_s",
             [](int n) { return RunChain(Chain::kInt8Pair, n); });
    const auto share = static_cast<size_t>(threads);
    RegisterTraffic("L2", caches.l2_bytes / 2, threads);
    if (caches.l3_bytes / 2 / share > caches.l2_bytes) {
      RegisterTraffic("L3", caches.l3_bytes / 2 / share, threads);
    }
    RegisterTraffic("DRAM", (size_t{512} << 20) / share, threads);
  }
}

}  // namespace ranvier::bench
