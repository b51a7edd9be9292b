// What one writes without a library, as the compiler optimises it for any
// processor of the kind.

#include <algorithm>
#include <cmath>

#include "ranvier/simd/base/philox.h"

#include "bench/blas1/peer.h"

namespace ranvier::bench {
namespace {

double Dot(const Operands& o) {
  float sum = 0;
  for (size_t i = 0; i < o.n; ++i) sum += o.x[i] * o.y[i];
  return sum;
}
double DotBf16(const Operands& o) {
  float sum = 0;
  for (size_t i = 0; i < o.n; ++i) {
    const float x = ToFloat(o.x_bf16[i]);
    sum += x * x;
  }
  return sum;
}
double Axpy(const Operands& o) {
  for (size_t i = 0; i < o.n; ++i) o.y[i] += o.alpha * o.x[i];
  return 0;
}
double Scal(const Operands& o) {
  for (size_t i = 0; i < o.n; ++i) o.y[i] *= -1.0f;
  return 0;
}
double Nrm2(const Operands& o) {
  double sum = 0;
  for (size_t i = 0; i < o.n; ++i) sum += static_cast<double>(o.x[i]) * o.x[i];
  return std::sqrt(sum);
}
double Asum(const Operands& o) {
  float sum = 0;
  for (size_t i = 0; i < o.n; ++i) sum += std::abs(o.x[i]);
  return sum;
}
double Iamax(const Operands& o) {
  size_t best = 0;
  for (size_t i = 0; i < o.n; ++i) {
    if (std::abs(o.x[i]) > std::abs(o.x[best])) best = i;
  }
  return static_cast<double>(best);
}
double F32ToBf16(const Operands& o) {
  for (size_t i = 0; i < o.n; ++i) o.y_bf16[i] = ToBf16(o.x[i]);
  return 0;
}
double F32ToF16(const Operands& o) {
  for (size_t i = 0; i < o.n; ++i) o.y_f16[i] = ToF16(o.x[i]);
  return 0;
}
double Bf16ToF32(const Operands& o) {
  for (size_t i = 0; i < o.n; ++i) o.y[i] = ToFloat(o.x_bf16[i]);
  return 0;
}
double F16ToF32(const Operands& o) {
  for (size_t i = 0; i < o.n; ++i) o.y[i] = ToFloat(o.x_f16[i]);
  return 0;
}
double F32ToBf16Stochastic(const Operands& o) {
  const Philox::Key key = Philox::StreamKey(1, 2);
  for (size_t i = 0; i < o.n; i += 4) {
    const auto words = Philox::Block(Philox::Split(i / 4, 0), key);
    for (size_t j = i; j < std::min(i + 4, o.n); ++j) {
      const auto bits = std::bit_cast<uint32_t>(o.x[j]);  // finite here
      o.y_bf16[j].bits =
          static_cast<uint16_t>((bits + (words[j - i] >> 16)) >> 16);
    }
  }
  return 0;
}
double FindScale(const Operands& o) {
  float greatest = 0;
  for (size_t i = 0; i < o.n; ++i) {
    greatest = std::max(greatest, std::abs(o.x[i]));
  }
  return greatest / 127;
}
double Quantize(const Operands& o) {
  for (size_t i = 0; i < o.n; ++i) {
    const float q = std::nearbyint(o.x[i] / o.scale);
    o.y_s8[i] = static_cast<int8_t>(std::clamp(q, -127.0f, 127.0f));
  }
  return 0;
}
double Dequantize(const Operands& o) {
  for (size_t i = 0; i < o.n; ++i) {
    o.y[i] = static_cast<float>(o.x_s8[i]) * o.scale;
  }
  return 0;
}

}  // namespace

Peer LoopPeer() {
  return {.name = "loop",
          .dot = Dot,
          .dot_bf16 = DotBf16,
          .axpy = Axpy,
          .scal = Scal,
          .nrm2 = Nrm2,
          .asum = Asum,
          .iamax = Iamax,
          .f32_to_bf16 = F32ToBf16,
          .f32_to_f16 = F32ToF16,
          .bf16_to_f32 = Bf16ToF32,
          .f16_to_f32 = F16ToF32,
          .f32_to_bf16_stochastic = F32ToBf16Stochastic,
          .find_scale = FindScale,
          .quantize = Quantize,
          .dequantize = Dequantize};
}

}  // namespace ranvier::bench
