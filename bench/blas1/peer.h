#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ranvier/simd/base/float16.h"

namespace ranvier::bench {

// What the functions read and write; those of one size fit each other.
struct Operands {
  size_t n = 0;
  const float* x = nullptr;
  float* y = nullptr;
  float alpha = 0;  // of Axpy; Scal uses -1, so that y keeps its size
  const bf16* x_bf16 = nullptr;
  bf16* y_bf16 = nullptr;
  const f16* x_f16 = nullptr;
  f16* y_f16 = nullptr;
  const int8_t* x_s8 = nullptr;
  int8_t* y_s8 = nullptr;
  float scale = 0;
};

// What each side can do; nullptr where it cannot. A result that is a number or
// an index is returned.
struct Peer {
  const char* name = "";
  bool threads = false;  // whether it uses more than one
  void (*set_threads)(int) = nullptr;
  double (*dot)(const Operands&) = nullptr;
  double (*dot_bf16)(const Operands&) = nullptr;  // of x_bf16 and itself
  double (*axpy)(const Operands&) = nullptr;
  double (*scal)(const Operands&) = nullptr;
  double (*nrm2)(const Operands&) = nullptr;
  double (*asum)(const Operands&) = nullptr;
  double (*iamax)(const Operands&) = nullptr;
  double (*f32_to_bf16)(const Operands&) = nullptr;
  double (*f32_to_f16)(const Operands&) = nullptr;
  double (*bf16_to_f32)(const Operands&) = nullptr;
  double (*f16_to_f32)(const Operands&) = nullptr;
  double (*f32_to_bf16_stochastic)(const Operands&) = nullptr;
  double (*f32_to_f16_stochastic)(const Operands&) = nullptr;
  double (*find_scale)(const Operands&) = nullptr;  // symmetric, one for all
  double (*quantize)(const Operands&) = nullptr;    // to s8, by that scale
  double (*dequantize)(const Operands&) = nullptr;
};

Peer RanvierPeer();
Peer LoopPeer();
// Compiled where CMake found them.
template <int kX86Level>
Peer EigenPeer();
Peer OpenBlasPeer();

}  // namespace ranvier::bench
