#include "lake/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "lake/link_file.h"
#include "lake/storage.h"

namespace tapemill::lake {
namespace {

std::atomic<unsigned> temporary_count{0};

struct Descriptor {  // closes at the end of a scope
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

Result<PendingFile> PendingFile::create(const std::string& folder, bool nameless) {
  ARROW_ASSIGN_OR_RAISE(const std::string place, storage_of(folder).scratch_folder(folder));
  int fd = nameless ? ::open(place.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0644) : -1;
  if (fd >= 0) return PendingFile(fd, folder, {});
  if (nameless && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
    return errno_error("cannot write in " + place, errno);
  std::string path = fmt::format("{}/.tapemill-{}-{}.tmp", place, ::getpid(), temporary_count++);
  fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
  if (fd < 0) return errno_error("cannot write in " + place, errno);
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
  return storage_of(folder_).put_if_absent(folder_ + "/" + name, fd_, temporary_);
}

Result<bool> PendingFile::link(const std::string& path) const { return link_file(path, fd_, temporary_); }

Status sync_folder(const std::string& path) { return storage_of(path).sync_folder(path); }
Status make_folders(const std::string& path, bool synced) { return storage_of(path).make_folder(path, synced); }
Result<std::string> read_whole(const std::string& path) { return storage_of(path).read(path); }
Status replace_file(const std::string& path, std::string_view bytes) { return storage_of(path).put(path, bytes); }
Result<std::string> local_file(const std::string& path) { return storage_of(path).local_file(path); }

bool file_exists(const std::string& path) {
  auto found = storage_of(path).find(path);
  return found.ok() && *found;
}

bool folder_exists(const std::string& path) { return storage_of(path).has_folder(path).ValueOr(false); }

Result<std::vector<std::string>> list_folder(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto entries, storage_of(path).list(path, false));
  std::vector<std::string> names;
  names.reserve(entries.size());
  for (Entry& entry : entries) names.push_back(std::move(entry.name));
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
