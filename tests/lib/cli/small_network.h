#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace ranvier::cli {

// A folder of its own that goes away with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "ranvier-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const {
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

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

inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace ranvier::cli
