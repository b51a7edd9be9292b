#pragma once

#include <cstddef>
#include <cstdint>

#include "ranvier/parallel/context.h"
#include "ranvier/simd/base/aligned_buffer.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/base/element_type.h"

namespace ranvier::parallel {

// B [rows = K, cols = N] in the panels of simd/gemm/gemm.h, s8 in those of
// gemm_int8.h.
struct PackedPanels {
  size_t rows = 0;
  size_t cols = 0;
  ElementType type = ElementType::kF32;
  // Of the target that it was packed on: tells whose layout it is.
  size_t nr = 2;
  size_t lanes = 1;
  AlignedBuffer<unsigned char> data;
  // Of s8, if data is not empty, as SumInt8Panel makes them: [cols].
  AlignedBuffer<int32_t> column_sums, column_pairs;
};

// Bytes of the panels of B, the last one's spare columns included.
size_t PanelBytes(ElementType type, size_t rows, size_t cols, size_t nr,
                  size_t lanes);

// Fills in column_sums and column_pairs, of s8 panels of the current target.
void SumColumns(Context& ctx, PackedPanels* panels);

// Types: f32, bf16, f16, s8.
PackedPanels Pack(Context& ctx, const ConstAnyMatView& b);
// The other way; b has the shape and type of the panels.
void Unpack(const PackedPanels& panels, const AnyMatView& b);
// Packed on a target that has the current one's layout.
bool FitsCurrentTarget(const PackedPanels& panels);

}  // namespace ranvier::parallel
