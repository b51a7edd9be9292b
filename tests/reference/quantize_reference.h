#pragma once

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <span>

namespace ranvier::test {

// Integers [low, high]; x is about (q - zero_point) scale.
struct ReferenceQuantization {
  float scale = 0;
  int32_t zero_point = 0;
  int32_t low = 0;
  int32_t high = 0;
};

// SPEC 1.3: scale = max|x| / 127 of the finite x, in f32.
inline ReferenceQuantization SymmetricReference(std::span<const float> x,
                                                bool is_unsigned) {
  float greatest = 0;
  for (const float v : x) {
    if (std::isfinite(v)) greatest = std::max(greatest, std::abs(v));
  }
  const int32_t zero = is_unsigned ? 128 : 0;
  return {greatest / 127, zero, zero - 127, zero + 127};
}

// scale = (max - min) / 255 over the finite x and 0; the zero point is the
// integer nearest to where 0 lies.
inline ReferenceQuantization AffineReference(std::span<const float> x,
                                             bool is_unsigned) {
  double least = 0;
  double greatest = 0;
  for (const float v : x) {
    if (!std::isfinite(v)) continue;
    least = std::min<double>(least, v);
    greatest = std::max<double>(greatest, v);
  }
  ReferenceQuantization result;
  result.low = is_unsigned ? 0 : -128;
  result.high = is_unsigned ? 255 : 127;
  result.scale = static_cast<float>((greatest - least) / 255);
  if (result.scale == 0) return result;
  const double zero = result.low - least / static_cast<double>(result.scale);
  result.zero_point = std::clamp(static_cast<int32_t>(std::nearbyint(zero)),
                                 result.low, result.high);
  return result;
}

inline int32_t QuantizeReference(float x, const ReferenceQuantization& by) {
  if (by.scale == 0 || std::isnan(x)) return by.zero_point;
  // The quotient in f32, as an f32 division gives it: ties are those of f32.
  const float quotient = x / by.scale;
  const double q = std::nearbyint(static_cast<double>(quotient));
  return static_cast<int32_t>(
      std::clamp<double>(q + by.zero_point, by.low, by.high));
}

inline float DequantizeReference(int32_t q, const ReferenceQuantization& by) {
  return static_cast<float>(q - by.zero_point) * by.scale;
}

}  // namespace ranvier::test
