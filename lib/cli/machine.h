#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "ranvier/io/connectome_file.h"

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

// Refuses a connectome file that would not fit, before it is loaded.
// Throws  IoError: unreadable, or larger than `memory`.
void CheckMemoryFor(const std::string& path, const ImportOptions& options,
                    const std::optional<MemoryLimit>& memory);

}  // namespace ranvier::cli
