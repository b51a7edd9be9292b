#pragma once

#include <cmath>
#include <cstddef>
#include <span>

namespace ranvier::test {

// The sums of BLAS level 1 in double precision, from the first element to the
// last. Products and squares of two f32 are exact in it.
struct ReferenceSum {
  double sum = 0;
  double magnitudes = 0;  // sum of the magnitudes of the terms
};

inline ReferenceSum DotReference(std::span<const float> x,
                                 std::span<const float> y) {
  ReferenceSum result;
  for (size_t i = 0; i < x.size(); ++i) {
    const double product = static_cast<double>(x[i]) * y[i];
    result.sum += product;
    result.magnitudes += std::abs(product);
  }
  return result;
}

inline double AsumReference(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += std::abs(static_cast<double>(v));
  return sum;
}

inline double SumOfSquaresReference(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += static_cast<double>(v) * v;
  return sum;
}

// The first NaN, else the first of the greatest magnitude; x.size() if empty.
inline size_t IamaxReference(std::span<const float> x) {
  size_t best = x.size();
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) return i;
    if (best == x.size() || std::abs(x[i]) > std::abs(x[best])) best = i;
  }
  return best;
}

}  // namespace ranvier::test
