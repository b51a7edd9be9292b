#include "ranvier/io/byte_source.h"

#include <algorithm>
#include <cstring>

#include "ranvier/io/io_fail.h"

namespace ranvier::io {
namespace {

constexpr uint64_t kAlwaysAllowed = uint64_t{64} << 20;
constexpr uint64_t kMaxRatio = 128;
constexpr size_t kMaxPart = size_t{1} << 30;  // zlib counts in 32 bits

}  // namespace

ByteSource::ByteSource(const std::string& path) : file_(path) {
  if (file_.size() == 0) {
    Fail(path, AtByte(0), "the file is empty",
         "check that writing or copying it has finished");
  }
  gzip_ =
      file_.size() >= 2 && file_.data()[0] == 0x1F && file_.data()[1] == 0x8B;
  if (!gzip_) return;
  // 16 + 15: gzip header and checksum, largest window.
  if (inflateInit2(&stream_, 16 + 15) != Z_OK) {
    Fail(path, AtByte(0), "zlib has no memory to unpack it", "free some");
  }
  inflating_ = true;
}

ByteSource::~ByteSource() {
  if (inflating_) inflateEnd(&stream_);
}

double ByteSource::consumed_share() const {
  return static_cast<double>(consumed_) / static_cast<double>(file_.size());
}

uint64_t ByteSource::max_size() const {
  if (!gzip_) return file_.size();
  return std::max(kAlwaysAllowed, kMaxRatio * uint64_t{file_.size()});
}

size_t ByteSource::Read(void* out, size_t size) {
  auto* bytes = static_cast<unsigned char*>(out);
  size_t filled = 0;
  if (gzip_) {
    while (filled < size && !finished_) Inflate(bytes, size, &filled);
  } else {
    filled = std::min(size, file_.size() - consumed_);
    if (filled != 0) std::memcpy(bytes, file_.data() + consumed_, filled);
    consumed_ += filled;
    offset_ += filled;
  }
  return filled;
}

void ByteSource::Inflate(unsigned char* out, size_t size, size_t* filled) {
  const size_t in = std::min(file_.size() - consumed_, kMaxPart);
  const size_t room = std::min(size - *filled, kMaxPart);
  stream_.next_in = const_cast<unsigned char*>(file_.data()) + consumed_;
  stream_.avail_in = static_cast<uInt>(in);
  stream_.next_out = out + *filled;
  stream_.avail_out = static_cast<uInt>(room);
  const int result = inflate(&stream_, Z_NO_FLUSH);
  consumed_ += in - stream_.avail_in;
  const size_t made = room - stream_.avail_out;
  *filled += made;
  offset_ += made;
  if (offset_ > max_size()) {
    Fail(path(), AtByte(consumed_),
         "unpacks to more than " + std::to_string(max_size()) +
             " bytes, which no connectome does: it looks like a gzip bomb",
         "if you trust it, unpack it with gunzip and read the plain file");
  }
  switch (result) {
    case Z_OK:
      return;
    case Z_STREAM_END:
      NextMember();
      return;
    case Z_BUF_ERROR:  // wants input and there is none
      Fail(path(), AtByte(consumed_), "the gzip stream is cut short",
           "copy or download the file again (gzip -t tests it)");
    case Z_MEM_ERROR:
      Fail(path(), AtByte(consumed_), "zlib has no memory to unpack it",
           "free some");
    default:
      Fail(path(), AtByte(consumed_),
           std::string("the gzip stream is damaged (") +
               (stream_.msg != nullptr ? stream_.msg : "zlib error") + ")",
           "copy or download the file again (gzip -t tests it)");
  }
}

// After a member: another one, zero padding (as tape blocks have), or the end.
void ByteSource::NextMember() {
  const unsigned char* rest = file_.data() + consumed_;
  const size_t left = file_.size() - consumed_;
  if (std::all_of(rest, rest + left, [](unsigned char c) { return c == 0; })) {
    consumed_ = file_.size();
    finished_ = true;
    return;
  }
  if (left < 2 || rest[0] != 0x1F || rest[1] != 0x8B) {
    Fail(path(), AtByte(consumed_),
         std::to_string(left) + " bytes that are not gzip follow the data",
         "copy or download the file again");
  }
  inflateReset(&stream_);
}

}  // namespace ranvier::io
