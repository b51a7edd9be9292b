#pragma once

#include <cstddef>

#include "ranvier/simd/base/aligned_buffer.h"
#include "ranvier/simd/base/element_type.h"

namespace ranvier::internal {

// B [rows = K, cols = N] as panels of panel_cols columns, as simd/gemm/gemm.h
// lays them out.
struct PackedPanels {
  size_t rows = 0;
  size_t cols = 0;
  size_t panel_cols = 0;  // the target's nr: tells whose layout it is
  ElementType type = ElementType::kF32;
  AlignedBuffer<unsigned char> data;
};

}  // namespace ranvier::internal
