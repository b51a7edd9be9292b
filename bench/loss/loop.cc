// What one writes without a library, as the compiler optimises it for any
// processor of the kind. And what memory allows: memcpy.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "bench/loss/peer.h"

namespace ranvier::bench {
namespace {

template <bool kGradient>
double Mse(const Operands& o) {
  const auto n = static_cast<double>(o.n());
  const auto factor = static_cast<float>(2 / n);
  double sum = 0;
  for (size_t i = 0; i < o.n(); ++i) {
    const float e = o.x[i] - o.target[i];
    sum += e * e;
    if constexpr (kGradient) o.gradient[i] = factor * e;
  }
  return sum / n;
}
double HuberGradient(const Operands& o) {
  const auto n = static_cast<double>(o.n());
  const auto factor = static_cast<float>(1 / n);
  double sum = 0;
  for (size_t i = 0; i < o.n(); ++i) {
    const float e = o.x[i] - o.target[i];
    const float size = std::abs(e);
    sum += size <= kHuberDelta ? e * e / 2
                               : kHuberDelta * (size - kHuberDelta / 2);
    o.gradient[i] = factor * std::clamp(e, -kHuberDelta, kHuberDelta);
  }
  return sum / n;
}
template <bool kGradient>
double Bce(const Operands& o) {
  const auto n = static_cast<double>(o.n());
  const auto factor = static_cast<float>(1 / n);
  double sum = 0;
  for (size_t i = 0; i < o.n(); ++i) {
    const float x = o.x[i];
    const float t = o.target[i];
    sum += std::max(x, 0.0f) - x * t + std::log1p(std::exp(-std::abs(x)));
    if constexpr (kGradient) {
      o.gradient[i] = factor * (1 / (1 + std::exp(-x)) - t);
    }
  }
  return sum / n;
}
template <bool kGradient>
double CrossEntropy(const Operands& o) {
  const auto factor = 1 / static_cast<float>(o.rows);
  double loss = 0;
  for (size_t r = 0; r < o.rows; ++r) {
    const float* x = o.x + r * o.cols;
    const float most = *std::max_element(x, x + o.cols);
    double sum = 0;
    for (size_t c = 0; c < o.cols; ++c) sum += std::exp(x[c] - most);
    const auto target = static_cast<size_t>(o.classes[r]);
    loss += std::log(sum) + most - x[target];
    if constexpr (kGradient) {
      float* g = o.gradient + r * o.cols;
      const float scale = factor / static_cast<float>(sum);
      for (size_t c = 0; c < o.cols; ++c) g[c] = scale * std::exp(x[c] - most);
      g[target] -= factor;
    }
  }
  return loss / static_cast<double>(o.rows);
}
double AdamW(const Operands& o) {
  const auto t = static_cast<double>(kStep);
  const auto m_left = static_cast<float>(1 - std::pow(kBeta1, t));
  const auto v_left = static_cast<float>(1 - std::pow(kBeta2, t));
  const float size = kLearningRate / m_left;
  const float root = std::sqrt(v_left);
  for (size_t i = 0; i < o.n(); ++i) {
    const float g = o.x[i];
    o.parameter[i] -= kLearningRate * kDecay * o.parameter[i];
    o.m[i] = kBeta1 * o.m[i] + (1 - kBeta1) * g;
    o.v[i] = kBeta2 * o.v[i] + (1 - kBeta2) * g * g;
    o.parameter[i] -= size * o.m[i] / (std::sqrt(o.v[i]) / root + kEpsilon);
  }
  return 0;
}
double Norm(const Operands& o) {
  double sum = 0;
  for (size_t i = 0; i < o.n(); ++i) sum += double{o.x[i]} * o.x[i];
  return std::sqrt(sum);
}

// 28 bytes of each element are read or written by AdamW.
double CopyAsMuch(const Operands& o) {
  static std::vector<char> from, to;
  const size_t bytes = 14 * o.n();
  from.resize(bytes, 1);
  to.resize(bytes, 2);
  std::memcpy(to.data(), from.data(), bytes);
  return 0;
}

}  // namespace

Peer LoopPeer() {
  return {.name = "loop",
          .mse = Mse<false>,
          .mse_gradient = Mse<true>,
          .huber_gradient = HuberGradient,
          .bce = Bce<false>,
          .bce_gradient = Bce<true>,
          .cross_entropy = CrossEntropy<false>,
          .cross_entropy_gradient = CrossEntropy<true>,
          .adamw = AdamW,
          .norm = Norm};
}

Peer CopyPeer() { return {.name = "copy", .adamw = CopyAsMuch}; }

}  // namespace ranvier::bench
