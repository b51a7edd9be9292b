#include "ranvier/simd/piecewise.h"

#include <array>
#include <bit>
#include <cstdint>

namespace ranvier::simd {
namespace {

// The functions in double, to about 14 digits, for the compiler to compute.

constexpr double kTwoOverRootPi = 1.12837916709551257390;

constexpr double Abs(double x) { return x < 0 ? -x : x; }

constexpr double Exp(double x) {
  if (x < 0) return 1 / Exp(-x);
  int halvings = 0;
  for (; Abs(x) > 1e-2; x /= 2) ++halvings;
  // Without the 1, which would cost the digits behind it.
  double below = x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5))));
  for (; halvings > 0; --halvings) below *= 2 + below;
  return 1 + below;
}

constexpr double Tanh(double t) {
  if (t > 20) return 1;
  if (t > 0.3) return 1 - 2 / (Exp(2 * t) + 1);
  // A continued fraction: nothing cancels.
  double below = 1;
  for (int i = 19; i >= 1; i -= 2) below = i + t * t / below;
  return t / below;
}

constexpr double Erf(double t) {
  if (t > 6) return 1;
  // e^(t^2) times it is a sum of terms of one sign.
  double term = t, sum = t;
  for (int i = 3; term > 1e-18 * sum; i += 2) {
    term *= 2 * t * t / i;
    sum += term;
  }
  return kTwoOverRootPi * Exp(-t * t) * sum;
}

// The polynomial of degree kDegree - 1 through (f(center + s) - f0) / s at the
// Chebyshev nodes of [first, last] - center.
template <class Function>
constexpr std::array<double, PiecewisePolynomial::kDegree> Interpolate(
    const Function& f, double first, double last, double center, double f0) {
  constexpr int n = PiecewisePolynomial::kDegree;
  // cos(pi (2 i + 1) / 10)
  constexpr double kNodes[n] = {0.95105651629515357, 0.58778525229247313, 0,
                                -0.58778525229247313, -0.95105651629515357};
  std::array<double, n> s{}, q{}, c{};
  for (int i = 0; i < n; ++i) {
    s[i] = (first + last) / 2 + kNodes[i] * (last - first) / 2 - center;
    q[i] = (f(center + s[i]) - f0) / s[i];
  }
  for (int k = 1; k < n; ++k) {  // divided differences
    for (int i = n - 1; i >= k; --i) {
      q[i] = (q[i] - q[i - 1]) / (s[i] - s[i - k]);
    }
  }
  for (int i = n - 1; i >= 0; --i) {  // c = c (x - s[i]) + q[i]
    for (int k = n - 1; k >= 1; --k) c[k] = c[k - 1] - s[i] * c[k];
    c[0] = q[i] - s[i] * c[0];
  }
  return c;
}

template <class Function>
constexpr PiecewisePolynomial Approximate(const Function& f) {
  PiecewisePolynomial pieces{};
  constexpr int kShift = PiecewisePolynomial::kShift;
  const uint32_t begin =
      std::bit_cast<uint32_t>(PiecewisePolynomial::kFirst) >> kShift;
  for (uint32_t i = begin; i < begin + PiecewisePolynomial::kPieces; ++i) {
    const double first =
        i == begin ? 0.0
                   : static_cast<double>(std::bit_cast<float>(i << kShift));
    const double last =
        static_cast<double>(std::bit_cast<float>((i + 1) << kShift));
    double center = 0, f0 = 0;
    if (i != begin) {
      // As near to the middle, which is a node, as may be.
      double least = 1;
      for (int k = 100; k < 4000 && least > 0x1p-29; ++k) {
        for (const double step : {k / 8192.0, -k / 8192.0}) {
          const double t = (first + last) / 2 + step * (last - first);
          const double value = f(t);
          const auto rounded = static_cast<double>(static_cast<float>(value));
          if (Abs(value - rounded) >= least * rounded) continue;
          least = Abs(value - rounded) / rounded;
          center = t;
          f0 = rounded;
        }
      }
    }
    const auto q = Interpolate(f, first, last, center, f0);
    const size_t at = i % PiecewisePolynomial::kPieces;
    pieces.center[at] = static_cast<float>(center);
    pieces.p[0][at] = static_cast<float>(f0);
    for (int k = 0; k < PiecewisePolynomial::kDegree; ++k) {
      pieces.p[k + 1][at] = static_cast<float>(q[static_cast<size_t>(k)]);
    }
  }
  return pieces;
}

}  // namespace

// Computed by the compiler (g++), or before main by one whose limit of steps is
// lower (clang).
const PiecewisePolynomial kTanhPieces = Approximate(Tanh);
const PiecewisePolynomial kErfPieces = Approximate(Erf);

}  // namespace ranvier::simd
