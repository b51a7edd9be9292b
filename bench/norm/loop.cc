// What one writes without a library, as the compiler optimises it for any
// processor of the kind; the greatest by std::partial_sort and, as another
// peer, by std::nth_element.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bench/norm/peer.h"

namespace ranvier::bench {
namespace {

void SoftmaxRow(const float* x, float* y, size_t n) {
  const float max = *std::max_element(x, x + n);
  float sum = 0;
  for (size_t i = 0; i < n; ++i) sum += y[i] = std::exp(x[i] - max);
  const float factor = 1 / sum;
  for (size_t i = 0; i < n; ++i) y[i] *= factor;
}

void LayerNormRow(const RowProblem& p, const float* x, float* y) {
  const auto n = static_cast<float>(p.cols);
  float mean = 0;
  for (size_t i = 0; i < p.cols; ++i) mean += x[i];
  mean /= n;
  float variance = 0;
  for (size_t i = 0; i < p.cols; ++i) variance += (x[i] - mean) * (x[i] - mean);
  const float rstd = 1 / std::sqrt(variance / n + kEpsilon);
  for (size_t i = 0; i < p.cols; ++i) {
    y[i] = (x[i] - mean) * rstd * p.weight[i] + p.bias[i];
  }
}

void RmsNormRow(const RowProblem& p, const float* x, float* y) {
  float squares = 0;
  for (size_t i = 0; i < p.cols; ++i) squares += x[i] * x[i];
  const float rstd =
      1 / std::sqrt(squares / static_cast<float>(p.cols) + kEpsilon);
  for (size_t i = 0; i < p.cols; ++i) y[i] = x[i] * rstd * p.weight[i];
}

template <bool kNth>
void TopKRow(const RowProblem& p, const float* x, size_t row,
             std::vector<int64_t>& order) {
  std::iota(order.begin(), order.end(), 0);
  const auto before = [x](int64_t a, int64_t b) {
    return x[a] > x[b] || (x[a] == x[b] && a < b);
  };
  const auto middle = order.begin() + static_cast<ptrdiff_t>(p.k);
  if constexpr (kNth) {
    std::nth_element(order.begin(), middle - 1, order.end(), before);
    std::sort(order.begin(), middle, before);
  } else {
    std::partial_sort(order.begin(), middle, order.end(), before);
  }
  for (size_t i = 0; i < p.k; ++i) {
    p.index[row * p.k + i] = order[i];
    p.y[row * p.k + i] = x[order[i]];
  }
}

template <class Row>
std::function<void()> ForRows(const RowProblem& p, const Row& row) {
  return [=] {
    for (size_t i = 0; i < p.rows; ++i) row(i, p.x + i * p.cols);
  };
}

std::function<void()> Prepare(const RowProblem& p, int) {
  switch (p.op) {
    case RowOp::kSoftmax:
      return ForRows(p, [=](size_t i, const float* x) {
        SoftmaxRow(x, p.y + i * p.cols, p.cols);
      });
    case RowOp::kLayerNorm:
      return ForRows(p, [=](size_t i, const float* x) {
        LayerNormRow(p, x, p.y + i * p.cols);
      });
    case RowOp::kRmsNorm:
      return ForRows(p, [=](size_t i, const float* x) {
        RmsNormRow(p, x, p.y + i * p.cols);
      });
    case RowOp::kSumRows:
      return ForRows(p, [=](size_t i, const float* x) {
        p.y[i] = std::accumulate(x, x + p.cols, 0.0f);
      });
    case RowOp::kMaxRows:
      return ForRows(p, [=](size_t i, const float* x) {
        p.y[i] = *std::max_element(x, x + p.cols);
      });
    case RowOp::kTopK:
      return [=, order = std::vector<int64_t>(p.cols)]() mutable {
        for (size_t i = 0; i < p.rows; ++i) {
          TopKRow<false>(p, p.x + i * p.cols, i, order);
        }
      };
  }
  return {};
}

std::function<void()> PrepareNth(const RowProblem& p, int) {
  if (p.op != RowOp::kTopK) return {};
  return [=, order = std::vector<int64_t>(p.cols)]() mutable {
    for (size_t i = 0; i < p.rows; ++i) {
      TopKRow<true>(p, p.x + i * p.cols, i, order);
    }
  };
}

}  // namespace

RowPeer LoopPeer() { return {"loop", "", false, Prepare}; }
RowPeer NthElementPeer() { return {"nth_element", "", false, PrepareNth}; }

}  // namespace ranvier::bench
