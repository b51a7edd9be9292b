#include "ranvier/io/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include <zlib.h>

#include "ranvier/simd/base/error.h"

namespace ranvier {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 18;

std::string Reason(int error) { return std::generic_category().message(error); }

const char* Remedy(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "create the folder first or choose another path";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder that you may write to";
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "free some space or choose another disk; a path that ends in .gz "
             "is compressed";
    case EISDIR:
      return "give the name of a file inside it";
    case ENAMETOOLONG:
      return "choose a shorter name";
    default:
      return "check the disk and the path";
  }
}

[[noreturn]] void Fail(const std::string& path, const char* call, int error) {
  throw IoError(path + ": cannot write (" + call + ": " + Reason(error) +
                "); " + Remedy(error));
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() &&
         text.substr(text.size() - end.size()) == end;
}

}  // namespace

struct OutputFile::Impl {
  std::string path;
  std::string temporary;  // empty: path is a device or a pipe, written directly
  int fd = -1;
  bool gzip = false;
  bool failed = false;
  z_stream deflate_state = {};
  bool deflating = false;
  uint64_t written = 0;
  std::vector<unsigned char> pending;     // not yet written or compressed
  std::vector<unsigned char> compressed;  // of one deflate call

  ~Impl() {
    if (deflating) deflateEnd(&deflate_state);
    if (fd >= 0) close(fd);
    if (!temporary.empty()) unlink(temporary.c_str());
  }

  // After a failure the file is worthless: no later call may commit it.
  [[noreturn]] void FailHere(const char* call, int error) {
    failed = true;
    throw IoError(path + ": cannot write at byte " + std::to_string(written) +
                  " (" + call + ": " + Reason(error) + "); " + Remedy(error));
  }

  void Open() {
    struct stat status = {};
    if (stat(path.c_str(), &status) == 0) {
      if (S_ISDIR(status.st_mode)) Fail(path, "open", EISDIR);
      if (!S_ISREG(status.st_mode)) {  // /dev/null, a pipe: no renaming there
        fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
        if (fd < 0) Fail(path, "open", errno);
        return;
      }
    }
    const std::string name = std::filesystem::path(path).filename().string();
    if (name.empty() || name == "." || name == "..") {
      Fail(path, "open", path.empty() ? ENOENT : EISDIR);
    }
    // Beside the final name, since rename does not cross file systems. O_EXCL
    // with a number of our own instead of mkstemp: the umask decides the mode.
    static std::atomic<unsigned> counter{0};
    for (int attempt = 0; attempt < 100 && fd < 0; ++attempt) {
      temporary = path + "." + std::to_string(getpid()) + "-" +
                  std::to_string(counter.fetch_add(1)) + ".tmp";
      fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                0666);
      if (fd < 0 && errno != EEXIST) break;
    }
    if (fd < 0) {
      const int error = errno;
      temporary.clear();
      Fail(path, "open", error);
    }
  }

  void StartGzip() {
    // 16 + 15: gzip header, largest window. Level 6 is zlib's own choice.
    if (deflateInit2(&deflate_state, 6, Z_DEFLATED, 16 + 15, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      FailHere("deflateInit2", ENOMEM);
    }
    deflating = true;
    compressed.resize(kBufferBytes);
  }

  void WriteAll(const unsigned char* data, size_t size) {
    while (size != 0) {
      const ssize_t n = ::write(fd, data, size);
      if (n < 0) {
        if (errno == EINTR) continue;
        FailHere("write", errno);
      }
      data += n;
      size -= static_cast<size_t>(n);
      written += static_cast<uint64_t>(n);
    }
  }

  void Deflate(const unsigned char* data, size_t size, bool finish) {
    do {
      const size_t part =
          std::min<size_t>(size, std::numeric_limits<uInt>::max() / 2);
      deflate_state.next_in = const_cast<unsigned char*>(data);
      deflate_state.avail_in = static_cast<uInt>(part);
      data += part;
      size -= part;
      const int flush = finish && size == 0 ? Z_FINISH : Z_NO_FLUSH;
      do {
        deflate_state.next_out = compressed.data();
        deflate_state.avail_out = static_cast<uInt>(compressed.size());
        if (deflate(&deflate_state, flush) == Z_STREAM_ERROR) {
          FailHere("deflate", EINVAL);
        }
        WriteAll(compressed.data(),
                 compressed.size() - deflate_state.avail_out);
      } while (deflate_state.avail_out == 0);
    } while (size != 0);
  }

  void Emit(const unsigned char* data, size_t size) {
    if (gzip) {
      Deflate(data, size, /*finish=*/false);
    } else {
      WriteAll(data, size);
    }
  }

  void Add(const unsigned char* data, size_t size) {
    if (size == 0) return;
    if (pending.size() + size > kBufferBytes) {
      Emit(pending.data(), pending.size());
      pending.clear();
    }
    if (size >= kBufferBytes) {
      Emit(data, size);
    } else {
      pending.insert(pending.end(), data, data + size);
    }
  }

  void SyncFolder() {
    const std::string folder =
        std::filesystem::path(path).parent_path().string();
    const int folder_fd = open(folder.empty() ? "." : folder.c_str(),
                               O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) return;  // writable but not readable: nothing to sync
    const int result = fsync(folder_fd);
    const int error = errno;
    close(folder_fd);
    // Some file systems cannot sync a folder and say EINVAL.
    if (result != 0 && error != EINVAL) FailHere("fsync of folder", error);
  }

  void Commit() {
    Emit(pending.data(), pending.size());
    pending.clear();
    if (gzip) Deflate(nullptr, 0, /*finish=*/true);
    if (!temporary.empty() && fsync(fd) != 0) FailHere("fsync", errno);
    const int result = close(fd);
    fd = -1;
    if (result != 0) FailHere("close", errno);
    if (temporary.empty()) return;
    if (rename(temporary.c_str(), path.c_str()) != 0) FailHere("rename", errno);
    temporary.clear();
    SyncFolder();
  }
};

OutputFile::OutputFile(const std::string& path)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->gzip = EndsWith(path, ".gz");
  impl_->pending.reserve(kBufferBytes);
  impl_->Open();
  if (impl_->gzip) impl_->StartGzip();
}

OutputFile::~OutputFile() = default;
OutputFile::OutputFile(OutputFile&&) noexcept = default;
OutputFile& OutputFile::operator=(OutputFile&&) noexcept = default;

void OutputFile::Write(std::string_view text) {
  Write(std::as_bytes(std::span(text)));
}

void OutputFile::Write(std::span<const std::byte> bytes) {
  if (impl_->fd < 0 || impl_->failed) impl_->FailHere("write", EBADF);
  impl_->Add(reinterpret_cast<const unsigned char*>(bytes.data()),
             bytes.size());
}

void OutputFile::Commit() {
  if (impl_->fd < 0 || impl_->failed) impl_->FailHere("commit", EBADF);
  impl_->Commit();
}

const std::string& OutputFile::path() const { return impl_->path; }

void CheckWritable(const std::string& path) { OutputFile file(path); }

}  // namespace ranvier
