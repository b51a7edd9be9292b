// Matrix products beside the libraries that CMake found.
//
// A row is Op/element/MxNxK/threads:N; ./dev bench runs the program once for
// each row, so that only those who are compared take turns, within seconds.
//
// Counters: gflop_per_s or gop_per_s (2 M N K over time); gbyte_per_s, if each
// operand moved once; peak_share, of the best multiply-add rate that this
// process saw on as many threads, which is measured anew before each run; cpus,
// processor time over time: whether a peer really used its threads; machine,
// the share of that rate which the machine gave before and after the run.

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/gemm/machine_bench.h"
#include "bench/gemm/operands.h"
#include "bench/gemm/peer.h"
#include "bench/util/idle.h"
#include "bench/util/peak.h"
#include "bench/util/rows.h"

namespace ranvier::bench {
namespace {

const char* Name(Op op) {
  switch (op) {
    case Op::kGemm:
      return "Gemm";
    case Op::kLinear:
      return "Linear";
    case Op::kLinearPacked:
      return "LinearPacked";
    case Op::kLinearGelu:
      return "LinearGelu";
    case Op::kGemv:
      return "Gemv";
  }
  return "";
}

const char* Name(Element element) {
  switch (element) {
    case Element::kF32:
      return "f32";
    case Element::kBf16:
      return "bf16";
    case Element::kU8S8:
      return "u8s8";
    case Element::kS8S8:
      return "s8s8";
  }
  return "";
}

std::string Name(const Product& p) {
  std::string name = std::string(Name(p.op)) + "/" + Name(p.element) + "/" +
                     std::to_string(p.M) + "x";
  if (p.op != Op::kGemv) name += std::to_string(p.N) + "x";
  return name + std::to_string(p.K);
}

// Waits, though not for ever, until the machine gives what it can.
double WaitUntilFast(int threads) {
  double share = 0;
  for (int i = 0; i < 50 && share < 0.95; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    share = MachineShare(threads);
  }
  return share;
}

void Run(benchmark::State& state, const Product& product, const Peer& peer,
         int threads) {
  Operands& operands = LastMade<Operands>(product);
  const std::function<void()> run = peer.prepare(operands.product(), threads);
  const std::string row = Name(product) + std::to_string(threads) + peer.name;
  const auto what_is_wrong = [&] {
    operands.SpoilResult();
    run();
    return operands.WhatIsWrong();
  };
  if (!Check(state, row, what_is_wrong)) return;
  WaitUntilIdle();
  const double share_before = WaitUntilFast(threads);
  const double peak = MeasurePeak(product.element, threads);
  TimeRuns(state, run);
  WaitUntilIdle();
  const double share_after = MachineShare(threads);

  const double operations = 2.0 * static_cast<double>(product.M) *
                            static_cast<double>(product.N) *
                            static_cast<double>(product.K);
  const size_t bytes =
      (product.M + product.N) * product.K * SizeOfElement(product.element) +
      product.M * product.N * 4;
  state.counters[IsInteger(product.element) ? "gop_per_s" : "gflop_per_s"] =
      PerSecond(operations * 1e-9);
  state.counters["gbyte_per_s"] = PerSecond(static_cast<double>(bytes) * 1e-9);
  state.counters["peak_share"] = PerSecond(operations / peak);
  state.counters["machine"] = std::min(share_before, share_after);
}

std::vector<Product> Rows() {
  std::vector<Product> rows;
  const auto square = [&](Element element, size_t n) {
    rows.push_back({Op::kGemm, element, n, n, n});
  };
  // Raw weights and weights that were packed before.
  const auto linear = [&](Element element, size_t M, size_t N, size_t K) {
    rows.push_back({Op::kLinear, element, M, N, K});
    rows.push_back({Op::kLinearPacked, element, M, N, K});
  };
  const Element f32 = Element::kF32;
  for (const size_t n : {16, 32, 48, 64, 100, 128}) square(f32, n);
  rows.push_back({Op::kGemm, f32, 127, 129, 131});
  for (const size_t n : {256, 512, 1000, 1024, 2048, 4096}) square(f32, n);
  for (const size_t n : {768, 1024, 4096}) {
    for (const size_t M : {1, 4, 16, 64}) linear(f32, M, n, n);
  }
  linear(f32, 32, 512, 784);
  linear(f32, 128, 3072, 768);
  linear(f32, 128, 768, 3072);
  linear(f32, 64, 10, 512);
  for (const size_t N : {96, 384, 512}) linear(f32, 2048, N, 128);
  rows.push_back({Op::kLinearGelu, f32, 32, 512, 784});
  rows.push_back({Op::kLinearGelu, f32, 128, 3072, 768});
  rows.push_back({Op::kLinearGelu, f32, 128, 768, 3072});
  rows.push_back({Op::kGemv, f32, 4096, 1, 4096});
  for (const Element element :
       {Element::kBf16, Element::kU8S8, Element::kS8S8}) {
    for (const size_t n : {512, 1024, 2048}) square(element, n);
    for (const size_t n : {1024, 4096}) {
      for (const size_t M : {1, 4, 16}) linear(element, M, n, n);
    }
  }
  return rows;
}

}  // namespace
}  // namespace ranvier::bench

int main(int argc, char** argv) {
  using namespace ranvier::bench;
  const std::vector<Peer> peers = Peers();
  RegisterMachine();
  for (const Product& product : Rows()) {
    RegisterRows(
        Name(product), peers,
        [&](const Peer& peer, int threads) {
          return peer.has(product, threads);
        },
        [=](benchmark::State& state, const Peer& peer, int threads) {
          Run(state, product, peer, threads);
        });
  }
  AddContext(peers);
  return RunRows(argc, argv);
}
