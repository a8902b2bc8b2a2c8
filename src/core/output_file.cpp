#include "core/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace fs = std::filesystem;
namespace tapemill {
namespace {

bool is_table(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_directory(folder / "_delta_log", ignored);
}

bool is_lake(const fs::path& folder) {
  std::error_code ignored;
  for (const char* layer : {"bronze", "landing"})
    for (const auto& one : fs::directory_iterator(folder / layer, ignored))
      if (is_table(one.path())) return true;
  return false;
}

/// The lake or table of one that a file would lie in; empty: none.
std::string lake_around(const std::string& path) {
  std::error_code ignored;
  std::string found;
  for (fs::path folder = fs::weakly_canonical(path, ignored).parent_path(); folder.has_relative_path();
       folder = folder.parent_path())
    if (is_table(folder) || is_lake(folder)) found = folder.string();
  return found;
}

Status problem(const std::string& path, int reason) {
  const char* hint = reason == ENOSPC || reason == EDQUOT ? "free some space, or name another folder"
                     : reason == EACCES || reason == EPERM || reason == EROFS ? "name a folder that you may write to"
                                                                              : "";
  return errno_error(path, reason, hint);
}

Status sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return problem(folder.string(), errno);
  const int failed = ::fsync(fd), reason = errno;
  ::close(fd);
  return failed == 0 ? Status::OK() : problem(folder.string(), reason);
}

}  // namespace

Status check_output(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return usage_error(path + ": is a folder, not a file", "name a file in it");
  const std::string folder = fs::path(path).parent_path().string();
  if (!folder.empty() && !fs::is_directory(folder, ignored)) {
    if (fs::exists(folder, ignored)) return usage_error(fmt::format("{}: {} is a file, not a folder", path, folder));
    return usage_error(fmt::format("{}: no such folder: {}", path, folder),
                       fmt::format("make it (mkdir -p {}), or name a file in one that is there", folder));
  }
  if (const std::string lake = lake_around(path); !lake.empty())
    return usage_error(fmt::format("{}: lies in the lake {}, whose files are its own", path, lake),
                       "name a file outside of it");
  return Status::OK();
}

OutputFile::OutputFile(std::string named, std::string target, std::string temporary, int fd)
    : named_(std::move(named)), target_(std::move(target)), temporary_(std::move(temporary)), fd_(fd) {}
OutputFile::OutputFile(OutputFile&& other) noexcept
    : OutputFile(std::move(other.named_), std::move(other.target_), std::move(other.temporary_), other.fd_) {
  other.fd_ = -1;
  other.temporary_.clear();
}
OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<OutputFile> OutputFile::create(const std::string& path) {
  std::error_code ignored;
  const std::string target = fs::is_symlink(path, ignored) ? fs::weakly_canonical(path, ignored).string() : path;
  std::string temporary = fmt::format("{}.{}.tmp", target, ::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return problem(path, errno);
  OutputFile made(path, target, std::move(temporary), fd);
  struct stat before{};
  if (::stat(target.c_str(), &before) == 0 && ::fchmod(fd, before.st_mode & 07777) != 0) return problem(path, errno);
  return made;
}

Status OutputFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return problem(named_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return Status::OK();
}

Status OutputFile::keep() {
  if (::fsync(fd_) != 0) return problem(named_, errno);
  ::close(fd_);
  fd_ = -1;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) return problem(named_, errno);
  temporary_.clear();
  return sync_folder(fs::path(target_).parent_path());
}

}  // namespace tapemill
