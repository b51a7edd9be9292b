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

extern const EigenVariant kEigenBaseline;  // SSE2, NEON
extern const EigenVariant kEigenV3;        // x86-64-v3: AVX2, FMA
extern const EigenVariant kEigenV4;        // x86-64-v4: AVX-512 F, BW, DQ, VL

}  // namespace ranvier::bench
