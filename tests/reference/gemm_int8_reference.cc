#include "tests/reference/gemm_int8_reference.h"

namespace ranvier::test {
namespace {

// One number for all, one of each, or none.
template <typename T>
T At(const VecView<const T>& v, size_t i, T none) {
  return v.empty() ? none : v[v.size() == 1 ? 0 : i];
}

int64_t ElementAt(const ConstAnyMatView& a, size_t row, size_t col) {
  return a.type() == ElementType::kU8 ? int64_t{a.As<uint8_t>()(row, col)}
                                      : int64_t{a.As<int8_t>()(row, col)};
}

}  // namespace

int64_t Int8Sum(const ConstAnyMatView& a, const MatView<const int8_t>& b,
                const GemmInt8Options& options, size_t row, size_t col) {
  const int64_t a_zero = At(options.a_zero, row, 0);
  const int64_t b_zero = At(options.b_zero, col, 0);
  int64_t sum = 0;
  for (size_t k = 0; k < a.cols(); ++k) {
    sum += (ElementAt(a, row, k) - a_zero) * (b(k, col) - b_zero);
  }
  return sum;
}

double Int8Scaled(int64_t sum, const GemmInt8Options& options, size_t row,
                  size_t col) {
  return static_cast<double>(At(options.a_scale, row, 1.0f)) *
         static_cast<double>(At(options.b_scale, col, 1.0f)) *
         static_cast<double>(sum);
}
double Int8Bias(const GemmInt8Options& options, size_t col) {
  return options.bias.empty() ? 0 : static_cast<double>(options.bias[col]);
}

}  // namespace ranvier::test
