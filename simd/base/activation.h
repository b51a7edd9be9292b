#pragma once

#include <cstdint>

namespace ranvier {

// An elementwise function that a matrix product can apply to its result.
enum class Activation : uint8_t {
  kNone,
  kRelu,      // max(x, 0); NaN stays NaN
  kGelu,      // x (1 + erf(x / sqrt(2))) / 2
  kGeluTanh,  // x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
  kSilu,      // x / (1 + exp(-x))
  kSigmoid,   // 1 / (1 + exp(-x))
  kTanh,
};

}  // namespace ranvier
