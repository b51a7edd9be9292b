#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ranvier/simd/base/export.h"

namespace ranvier {

// Writes a C-ordered NumPy array file, format version 1.0, through OutputFile.
// The product of shape must be values.size().
// Throws  ShapeError, IoError.
// Ref     numpy.lib.format
RANVIER_API void WriteNpy(const std::string& path,
                          std::span<const uint32_t> values,
                          const std::vector<size_t>& shape);
RANVIER_API void WriteNpy(const std::string& path,
                          std::span<const double> values,
                          const std::vector<size_t>& shape);

}  // namespace ranvier
