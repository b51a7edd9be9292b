// A linear layer in one call: y = gelu(x w + bias), with weights that are
// packed once and an epilogue that runs while the tile is in registers.
// Compared with a plain loop.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ranvier/ops/gemm.h"
#include "ranvier/ops/packed_matrix.h"
#include "ranvier/parallel/context.h"
#include "ranvier/tensor/tensor.h"

int main() {  // NOLINT(bugprone-exception-escape): it ends the example
  constexpr size_t kBatch = 4, kTokens = 12, kIn = 96, kOut = 200;
  ranvier::Context ctx;

  ranvier::Tensor<float> x({kBatch, kTokens, kIn});
  ranvier::Tensor<float> w({kOut, kIn});  // as most frameworks keep it
  ranvier::Tensor<float> bias({kOut});
  for (size_t i = 0; i < x.elements(); ++i) {
    x.data()[i] = std::sin(0.37F * static_cast<float>(i));
  }
  for (size_t i = 0; i < w.elements(); ++i) {
    w.data()[i] = 0.3F * std::cos(0.11F * static_cast<float>(i));
  }
  for (size_t i = 0; i < kOut; ++i) {
    bias(i) = 0.01F * static_cast<float>(i) - 1;
  }

  // Once, when the model is loaded.
  const ranvier::PackedMatrix packed(ctx, w.Mat().Transposed());

  // For each request. A tensor of any rank passes for the matrix of its last
  // dimension: here [batch * tokens, in] and [batch * tokens, out].
  auto y = ranvier::Tensor<float>::Uninitialized({kBatch, kTokens, kOut});
  ranvier::Gemm(ctx, x, packed, y,
                {.bias = bias.Vec(), .activation = ranvier::Activation::kGelu});

  double worst = 0;
  for (size_t row = 0; row < x.shape().rows(); ++row) {
    for (size_t out = 0; out < kOut; ++out) {
      double sum = static_cast<double>(bias(out));
      for (size_t in = 0; in < kIn; ++in) {
        sum += static_cast<double>(x.Mat()(row, in)) *
               static_cast<double>(w(out, in));
      }
      const double gelu = sum * (1 + std::erf(sum / std::sqrt(2.0))) / 2;
      const double error =
          std::fabs(static_cast<double>(y.Mat()(row, out)) - gelu);
      worst = std::isnan(error) ? INFINITY : std::max(worst, error);
    }
  }
  // 2 (K + 2) 2^-24 times sums below 30, and as much again for the activation.
  const double bound = 2 * 2 * (kIn + 2.0) * 0x1.0p-24 * 30;
  std::printf("%zu rows, largest difference to the plain loop %.1e\n",
              x.shape().rows(), worst);
  return worst <= bound ? 0 : 1;
}
