#include "ranvier/cli/import_options.h"

#include <cmath>
#include <filesystem>
#include <stdexcept>

#include "ranvier/cli/problems.h"
#include "ranvier/cli/units.h"

namespace ranvier::cli {

void ImportFlags::AddTo(CLI::App& app) {
  app.add_option("--format", format);
  app.add_option("--neurons", options.neurons_path);
  app.add_option("--pre-column", options.pre_column);
  app.add_option("--post-column", options.post_column);
  app.add_option("--weight-column", options.weight_column);
  app.add_option("--transmitter-column", options.transmitter_column);
  app.add_option("--where", where);
  app.add_flag("--ids-are-indices", options.ids_are_indices);
  app.add_option("--neuron-count", options.neuron_count);
  app.add_option("--min-weight", options.min_weight);
  app.add_option("--delay", delay);
}

void ImportFlags::Check(Problems& problems) {
  try {
    options.format = ParseConnectomeFormat(format);
  } catch (const std::invalid_argument& error) {
    problems.Usage("--format", error.what());
  }
  if (!where.empty()) {
    const size_t equals = where.find('=');
    if (equals == std::string::npos || equals == 0) {
      problems.Usage("--where", "'" + where + "' is not COLUMN=VALUE");
    } else {
      options.filter_column = where.substr(0, equals);
      options.filter_value = where.substr(equals + 1);
    }
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
