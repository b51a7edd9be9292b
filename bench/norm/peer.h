#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ranvier::bench {

enum class RowOp { kSoftmax, kLayerNorm, kRmsNorm, kSumRows, kMaxRows, kTopK };

inline constexpr float kEpsilon = 1e-5f;

// What an operation on rows reads and writes.
struct RowProblem {
  RowOp op = RowOp::kSoftmax;
  size_t rows = 0, cols = 0;
  size_t k = 0;                   // of kTopK
  const float* x = nullptr;       // [rows, cols]
  const float* weight = nullptr;  // [cols]
  const float* bias = nullptr;    // [cols]
  float* y = nullptr;             // [rows, cols], [rows] or [rows, k]
  int64_t* index = nullptr;       // [rows, k]
};

struct RowPeer {
  std::string name;
  std::string version;
  bool threads = false;  // whether it uses more than one
  // What computes y and is timed; nothing if the peer cannot do it. Valid until
  // the next of any peer: some share one pool of threads.
  std::function<void()> (*prepare)(const RowProblem&, int threads) = nullptr;
};

RowPeer RanvierPeer();
RowPeer LoopPeer();
RowPeer NthElementPeer();
// Compiled where CMake found them.
template <int kX86Level>
RowPeer EigenPeer();
RowPeer OneDnnPeer();

}  // namespace ranvier::bench
