#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

namespace ranvier::test {

// Rows in double precision, by their definitions.

using Row = std::vector<double>;

inline double Sum(const Row& x) {
  return std::accumulate(x.begin(), x.end(), 0.0);
}
inline double MeanOf(const Row& x) {
  return Sum(x) / static_cast<double>(x.size());
}
inline double VarianceOf(const Row& x) {
  const double mean = MeanOf(x);
  double squares = 0;
  for (const double one : x) squares += (one - mean) * (one - mean);
  return squares / static_cast<double>(x.size());
}
inline double MaxOf(const Row& x) {
  double max = -std::numeric_limits<double>::infinity();
  for (const double one : x) max = std::max(max, one);
  return max;
}

// Of finite logits.
inline double LogSumExpReference(const Row& v) {
  const double max = MaxOf(v);
  double sum = 0;
  for (const double one : v) sum += std::exp(one - max);
  return max + std::log(sum);
}
inline Row LogSoftmaxReference(const Row& v) {
  const double log_sum_exp = LogSumExpReference(v);
  Row y(v);
  for (double& one : y) one -= log_sum_exp;
  return y;
}
inline Row SoftmaxReference(const Row& v) {
  Row y = LogSoftmaxReference(v);
  for (double& one : y) one = std::exp(one);
  return y;
}

inline double Dot(const Row& a, const Row& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

inline Row LayerNormReference(const Row& x, const Row& weight, const Row& bias,
                              double epsilon) {
  const double mean = MeanOf(x);
  const double rstd = 1 / std::sqrt(VarianceOf(x) + epsilon);
  Row y(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    y[i] = (x[i] - mean) * rstd * weight[i] + bias[i];
  }
  return y;
}
inline Row RmsNormReference(const Row& x, const Row& weight, double epsilon) {
  const double rstd =
      1 / std::sqrt(Dot(x, x) / static_cast<double>(x.size()) + epsilon);
  Row y(x.size());
  for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] * rstd * weight[i];
  return y;
}

// The slope of f at x along each coordinate, by central differences of fourth
// order: an error of about step^4 and 2^-52 / step.
template <class F>
Row NumericalGradient(const F& f, Row x, double step) {
  Row slope(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double at = x[i];
    const auto value = [&](double moved) {
      x[i] = at + moved;
      return f(x);
    };
    slope[i] = (8 * (value(step) - value(-step)) -
                (value(2 * step) - value(-2 * step))) /
               (12 * step);
    x[i] = at;
  }
  return slope;
}

}  // namespace ranvier::test
