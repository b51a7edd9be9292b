#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ranvier/simd/base/aligned_buffer.h"

#include "bench/gemm/peer.h"

namespace ranvier::bench {

// The arrays of one product, and what the result should be.
class Operands {
 public:
  // Elements are the same every time. u8 lies in [0, 127] and s8 in [-127,
  // 127], so that u8 x s8 is exact for libraries that add pairs of products in
  // 16 bits, too.
  explicit Operands(const Product& product);

  const Product& product() const { return product_; }
  // Fills C with what no product gives, so that a peer cannot pass with the
  // result of another.
  void SpoilResult();
  // "" if C is right, else where it is not. All of a small C is looked at, of a
  // large one some thousand elements that lie everywhere. Bounds, in double
  // precision: 2 (K + 2) 2^-24 |A||B| for f32 and bf16, and exact for integers;
  // through GELU, whose slope is below 1.13, 1.13 times that and 4e-6 of 1 +
  // |x| for GELU itself.
  std::string WhatIsWrong() const;

 private:
  Product product_;
  AlignedBuffer<unsigned char> a_, b_, c_;
  AlignedBuffer<float> bias_;
};

// Of one matrix element by another, in bytes.
size_t SizeOfElement(Element element);
inline bool IsInteger(Element element) {
  return element == Element::kU8S8 || element == Element::kS8S8;
}

}  // namespace ranvier::bench
