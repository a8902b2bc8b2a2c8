#include "lake/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

namespace tapemill::lake {
namespace {

std::atomic<unsigned> temporary_count{0};

struct Descriptor {  // closes at the end of a scope
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

std::string parent_of(const std::string& path) {
  auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<PendingFile> PendingFile::create(const std::string& folder, bool nameless) {
  int fd = nameless ? ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0644) : -1;
  if (fd >= 0) return PendingFile(fd, folder, {});
  if (nameless && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
    return errno_error("cannot write in " + folder, errno);
  std::string path = fmt::format("{}/.tapemill-{}-{}.tmp", folder, ::getpid(), temporary_count++);
  fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
  if (fd < 0) return errno_error("cannot write in " + folder, errno);
  return PendingFile(fd, folder, path);
}

PendingFile::PendingFile(PendingFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), folder_(std::move(other.folder_)), temporary_(std::move(other.temporary_)) {
  other.temporary_.clear();
}

PendingFile& PendingFile::operator=(PendingFile&& other) noexcept {
  if (this != &other) {
    discard();
    fd_ = std::exchange(other.fd_, -1);
    folder_ = std::move(other.folder_);
    temporary_ = std::move(other.temporary_);
    other.temporary_.clear();
  }
  return *this;
}

PendingFile::~PendingFile() { discard(); }

void PendingFile::discard() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

Status PendingFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("cannot write in " + folder_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return Status::OK();
}

void PendingFile::start_sync() const { ARROW_UNUSED(::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE)); }

Result<bool> PendingFile::publish(const std::string& name) {
  if (::fsync(fd_) != 0) return errno_error("cannot write " + folder_ + "/" + name, errno);
  const std::string target = folder_ + "/" + name;
  int failed;
  if (!temporary_.empty()) {
    failed = ::link(temporary_.c_str(), target.c_str());
  } else {
    const std::string self = fmt::format("/proc/self/fd/{}", fd_);
    failed = ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW);
  }
  if (failed == 0) return true;
  if (errno == EEXIST) return false;
  return errno_error("cannot write " + target, errno);
}

Status sync_folder(const std::string& path) {
  Descriptor folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.fd < 0) return errno_error("cannot open " + path, errno);
  if (::fsync(folder.fd) != 0 && errno != EINVAL) return errno_error("cannot sync " + path, errno);
  return Status::OK();
}

Status make_folders(const std::string& path, bool synced) {
  if (path.empty() || folder_exists(path)) return Status::OK();
  const std::string parent = parent_of(path);
  ARROW_RETURN_NOT_OK(make_folders(parent, synced));
  if (::mkdir(path.c_str(), 0755) != 0) {
    if (errno == EEXIST && folder_exists(path)) return Status::OK();
    return errno_error("cannot make the folder " + path, errno);
  }
  return synced ? sync_folder(parent) : Status::OK();
}

Result<std::string> read_whole(const std::string& path) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return errno_error("cannot read " + path, errno);
  struct stat info{};
  if (::fstat(file.fd, &info) != 0) return errno_error("cannot read " + path, errno);
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    ssize_t n = ::pread(file.fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("cannot read " + path, errno);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  text.resize(done);
  return text;
}

bool file_exists(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool folder_exists(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<std::vector<std::string>> list_folder(const std::string& path) {
  std::vector<std::string> names;
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return names;
    return errno_error("cannot list " + path, errno);
  }
  while (const dirent* entry = ::readdir(folder)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  ::closedir(folder);
  std::sort(names.begin(), names.end());
  return names;
}

Result<bool> equal_files(const std::string& a, int fd_b) {
  Descriptor file{::open(a.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return errno_error("cannot read " + a, errno);
  std::string one(1 << 16, '\0'), two(1 << 16, '\0');
  for (off_t at = 0;;) {
    ssize_t n = ::pread(file.fd, one.data(), one.size(), at);
    ssize_t m = ::pread(fd_b, two.data(), two.size(), at);
    if (n < 0 || m < 0) return errno_error("cannot read " + a, errno);
    if (n != m || !std::equal(one.begin(), one.begin() + n, two.begin())) return false;
    if (n == 0) return true;
    at += n;
  }
}

}  // namespace tapemill::lake
