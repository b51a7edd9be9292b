#pragma once

#include <cstdint>
#include <string>

namespace ranvier::report {

// Shortest decimal form with up to `digits` significant digits, no exponent
// between 1e-4 and 1e9: "0.25", "1200", "1.5e+10".
std::string Number(double value, int digits = 6);

// "1,234,567".
std::string Thousands(uint64_t value);

// "850", "17.3 k", "1.2 M", for axes and headline figures.
std::string Compact(double value);

// "1.21 s", "21.3 ms", "310 us": three significant digits, for tables.
std::string Duration(double seconds);

}  // namespace ranvier::report
