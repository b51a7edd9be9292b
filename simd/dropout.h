#pragma once

#include <cstddef>
#include <cstdint>

#include "ranvier/simd/base/elements.h"
#include "ranvier/simd/base/philox.h"

namespace ranvier::simd {

struct DropoutCall {
  Philox::Key key;         // Philox::StreamKey(seed, stream)
  uint64_t first = 0;      // number of x's first element
  uint64_t threshold = 0;  // 2^32 p: words below it drop their element
  float kept = 1;          // 1 - p
  bool streaming = false;  // as in ElementwiseCall
};

// y = kept ? x / (1 - p) : 0, whatever x holds.
//
// Element e takes word e % 4 of Philox::Block({e / 4, 0}, key), so that the
// bits do not depend on where a range begins or ends, nor on the target; the
// same call on dy gives dx.
//
// Aliasing  y may be x, in the same type and with the same stride.
// Error     0.5 ULP, and once more where y is stored in 16 bits.
void Dropout(const DropoutCall& call, ConstElements x, Elements y,
             size_t n) noexcept;

}  // namespace ranvier::simd
