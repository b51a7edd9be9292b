#pragma once

#include <cstddef>
#include <cstdint>

namespace ranvier::bench {

// What the functions read and write; those of one shape fit each other. Losses
// are means, and gradients theirs.
struct Operands {
  size_t rows = 0, cols = 0;
  const float* x = nullptr;          // predictions or logits
  const float* target = nullptr;     // in [0, 1]
  const int32_t* classes = nullptr;  // of rows
  float* gradient = nullptr;
  float* parameter = nullptr;
  float* m = nullptr;
  float* v = nullptr;

  size_t n() const { return rows * cols; }
};

// Of all peers, in the formulas of lib/ops/loss.h and lib/ops/optimizer.h.
inline constexpr float kHuberDelta = 0.5f;
inline constexpr float kLearningRate = 1e-3f;
inline constexpr float kDecay = 1e-2f;
inline constexpr float kBeta1 = 0.9f;
inline constexpr float kBeta2 = 0.999f;
inline constexpr float kEpsilon = 1e-8f;
inline constexpr uint64_t kStep = 100;  // the corrections of this one, always

// What each side can do; nullptr where it cannot. Losses return their value;
// those with a gradient write it.
struct Peer {
  const char* name = "";
  bool threads = false;  // whether it uses more than one
  void (*set_threads)(int) = nullptr;
  double (*mse)(const Operands&) = nullptr;
  double (*mse_gradient)(const Operands&) = nullptr;
  double (*huber_gradient)(const Operands&) = nullptr;
  double (*bce)(const Operands&) = nullptr;
  double (*bce_gradient)(const Operands&) = nullptr;
  double (*cross_entropy)(const Operands&) = nullptr;
  double (*cross_entropy_gradient)(const Operands&) = nullptr;
  double (*adamw)(const Operands&) = nullptr;
  double (*norm)(const Operands&) = nullptr;
};

Peer RanvierPeer();
Peer LoopPeer();
Peer CopyPeer();  // memcpy of as many bytes as an update moves
// Compiled where CMake found it.
template <int kX86Level>
Peer EigenPeer();

}  // namespace ranvier::bench
