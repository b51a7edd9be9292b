// Compiled for each RANVIER_X86_LEVEL, as bench/CMakeLists.txt says.

#include <cmath>

#include <Eigen/Core>

#include "bench/norm/peer.h"

namespace ranvier::bench {
namespace {

using Index = Eigen::Index;
using Row = Eigen::Array<float, 1, Eigen::Dynamic>;
using In = Eigen::Map<const Row>;
using Out = Eigen::Map<Row>;

void Softmax(const RowProblem& p, const In& x, Out y) {
  (void)p;
  const float max = x.maxCoeff();
  y = (x - max).exp();
  y *= 1 / y.sum();
}

void LayerNorm(const RowProblem& p, const In& x, Out y) {
  const auto n = static_cast<Index>(p.cols);
  const float mean = x.mean();
  y = x - mean;
  const float rstd = 1 / std::sqrt(y.square().mean() + kEpsilon);
  y = y * rstd * In(p.weight, n) + In(p.bias, n);
}

void RmsNorm(const RowProblem& p, const In& x, Out y) {
  const float rstd = 1 / std::sqrt(x.square().mean() + kEpsilon);
  y = x * rstd * In(p.weight, static_cast<Index>(p.cols));
}

template <class OfRow>
std::function<void()> ForRows(const RowProblem& p, OfRow of_row) {
  return [=] {
    const auto n = static_cast<Index>(p.cols);
    for (size_t i = 0; i < p.rows; ++i) {
      of_row(In(p.x + i * p.cols, n), i);
    }
  };
}

template <void (*kMake)(const RowProblem&, const In&, Out)>
std::function<void()> ToRows(const RowProblem& p) {
  return ForRows(p, [p](const In& x, size_t i) {
    kMake(p, x, Out(p.y + i * p.cols, static_cast<Index>(p.cols)));
  });
}

std::function<void()> Prepare(const RowProblem& p, int) {
  switch (p.op) {
    case RowOp::kSoftmax:
      return ToRows<Softmax>(p);
    case RowOp::kLayerNorm:
      return ToRows<LayerNorm>(p);
    case RowOp::kRmsNorm:
      return ToRows<RmsNorm>(p);
    case RowOp::kSumRows:
      return ForRows(p, [p](const In& x, size_t i) { p.y[i] = x.sum(); });
    case RowOp::kMaxRows:
      return ForRows(p, [p](const In& x, size_t i) { p.y[i] = x.maxCoeff(); });
    case RowOp::kTopK:
      return {};
  }
  return {};
}

}  // namespace

template <int kX86Level>
RowPeer EigenPeer() {
  return {"eigen", RANVIER_EIGEN_VERSION, false, Prepare};
}
template RowPeer EigenPeer<RANVIER_X86_LEVEL>();

}  // namespace ranvier::bench
