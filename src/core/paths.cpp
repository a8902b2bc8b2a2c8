#include "core/paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;
namespace tapemill {

const std::string& share_folder() {
  static const std::string folder = [] {
    if (const char* given = std::getenv("TAPEMILL_SHARE")) return std::string(given);
    std::error_code ignored;
    fs::path beside = fs::read_symlink("/proc/self/exe", ignored).parent_path().parent_path() / "share" / "tapemill";
    if (fs::is_directory(beside / "datasets", ignored)) return beside.string();
    return std::string(TAPEMILL_SOURCE_DIR);
  }();
  return folder;
}

Result<std::string> read_file(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return usage_error(path + ": no such file");
    return errno_error(path, errno);
  }
  struct stat info{};
  if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    ::close(fd);
    return usage_error(path + ": is a folder, not a file");
  }
  std::string bytes;
  bytes.reserve(static_cast<std::size_t>(info.st_size));
  char block[1 << 16];
  for (;;) {
    ssize_t n = ::read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      int reason = errno;
      ::close(fd);
      return errno_error(path, reason);
    }
    if (n == 0) break;
    bytes.append(block, static_cast<std::size_t>(n));
  }
  ::close(fd);
  return bytes;
}

namespace {
Status sync_folder(const fs::path& folder) {
  int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno_error(folder.string(), errno);
  int failed = ::fsync(fd);
  int reason = errno;
  ::close(fd);
  return failed == 0 ? Status::OK() : errno_error(folder.string(), reason);
}
}  // namespace

Status write_file_atomically(const std::string& path, std::string_view bytes) {
  fs::path target(path);
  std::error_code failed;
  if (target.has_parent_path()) fs::create_directories(target.parent_path(), failed);
  if (failed) return errno_error(target.parent_path().string(), failed.value());
  std::string temporary = path + "." + std::to_string(::getpid()) + ".tmp";
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return errno_error(temporary, errno);
  Status status;
  while (!bytes.empty() && status.ok()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) status = errno_error(temporary, errno);
    else bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (status.ok() && ::fsync(fd) != 0) status = errno_error(temporary, errno);
  ::close(fd);
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) status = errno_error(path, errno);
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return sync_folder(target.parent_path());
}

}  // namespace tapemill
