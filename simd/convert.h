#pragma once

#include <cstddef>
#include <cstdint>

#include "ranvier/simd/base/float16.h"
#include "ranvier/simd/base/philox.h"

namespace ranvier::simd {

// y[i] = x[i] in the other type, rounded to nearest, ties to even.
//
// The same bits as simd/base/float16.h for every input, on every target: too
// large becomes infinity, subnormals stay, NaN becomes quiet and keeps its sign
// and the leading bits of its payload. x and y do not overlap.
void Convert(const float* x, bf16* y, size_t n) noexcept;
void Convert(const float* x, f16* y, size_t n) noexcept;
void Convert(const bf16* x, float* y, size_t n) noexcept;
void Convert(const f16* x, float* y, size_t n) noexcept;
void Convert(const bf16* x, f16* y, size_t n) noexcept;
void Convert(const f16* x, bf16* y, size_t n) noexcept;

// Which random bits the first element of a range takes: element e of a stream
// has word e % 4 of Philox::Block({e / 4, 0}, key).
struct RoundingBits {
  Philox::Key key;     // Philox::StreamKey(seed, stream)
  uint64_t first = 0;  // element of x[0]
};

// Stochastic rounding: uniform bits are added below the kept fraction of |x|
// and the sum is truncated, so that the mean is x.
//
// Of the two neighbours of x in y's type the one further from zero is taken
// with the probability of x's share of the way to it: exactly for bf16 and for
// the normal numbers of f16, rounded down to a multiple of 2^-31 for its
// subnormals. What y can hold is unchanged; the sign stays, of zero too.
// Between the largest finite number and the power of two that would follow it
// (2^128, 2^16) infinity stands for that power; from there on it is the result.
// NaN as above. The same bits on every target, wherever a range begins or ends.
void ConvertStochastic(const float* x, bf16* y, size_t n,
                       const RoundingBits& bits) noexcept;
void ConvertStochastic(const float* x, f16* y, size_t n,
                       const RoundingBits& bits) noexcept;

}  // namespace ranvier::simd
