// Elementwise functions beside the libraries that CMake found: in L1, L2 and
// memory, from the entry of the public function to its exit.
//
// Counters: gbyte_per_s are bytes that the operation must read and write; cpus,
// processor time over time; machine, the share of its best multiply-add rate
// that the machine gave before and after the run.

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "ranvier/simd/base/aligned_buffer.h"
#include "ranvier/simd/base/elementwise.h"

#include "bench/elementwise/peer.h"
#include "bench/util/idle.h"
#include "bench/util/peak.h"
#include "bench/util/rows.h"
#include "bench/util/x86_level.h"
#include "tests/reference/elementwise_reference.h"

namespace ranvier::bench {
namespace {

constexpr size_t kSizes[] = {1024, 65'536, 16'777'216};

struct Operation {
  Op op;
  const char* name;
  const char* element;
  double bytes;  // an element
  Elementwise f;
  bool gradient = false;
};

constexpr Operation kOperations[] = {
    {Op::kExp, "Exp", "f32", 8, Elementwise::kExp},
    {Op::kTanh, "Tanh", "f32", 8, Elementwise::kTanh},
    {Op::kSigmoid, "Sigmoid", "f32", 8, Elementwise::kSigmoid},
    {Op::kSilu, "Silu", "f32", 8, Elementwise::kSilu},
    {Op::kGelu, "Gelu", "f32", 8, Elementwise::kGelu},
    {Op::kGeluTanh, "GeluTanh", "f32", 8, Elementwise::kGeluTanh},
    {Op::kRelu, "Relu", "f32", 8, Elementwise::kRelu},
    {Op::kSoftplus, "Softplus", "f32", 8, Elementwise::kSoftplus},
    {Op::kLog, "Log", "f32", 8, Elementwise::kLog},
    {Op::kErf, "Erf", "f32", 8, Elementwise::kErf},
    {Op::kGeluBf16, "Gelu", "bf16", 4, Elementwise::kGelu},
    {Op::kSiluGradient, "SiluGradient", "f32", 12, Elementwise::kSilu, true},
    {Op::kGeluGradient, "GeluGradient", "f32", 12, Elementwise::kGelu, true},
    {Op::kSwiGlu, "SwiGlu", "f32", 12, Elementwise::kSilu},
    {Op::kDropout, "Dropout", "f32", 8, Elementwise::kRelu},
    {Op::kBiasGelu, "BiasGelu", "f32", 8, Elementwise::kGelu}};

std::string Name(const Operation& operation, size_t n) {
  return std::string(operation.name) + "/" + operation.element + "/" +
         std::to_string(n);
}

struct Arrays {
  explicit Arrays(size_t n)
      : x(n), magnitudes(n), dy(n), up(n), bias(1024), y(n), xb(n), yb(n) {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> wide(-4, 4);
    std::uniform_real_distribution<float> narrow(-1, 1);
    for (size_t i = 0; i < n; ++i) {
      x[i] = wide(random);
      magnitudes[i] = std::abs(x[i]);
      dy[i] = narrow(random);
      up[i] = narrow(random);
      xb[i] = ToBf16(x[i]);
    }
    for (size_t i = 0; i < 1024; ++i) bias[i] = narrow(random);
    operands = {n,           x.data(), magnitudes.data(), dy.data(), up.data(),
                bias.data(), y.data(), xb.data(),         yb.data()};
  }
  AlignedBuffer<float> x, magnitudes, dy, up, bias, y;
  AlignedBuffer<bf16> xb, yb;
  Operands operands;
};

// Wide enough for all peers (the log of oneDNN 2.6 is off by 3.4 * 10^-6 near
// 1) and narrow enough to find a wrong one; in bf16 half an ulp.
bool IsRight(const Operation& operation, const Operands& o) {
  const bool bf = operation.op == Op::kGeluBf16;
  size_t dropped = 0;
  for (size_t i = 0; i < o.n; i += 1 + o.n / 65536) {
    double x = o.x[i];
    if (operation.op == Op::kLog) x = o.magnitudes[i];
    if (operation.op == Op::kBiasGelu) x = o.x[i] + o.bias[i % 1024];
    if (bf) x = ToFloat(o.x_bf16[i]);
    double expected = operation.gradient
                          ? o.dy[i] * reference::Derivative(operation.f, x, 1)
                          : reference::Value(operation.f, x, 1);
    if (operation.op == Op::kSwiGlu) expected *= o.up[i];
    const double actual = bf ? ToFloat(o.y_bf16[i]) : o.y[i];
    if (operation.op == Op::kDropout) {
      expected = x / 0.9;
      if (actual == 0) {
        ++dropped;
        continue;
      }
    }
    const double relative = bf ? 0x1p-8 : 1e-5;
    if (!(std::abs(actual - expected) <=
          relative * std::abs(expected) + 5e-6)) {
      return false;
    }
  }
  const double looked_at = std::ceil(static_cast<double>(o.n) /
                                     static_cast<double>(1 + o.n / 65536));
  return std::abs(static_cast<double>(dropped) -
                  (operation.op == Op::kDropout ? 0.1 * looked_at : 0)) <=
         2 * std::sqrt(looked_at);
}

void Run(benchmark::State& state, const Operation& operation, size_t n,
         const Peer& peer, int threads) {
  const Operands& o = LastMade<Arrays>(n).operands;
  const Prepared run = peer.prepare(operation.op, o, threads);
  const std::string row =
      Name(operation, n) + std::to_string(threads) + peer.name;
  const auto what_is_wrong = [&] {
    std::fill_n(o.y, n, -99.0f);
    std::fill_n(o.y_bf16, n, ToBf16(-99.0f));
    run();
    return IsRight(operation, o) ? "" : "the result is wrong";
  };
  if (!Check(state, row, what_is_wrong)) return;
  WaitUntilIdle();
  const double share_before = MachineShare(threads);
  TimeRuns(state, run);
  WaitUntilIdle();
  const double share_after = MachineShare(threads);
  state.counters["gbyte_per_s"] =
      PerSecond(1e-9 * operation.bytes * static_cast<double>(n));
  state.counters["machine"] = std::min(share_before, share_after);
}

std::vector<Peer> Peers() {
  std::vector<Peer> peers = {RanvierPeer(), LoopPeer()};
#ifdef RANVIER_BENCH_EIGEN
  peers.push_back(AtX86Level([](auto level) { return EigenPeer<level>(); }));
#endif
#ifdef RANVIER_BENCH_ONEDNN
  peers.push_back(OneDnnPeer());
#endif
#ifdef RANVIER_BENCH_SLEEF
  peers.push_back(AtX86Level([](auto level) { return SleefPeer<level>(); }));
#endif
  return peers;
}

}  // namespace
}  // namespace ranvier::bench

int main(int argc, char** argv) {
  using namespace ranvier::bench;
  const std::vector<Peer> peers = Peers();
  for (const Operation& operation : kOperations) {
    for (const size_t n : kSizes) {
      RegisterRows(
          Name(operation, n), peers,
          [&](const Peer& peer, int threads) {
            // The loop takes seconds there, and says nothing new.
            if (peer.name == "loop" && n > 65'536) return false;
            const Operands none{.n = 1024};  // asked about only
            return peer.prepare(operation.op, none, threads) != nullptr;
          },
          [=](benchmark::State& state, const Peer& peer, int threads) {
            Run(state, operation, n, peer, threads);
          });
    }
  }
  AddContext(peers);
  return RunRows(argc, argv);
}
