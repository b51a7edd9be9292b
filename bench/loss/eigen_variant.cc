// Compiled for each RANVIER_X86_LEVEL, as bench/CMakeLists.txt says.

#include <cmath>

#include <Eigen/Core>

#include "bench/loss/peer.h"

namespace ranvier::bench {
namespace {

using Index = Eigen::Index;
using Array = Eigen::Array<float, Eigen::Dynamic, 1>;
using In = Eigen::Map<const Array>;
using Out = Eigen::Map<Array>;

In Of(const float* data, size_t n) { return {data, static_cast<Index>(n)}; }
Out Of(float* data, size_t n) { return {data, static_cast<Index>(n)}; }

double Mse(const Operands& o) {
  return (Of(o.x, o.n()) - Of(o.target, o.n())).square().mean();
}
double MseGradient(const Operands& o) {
  auto g = Of(o.gradient, o.n());
  g = Of(o.x, o.n()) - Of(o.target, o.n());
  const double value = g.square().mean();
  g *= 2 / static_cast<float>(o.n());
  return value;
}
double HuberGradient(const Operands& o) {
  auto g = Of(o.gradient, o.n());
  const auto e = Of(o.x, o.n()) - Of(o.target, o.n());
  const auto c = e.abs().min(kHuberDelta);
  const double value = (c * (e.abs() - 0.5f * c)).mean();
  g = e.max(-kHuberDelta).min(kHuberDelta) / static_cast<float>(o.n());
  return value;
}
double Bce(const Operands& o) {
  const auto x = Of(o.x, o.n());
  const auto t = Of(o.target, o.n());
  return (x.max(0.0f) - x * t + (-x.abs()).exp().log1p()).mean();
}
double BceGradient(const Operands& o) {
  const auto x = Of(o.x, o.n());
  Of(o.gradient, o.n()) = ((1 + (-x).exp()).inverse() - Of(o.target, o.n())) /
                          static_cast<float>(o.n());
  return Bce(o);
}
template <bool kGradient>
double CrossEntropy(const Operands& o) {
  const float factor = 1 / static_cast<float>(o.rows);
  double loss = 0;
  for (size_t r = 0; r < o.rows; ++r) {
    const auto x = Of(o.x + r * o.cols, o.cols);
    const float most = x.maxCoeff();
    const auto target = static_cast<Index>(o.classes[r]);
    float sum = 0;
    if constexpr (kGradient) {
      auto g = Of(o.gradient + r * o.cols, o.cols);
      g = (x - most).exp();
      sum = g.sum();
      g *= factor / sum;
      g[target] -= factor;
    } else {
      sum = (x - most).exp().sum();
    }
    loss += std::log(sum) + most - x[target];
  }
  return loss / static_cast<double>(o.rows);
}
double AdamW(const Operands& o) {
  const auto t = static_cast<double>(kStep);
  const auto m_left = static_cast<float>(1 - std::pow(kBeta1, t));
  const auto v_left = static_cast<float>(1 - std::pow(kBeta2, t));
  const auto g = Of(o.x, o.n());
  auto p = Of(o.parameter, o.n());
  auto m = Of(o.m, o.n());
  auto v = Of(o.v, o.n());
  m = kBeta1 * m + (1 - kBeta1) * g;
  v = kBeta2 * v + (1 - kBeta2) * g.square();
  p = (1 - kLearningRate * kDecay) * p -
      (kLearningRate / m_left) * m /
          (v.sqrt() * (1 / std::sqrt(v_left)) + kEpsilon);
  return 0;
}
double Norm(const Operands& o) { return Of(o.x, o.n()).matrix().norm(); }

}  // namespace

template <int kX86Level>
Peer EigenPeer() {
  return {.name = "eigen",
          .mse = Mse,
          .mse_gradient = MseGradient,
          .huber_gradient = HuberGradient,
          .bce = Bce,
          .bce_gradient = BceGradient,
          .cross_entropy = CrossEntropy<false>,
          .cross_entropy_gradient = CrossEntropy<true>,
          .adamw = AdamW,
          .norm = Norm};
}
template Peer EigenPeer<RANVIER_X86_LEVEL>();

}  // namespace ranvier::bench
