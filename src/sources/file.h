#pragma once
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "sources/gzip.h"

namespace tapemill::sources {

inline constexpr std::size_t kInput = 256 << 10;  // bytes of a file as received that are read at once

/// A file as received, read from its begin on.
class File {
 public:
  File(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(descriptor_); }
  const std::string& path() const { return path_; }
  std::int64_t position() const { return position_; }
  int descriptor() const { return descriptor_; }

  Result<std::size_t> read(char* out, std::size_t size) {
    for (;;) {
      ssize_t got = ::read(descriptor_, out, size);
      if (got >= 0) return position_ += got, static_cast<std::size_t>(got);
      if (errno != EINTR)
        return errno_error(path_, errno, "the file could not be read to its end; nothing of it was kept");
    }
  }

 private:
  std::string path_;
  int descriptor_;
  std::int64_t position_ = 0;
};

// What open_bytes() found by a file's first bytes; `head` holds what has been read of it already.
Result<std::unique_ptr<Bytes>> open_zip(std::unique_ptr<File> file);
Result<std::unique_ptr<Bytes>> open_codec(std::unique_ptr<File> file, std::vector<char> head);  // zstd, bzip2
Result<std::unique_ptr<Bytes>> open_xz(std::unique_ptr<File> file, std::vector<char> head);

}  // namespace tapemill::sources
