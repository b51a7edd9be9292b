#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "bench/util/element.h"

namespace ranvier::bench {

enum class Op { kGemm, kLinear, kLinearPacked, kLinearGelu, kGemv };

// One product, all of it row-major and without gaps.
//   kGemm          C[M, N] = A[M, K] B[K, N]
//   kLinear        C[M, N] = A[M, K] B[N, K]^T
//   kLinearPacked  the same; B may be brought into another layout beforehand
//   kLinearGelu    C = gelu(A B^T + bias), B as for kLinearPacked
//   kGemv          C[M] = A[M, K] B[K]; N is 1
// C is f32, of integers s32.
struct Product {
  Op op;
  Element element;
  size_t M, N, K;
  const void* a = nullptr;
  const void* b = nullptr;
  const float* bias = nullptr;  // [N]
  void* c = nullptr;
  bool operator==(const Product&) const = default;
};

// A library that multiplies matrices, ours among them.
struct Peer {
  std::string name;
  std::string version;
  // Whether it has this product; a, b and c are not set yet.
  bool (*has)(const Product&, int threads);
  // Everything that a library lets its user do once (choose a kernel, pack
  // weights) is done here, and its number of threads is set; what is returned
  // computes C and is what gets timed. Valid until the next Prepare of any
  // peer: some share one pool of threads and its setting.
  std::function<void()> (*prepare)(const Product&, int threads);
};

// A peer is there if its source was compiled: that registers itself.
struct Registration {
  explicit Registration(Peer peer);
};
std::vector<Peer> Peers();  // by name

}  // namespace ranvier::bench
