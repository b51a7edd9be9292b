#pragma once

#include <cstddef>
#include <cstdint>

#include "ranvier/simd/base/element_type.h"

namespace ranvier::simd {

// The least and the greatest of some numbers and 0, infinities and NaN left
// out: what the scale of their quantised form is made from.
struct FiniteRange {
  float low = 0;
  float high = 0;
};

FiniteRange FindRange(const float* x, size_t n) noexcept;
// Column by column: widens low[i], high[i] to hold x[i].
void WidenRanges(const float* x, float* low, float* high, size_t n) noexcept;

// x is about (q - zero_point) scale.
struct Quantization {
  float scale = 0;
  int32_t zero_point = 0;
};

// Integers in use: symmetric ones leave out the odd one below, so that -x has
// the negative of what x has.
struct QuantizedRange {
  int32_t low = 0;
  int32_t high = 0;
};

constexpr QuantizedRange RangeOf(ElementType type) {
  return type == ElementType::kU8 ? QuantizedRange{0, 255}
                                  : QuantizedRange{-128, 127};
}

// scale = max(-low, high) / 127; zero point 0 (s8) or 128 (u8).
Quantization SymmetricQuantization(FiniteRange range,
                                   ElementType type) noexcept;
// scale = (high - low) / 255; zero point where 0 is, rounded half to even: 0
// is exact. A range of {0, 0} has scale 0 and zero point 0.
Quantization AffineQuantization(FiniteRange range, ElementType type) noexcept;

// q[i] = clamp(round(x[i] / scale) + zero_point) to [low, high], half to even,
// by a division and not by a product with 1 / scale, which misses ties. NaN
// gives zero_point, infinities the ends; scale 0 gives zero_point for all.
// low <= zero_point <= high, scale finite and >= 0.
void Quantize(const float* x, Quantization by, QuantizedRange range, int8_t* q,
              size_t n) noexcept;
void Quantize(const float* x, Quantization by, QuantizedRange range, uint8_t* q,
              size_t n) noexcept;
// Each element by its own scale and zero point.
void Quantize(const float* x, const float* scale, const int32_t* zero_point,
              QuantizedRange range, int8_t* q, size_t n) noexcept;
void Quantize(const float* x, const float* scale, const int32_t* zero_point,
              QuantizedRange range, uint8_t* q, size_t n) noexcept;

// x[i] = (q[i] - zero_point) scale, in one rounding; infinite where what was
// quantised was within half a step of the largest f32.
void Dequantize(const int8_t* q, Quantization by, float* x, size_t n) noexcept;
void Dequantize(const uint8_t* q, Quantization by, float* x, size_t n) noexcept;
void Dequantize(const int8_t* q, const float* scale, const int32_t* zero_point,
                float* x, size_t n) noexcept;
void Dequantize(const uint8_t* q, const float* scale, const int32_t* zero_point,
                float* x, size_t n) noexcept;

}  // namespace ranvier::simd
