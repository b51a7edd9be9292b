#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <zlib.h>

#include "ranvier/io/mapped_file.h"

namespace ranvier::io {

// The bytes of a file in order, unpacked where the file is gzip (one member or
// several). Memory does not depend on the size of the file.
//
// Unpacked bytes are limited to max(64 MiB, 128 times the packed size): texts
// and graphs stay far below, a gzip bomb (up to 1032 times) does not.
//
// Throws  IoError: path, byte offset in the packed file, what was found.
class ByteSource {
 public:
  explicit ByteSource(const std::string& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // Fills `out` with up to `size` bytes; fewer only at the end.
  size_t Read(void* out, size_t size);

  const std::string& path() const { return file_.path(); }
  bool gzip() const { return gzip_; }
  // Size on disk and the share of it that was read.
  size_t packed_size() const { return file_.size(); }
  double consumed_share() const;
  // Bytes handed out so far.
  uint64_t offset() const { return offset_; }
  // No honest file of this size unpacks to more: exact where it is not packed.
  uint64_t max_size() const;

 private:
  void Inflate(unsigned char* out, size_t size, size_t* filled);
  void NextMember();

  MappedFile file_;
  bool gzip_ = false;
  z_stream stream_ = {};
  bool inflating_ = false;
  bool finished_ = false;
  size_t consumed_ = 0;  // packed bytes
  uint64_t offset_ = 0;
};

}  // namespace ranvier::io
