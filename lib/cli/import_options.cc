#include "ranvier/cli/import_options.h"

#include <cmath>
#include <filesystem>
#include <iterator>

#include "ranvier/cli/problems.h"
#include "ranvier/cli/units.h"

namespace ranvier::cli {
namespace {

constexpr struct {
  const char* name;
  ConnectomeFormat format;
} kFormats[] = {
    {"auto", ConnectomeFormat::kAuto},
    {"rvc", ConnectomeFormat::kRanvier},
    {"conn1", ConnectomeFormat::kConn1},
    {"flyw", ConnectomeFormat::kFlyw},
    {"codex", ConnectomeFormat::kCodexCsv},
    {"shiu", ConnectomeFormat::kShiuCsv},
    {"csv", ConnectomeFormat::kEdgeCsv},
};

}  // namespace

void ImportFlags::AddTo(CLI::App& app) {
  app.add_option("--format", format);
  app.add_option("--neurons", options.neurons_path);
  app.add_option("--pre-column", options.pre_column);
  app.add_option("--post-column", options.post_column);
  app.add_option("--weight-column", options.weight_column);
  app.add_option("--transmitter-column", options.transmitter_column);
  app.add_flag("--ids-are-indices", options.ids_are_indices);
  app.add_option("--min-weight", options.min_weight);
  app.add_option("--delay", delay);
}

void ImportFlags::Check(Problems& problems) {
  bool known = false;
  std::string names;
  for (const auto& entry : kFormats) {
    names += std::string(names.empty() ? "" : ", ") + entry.name;
    if (format != entry.name) continue;
    options.format = entry.format;
    known = true;
  }
  if (!known) {
    problems.Usage("--format",
                   "'" + format + "' is not a format; there are " + names);
  }
  if (!(options.min_weight >= 0) || !std::isfinite(options.min_weight)) {
    problems.Usage("--min-weight", "must be 0 or more");
  }
  if (!options.neurons_path.empty() &&
      !std::filesystem::exists(options.neurons_path)) {
    problems.Data("--neurons", options.neurons_path + " does not exist");
  }
  if (delay.empty()) return;
  const auto delay_ms = ParseDurationMs(delay);
  if (!delay_ms || *delay_ms < 0) {
    problems.Usage("--delay", "'" + delay +
                                  "' is not a time of 0 or more; write e.g. "
                                  "1.8ms");
  } else {
    options.delay_ms = *delay_ms;
  }
}

std::string BaseName(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

}  // namespace ranvier::cli
