#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "ranvier/simd/base/float16.h"

namespace ranvier::bench {

enum class Op {
  kExp,
  kTanh,
  kSigmoid,
  kSilu,
  kGelu,
  kGeluTanh,
  kRelu,
  kSoftplus,
  kLog,  // of |x|
  kErf,
  kGeluBf16,      // x_bf16 to y_bf16
  kSiluGradient,  // y = dy silu'(x)
  kGeluGradient,
  kSwiGlu,   // y = silu(x) up
  kDropout,  // p = 0.1
  kBiasGelu  // y = gelu(x + bias), rows of 1024
};

// What is read and written: n elements each, without gaps.
struct Operands {
  size_t n = 0;
  const float* x = nullptr;
  const float* magnitudes = nullptr;  // |x|
  const float* dy = nullptr;
  const float* up = nullptr;
  const float* bias = nullptr;  // 1024
  float* y = nullptr;
  const bf16* x_bf16 = nullptr;
  bf16* y_bf16 = nullptr;
};

// What is timed, made once; empty where there is no such function.
using Prepared = std::function<void()>;

struct Peer {
  std::string name;
  std::string version;
  Prepared (*prepare)(Op, const Operands&, int threads);
};

Peer RanvierPeer();
Peer LoopPeer();
// Compiled where CMake found them.
template <int kX86Level>
Peer EigenPeer();
Peer OneDnnPeer();
template <int kX86Level>
Peer SleefPeer();

}  // namespace ranvier::bench
