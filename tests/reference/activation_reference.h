#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "ranvier/simd/base/activation.h"

namespace ranvier::reference {

// In double precision; within 2^-40 of the true value where that is a float,
// and with its limit at minus infinity.
inline double ApplyActivation(Activation activation, double x) {
  const bool bottom = x == -std::numeric_limits<double>::infinity();
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x < 0 ? 0 : x;
    case Activation::kGelu:
      return bottom ? -0.0 : x * std::erfc(x * -std::sqrt(0.5)) / 2;
    case Activation::kGeluTanh: {
      const double pi = 3.14159265358979323846;
      const double z = 2 * std::sqrt(2 / pi) * x * (1 + 0.044715 * x * x);
      return bottom ? -0.0 : x / (1 + std::exp(-z));
    }
    case Activation::kSilu:
      return bottom ? -0.0 : x / (1 + std::exp(-x));
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

// |actual - expected| in units of the last place of a float as large as
// expected; subnormal floats have the place of the smallest normal one. 0 for
// two NaN, the same infinity, and the same zero; infinite where only one is NaN
// or a sign is wrong. A finite expected value that rounds to infinity may be
// infinity.
inline double UlpError(float actual, double expected) {
  const double infinity = std::numeric_limits<double>::infinity();
  if (std::isnan(actual) || std::isnan(expected)) {
    return std::isnan(actual) && std::isnan(expected) ? 0 : infinity;
  }
  if (std::signbit(actual) != std::signbit(expected)) return infinity;
  if (static_cast<double>(actual) == expected) return 0;
  if (std::isinf(expected)) return infinity;
  // As if floats went on after the largest one, and infinity were the next.
  const double magnitude = std::min(std::abs(expected), 0x1p128);
  const double value = std::isinf(actual) ? 0x1p128 : std::abs(actual);
  const int exponent =
      magnitude == 0 ? -126 : std::clamp(std::ilogb(magnitude), -126, 127);
  return std::ldexp(std::abs(value - magnitude), 23 - exponent);
}

}  // namespace ranvier::reference
