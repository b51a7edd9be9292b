#pragma once

#include <cstddef>

namespace ranvier::simd {

// Normalisation of rows of f32 without gaps, one thread, any alignment, any n.
// Errors and special rows as in lib/ops/norm.h. On one target the bits depend
// on the values of a row alone.

// What a row of layer norm or RMS norm takes besides x. With `stream`, y and
// its rows are aligned to 64 bytes and written past the caches.
struct NormRow {
  const float* weight = nullptr;  // [n]
  const float* bias = nullptr;    // [n]; layer norm only
  float weight_offset = 0;        // RMS norm only
  float epsilon = 0;
  bool stream = false;
  bool by_two = false;  // for speed alone: x and y are in L2, or y is streamed
};

// y = (x - mean) rstd weight + bias, rows x_stride and y_stride apart; mean
// and rstd of each row are written where they are not null, row after row.
// Aliasing  y may be x.
void LayerNormRows(const NormRow& by, const float* x, size_t x_stride, float* y,
                   size_t y_stride, float* mean, float* rstd, size_t rows,
                   size_t n) noexcept;

// y = x rstd (weight_offset + weight)
void RmsNormRows(const NormRow& by, const float* x, size_t x_stride, float* y,
                 size_t y_stride, float* rstd, size_t rows, size_t n) noexcept;

// dx of one row, and what the row adds to dweight and dbias. dx may be x or dy.
void LayerNormBackward(const float* x, const float* weight, float mean,
                       float rstd, const float* dy, float* dx, float* dweight,
                       float* dbias, size_t n) noexcept;
void RmsNormBackward(const float* x, const float* weight, float weight_offset,
                     float rstd, const float* dy, float* dx, float* dweight,
                     size_t n) noexcept;

// sum[i] += x[i]; x[i] = 0
void MoveInto(float* x, double* sum, size_t n) noexcept;

}  // namespace ranvier::simd
