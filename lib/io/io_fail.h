#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ranvier/simd/base/error.h"

namespace ranvier::io {

// All errors of the readers have one form: path: place: what was found; what
// to try.
[[noreturn]] inline void Fail(const std::string& path, const std::string& place,
                              const std::string& found,
                              const std::string& remedy) {
  throw IoError(path + ": " + place + ": " + found + "; " + remedy);
}

inline std::string AtByte(uint64_t offset) {
  return "byte " + std::to_string(offset);
}

inline std::string AtLine(uint64_t line) {
  return "line " + std::to_string(line);
}

// A piece of an untrusted file, fit to be shown on a terminal.
inline std::string Quoted(std::string_view text) {
  constexpr size_t kShown = 40;
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "'";
  for (const char c : text.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      out += c;
    } else {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out + (text.size() > kShown ? "...'" : "'");
}

}  // namespace ranvier::io
