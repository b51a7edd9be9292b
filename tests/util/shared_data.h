#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>

namespace ranvier::test {

// A file or folder of the shared test data, which is not in the repository:
// RANVIER_SHARED_DATA, else shared/data beside the project's root. Nothing
// where it is absent; the test then skips and says so.
inline std::optional<std::filesystem::path> SharedData(
    std::string_view relative) {
  const char* env = std::getenv("RANVIER_SHARED_DATA");
  const std::filesystem::path base =
      env != nullptr ? std::filesystem::path(env)
                     : std::filesystem::path(RANVIER_SOURCE_DIR) / ".." /
                           "shared" / "data";
  std::filesystem::path path = base / relative;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

}  // namespace ranvier::test
