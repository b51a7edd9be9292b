#pragma once

#include <cmath>
#include <limits>
#include <string>

#include "ranvier/simd/base/elementwise.h"

#include "tests/reference/activation_reference.h"

namespace ranvier::reference {

// In double precision; within 2^-40 of the true value where that is a float,
// and with its limits at the infinities.
inline double Value(Elementwise f, double x, double alpha) {
  switch (f) {
    case Elementwise::kRelu:
      return ApplyActivation(Activation::kRelu, x);
    case Elementwise::kLeakyRelu:
      return x > 0 ? x : alpha * x;
    case Elementwise::kElu:
      return x > 0 ? x : alpha * std::expm1(x);
    case Elementwise::kGelu:
      return ApplyActivation(Activation::kGelu, x);
    case Elementwise::kGeluTanh:
      return ApplyActivation(Activation::kGeluTanh, x);
    case Elementwise::kSilu:
      return ApplyActivation(Activation::kSilu, x);
    case Elementwise::kSigmoid:
      return ApplyActivation(Activation::kSigmoid, x);
    case Elementwise::kTanh:
      return std::tanh(x);
    case Elementwise::kSoftplus:
      return (x < 0 ? 0 : x) + std::log1p(std::exp(-std::abs(x)));
    case Elementwise::kExp:
      return std::exp(x);
    case Elementwise::kExpm1:
      return std::expm1(x);
    case Elementwise::kLog:
      return std::log(x);
    case Elementwise::kLog1p:
      return std::log1p(x);
    case Elementwise::kErf:
      return std::erf(x);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

// The derivative of x sigmoid(z) for w = x dz/dx.
inline double GatedDerivative(double x, double w, double z) {
  const double t = std::exp(-std::abs(z));
  const double u = 1 + t;
  return x > 0 ? (u + w * t) / (u * u) : t * (u + w) / (u * u);
}

inline double Derivative(Elementwise f, double x, double alpha) {
  if (std::isnan(x)) return x;
  const double pi = 3.14159265358979323846;
  // Beyond, nothing but the sign is left; there the formulas meet 0 infinity.
  const double limited = std::fmin(std::fmax(x, -1000.0), 1000.0);
  switch (f) {
    case Elementwise::kRelu:
      return x > 0 ? 1 : 0;
    case Elementwise::kLeakyRelu:
      return x > 0 ? 1 : alpha;
    case Elementwise::kElu:
      return x > 0 ? 1 : alpha * std::exp(x);
    case Elementwise::kGelu:
      if (x < -38) return -0.0;
      return std::erfc(limited * -std::sqrt(0.5)) / 2 +
             limited * std::exp(-limited * limited / 2) / std::sqrt(2 * pi);
    case Elementwise::kGeluTanh: {
      const double a = 2 * std::sqrt(2 / pi);
      const double square = limited * limited;
      return GatedDerivative(limited, a * limited * (1 + 3 * 0.044715 * square),
                             a * limited * (1 + 0.044715 * square));
    }
    case Elementwise::kSilu:
      return GatedDerivative(limited, limited, limited);
    case Elementwise::kSigmoid: {
      const double t = std::exp(-std::abs(x));
      return t / ((1 + t) * (1 + t));
    }
    case Elementwise::kTanh: {
      const double t = std::exp(-2 * std::abs(x));
      return 4 * t / ((1 + t) * (1 + t));
    }
    case Elementwise::kSoftplus:
      return ApplyActivation(Activation::kSigmoid, x);
    case Elementwise::kExp:
    case Elementwise::kExpm1:
      return std::exp(x);
    case Elementwise::kLog:
      return 1 / x;
    case Elementwise::kLog1p:
      return 1 / (1 + x);
    case Elementwise::kErf:
      return 2 / std::sqrt(pi) * std::exp(-limited * limited);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

// What the headers promise of a function or a derivative.
struct ElementwiseBound {
  Elementwise f;
  bool derivative;
  double ulp;
  double ulp_sse;  // without fused multiply-add
  // Where a derivative changes its sign the error is absolute: 5 * 2^-26.
  double crossing_begin = 0;
  double crossing_end = 0;

  std::string name() const {
    return Name(f) + std::string(derivative ? "'" : "");
  }
  double Expected(double x, double alpha) const {
    return derivative ? Derivative(f, x, alpha) : Value(f, x, alpha);
  }
  // In ULP; at the crossing in units of 5 * 2^-28, so that 4 is the bound too.
  double Error(double x, float actual, double expected) const {
    if (crossing_begin <= x && x <= crossing_end && crossing_begin != 0) {
      const double error =
          std::abs(static_cast<double>(actual) - expected) * 0x1p28 / 5;
      return std::isnan(error) ? std::numeric_limits<double>::infinity()
                               : error;
    }
    return UlpError(actual, expected);
  }
};

inline constexpr ElementwiseBound kElementwiseBounds[] = {
    {Elementwise::kRelu, false, 0, 0},
    {Elementwise::kLeakyRelu, false, 0.5, 0.5},
    {Elementwise::kElu, false, 2, 2},
    {Elementwise::kGelu, false, 3.2, 4},
    {Elementwise::kGeluTanh, false, 2.3, 3},
    {Elementwise::kSilu, false, 2, 2},
    {Elementwise::kSigmoid, false, 2, 2},
    {Elementwise::kTanh, false, 1.3, 1.6},
    {Elementwise::kSoftplus, false, 3, 3},
    {Elementwise::kExp, false, 1, 1.3},
    {Elementwise::kExpm1, false, 2, 2},
    {Elementwise::kLog, false, 1, 1},
    {Elementwise::kLog1p, false, 2, 2},
    {Elementwise::kErf, false, 3.3, 4},
    {Elementwise::kRelu, true, 0, 0},
    {Elementwise::kLeakyRelu, true, 0, 0},
    {Elementwise::kElu, true, 2, 2},
    {Elementwise::kGelu, true, 4, 4, -2, -0.25},
    {Elementwise::kGeluTanh, true, 5, 5, -2, -0.25},
    {Elementwise::kSilu, true, 4, 4, -2, -0.5},
    {Elementwise::kSigmoid, true, 4, 4},
    {Elementwise::kTanh, true, 4, 4},
    {Elementwise::kSoftplus, true, 2, 2},
    {Elementwise::kExp, true, 1, 1.3},
    {Elementwise::kExpm1, true, 1, 1.3},
    {Elementwise::kLog, true, 0.5, 0.5},
    {Elementwise::kLog1p, true, 1.5, 1.5},
    {Elementwise::kErf, true, 3, 3},
};

}  // namespace ranvier::reference
