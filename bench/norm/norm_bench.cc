// Softmax, normalisation, reductions and top-k beside the libraries that CMake
// found, from the entry of the public function to its exit.
//
// Counters: gbyte_per_s are bytes that the operation must read and write; cpus,
// processor time over time. What comes back is compared with a reference in f64
// before it is timed.

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "ranvier/simd/base/aligned_buffer.h"

#include "bench/norm/peer.h"
#include "bench/util/idle.h"
#include "bench/util/rows.h"
#include "bench/util/x86_level.h"
#include "tests/reference/rows_reference.h"

namespace ranvier::bench {
namespace {

struct Case {
  RowOp op;
  size_t rows, cols, k = 0;
  bool operator==(const Case&) const = default;
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const auto& [rows, cols] : {std::pair<size_t, size_t>{16384, 64},
                                   {1024, 1024},
                                   {32, 32768},
                                   {128, 128}}) {
    cases.push_back({RowOp::kSoftmax, rows, cols});
  }
  for (const RowOp op : {RowOp::kLayerNorm, RowOp::kRmsNorm}) {
    for (const size_t rows : {128, 4096, 16384}) {
      cases.push_back({op, rows, 768});
    }
  }
  for (const RowOp op : {RowOp::kSumRows, RowOp::kMaxRows}) {
    cases.push_back({op, 128, 768});
    cases.push_back({op, 1024, 1024});
    cases.push_back({op, 1, 16'777'216});
  }
  cases.push_back({RowOp::kTopK, 1024, 1024, 10});
  cases.push_back({RowOp::kTopK, 32, 32768, 50});
  cases.push_back({RowOp::kTopK, 32, 32768, 4096});
  cases.push_back({RowOp::kTopK, 1, 16'777'216, 100});
  return cases;
}

const char* Name(RowOp op) {
  switch (op) {
    case RowOp::kSoftmax:
      return "Softmax";
    case RowOp::kLayerNorm:
      return "LayerNorm";
    case RowOp::kRmsNorm:
      return "RmsNorm";
    case RowOp::kSumRows:
      return "SumRows";
    case RowOp::kMaxRows:
      return "MaxRows";
    case RowOp::kTopK:
      return "TopK";
  }
  return "";
}

std::string Name(const Case& c) {
  std::string name = std::string(Name(c.op)) + "/f32/" +
                     std::to_string(c.rows) + "x" + std::to_string(c.cols);
  if (c.k != 0) name += "x" + std::to_string(c.k);
  return name;
}

// Elements of a row of the result.
size_t ResultCols(const Case& c) {
  switch (c.op) {
    case RowOp::kSumRows:
    case RowOp::kMaxRows:
      return 1;
    case RowOp::kTopK:
      return c.k;
    default:
      return c.cols;
  }
}

struct Arrays {
  explicit Arrays(const Case& c)
      : which(c),
        x(c.rows * c.cols),
        weight(c.cols),
        bias(c.cols),
        y(c.rows * ResultCols(c)),
        index(c.rows * c.k) {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> real(-4, 4);
    for (size_t i = 0; i < x.size(); ++i) x[i] = real(random);
    for (size_t i = 0; i < c.cols; ++i) {
      weight[i] = real(random);
      bias[i] = real(random);
    }
    problem = {c.op,          c.rows,      c.cols,   c.k,         x.data(),
               weight.data(), bias.data(), y.data(), index.data()};
  }

  // Some rows against f64; NaN must have been overwritten.
  bool IsRight() const {
    const size_t n = which.cols;
    const size_t out = ResultCols(which);
    const size_t step = std::max<size_t>(1, which.rows / 16);
    for (size_t row = 0; row < which.rows; row += step) {
      const test::Row from(&x[row * n], &x[row * n] + n);
      const test::Row expected = Expected(from);
      double scale = 1e-30;
      for (const double one : expected) scale = std::max(scale, std::abs(one));
      // A plain sum stands still in f32; nobody claims more of it than this.
      const double per_term = which.op == RowOp::kSumRows ? 4.0 : 0.01;
      const double error =
          scale * 1e-5 + per_term * static_cast<double>(n) * 0x1.0p-24;
      for (size_t i = 0; i < out; ++i) {
        if (!(std::abs(y[row * out + i] - expected[i]) <= error)) return false;
      }
    }
    return true;
  }

  Case which;
  AlignedBuffer<float> x, weight, bias, y;
  AlignedBuffer<int64_t> index;
  RowProblem problem;

 private:
  test::Row Expected(const test::Row& from) const {
    const test::Row w(weight.data(), weight.data() + which.cols);
    const test::Row b(bias.data(), bias.data() + which.cols);
    switch (which.op) {
      case RowOp::kSoftmax:
        return test::SoftmaxReference(from);
      case RowOp::kLayerNorm:
        return test::LayerNormReference(from, w, b, kEpsilon);
      case RowOp::kRmsNorm:
        return test::RmsNormReference(from, w, kEpsilon);
      case RowOp::kSumRows:
        return {test::Sum(from)};
      case RowOp::kMaxRows:
        return {test::MaxOf(from)};
      case RowOp::kTopK:
        break;
    }
    test::Row sorted(from);
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    sorted.resize(which.k);
    return sorted;
  }
};

void Run(benchmark::State& state, const Case& c, const RowPeer& peer,
         int threads) {
  Arrays& arrays = LastMade<Arrays>(c);
  const std::function<void()> run = peer.prepare(arrays.problem, threads);
  const std::string row = Name(c) + std::to_string(threads) + peer.name;
  const auto what_is_wrong = [&] {
    std::fill_n(arrays.y.data(), arrays.y.size(),
                std::numeric_limits<float>::quiet_NaN());
    run();
    return arrays.IsRight() ? "" : "the result is wrong";
  };
  if (!Check(state, row, what_is_wrong)) return;
  WaitUntilIdle();
  TimeRuns(state, run);
  const size_t moved = c.rows * (c.cols + ResultCols(c)) * sizeof(float);
  state.counters["gbyte_per_s"] = PerSecond(static_cast<double>(moved) * 1e-9);
}

std::vector<RowPeer> Peers() {
  std::vector<RowPeer> peers = {RanvierPeer(), LoopPeer(), NthElementPeer()};
#ifdef RANVIER_BENCH_EIGEN
  peers.push_back(AtX86Level([](auto level) { return EigenPeer<level>(); }));
#endif
#ifdef RANVIER_BENCH_ONEDNN
  peers.push_back(OneDnnPeer());
#endif
  return peers;
}

bool Has(const RowPeer& peer, const Case& c) {
  const Arrays some({c.op, 4, 4, 1});
  return peer.prepare(some.problem, 1) != nullptr;
}

}  // namespace
}  // namespace ranvier::bench

int main(int argc, char** argv) {
  using namespace ranvier::bench;
  const std::vector<RowPeer> peers = Peers();
  for (const Case& c : Cases()) {
    RegisterRows(
        Name(c), peers,
        [&](const RowPeer& peer, int threads) {
          return (threads == 1 || peer.threads) && Has(peer, c);
        },
        [=](benchmark::State& state, const RowPeer& peer, int threads) {
          Run(state, c, peer, threads);
        });
  }
  AddContext(peers);
  return RunRows(argc, argv);
}
