#pragma once

#include <cstddef>
#include <cstdint>

namespace ranvier::simd {

// Rows of f32 without gaps to one number each, and rows joined column by
// column; one thread, any alignment, any n. On one target the bits depend on
// the values and n alone.

// Error  <= 2.1 * 2^-24 sum |x[i]|
double Sum(const float* x, size_t n) noexcept;

// The variance is that of the numbers themselves: sum (x - mean)^2 / n.
struct Moments {
  double mean = 0;
  double variance = 0;
};

// n >= 1.
// Error  of the mean <= 7 * 2^-24 sqrt(variance) and 2^-52 of the numbers
//        themselves, of the variance <= 19 * 2^-24 of it.
Moments FindMoments(const float* x, size_t n) noexcept;

// The first of the greatest, and where it is. NaN is greater than all else, so
// that the first of them is found; -0 equals 0.
struct Greatest {
  float value = 0;
  size_t index = 0;  // n and -infinity, if n is 0
};
Greatest FindGreatest(const float* x, size_t n) noexcept;
// Its value alone; a zero is 0. -infinity for none.
float Max(const float* x, size_t n) noexcept;

// sum[i] += x[i] of `rows` rows of n elements, `stride` apart: four rows are
// added up in f32, the rest in f64.
// Error  <= 2.1 * 2^-24 sum |x[i]|
void AddRows(const float* x, size_t stride, size_t rows, double* sum,
             size_t n) noexcept;
// sum[i] += x[i] - mean[i], squares[i] += (x[i] - mean[i])^2, in f64.
void AddSquares(const float* x, size_t stride, size_t rows, const double* mean,
                double* sum, double* squares, size_t n) noexcept;
// value[i], row[i] = x[i], this_row where x[i] is greater, as above.
void TakeGreater(const float* x, int32_t this_row, float* value, int32_t* row,
                 size_t n) noexcept;

}  // namespace ranvier::simd
