#pragma once

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <benchmark/benchmark.h>

#include "ranvier/simd/targets.h"

namespace ranvier::bench {

// What the programs do with their rows, Op/element/shape/threads:N/who.

// One, and all that the machine has.
std::vector<int> ThreadCounts();

template <class Run>
auto* RegisterRow(const std::string& name, int threads, const std::string& who,
                  const Run& run) {
  const std::string full =
      name + "/threads:" + std::to_string(threads) + "/" + who;
  return benchmark::RegisterBenchmark(full.c_str(), run);
}

// run(state, peer, threads) for all of which has(peer, threads).
template <class Peer, class Has, class Run>
void RegisterRows(const std::string& name, const std::vector<Peer>& peers,
                  const Has& has, const Run& run) {
  for (const int threads : ThreadCounts()) {
    for (const Peer& peer : peers) {
      if (!has(peer, threads)) continue;
      RegisterRow(name, threads, peer.name, [=](benchmark::State& state) {
        run(state, peer, threads);
      })->UseRealTime();
    }
  }
}

// States the SIMD target and the versions of the peers.
template <class Peer>
void AddContext(const std::vector<Peer>& peers) {
  benchmark::AddCustomContext("target", simd::CurrentTarget());
  for (const Peer& peer : peers) {
    if (peer.version.empty()) continue;
    benchmark::AddCustomContext(peer.name, peer.version);
  }
}

// What main() returns once the rows are registered.
int RunRows(int argc, char** argv);

// The T made of these arguments. The last one only, for they are large: all
// peers of a row use the same.
template <class T, class... Args>
T& LastMade(const Args&... args) {
  static std::unique_ptr<T> last;
  static std::tuple<Args...> made_of;
  if (last == nullptr || made_of != std::tie(args...)) {
    last.reset();
    last = std::make_unique<T>(args...);
    made_of = std::tie(args...);
  }
  return *last;
}

// Whether a row may be timed: what_is_wrong() is asked until it has answered ""
// once; anything else is the row's error.
bool Check(benchmark::State& state, const std::string& row,
           const std::function<std::string()>& what_is_wrong);

// Times run(). Counter: cpus, processor time over time: whether a peer really
// used its threads.
void TimeRuns(benchmark::State& state, const std::function<void()>& run);

// A counter of what is so much in each iteration.
benchmark::Counter PerSecond(double amount);

}  // namespace ranvier::bench
