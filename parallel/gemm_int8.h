#pragma once

#include <cstddef>

#include "ranvier/parallel/context.h"
#include "ranvier/parallel/packed_panels.h"
#include "ranvier/simd/base/any_view.h"
#include "ranvier/simd/gemm/gemm_int8.h"

namespace ranvier::parallel {

struct Int8Problem {
  ConstAnyMatView a;  // [M, K], u8 or s8
  ConstAnyMatView b;  // [K, N], s8; not looked at if packed is there
  const PackedPanels* packed = nullptr;
  // Zero points: one of each row of A or column of B; null: one for all.
  const int32_t* a_zeros = nullptr;
  int32_t a_zero = 0;
  const int32_t* b_zeros = nullptr;
  int32_t b_zero = 0;
  // Without zero points: they are filled in here.
  simd::Int8Epilogue epilogue;
};

// C = epilogue(A B). Integers: the bits are the same however the sums are cut.
//
// Threads  up to max_threads of ctx.
void GemmInt8(Context& ctx, const Int8Problem& problem, int max_threads);

}  // namespace ranvier::parallel
