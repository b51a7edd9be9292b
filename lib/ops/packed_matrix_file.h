#pragma once

#include <string>

#include "ranvier/parallel/context.h"
#include "ranvier/parallel/packed_panels.h"

namespace ranvier::io {

// A packed matrix as a file, version 1; little endian.
//
//   0    8  magic 89 'R' 'V' 'P' 0D 0A 1A 0A
//   8    4  version (1)
//   12   4  element type: 0 f32, 1 bf16, 2 f16, 3 s8
//   16   8  rows K            24   8  columns N
//   32   4  lanes of a vector of the target it was packed on
//   36   4  columns of a panel (twice that)
//   40   8  bytes of the panels
//   48   8  XXH3-64 of the panels
//   56   8  XXH3-64 of the 56 bytes before
//   64  64  zero
//   128     the panels of simd/gemm/gemm.h and gemm_int8.h
void WritePackedPanels(const parallel::PackedPanels& panels,
                       const std::string& path);

// Checks everything before it allocates; packs anew what was packed for other
// vectors than the current target's.
// Throws  IoError: path, byte offset, what was found, what to try.
parallel::PackedPanels ReadPackedPanels(Context& ctx, const std::string& path);

}  // namespace ranvier::io
