// BLAS level 1, conversion and quantisation: in L1, L2 and memory.
//
// Counters: gbyte_per_s are bytes that the operation must read and write. What
// comes back is compared with a reference before it is timed.

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "ranvier/simd/base/aligned_buffer.h"
#include "ranvier/simd/targets.h"

#include "bench/blas1/peer.h"
#include "bench/util/rows.h"
#include "bench/util/x86_level.h"

namespace ranvier::bench {
namespace {

constexpr size_t kSizes[] = {1024, 65'536, 16'777'216};

struct Arrays {
  explicit Arrays(size_t n)
      : x(n), y(n), xb(n), yb(n), xh(n), yh(n), xq(n), yq(n) {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> real(-1, 1);
    for (size_t i = 0; i < n; ++i) {
      x[i] = real(random);
      y[i] = real(random);
      xb[i] = ToBf16(x[i]);
      xh[i] = ToF16(x[i]);
      xq[i] = static_cast<int8_t>(random());
    }
    operands = {n,         x.data(),  y.data(),  1e-7f,
                xb.data(), yb.data(), xh.data(), yh.data(),
                xq.data(), yq.data(), 1.0f / 127};
  }
  AlignedBuffer<float> x, y;
  AlignedBuffer<bf16> xb, yb;
  AlignedBuffer<f16> xh, yh;
  AlignedBuffer<int8_t> xq, yq;
  Operands operands;
};

struct Operation {
  const char* name;
  const char* element;
  double bytes;  // an element
  double (*Peer::*run)(const Operands&);
};

constexpr Operation kOperations[] = {
    {"Dot", "f32", 8, &Peer::dot},
    {"Dot", "bf16", 2, &Peer::dot_bf16},
    {"Axpy", "f32", 12, &Peer::axpy},
    {"Scal", "f32", 8, &Peer::scal},
    {"Nrm2", "f32", 4, &Peer::nrm2},
    {"Asum", "f32", 4, &Peer::asum},
    {"Iamax", "f32", 4, &Peer::iamax},
    {"Convert", "f32_bf16", 6, &Peer::f32_to_bf16},
    {"Convert", "f32_f16", 6, &Peer::f32_to_f16},
    {"Convert", "bf16_f32", 6, &Peer::bf16_to_f32},
    {"Convert", "f16_f32", 6, &Peer::f16_to_f32},
    {"ConvertStochastic", "f32_bf16", 6, &Peer::f32_to_bf16_stochastic},
    {"ConvertStochastic", "f32_f16", 6, &Peer::f32_to_f16_stochastic},
    {"FindScales", "f32", 4, &Peer::find_scale},
    {"Quantize", "f32_s8", 5, &Peer::quantize},
    {"Dequantize", "s8_f32", 5, &Peer::dequantize}};

// In f64; a number is returned by the reductions alone.
bool IsRight(const Operation& operation, const Operands& o, double result) {
  double sum = 0;
  double magnitudes = 0;
  size_t greatest = 0;
  for (size_t i = 0; i < o.n; ++i) {
    const double x = o.x[i];
    double term = 0;
    if (operation.run == &Peer::dot) term = x * o.y[i];
    if (operation.run == &Peer::dot_bf16) {
      term = std::pow(ToFloat(o.x_bf16[i]), 2.0);
    }
    if (operation.run == &Peer::nrm2) term = x * x;
    if (operation.run == &Peer::asum) term = std::abs(x);
    sum += term;
    magnitudes += std::abs(term);
    if (std::abs(o.x[i]) > std::abs(o.x[greatest])) greatest = i;
  }
  if (operation.run == &Peer::nrm2) magnitudes = sum = std::sqrt(sum);
  if (operation.run == &Peer::iamax) sum = static_cast<double>(greatest);
  if (operation.run == &Peer::find_scale) {
    magnitudes = sum = std::abs(o.x[greatest]) / 127.0;
  }
  const double error = static_cast<double>(o.n + 2) * 0x1.0p-24 * magnitudes;
  // A plain f32 sum stands still once a term is less than half its ulp: nobody
  // claims more than this of so many terms.
  return std::abs(result - sum) <= error;
}

template <class T>
bool AllSame(const T* actual, const std::vector<T>& expected) {
  for (size_t i = 0; i < expected.size(); ++i) {
    if constexpr (requires { actual[i].bits; }) {
      if (actual[i].bits != expected[i].bits) return false;
    } else {
      if (actual[i] != expected[i]) return false;
    }
  }
  return true;
}

// Element by element, against the scalar definitions.
bool WroteRight(const Operation& operation, const Operands& o) {
  std::vector<bf16> to_bf16(o.n);
  std::vector<f16> to_f16(o.n);
  std::vector<float> to_f32(o.n);
  std::vector<int8_t> to_s8(o.n);
  for (size_t i = 0; i < o.n; ++i) {
    to_bf16[i] = ToBf16(o.x[i]);
    to_f16[i] = ToF16(o.x[i]);
    to_s8[i] = static_cast<int8_t>(std::nearbyint(o.x[i] / o.scale));
    if (operation.run == &Peer::bf16_to_f32) to_f32[i] = ToFloat(o.x_bf16[i]);
    if (operation.run == &Peer::f16_to_f32) to_f32[i] = ToFloat(o.x_f16[i]);
    if (operation.run == &Peer::dequantize) {
      to_f32[i] = static_cast<float>(o.x_s8[i]) * o.scale;
    }
  }
  if (operation.run == &Peer::f32_to_bf16) return AllSame(o.y_bf16, to_bf16);
  if (operation.run == &Peer::f32_to_f16) return AllSame(o.y_f16, to_f16);
  if (operation.run == &Peer::quantize) return AllSame(o.y_s8, to_s8);
  if (operation.run == &Peer::bf16_to_f32 ||
      operation.run == &Peer::f16_to_f32 ||
      operation.run == &Peer::dequantize) {
    return AllSame(static_cast<const float*>(o.y), to_f32);
  }
  return true;
}

void Run(benchmark::State& state, const Operation& operation, size_t n,
         const Peer& peer, int threads) {
  const Operands& o = LastMade<Arrays>(n).operands;
  if (peer.set_threads != nullptr) peer.set_threads(threads);
  const auto run = peer.*operation.run;
  if (!IsRight(operation, o, run(o)) || !WroteRight(operation, o)) {
    state.SkipWithError("the result is wrong");
  }
  for (auto _ : state) benchmark::DoNotOptimize(run(o));
  state.counters["gbyte_per_s"] =
      PerSecond(1e-9 * operation.bytes * static_cast<double>(n));
}

std::vector<Peer> Peers() {
  std::vector<Peer> peers = {RanvierPeer(), LoopPeer()};
#ifdef RANVIER_BENCH_EIGEN
  peers.push_back(AtX86Level([](auto level) { return EigenPeer<level>(); }));
#endif
#ifdef RANVIER_BENCH_OPENBLAS
  peers.push_back(OpenBlasPeer());
#endif
  return peers;
}

}  // namespace
}  // namespace ranvier::bench

int main(int argc, char** argv) {
  using namespace ranvier;
  using namespace ranvier::bench;
  for (const Operation& operation : kOperations) {
    for (const size_t n : kSizes) {
      RegisterRows(
          std::string(operation.name) + "/" + operation.element + "/" +
              std::to_string(n),
          Peers(),
          [&](const Peer& peer, int threads) {
            return peer.*operation.run != nullptr &&
                   (threads == 1 || peer.threads);
          },
          [=](benchmark::State& state, const Peer& peer, int threads) {
            Run(state, operation, n, peer, threads);
          });
    }
  }
  benchmark::AddCustomContext("target", simd::CurrentTarget());
  return RunRows(argc, argv);
}
