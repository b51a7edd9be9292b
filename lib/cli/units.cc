#include "ranvier/cli/units.h"

#include <charconv>
#include <cmath>

#include "ranvier/report/format.h"

namespace ranvier::cli {

using report::Number;
using report::Thousands;

std::optional<int64_t> ParseInteger(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() ||
      text.empty()) {
    return std::nullopt;
  }
  return value;
}

std::optional<double> ParseDecimal(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() ||
      text.empty() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<double> ParseDurationMs(std::string_view text) {
  static constexpr struct {
    std::string_view suffix;
    double ms;
  } kUnits[] = {{"ms", 1}, {"us", 1e-3}, {"min", 60e3}, {"s", 1e3}};
  double scale = 1;
  for (const auto& [suffix, ms] : kUnits) {
    if (!text.ends_with(suffix)) continue;
    text.remove_suffix(suffix.size());
    while (text.ends_with(' ')) text.remove_suffix(1);
    scale = ms;
    break;
  }
  const std::optional<double> value = ParseDecimal(text);
  if (!value || !std::isfinite(*value * scale)) return std::nullopt;
  return *value * scale;
}

std::string FormatBytes(double bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < std::size(kUnits)) {
    bytes /= 1000;
    ++unit;
  }
  return Number(bytes, 3) + " " + kUnits[unit];
}

std::string FormatDurationMs(double duration_ms) {
  return duration_ms >= 1000 ? Number(duration_ms / 1000) + " s"
                             : Number(duration_ms) + " ms";
}

std::string FormatSeconds(double seconds) {
  if (seconds < 1e-3) return Number(seconds * 1e6, 2) + " us";
  if (seconds < 0.1) return Number(seconds * 1e3, 2) + " ms";
  if (seconds < 1) return Number(seconds, 2) + " s";
  if (seconds < 100) return Number(seconds, 3) + " s";
  const uint64_t whole = static_cast<uint64_t>(std::llround(seconds));
  if (whole < 3600) {
    return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) +
           " s";
  }
  return std::to_string(whole / 3600) + " h " +
         std::to_string(whole % 3600 / 60) + " min";
}

std::string Plural(uint64_t count, std::string_view noun) {
  return Thousands(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace ranvier::cli
