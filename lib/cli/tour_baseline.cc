// Compiled without automatic vectorisation (CMakeLists.txt): the baseline is
// what one number at a time costs, not what this compiler makes of it.

#include "ranvier/cli/tour_products.h"

namespace ranvier::cli {

// In this order of loops all three matrices are read along their rows, which
// is kind to the baseline: with k innermost, B is read down its columns.
void PlainProduct(MatView<const float> a, MatView<const float> b,
                  MatView<float> c) {
  for (size_t i = 0; i < c.rows(); ++i) {
    float* const c_row = c.Row(i).data();
    for (size_t j = 0; j < c.cols(); ++j) c_row[j] = 0;
    for (size_t k = 0; k < a.cols(); ++k) {
      const float a_ik = a(i, k);
      const float* const b_row = b.Row(k).data();
      for (size_t j = 0; j < c.cols(); ++j) c_row[j] += a_ik * b_row[j];
    }
  }
}

}  // namespace ranvier::cli
