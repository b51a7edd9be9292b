#pragma once

#include <cstddef>

namespace ranvier::simd {

// The parts that softmax and its kin are made of, one thread, any alignment,
// any n. On one target the bits depend on the values and n alone.

// Where not said otherwise, rows are cut into pieces of so many elements, and
// the sums of pieces are added up in f64, from first to last.
inline constexpr size_t kSoftmaxPiece = 16384;

// The logits v[i] = scale x[i] + mask[i] of a run of a row: one rounding where
// the target has a fused multiply-add. mask may be null.
struct Logits {
  const float* x = nullptr;
  const float* mask = nullptr;
  float scale = 1;

  Logits From(size_t begin) const {
    return {x + begin, mask == nullptr ? nullptr : mask + begin, scale};
  }
};

// y[i] = e^(v[i] - max) / sum of e^(v[j] - max), `rows` rows of n logits, that
// are x_stride, mask_stride and y_stride apart. Special rows and errors as in
// lib/ops/softmax.h.
//
// `work` has room for n elements where `stream` is set, and may be null where
// it is not. With `stream`, y and its rows are aligned to 64 bytes and written
// past the caches.
// Aliasing  y may be x; else they do not overlap.
void SoftmaxRows(const Logits& v, size_t x_stride, size_t mask_stride, float* y,
                 size_t y_stride, float* work, size_t rows, size_t n,
                 bool stream) noexcept;

// max v[i]; -infinity for none. NaN is left out or comes out, as it happens.
float MaxLogit(const Logits& v, size_t n) noexcept;
bool AnyNan(const Logits& v, size_t n) noexcept;
// sum e^(v[i] - max), n <= kSoftmaxPiece, max finite and none above it.
double SumExp(const Logits& v, float max, size_t n) noexcept;
// y[i] = e^(v[i] - max) factor
void ScaledExp(const Logits& v, float max, float factor, float* y, size_t n,
               bool stream) noexcept;
// y[i] = (v[i] - max) - log_sum
void ShiftLogits(const Logits& v, float max, float log_sum, float* y, size_t n,
                 bool stream) noexcept;

// sum a[i] b[i], sum a[i]: in f64 from every fourth vector on.
// Error  <= 4.1 * 2^-24 sum |a[i] b[i]|, where no product underflows; 2.1.
double DotInF64(const float* a, const float* b, size_t n) noexcept;
double SumInF64(const float* a, size_t n) noexcept;

// dx[i] = scale y[i] (dy[i] - dot)
void SoftmaxBackward(const float* y, const float* dy, float dot, float scale,
                     float* dx, size_t n, bool stream) noexcept;
// dx[i] = scale (dy[i] - e^y[i] sum)
void LogSoftmaxBackward(const float* y, const float* dy, float sum, float scale,
                        float* dx, size_t n, bool stream) noexcept;

}  // namespace ranvier::simd
