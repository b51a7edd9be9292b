#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "ranvier/spiking/connectome.h"

namespace ranvier::test {

// Reads the packed graph of the full-size twin, twin783/README.md: CONNC16 in
// one zstd frame, unpacked by the zstd program.
//
// Throws  std::runtime_error.
inline Connectome ReadConnC16(const std::filesystem::path& path) {
  const std::string command = "zstd -qdc --long=27 '" + path.string() + "'";
  std::vector<unsigned char> bytes;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run zstd");
  std::vector<unsigned char> buffer(1 << 20);
  for (size_t n = 0;
       (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    bytes.insert(bytes.end(), buffer.begin(),
                 buffer.begin() + static_cast<std::ptrdiff_t>(n));
  }
  if (pclose(pipe) != 0) throw std::runtime_error(command + " failed");

  size_t at = 0;
  const auto take = [&](size_t n) {
    if (bytes.size() - at < n) throw std::runtime_error("CONNC16: too short");
    const unsigned char* p = bytes.data() + at;
    at += n;
    return p;
  };
  const auto u16 = [](const unsigned char* p) {
    return static_cast<uint32_t>(p[0] | p[1] << 8);
  };
  const auto u32 = [](const unsigned char* p) {
    uint32_t value = 0;
    std::memcpy(&value, p, sizeof(value));
    return value;
  };
  if (std::memcmp(take(8), "CONNC16", 8) != 0) {
    throw std::runtime_error("not CONNC16");
  }
  const unsigned char* header = take(16);
  const uint32_t neurons = u32(header);
  const uint32_t edges = u32(header + 4);
  const unsigned char* degree = take(2 * size_t{neurons});
  const unsigned char* negative = take((size_t{neurons} + 7) / 8);
  const unsigned char* low = take(edges);
  const unsigned char* high = take(edges);
  const unsigned char* count = take(edges);
  const unsigned char* far_gap = take(4 * size_t{u32(header + 8)});
  const unsigned char* large_count = take(2 * size_t{u32(header + 12)});

  ConnectomeParts parts;
  parts.row_ptr = {0};
  parts.col.reserve(edges);
  std::vector<int16_t> weight;
  weight.reserve(edges);
  for (uint32_t i = 0; i < neurons; ++i) {
    const bool inhibits = (negative[i / 8] >> (i % 8) & 1) != 0;
    int64_t target = -1;
    for (uint32_t d = u16(degree + 2 * size_t{i}); d > 0; --d) {
      const size_t e = weight.size();
      uint32_t gap = static_cast<uint32_t>(low[e] | high[e] << 8);
      if (gap == 65535) {
        gap = u32(far_gap);
        far_gap += 4;
      }
      uint32_t c = count[e];
      if (c == 255) {
        c = u16(large_count);
        large_count += 2;
      }
      target += int64_t{gap} + 1;
      parts.col.push_back(static_cast<uint32_t>(target));
      weight.push_back(
          static_cast<int16_t>(inhibits ? -static_cast<int>(c) : c));
    }
    parts.row_ptr.push_back(weight.size());
  }
  parts.weight = std::move(weight);
  parts.name = path.filename().string();
  parts.synthetic = true;
  return Connectome(std::move(parts));
}

}  // namespace ranvier::test
