#include "ranvier/cli/machine.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string_view>

#include "ranvier/cli/units.h"
#include "ranvier/simd/base/error.h"

namespace ranvier::cli {
namespace {

namespace fs = std::filesystem;

std::optional<size_t> ReadNumber(const std::string& path) {
  std::ifstream file(path);
  size_t value = 0;
  if (!(file >> value)) return std::nullopt;  // absent, or "max"
  return value;
}

// The number behind a key in files of lines "key value" or "key: value kB".
std::optional<size_t> ReadKey(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  std::string name;
  size_t value = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    if (words >> name >> value && name == key) return value;
  }
  return std::nullopt;
}

struct CgroupFiles {
  const char *limit, *usage, *inactive;
};
constexpr CgroupFiles kVersion2 = {"memory.max", "memory.current",
                                   "inactive_file"};
constexpr CgroupFiles kVersion1 = {
    "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};

// What the group in `folder` leaves. Cached file pages count as used, but the
// kernel gives the inactive ones back.
std::optional<size_t> LeftInGroup(const std::string& folder,
                                  const CgroupFiles& files) {
  const auto limit = ReadNumber(folder + "/" + files.limit);
  // Version 1 says "none" as a number near 2^63.
  if (!limit || *limit > (size_t{1} << 60)) return std::nullopt;
  const size_t used = ReadNumber(folder + "/" + files.usage).value_or(0);
  const size_t cached =
      ReadKey(folder + "/memory.stat", files.inactive).value_or(0);
  const size_t held = used - std::min(used, cached);
  return *limit - std::min(*limit, held);
}

std::optional<size_t> LeftInGroups(const std::string& root) {
  std::ifstream file(root + "/proc/self/cgroup");
  std::optional<size_t> left;
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers =
        "," + line.substr(first + 1, second - first - 1) + ",";
    const bool version2 = controllers == ",,";
    if (!version2 && controllers.find(",memory,") == std::string::npos) {
      continue;
    }
    const std::string top =
        root + (version2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory");
    // Inside a container the path may name what only the host can see; the
    // group's own files are then at the top.
    fs::path group = line.substr(second + 1);
    while (true) {
      const std::string inner = group.string();
      const auto here = LeftInGroup(inner == "/" ? top : top + inner,
                                    version2 ? kVersion2 : kVersion1);
      if (here) left = left ? std::min(*left, *here) : *here;
      if (!group.has_relative_path()) break;
      group = group.parent_path();
    }
  }
  return left;
}

// The folder itself or the nearest one above it that exists.
fs::path NearestExisting(const std::string& path) {
  std::error_code error;
  fs::path folder = fs::absolute(path, error);
  while (!fs::exists(folder, error) && folder.has_relative_path()) {
    folder = folder.parent_path();
  }
  return folder;
}

}  // namespace

std::optional<MemoryLimit> AvailableMemory(const std::string& root) {
  std::optional<MemoryLimit> limit;
  if (const auto kib = ReadKey(root + "/proc/meminfo", "MemAvailable:")) {
    limit = MemoryLimit{*kib * 1024, "free memory of this machine"};
  }
  const auto left = LeftInGroups(root);
  if (left && (!limit || *left < limit->bytes)) {
    limit = MemoryLimit{*left, "left by this process's cgroup"};
  }
  return limit;
}

std::optional<size_t> FreeDisk(const std::string& path) {
  std::error_code error;
  const fs::space_info space = fs::space(NearestExisting(path), error);
  if (error) return std::nullopt;
  return space.available;
}

std::string WhyNotWritable(const std::string& path) {
  const fs::path folder = NearestExisting(path);
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return folder.string() + " is not a folder";
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    return "no file can be created in " + folder.string() + ": " +
           std::strerror(errno);
  }
  return "";
}

void CheckMemoryFor(const std::string& path, const ImportOptions& options,
                    const std::optional<MemoryLimit>& memory) {
  const size_t needed = EstimateLoadBytes(path, options);
  if (!memory || needed <= memory->bytes) return;
  throw IoError(
      path + ": loading it needs about " +
      FormatBytes(static_cast<double>(needed)) + " of memory, there are " +
      FormatBytes(static_cast<double>(memory->bytes)) + " (" + memory->reason +
      "); convert it on a larger machine with ranvier connectome "
      "import, a .rvc file is mapped and needs less");
}

}  // namespace ranvier::cli
