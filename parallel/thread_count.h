#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "ranvier/simd/base/export.h"

namespace ranvier {

// How many threads a Context uses, and which rule decided it.
struct ThreadCount {
  int threads = 1;
  // One of "argument", "RANVIER_NUM_THREADS", "affinity mask", "cgroup quota",
  // "caller's arena".
  std::string reason;
};

// Rules in order: argument > 0; then RANVIER_NUM_THREADS; then the smaller of
// affinity mask and cgroup CPU quota, the quota rounded up.
//
// Throws  std::invalid_argument if argument or RANVIER_NUM_THREADS is not a
//         whole number from 1 to 4096 (argument 0 means: by the other rules;
//         an empty variable counts as not set).
RANVIER_API ThreadCount
DecideThreadCount(int argument, const std::filesystem::path& root = "/");

// Processors that the quota of this process's control group lasts for, in the
// file trees of cgroup v2 and v1; nothing where there is no limit. The smallest
// of the group and its ancestors counts. `root` stands for "/", as above.
std::optional<double> CgroupCpuQuota(const std::filesystem::path& root = "/");

}  // namespace ranvier
