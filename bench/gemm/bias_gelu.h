#pragma once

#include <cstddef>

namespace ranvier::bench {

// c[i, j] = gelu(c[i, j] + bias[j]) of [M, N], for peers that cannot do it in
// the product: Eigen's vectorised erf where there is Eigen, else a plain loop.
void BiasGelu(float* c, const float* bias, size_t M, size_t N, int threads);

}  // namespace ranvier::bench
