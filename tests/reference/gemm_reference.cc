#include "tests/reference/gemm_reference.h"

#include <algorithm>
#include <cmath>

#include "ranvier/simd/base/float16.h"

#include "tests/reference/activation_reference.h"

namespace ranvier::test {
namespace {

// Units in the last place, as simd/activations-inl.h states them for targets
// without fused multiply-add.
double ActivationUlps(Activation activation) {
  switch (activation) {
    case Activation::kNone:
    case Activation::kRelu:
      return 0;
    case Activation::kGelu:
      return 4;
    case Activation::kGeluTanh:
      return 3;
    case Activation::kSilu:
    case Activation::kSigmoid:
    case Activation::kTanh:
      return 2;
  }
  return 0;
}

// The largest |f'|: of gelu at sqrt(2), 1.1289; of silu at 2.3994, 1.0998.
double SteepestSlope(Activation activation) {
  switch (activation) {
    case Activation::kGelu:
    case Activation::kGeluTanh:
      return 1.13;
    case Activation::kSilu:
      return 1.1;
    case Activation::kSigmoid:
      return 0.25;
    default:
      return 1;
  }
}

std::vector<double> Dense(const ConstAnyMatView& m) {
  std::vector<double> dense(m.rows() * m.cols());
  for (size_t i = 0; i < m.rows(); ++i) {
    for (size_t j = 0; j < m.cols(); ++j) {
      dense[i * m.cols() + j] = ElementAt(m, i, j);
    }
  }
  return dense;
}

}  // namespace

double ElementAt(const ConstAnyMatView& m, size_t row, size_t col) {
  const size_t at = row * m.row_stride() + col * m.col_stride();
  switch (m.type()) {
    case ElementType::kBf16:
      return ToFloat(static_cast<const bf16*>(m.data())[at]);
    case ElementType::kF16:
      return ToFloat(static_cast<const f16*>(m.data())[at]);
    default:
      return static_cast<const float*>(m.data())[at];
  }
}

double BoundAfterRounding(double value, double bound, ElementType type) {
  // Half a unit of the largest number that is rounded, or of the smallest
  // normal one.
  const double largest = std::abs(value) + bound;
  switch (type) {
    case ElementType::kBf16:
      return bound + std::max(largest * 0x1p-8, 0x1p-134);
    case ElementType::kF16:
      return bound + std::max(largest * 0x1p-11, 0x1p-25);
    default:
      return bound + std::max(largest * kF32Rounding, 0x1p-150);
  }
}

std::vector<Expected> MultiplyReference(const GemmTerms& t) {
  const size_t M = t.a.rows(), N = t.b.cols(), K = t.a.cols();
  const std::vector<double> a = Dense(t.a);
  const std::vector<double> b = Dense(t.b);
  const double alpha = t.alpha, beta = t.beta;
  const double slope = SteepestSlope(t.activation);
  const double roundings = 2 * (static_cast<double>(K) + 2) * kF32Rounding;
  std::vector<Expected> expected(M * N);
  std::vector<double> sums(N), sizes(N);
  for (size_t i = 0; i < M; ++i) {
    std::fill(sums.begin(), sums.end(), 0.0);
    std::fill(sizes.begin(), sizes.end(), 0.0);
    for (size_t k = 0; k < K; ++k) {
      const double x = a[i * K + k];
      const double* row = b.data() + k * N;
      for (size_t j = 0; j < N; ++j) {
        const double product = x * row[j];
        sums[j] += product;
        sizes[j] += std::abs(product);
      }
    }
    for (size_t j = 0; j < N; ++j) {
      double value = alpha * sums[j];
      double size = std::abs(alpha) * sizes[j];
      if (beta != 0) {
        const double c = ElementAt(t.c, i, j);
        value += beta * c;
        size += std::abs(beta * c);
      }
      if (!t.bias.empty()) {
        value += t.bias[j];
        size += std::abs(static_cast<double>(t.bias[j]));
      }
      double bound = roundings * size;
      if (t.activation != Activation::kNone) {
        value = reference::ApplyActivation(t.activation, value);
        bound *= slope;
        // An ULP of x is 2^-23 |x| or less. The argument is off by the bound,
        // so the value that has the error may be larger by it.
        bound += ActivationUlps(t.activation) *
                 std::max(0x1p-23 * (std::abs(value) + bound), 0x1p-149);
      }
      if (!t.residual.empty()) {
        value += ElementAt(t.residual, i, j);
        bound = BoundAfterRounding(value, bound, ElementType::kF32);
      }
      if (t.output != ElementType::kF32) {
        bound = BoundAfterRounding(value, bound, t.output);
      }
      expected[i * N + j] = {value, bound};
    }
  }
  return expected;
}

bool IsWithin(double actual, const Expected& expected) {
  if (std::isnan(expected.value)) return std::isnan(actual);
  if (std::isinf(expected.value)) return actual == expected.value;
  return std::abs(actual - expected.value) <= expected.bound;
}

}  // namespace ranvier::test
