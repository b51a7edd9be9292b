#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "ranvier/simd/loss.h"

namespace ranvier::test {

// The losses of lib/ops/loss.h in double precision, as they are defined.

inline double Sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

inline double ReferenceLoss(simd::ElementLoss loss, double parameter, double p,
                            double t) {
  using enum simd::ElementLoss;
  const double e = std::abs(p - t);
  switch (loss) {
    case kMse:
      return (p - t) * (p - t);
    case kMae:
      return e;
    case kHuber:
      return e <= parameter ? e * e / 2 : parameter * (e - parameter / 2);
    case kQuantile:
      return t >= p ? parameter * (t - p) : (parameter - 1) * (t - p);
    case kBinaryCrossEntropy:
      return (p < 0 ? -p * t : p * (1 - t)) +
             std::log1p(std::exp(-std::abs(p)));
    case kSmape:
      return p == 0 && t == 0 ? 0 : 200 * e / (std::abs(p) + std::abs(t));
    case kMape:
      return std::abs(t) > 1e-8 ? 100 * e / std::abs(t) : 0;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

inline double ReferenceGradient(simd::ElementLoss loss, double parameter,
                                double p, double t) {
  using enum simd::ElementLoss;
  const double sign = Sign(p - t);
  switch (loss) {
    case kMse:
      return 2 * (p - t);
    case kMae:
      return sign;
    case kHuber:
      return std::clamp(p - t, -parameter, parameter);
    case kQuantile:
      return p == t ? 0 : t > p ? -parameter : 1 - parameter;
    case kBinaryCrossEntropy:
      return p < 0 ? 1 / (1 + std::exp(-p)) - t
                   : (1 - t) - 1 / (1 + std::exp(p));
    case kSmape: {
      const double sum = std::abs(p) + std::abs(t);
      if (sum == 0) return 0;
      return 200 * (sign * sum - std::abs(p - t) * Sign(p)) / (sum * sum);
    }
    case kMape:
      return std::abs(t) > 1e-8 ? 100 * sign / std::abs(t) : 0;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

// The bounds that lib/ops/loss.h gives, of a loss and of a gradient.
struct LossBounds {
  double value = 0;
  double gradient = 0;
};
inline LossBounds BoundsOf(simd::ElementLoss loss, double parameter, double p,
                           double t) {
  using enum simd::ElementLoss;
  const double u = 0x1.0p-24;
  const double l = std::abs(ReferenceLoss(loss, parameter, p, t));
  const double g = std::abs(ReferenceGradient(loss, parameter, p, t));
  switch (loss) {
    case kMse:
      return {4 * u * l, 2 * u * g};
    case kMae:
      return {2 * u * l, 0};
    case kHuber:
      return {8 * u * l, 2 * u * g};
    case kQuantile:
      return {4 * u * l, u * g};
    case kBinaryCrossEntropy: {
      const double v = p < 0 ? t : 1 - t;
      return {8 * u * l + 0x1.0p-125,
              8 * u * (v + 1 / (1 + std::exp(std::abs(p)))) + 0x1.0p-125};
    }
    case kSmape:
      return {8 * u * l, 12 * u * g};
    case kMape:
      return {6 * u * l, 2 * u * g};
  }
  return {};
}

// Cross-entropy of one row, whose targets are the probabilities q.
struct ReferenceRow {
  double loss = 0;
  std::vector<double> gradient;
  double loss_bound = 0;
  std::vector<double> gradient_bound;
};
inline ReferenceRow ReferenceCrossEntropy(std::span<const double> x,
                                          std::span<const double> q) {
  const double u = 0x1.0p-24;
  const double m = *std::max_element(x.begin(), x.end());
  double sum = 0;
  double q_sum = 0;
  double distance = 0;
  for (size_t c = 0; c < x.size(); ++c) {
    sum += std::exp(x[c] - m);
    q_sum += q[c];
    if (q[c] != 0) distance += q[c] * (m - x[c]);
  }
  const double logs = std::log(static_cast<double>(x.size()));
  ReferenceRow row;
  row.loss = q_sum * std::log(sum) + distance;
  row.loss_bound = (5 + logs) * u * q_sum + 2 * u * distance;
  for (size_t c = 0; c < x.size(); ++c) {
    const double p = q_sum * std::exp(x[c] - m) / sum;
    row.gradient.push_back(p - q[c]);
    // What is under 2^-126 is 0; the target is itself rounded.
    row.gradient_bound.push_back(
        p == 0 ? 2 * u * q[c]
               : (10 + logs + (m - x[c])) * u * p + 0x1.0p-125 +
                     2 * u * (std::abs(p - q[c]) + q[c]));
  }
  return row;
}

}  // namespace ranvier::test
