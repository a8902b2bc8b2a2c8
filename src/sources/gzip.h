#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/status.h"

namespace tapemill::sources {

/// A file's content in order, inflated where the bytes are gzip, bzip2, xz, zstd or a zip archive of one file (told by its
/// first bytes, never by the name).
class Bytes {
 public:
  virtual ~Bytes() = default;
  /// Up to `size` bytes; 0 at the end. Compressed data that ends early, fails its checksum or is followed by other bytes is
  /// a data error that names the byte of the file as received. What was read before such an error must not be kept.
  virtual Result<std::size_t> read(char* out, std::size_t size) = 0;
  virtual std::int64_t bytes_read() const = 0;  // of the file as received
};

/// Whether `path` may be opened: a pipe or device is told before that, for opening one may wait for ever.
/// Errors: missing, a folder, a pipe, socket or device (usage), no permission (environment).
Status readable_file(const std::string& path);

/// Errors: those of readable_file(), unreadable (environment).
Result<std::unique_ptr<Bytes>> open_bytes(const std::string& path);

/// Text that lies in memory.
std::unique_ptr<Bytes> bytes_of(std::string text);

/// A single gzip member without name or time: equal input gives equal bytes. Level 1 (fast) to 9 (small).
Result<std::string> gzip_compress(std::string_view bytes, int level = 6);

}  // namespace tapemill::sources
