// What one writes without a library, as the compiler optimises it for any
// processor of the kind.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

#include "bench/elementwise/peer.h"

namespace ranvier::bench {
namespace {

template <class F>
Prepared Each(const Operands& o, const F& f) {
  return [=] {
    for (size_t i = 0; i < o.n; ++i) o.y[i] = f(i);
  };
}

float Sigmoid(float x) { return 1 / (1 + std::exp(-x)); }
float Gelu(float x) { return x * 0.5f * (1 + std::erf(x * 0.70710678f)); }

Prepared Prepare(Op op, const Operands& o, int threads) {
  if (threads > 1) return {};
  const float* x = o.x;
  switch (op) {
    case Op::kExp:
      return Each(o, [=](size_t i) { return std::exp(x[i]); });
    case Op::kTanh:
      return Each(o, [=](size_t i) { return std::tanh(x[i]); });
    case Op::kSigmoid:
      return Each(o, [=](size_t i) { return Sigmoid(x[i]); });
    case Op::kSilu:
      return Each(o, [=](size_t i) { return x[i] * Sigmoid(x[i]); });
    case Op::kGelu:
      return Each(o, [=](size_t i) { return Gelu(x[i]); });
    case Op::kGeluTanh:
      return Each(o, [=](size_t i) {
        const float z = 0.79788456f * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
        return x[i] * 0.5f * (1 + std::tanh(z));
      });
    case Op::kRelu:
      return Each(o, [=](size_t i) { return std::max(x[i], 0.0f); });
    case Op::kSoftplus:
      return Each(o, [=](size_t i) {
        return std::max(x[i], 0.0f) + std::log1p(std::exp(-std::abs(x[i])));
      });
    case Op::kLog:
      return Each(o, [=](size_t i) { return std::log(o.magnitudes[i]); });
    case Op::kErf:
      return Each(o, [=](size_t i) { return std::erf(x[i]); });
    case Op::kGeluBf16:
      return [=] {
        for (size_t i = 0; i < o.n; ++i) {
          o.y_bf16[i] = ToBf16(Gelu(ToFloat(o.x_bf16[i])));
        }
      };
    case Op::kSiluGradient:
      return Each(o, [=](size_t i) {
        const float s = Sigmoid(x[i]);
        return o.dy[i] * s * (1 + x[i] * (1 - s));
      });
    case Op::kGeluGradient:
      return Each(o, [=](size_t i) {
        const float phi = 0.39894228f * std::exp(-0.5f * x[i] * x[i]);
        return o.dy[i] *
               (0.5f * (1 + std::erf(x[i] * 0.70710678f)) + x[i] * phi);
      });
    case Op::kSwiGlu:
      return Each(o, [=](size_t i) { return x[i] * Sigmoid(x[i]) * o.up[i]; });
    case Op::kDropout:
      return [=] {
        std::minstd_rand random(1);
        const auto limit = static_cast<uint64_t>(0.1 * 0x7FFFFFFE);
        for (size_t i = 0; i < o.n; ++i) {
          o.y[i] = random() < limit ? 0 : x[i] / 0.9f;
        }
      };
    case Op::kBiasGelu:
      return Each(o, [=](size_t i) { return Gelu(x[i] + o.bias[i % 1024]); });
  }
  return {};
}

}  // namespace

Peer LoopPeer() { return {"loop", "", Prepare}; }

}  // namespace ranvier::bench
