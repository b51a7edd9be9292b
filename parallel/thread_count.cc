#include "ranvier/parallel/thread_count.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace ranvier {
namespace {

constexpr int kMaxThreads = 4096;

int AffinityCount() {
  // Large enough for any machine; a smaller set makes the call fail.
  constexpr int kProcessors = 8192;
  cpu_set_t* set = CPU_ALLOC(kProcessors);
  int count = 0;
  if (set != nullptr) {
    const size_t size = CPU_ALLOC_SIZE(kProcessors);
    if (sched_getaffinity(0, size, set) == 0) count = CPU_COUNT_S(size, set);
    CPU_FREE(set);
  }
  if (count > 0) return count;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::optional<double> ReadNumber(std::istream& in) {
  double value = 0;
  if (in >> value && std::isfinite(value)) return value;
  return std::nullopt;
}

// "max 100000" or "150000 100000".
std::optional<double> QuotaV2(const std::filesystem::path& group) {
  std::ifstream file(group / "cpu.max");
  const std::optional<double> quota = ReadNumber(file);  // fails on "max"
  if (!quota) return std::nullopt;
  const double period = ReadNumber(file).value_or(100'000);
  if (*quota <= 0 || period <= 0) return std::nullopt;
  return *quota / period;
}

std::optional<double> QuotaV1(const std::filesystem::path& group) {
  std::ifstream quota_file(group / "cpu.cfs_quota_us");
  std::ifstream period_file(group / "cpu.cfs_period_us");
  const std::optional<double> quota = ReadNumber(quota_file);
  const std::optional<double> period = ReadNumber(period_file);
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

void TakeSmaller(std::optional<double>& smallest, std::optional<double> value) {
  if (value && (!smallest || *value < *smallest)) smallest = value;
}

// From the group up to the top of its tree. In a container the path of
// /proc/self/cgroup may lie outside what is mounted; the top is then all there
// is, and it is the container's own group.
template <typename Quota>
void WalkUp(const std::filesystem::path& mount, std::string_view group,
            Quota quota, std::optional<double>& smallest) {
  std::filesystem::path path =
      std::filesystem::path(group).lexically_normal().relative_path();
  while (true) {
    TakeSmaller(smallest, quota(mount / path));
    if (path.empty()) return;
    path = path.parent_path();
  }
}

}  // namespace

std::optional<double> CgroupCpuQuota(const std::filesystem::path& root) {
  const std::filesystem::path mounts = root / "sys" / "fs" / "cgroup";
  std::optional<double> smallest;
  std::ifstream file(root / "proc" / "self" / "cgroup");
  std::string line;
  // Lines are "0::/group" (v2) or "4:cpu,cpuacct:/group" (v1).
  while (std::getline(file, line)) {
    const size_t first = line.find(':');
    const size_t second =
        first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      WalkUp(mounts, group, QuotaV2, smallest);
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      WalkUp(mounts / controllers, group, QuotaV1, smallest);
      WalkUp(mounts / "cpu", group, QuotaV1, smallest);
    }
  }
  return smallest;
}

ThreadCount DecideThreadCount(int argument, const std::filesystem::path& root) {
  if (argument < 0 || argument > kMaxThreads) {
    throw std::invalid_argument(
        "threads is " + std::to_string(argument) + "; it must be from 1 to " +
        std::to_string(kMaxThreads) + ", or 0 to let the machine decide");
  }
  if (argument > 0) return {argument, "argument"};

  if (const char* text = std::getenv("RANVIER_NUM_THREADS");
      text != nullptr && *text != '\0') {
    const std::string_view view(text);
    int value = 0;
    const auto [end, error] =
        std::from_chars(view.data(), view.data() + view.size(), value);
    if (error != std::errc() || end != view.data() + view.size() || value < 1 ||
        value > kMaxThreads) {
      throw std::invalid_argument("RANVIER_NUM_THREADS is \"" +
                                  std::string(view) +
                                  "\"; it must be a whole number from 1 to " +
                                  std::to_string(kMaxThreads));
    }
    return {value, "RANVIER_NUM_THREADS"};
  }

  const int affinity = AffinityCount();
  if (const std::optional<double> quota = CgroupCpuQuota(root)) {
    const int rounded_up =
        std::max(1, static_cast<int>(std::ceil(std::min(*quota, 1e6))));
    if (rounded_up < affinity) return {rounded_up, "cgroup quota"};
  }
  return {std::min(affinity, kMaxThreads), "affinity mask"};
}

}  // namespace ranvier
