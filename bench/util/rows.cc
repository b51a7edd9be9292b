#include "bench/util/rows.h"

#include <chrono>
#include <set>

#include "ranvier/parallel/thread_count.h"

#include "bench/util/idle.h"

namespace ranvier::bench {

std::vector<int> ThreadCounts() {
  const int machine = DecideThreadCount(0).threads;
  if (machine > 1) return {1, machine};
  return {1};
}

int RunRows(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

bool Check(benchmark::State& state, const std::string& row,
           const std::function<std::string()>& what_is_wrong) {
  static std::set<std::string> right;
  if (right.count(row) != 0) return true;
  const std::string wrong = what_is_wrong();
  if (wrong.empty()) {
    right.insert(row);
  } else {
    state.SkipWithError(wrong.c_str());
  }
  return wrong.empty();
}

void TimeRuns(benchmark::State& state, const std::function<void()>& run) {
  run();  // threads awake, caches as in the runs that follow
  const double cpu_begin = CpuSeconds();
  const auto begin = std::chrono::steady_clock::now();
  for (auto _ : state) run();
  const std::chrono::duration<double> wall =
      std::chrono::steady_clock::now() - begin;
  state.counters["cpus"] = (CpuSeconds() - cpu_begin) / wall.count();
}

benchmark::Counter PerSecond(double amount) {
  return benchmark::Counter(amount,
                            benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace ranvier::bench
