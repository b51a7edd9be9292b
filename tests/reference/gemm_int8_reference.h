#pragma once

#include <cstddef>
#include <cstdint>

#include "ranvier/ops/gemm_int8.h"

namespace ranvier::test {

// sum over k of (a - a_zero) (b - b_zero), of C's element (row, col), in 64
// bits.
int64_t Int8Sum(const ConstAnyMatView& a, const MatView<const int8_t>& b,
                const GemmInt8Options& options, size_t row, size_t col);

// a_scale b_scale sum, and the bias, of that element.
double Int8Scaled(int64_t sum, const GemmInt8Options& options, size_t row,
                  size_t col);
double Int8Bias(const GemmInt8Options& options, size_t col);

}  // namespace ranvier::test
