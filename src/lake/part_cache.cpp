#include "lake/part_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "lake/files.h"

namespace fs = std::filesystem;
namespace tapemill::lake {
namespace {

constexpr std::int64_t kInUse = 600;  // seconds

// atime only: who has read a copy's footer knows it by its mtime.
void touch(const std::string& path) {
  const timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  ::utimensat(AT_FDCWD, path.c_str(), times, 0);
}

}  // namespace

Result<std::string> PartCache::spool() const {
  std::string folder = folder_ + "/spool";
  ARROW_RETURN_NOT_OK(make_folders(folder, false));
  return folder;
}

Result<std::string> PartCache::file(const std::string& name, const std::function<Status(int fd)>& fill) {
  std::string path = folder_ + "/objects/" + name;
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) {
    touch(path);
    return path;
  }
  ARROW_ASSIGN_OR_RAISE(const std::string folder, spool());
  ARROW_ASSIGN_OR_RAISE(PendingFile pending, PendingFile::create(folder));
  ARROW_RETURN_NOT_OK(fill(pending.fd()));
  if (::fstat(pending.fd(), &info) != 0) return errno_error("cannot keep a copy of " + name, errno);
  const auto slash = path.find_last_of('/');
  ARROW_RETURN_NOT_OK(make_folders(path.substr(0, slash), false));
  ARROW_RETURN_NOT_OK(pending.link(path).status());  // false: another one was faster
  added(info.st_size);
  return path;
}

void PartCache::keep(const std::string& name, int fd) {
  const std::string path = folder_ + "/objects/" + name, self = fmt::format("/proc/self/fd/{}", fd);
  struct stat info{};
  if (!make_folders(path.substr(0, path.find_last_of('/')), false).ok() || ::fstat(fd, &info) != 0) return;
  if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) added(info.st_size);
}

void PartCache::added(std::int64_t bytes) {
  {
    std::lock_guard lock(mutex_);
    const bool look = since_ < 0 || since_ + bytes > most_ / 8;
    since_ = look ? 0 : since_ + bytes;
    if (!look) return;
  }
  trim();
}

void PartCache::trim() {
  struct Copy {
    std::int64_t used = 0, bytes = 0;
    std::string path;
  };
  std::vector<Copy> copies;
  std::int64_t total = 0;
  std::error_code failed;
  for (fs::recursive_directory_iterator at(folder_ + "/objects", failed), end; !failed && at != end;
       at.increment(failed)) {
    struct stat info{};
    if (::stat(at->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    copies.push_back({info.st_atim.tv_sec, info.st_size, at->path().string()});
    total += info.st_size;
  }
  std::sort(copies.begin(), copies.end(), [](const Copy& a, const Copy& b) { return a.used < b.used; });
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  for (const Copy& copy : copies) {
    if (total <= most_ || copy.used > now - kInUse) break;
    if (::unlink(copy.path.c_str()) == 0) total -= copy.bytes;
  }
}

}  // namespace tapemill::lake
