#pragma once

#include <cstdint>

namespace ranvier {

// Functions of one number. alpha is a parameter of two of them.
enum class Elementwise : uint8_t {
  kRelu,       // max(x, 0); NaN stays NaN
  kLeakyRelu,  // x > 0 ? x : alpha x
  kElu,        // x > 0 ? x : alpha (e^x - 1)
  kGelu,       // x (1 + erf(x / sqrt(2))) / 2
  kGeluTanh,   // x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
  kSilu,       // x / (1 + e^-x)
  kSigmoid,    // 1 / (1 + e^-x)
  kTanh,
  kSoftplus,  // log(1 + e^x)
  kExp,
  kExpm1,  // e^x - 1
  kLog,
  kLog1p,  // log(1 + x)
  kErf,
};

// The customary alpha.
constexpr float DefaultAlpha(Elementwise f) {
  return f == Elementwise::kLeakyRelu ? 0.01f : 1.0f;
}

constexpr const char* Name(Elementwise f) {
  switch (f) {
    case Elementwise::kRelu:
      return "relu";
    case Elementwise::kLeakyRelu:
      return "leaky_relu";
    case Elementwise::kElu:
      return "elu";
    case Elementwise::kGelu:
      return "gelu";
    case Elementwise::kGeluTanh:
      return "gelu_tanh";
    case Elementwise::kSilu:
      return "silu";
    case Elementwise::kSigmoid:
      return "sigmoid";
    case Elementwise::kTanh:
      return "tanh";
    case Elementwise::kSoftplus:
      return "softplus";
    case Elementwise::kExp:
      return "exp";
    case Elementwise::kExpm1:
      return "expm1";
    case Elementwise::kLog:
      return "log";
    case Elementwise::kLog1p:
      return "log1p";
    case Elementwise::kErf:
      return "erf";
  }
  return "unknown";
}

}  // namespace ranvier
