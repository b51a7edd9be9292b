#pragma once

#include <cstddef>

#include "ranvier/simd/base/float16.h"

namespace ranvier::simd {

// Vectors without gaps, one thread, any alignment, any n. On one target the
// bits depend on the values and n alone.

// Adds up in f32, in 4 accumulators of at least 4 lanes each.
// Error  <= (n / 16 + 12) 2^-24 sum |x[i] y[i]|, where no product underflows.
float Dot(const float* x, const float* y, size_t n) noexcept;
// Products of two bf16 are exact in f32; subnormals count, on every target.
float Dot(const bf16* x, const bf16* y, size_t n) noexcept;

// y += alpha x, in one rounding where the target has a fused multiply-add. The
// value of an element does not depend on where it stands, here and below.
void Axpy(float alpha, const float* x, float* y, size_t n) noexcept;
// x *= alpha
void Scal(float alpha, float* x, size_t n) noexcept;

// The same with gaps: element i of x is x[i * x_stride].
void Axpy(float alpha, const float* x, size_t x_stride, float* y,
          size_t y_stride, size_t n) noexcept;
void Scal(float alpha, float* x, size_t stride, size_t n) noexcept;

// sum |x[i]|
// Error  <= (n / 16 + 12) 2^-24, relative.
float Asum(const float* x, size_t n) noexcept;

// sum x[i]^2: squares and sums in f64, which no f32 overflows or underflows.
// Error  <= (n / 8 + 12) 2^-53, relative.
double SumOfSquares(const float* x, size_t n) noexcept;

// The first index of the greatest |x[i]|, and that number as an integer that
// orders like it. NaN is greater than infinity; all NaN are equal.
struct MaxMagnitude {
  size_t index = 0;  // n, if n is 0
  int order = -1;    // -1, if n is 0
};
MaxMagnitude Iamax(const float* x, size_t n) noexcept;

}  // namespace ranvier::simd
