#include "ranvier/report/format.h"

#include <cmath>
#include <cstdio>
#include <string_view>

namespace ranvier::report {

std::string Number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*g", digits, value);
  const double size = std::fabs(value);
  if (size >= 1e-4 && size < 1e9 &&
      std::string_view(text).find('e') != std::string_view::npos) {
    std::snprintf(text, sizeof(text), "%.0f", value);
  }
  return text;
}

std::string Thousands(uint64_t value) {
  std::string text = std::to_string(value);
  for (size_t i = text.size(); i > 3;) {
    i -= 3;
    text.insert(i, ",");
  }
  return text;
}

std::string Compact(double value) {
  static constexpr struct {
    double scale;
    const char* suffix;
  } kScales[] = {{1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}};
  for (const auto& [scale, suffix] : kScales) {
    // 999,950 rounds up to "1 M", not to "1000 k".
    if (std::fabs(value) >= scale * 0.9995) {
      return Number(value / scale, 3) + suffix;
    }
  }
  return Number(value, 3);
}

std::string Duration(double seconds) {
  if (seconds < 0.9995e-3) return Number(seconds * 1e6, 3) + " us";
  if (seconds < 0.9995) return Number(seconds * 1e3, 3) + " ms";
  return Number(seconds, 3) + " s";
}

}  // namespace ranvier::report
