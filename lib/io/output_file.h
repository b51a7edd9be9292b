#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ranvier/simd/base/export.h"

namespace ranvier {

// A file that appears under its final name only when it is whole: written
// beside it, synced and renamed by Commit, removed by the destructor otherwise.
// A path that ends in ".gz" is compressed.
//
// Throws  IoError with the path and the failing call.
class RANVIER_API OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(OutputFile&&) noexcept;
  OutputFile& operator=(OutputFile&&) noexcept;

  void Write(std::string_view text);
  void Write(std::span<const std::byte> bytes);
  void Commit();

  const std::string& path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Throws IoError if a file could not be created at path (missing folder, no
// permission, path is a folder); leaves nothing behind. For checks before work.
RANVIER_API void CheckWritable(const std::string& path);

}  // namespace ranvier
