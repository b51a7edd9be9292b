#pragma once

#include <cstddef>
#include <filesystem>

#include "ranvier/simd/base/export.h"

namespace ranvier {

// Data caches that the first processor sees; its l3 is shared with others.
struct CacheSizes {
  size_t l1d_bytes = 32 << 10;
  size_t l2_bytes = 512 << 10;
  size_t l3_bytes = 0;  // 0: there is none, or none is known
};

// From sysfs, then sysconf; what neither knows keeps the small values above.
// `root` stands for "/"; sysconf is asked only about the real one.
RANVIER_API CacheSizes
DetectCacheSizes(const std::filesystem::path& root = "/");

// Whether rows so many bytes apart begin in so few sets of an L1 that they push
// each other out: with 64 sets of 64 bytes, every one or two rows meet again.
constexpr bool RowsCollide(size_t bytes) { return bytes % 2048 == 0; }

}  // namespace ranvier
