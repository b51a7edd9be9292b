#include "ranvier/parallel/cache_sizes.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>

namespace ranvier {
namespace {

std::string ReadWord(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

// "48K", "2M", "32768"; 0 for anything else.
size_t ParseSize(const std::string& text) {
  size_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || value > (size_t{1} << 40)) return 0;
  const std::string unit(rest, end);
  if (unit.empty()) return value;
  if (unit == "K") return value << 10;
  if (unit == "M") return value << 20;
  return 0;
}

// Returns how many caches were found.
int FromSysfs(const std::filesystem::path& root, CacheSizes& sizes) {
  const std::filesystem::path cpu =
      root / "sys" / "devices" / "system" / "cpu" / "cpu0" / "cache";
  int found = 0;
  // L1 comes as data and instructions, so there is one index more than levels.
  for (int index = 0; index < 8; ++index) {
    const std::filesystem::path cache = cpu / ("index" + std::to_string(index));
    const std::string type = ReadWord(cache / "type");
    if (type != "Data" && type != "Unified") continue;
    const size_t bytes = ParseSize(ReadWord(cache / "size"));
    if (bytes == 0) continue;
    const std::string level = ReadWord(cache / "level");
    if (level == "1") sizes.l1d_bytes = bytes;
    if (level == "2") sizes.l2_bytes = bytes;
    if (level == "3") sizes.l3_bytes = bytes;
    ++found;
  }
  return found;
}

void FromSysconf(CacheSizes& sizes) {
#ifdef _SC_LEVEL1_DCACHE_SIZE  // a GNU extension
  const auto take = [](int name, size_t& bytes) {
    const long value = sysconf(name);
    if (value > 0) bytes = static_cast<size_t>(value);
  };
  take(_SC_LEVEL1_DCACHE_SIZE, sizes.l1d_bytes);
  take(_SC_LEVEL2_CACHE_SIZE, sizes.l2_bytes);
  take(_SC_LEVEL3_CACHE_SIZE, sizes.l3_bytes);
#else
  static_cast<void>(sizes);
#endif
}

}  // namespace

CacheSizes DetectCacheSizes(const std::filesystem::path& root) {
  CacheSizes sizes;
  if (FromSysfs(root, sizes) == 0 && root == "/") FromSysconf(sizes);
  return sizes;
}

bool ExceedsCaches(size_t bytes) {
  if (bytes < (size_t{1} << 20)) return false;  // no cache is so small
  static const CacheSizes caches = DetectCacheSizes();
  return bytes > std::max(caches.l2_bytes, caches.l3_bytes);
}

}  // namespace ranvier
