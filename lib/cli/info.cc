#include <stdexcept>

#include <nlohmann/json.hpp>

#include "ranvier/cli/arguments.h"
#include "ranvier/cli/machine.h"
#include "ranvier/cli/units.h"
#include "ranvier/gpu/device.h"
#include "ranvier/parallel/cache_sizes.h"
#include "ranvier/parallel/context.h"
#include "ranvier/simd/targets.h"
#include "ranvier/version/version.h"

namespace ranvier::cli {
namespace {

// Caches come in powers of two.
std::string CacheText(size_t bytes) {
  if (bytes == 0) return "none or unknown";
  return bytes % (1 << 20) == 0 ? std::to_string(bytes >> 20) + " MiB"
                                : std::to_string(bytes >> 10) + " KiB";
}

constexpr char kBlas[] =
    "none: all kernels are ranvier's own (OpenBLAS is only a witness in "
    "benchmarks)";

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

}  // namespace

int RunInfo(const std::vector<std::string>& args, Streams streams) {
  bool as_json = false;
  Arguments arguments("info");
  arguments.app().add_flag("--json", as_json);
  if (const auto code = arguments.Parse(args, streams)) return *code;

  // What is wrong with the environment is told, and the rest is told too.
  Problems problems;
  ThreadCount threads{0, ""};
  try {
    threads = DecideThreadCount(0);
  } catch (const std::invalid_argument& e) {
    problems.Usage("RANVIER_NUM_THREADS", e.what());
  }
  const std::string target_error = simd::TargetEnvironmentError();
  if (!target_error.empty()) problems.Usage("RANVIER_TARGET", target_error);

  const CacheSizes caches = DetectCacheSizes();
  const CudaStatus cuda = QueryCuda();
  const auto memory = AvailableMemory();
  if (as_json) {
    nlohmann::json devices = nlohmann::json::array();
    for (const CudaDevice& device : cuda.devices) {
      devices.push_back(
          {{"name", device.name},
           {"memory_bytes", device.memory_bytes},
           {"compute_capability", std::to_string(device.compute_major) + "." +
                                      std::to_string(device.compute_minor)}});
    }
    nlohmann::json json = {
        {"version", Version()},
        {"commit", Commit()},
        {"targets",
         {{"compiled", simd::CompiledTargets()},
          {"supported", simd::SupportedTargets()},
          {"current", simd::CurrentTarget()}}},
        {"threads", threads.threads},
        {"threads_reason", threads.reason},
        {"cache_bytes",
         {{"l1d", caches.l1d_bytes},
          {"l2", caches.l2_bytes},
          {"l3", caches.l3_bytes}}},
        {"blas", "none"},
        {"cuda",
         {{"compiled", cuda.compiled},
          {"devices", devices},
          {"detail", cuda.detail}}},
    };
    if (memory) json["memory_available_bytes"] = memory->bytes;
    streams.out << json.dump(2, ' ', false,
                             nlohmann::json::error_handler_t::replace)
                << "\n";
  } else {
    const auto bytes = [](size_t n) {
      return FormatBytes(static_cast<double>(n));
    };
    std::ostream& out = streams.out;
    out << "ranvier   " << Version() << " (" << Commit() << ")\n"
        << "targets   in use: " << simd::CurrentTarget() << "\n"
        << "          this machine runs: " << Join(simd::SupportedTargets())
        << "\n"
        << "          compiled: " << Join(simd::CompiledTargets()) << "\n";
    if (threads.threads > 0) {
      out << "threads   " << threads.threads << " (" << threads.reason << ")\n";
    }
    out << "caches    L1d " << CacheText(caches.l1d_bytes) << ", L2 "
        << CacheText(caches.l2_bytes) << ", L3 " << CacheText(caches.l3_bytes)
        << "\n";
    if (memory) {
      out << "memory    " << bytes(memory->bytes) << " available ("
          << memory->reason << ")\n";
    }
    out << "BLAS      " << kBlas << "\n";
    if (cuda.devices.empty()) {
      out << "GPU       none: " << cuda.detail << "\n";
    }
    for (const CudaDevice& device : cuda.devices) {
      out << "GPU       " << device.name << ", " << bytes(device.memory_bytes)
          << ", compute capability " << device.compute_major << "."
          << device.compute_minor << "\n";
    }
  }
  if (problems.empty()) return kExitOk;
  streams.err << problems.Text("info");
  return problems.exit_code();
}

}  // namespace ranvier::cli
