#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace ranvier::cli {

struct MemoryLimit {
  size_t bytes = 0;
  std::string reason;  // "free memory of this machine", "cgroup limit"
};

// What a process may still take before it swaps or is killed: the smaller of
// MemAvailable and what the cgroups (version 1 or 2, and those above) leave.
// Nothing where the system does not say. `root` stands before /proc and /sys,
// for tests.
std::optional<MemoryLimit> AvailableMemory(const std::string& root = "");

// Free bytes on the file system that holds `path` or will hold it.
std::optional<size_t> FreeDisk(const std::string& path);

// Why no file can be created in the folder `path`, which need not exist yet;
// empty if one can. Creates nothing.
std::string WhyNotWritable(const std::string& path);

}  // namespace ranvier::cli
