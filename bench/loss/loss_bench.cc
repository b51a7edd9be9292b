// Losses and optimiser updates, in the sizes of training.
//
// Counters: gbyte_per_s are bytes that the operation must read and write. What
// comes back is compared with a reference before it is timed. oneDNN has no
// primitive for any of these.

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "ranvier/simd/base/aligned_buffer.h"
#include "ranvier/simd/targets.h"

#include "bench/loss/peer.h"
#include "bench/util/rows.h"
#include "bench/util/x86_level.h"

namespace ranvier::bench {
namespace {

struct Arrays {
  Arrays(size_t rows, size_t cols)
      : x(rows * cols),
        target(rows * cols),
        gradient(rows * cols),
        parameter(rows * cols),
        m(rows * cols),
        v(rows * cols),
        classes(rows) {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> logit(-4, 4), share(0, 1);
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = logit(random);
      target[i] = share(random);
      gradient[i] = 0;
    }
    for (size_t i = 0; i < rows; ++i) {
      classes[i] = static_cast<int32_t>(random() % cols);
    }
    Restore();
    operands = {.rows = rows,
                .cols = cols,
                .x = x.data(),
                .target = target.data(),
                .classes = classes.data(),
                .gradient = gradient.data(),
                .parameter = parameter.data(),
                .m = m.data(),
                .v = v.data()};
  }
  void Restore() {
    for (size_t i = 0; i < x.size(); ++i) {
      parameter[i] = target[i] - 0.5f;
      m[i] = x[i] / 2;
      v[i] = x[i] * x[i];
    }
  }
  AlignedBuffer<float> x, target, gradient, parameter, m, v;
  AlignedBuffer<int32_t> classes;
  Operands operands;
};

struct Operation {
  const char* name;
  size_t rows, cols;
  double bytes;  // an element
  double (*Peer::*run)(const Operands&);
};

constexpr Operation kOperations[] = {
    {"CrossEntropyLoss", 1024, 32000, 4, &Peer::cross_entropy},
    {"CrossEntropyLossGradient", 1024, 32000, 8, &Peer::cross_entropy_gradient},
    {"CrossEntropyLoss", 256, 10, 4, &Peer::cross_entropy},
    {"CrossEntropyLossGradient", 256, 10, 8, &Peer::cross_entropy_gradient},
    {"BinaryCrossEntropyLoss", 1, 1 << 20, 8, &Peer::bce},
    {"BinaryCrossEntropyLossGradient", 1, 1 << 20, 12, &Peer::bce_gradient},
    {"MseLoss", 1, 1 << 20, 8, &Peer::mse},
    {"MseLossGradient", 1, 1 << 20, 12, &Peer::mse_gradient},
    {"HuberLossGradient", 1, 1 << 20, 12, &Peer::huber_gradient},
    {"AdamW", 1, 10'000'000, 28, &Peer::adamw},
    {"GradientNorm", 1, 10'000'000, 4, &Peer::norm}};

std::string Name(const Operation& operation) {
  std::string name = std::string(operation.name) + "/f32/";
  if (operation.rows != 1) name += std::to_string(operation.rows) + "x";
  return name + std::to_string(operation.cols);
}

// What is right in double precision, of some elements: losses' values of all.
bool IsRight(const Operation& operation, const Peer& peer, Arrays& arrays) {
  const Operands& o = arrays.operands;
  const auto run = peer.*operation.run;
  arrays.Restore();
  const double result = run(o);
  const auto n = static_cast<double>(o.n());
  double sum = 0;
  if (operation.run == &Peer::adamw) {
    if (std::string(peer.name) == "copy") return true;
    const auto t = static_cast<double>(kStep);
    for (size_t i = 0; i < o.n(); i += 997) {
      const double g = o.x[i];
      const double m = 0.9 * (o.x[i] / 2) + 0.1 * g;
      const double v = 0.999 * (o.x[i] * o.x[i]) + 0.001 * g * g;
      const double p = double{arrays.target[i] - 0.5f};
      const double expected =
          p - 1e-3 * (1e-2 * p +
                      m / (1 - std::pow(0.9, t)) /
                          (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8));
      if (std::abs(o.parameter[i] - expected) > 1e-6) return false;
    }
    return true;
  }
  if (operation.run == &Peer::norm) {
    for (size_t i = 0; i < o.n(); ++i) sum += double{o.x[i]} * o.x[i];
    return std::abs(result / std::sqrt(sum) - 1) < 1e-4;
  }
  if (operation.run == &Peer::cross_entropy ||
      operation.run == &Peer::cross_entropy_gradient) {
    for (size_t r = 0; r < o.rows; ++r) {
      const float* x = o.x + r * o.cols;
      double row = 0;
      for (size_t c = 0; c < o.cols; ++c) row += std::exp(double{x[c]});
      sum += std::log(row) - x[o.classes[r]];
      if (operation.run == &Peer::cross_entropy) continue;
      for (size_t c = 0; c < o.cols; c += 7) {
        const double hit = static_cast<size_t>(o.classes[r]) == c ? 1 : 0;
        const double g =
            (std::exp(double{x[c]}) / row - hit) / static_cast<double>(o.rows);
        if (std::abs(o.gradient[r * o.cols + c] - g) >
            1e-4 * std::abs(g) + 1e-12) {
          return false;
        }
      }
    }
    return std::abs(result * static_cast<double>(o.rows) / sum - 1) < 1e-4;
  }
  for (size_t i = 0; i < o.n(); ++i) {
    const double x = o.x[i];
    const double t = o.target[i];
    const double e = std::abs(x - t);
    double loss = e * e;
    double g = 2 * (x - t);
    if (operation.run == &Peer::bce || operation.run == &Peer::bce_gradient) {
      loss = std::log1p(std::exp(x)) - x * t;
      g = 1 / (1 + std::exp(-x)) - t;
    } else if (operation.run == &Peer::huber_gradient) {
      loss = e <= kHuberDelta ? e * e / 2 : kHuberDelta * (e - kHuberDelta / 2);
      g = std::clamp(x - t, double{-kHuberDelta}, double{kHuberDelta});
    }
    sum += loss;
    if (operation.bytes == 12 && std::abs(o.gradient[i] - g / n) > 1e-6 / n) {
      return false;
    }
  }
  return std::abs(result * n / sum - 1) < 1e-4;
}

void Run(benchmark::State& state, const Operation& operation, const Peer& peer,
         int threads) {
  Arrays& arrays = LastMade<Arrays>(operation.rows, operation.cols);
  if (peer.set_threads != nullptr) peer.set_threads(threads);
  const auto run = peer.*operation.run;
  if (!IsRight(operation, peer, arrays)) {
    state.SkipWithError("the result is wrong");
  }
  for (auto _ : state) benchmark::DoNotOptimize(run(arrays.operands));
  state.counters["gbyte_per_s"] = PerSecond(
      1e-9 * operation.bytes * static_cast<double>(arrays.operands.n()));
}

std::vector<Peer> Peers() {
  std::vector<Peer> peers = {RanvierPeer(), LoopPeer(), CopyPeer()};
#ifdef RANVIER_BENCH_EIGEN
  peers.push_back(AtX86Level([](auto level) { return EigenPeer<level>(); }));
#endif
  return peers;
}

}  // namespace
}  // namespace ranvier::bench

int main(int argc, char** argv) {
  using namespace ranvier;
  using namespace ranvier::bench;
  for (const Operation& operation : kOperations) {
    RegisterRows(
        Name(operation), Peers(),
        [&](const Peer& peer, int threads) {
          return peer.*operation.run != nullptr &&
                 (threads == 1 || peer.threads);
        },
        [=](benchmark::State& state, const Peer& peer, int threads) {
          Run(state, operation, peer, threads);
        });
  }
  benchmark::AddCustomContext("target", simd::CurrentTarget());
  return RunRows(argc, argv);
}
