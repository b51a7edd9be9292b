#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

#include "tests/util/temp_dir.h"

namespace ranvier::cli {

// A ring of `neurons` in CONN1: each drives the next two hard enough to fire.
inline void WriteRing(const std::string& path, uint32_t neurons) {
  std::ofstream file(path, std::ios::binary);
  const auto put = [&](const auto& value) {
    file.write(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  file.write("CONN1\0\0\0", 8);
  put(neurons);
  put(2 * neurons);
  for (uint32_t i = 0; i <= neurons; ++i) put(2 * i);
  for (uint32_t i = 0; i < neurons; ++i) {
    const uint32_t a = (i + 1) % neurons, b = (i + 2) % neurons;
    put(std::min(a, b));
    put(std::max(a, b));
  }
  for (uint32_t e = 0; e < 2 * neurons; ++e) put(300.0f);
}

}  // namespace ranvier::cli
