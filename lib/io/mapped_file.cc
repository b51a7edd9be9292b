#include "ranvier/io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "ranvier/io/io_fail.h"

namespace ranvier::io {
namespace {

std::string Reason(int error) { return std::generic_category().message(error); }

}  // namespace

MappedFile::MappedFile(const std::string& path, Pages pages) : path_(path) {
  // O_NONBLOCK: opening a pipe that nobody writes to must not hang.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    const int error = errno;
    const char* remedy = "check the path";
    if (error == ENOENT || error == ENOTDIR) {
      remedy = "check the spelling and the folder";
    } else if (error == EACCES || error == EPERM) {
      remedy = "ask for the right to read it";
    }
    Fail(path, "open", Reason(error), remedy);
  }
  struct stat status = {};
  const int result = fstat(fd, &status);
  const int error = errno;
  if (result != 0 || !S_ISREG(status.st_mode)) {
    close(fd);
    if (result != 0) Fail(path, "stat", Reason(error), "check the disk");
    Fail(path, "open",
         S_ISDIR(status.st_mode) ? "is a folder" : "is not a regular file",
         S_ISDIR(status.st_mode) ? "name the file inside it"
                                 : "copy its content to a file first");
  }
  size_ = static_cast<size_t>(status.st_size);
  if (size_ != 0) {
    const int populate = pages == Pages::kNow ? MAP_POPULATE : 0;
    void* memory =
        mmap(nullptr, size_, PROT_READ, MAP_PRIVATE | populate, fd, 0);
    if (memory == MAP_FAILED) {
      const int map_error = errno;
      close(fd);
      Fail(path, "mmap of " + std::to_string(size_) + " bytes",
           Reason(map_error), "copy the file to a local disk");
    }
    data_ = static_cast<const unsigned char*>(memory);
  }
  close(fd);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<unsigned char*>(data_), size_);
}

}  // namespace ranvier::io
