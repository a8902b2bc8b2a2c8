#include "core/paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "core/output_file.h"

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

Status write_file_atomically(const std::string& path, std::string_view bytes) {
  const fs::path folder = fs::path(path).parent_path();
  std::error_code failed;
  if (!folder.empty()) fs::create_directories(folder, failed);
  if (failed) return errno_error(folder.string(), failed.value());
  ARROW_ASSIGN_OR_RAISE(OutputFile file, OutputFile::create(path));
  ARROW_RETURN_NOT_OK(file.write(bytes));
  return file.keep();
}

}  // namespace tapemill
