#pragma once

#include <cstddef>
#include <string>

namespace ranvier::io {

// A whole regular file as read-only memory, unmapped by the destructor. The
// bytes are not copied: another process that shortens the file while it is
// read breaks it, as with every mapping.
//
// Throws  IoError: missing, unreadable, or not a regular file.
class MappedFile {
 public:
  enum class Pages { kOnDemand, kNow };

  explicit MappedFile(const std::string& path, Pages pages = Pages::kOnDemand);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  size_t size() const { return size_; }
  const unsigned char* data() const { return data_; }

 private:
  std::string path_;
  const unsigned char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace ranvier::io
