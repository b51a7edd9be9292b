#pragma once

#include <cstddef>

#include "bench/gemm/peer.h"

namespace ranvier::bench {

// Eigen, compiled for one instruction set.
struct EigenVariant {
  void (*set_threads)(int);
  void (*multiply)(const Product&);  // f32, bf16; no bias, no gelu
  void (*bias_gelu)(float* c, const float* bias, size_t M, size_t N,
                    int threads);
};

template <int kX86Level>
EigenVariant EigenOf();

}  // namespace ranvier::bench
