#include <memory>

#include "ranvier/ops/norm.h"
#include "ranvier/ops/reduce.h"
#include "ranvier/ops/softmax.h"

#include "bench/norm/peer.h"

namespace ranvier::bench {
namespace {

std::function<void()> Prepare(const RowProblem& p, int threads) {
  const auto ctx =
      std::make_shared<Context>(ContextOptions{.threads = threads});
  const MatView<const float> x(p.x, p.rows, p.cols);
  const MatView<float> y(p.y, p.rows, p.cols);
  const VecView<float> of_rows(p.y, p.rows);
  const VecView<const float> weight(p.weight, p.cols), bias(p.bias, p.cols);
  switch (p.op) {
    case RowOp::kSoftmax:
      return [=] { Softmax(*ctx, x, y); };
    case RowOp::kLayerNorm:
      return
          [=] { LayerNorm(*ctx, x, weight, bias, y, {.epsilon = kEpsilon}); };
    case RowOp::kRmsNorm:
      return [=] { RmsNorm(*ctx, x, weight, y, {.epsilon = kEpsilon}); };
    case RowOp::kSumRows:
      return [=] { SumRows(*ctx, x, of_rows); };
    case RowOp::kMaxRows:
      return [=] { MaxRows(*ctx, x, of_rows); };
    case RowOp::kTopK: {
      const MatView<float> values(p.y, p.rows, p.k);
      const MatView<int64_t> indices(p.index, p.rows, p.k);
      return [=, k = p.k] { TopK(*ctx, x, k, values, indices); };
    }
  }
  return {};
}

}  // namespace

RowPeer RanvierPeer() { return {"ranvier", "", true, Prepare}; }

}  // namespace ranvier::bench
