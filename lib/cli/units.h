#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ranvier::cli {

// A whole number or a decimal, all of `text`; nothing for anything else, also
// for what does not fit. "inf" and "nan" are nothing.
std::optional<int64_t> ParseInteger(std::string_view text);
std::optional<double> ParseDecimal(std::string_view text);

// "1500", "1500ms", "1.5s", "250us", "2min" in ms; a bare number is ms. The
// sign is kept: whether a negative time makes sense is the caller's business.
std::optional<double> ParseDurationMs(std::string_view text);

std::string FormatBytes(double bytes);             // "1.2 GB", powers of 1000
std::string FormatDurationMs(double duration_ms);  // "500 ms", "1.5 s"
std::string FormatSeconds(double seconds);         // "0.31 s", "2 min 5 s"
std::string Plural(uint64_t count, std::string_view noun);  // "1,234 neurons"

}  // namespace ranvier::cli
