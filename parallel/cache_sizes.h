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

// Whether results of so many bytes are better written past the caches of this
// machine, which do not hold them.
bool ExceedsCaches(size_t bytes);

// Whether rows so many bytes apart begin in no more than `places` of a way of
// L1 (4 KiB), so that many rows read at once push each other out.
constexpr bool RowsCollide(size_t bytes, size_t places) {
  constexpr size_t kWay = 4096;
  return bytes * places % kWay == 0;
}

}  // namespace ranvier
