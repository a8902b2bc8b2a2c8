// The file system: files appear by link() when they are whole and synced.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lake/link_file.h"
#include "lake/storage.h"

namespace tapemill::lake {
namespace {

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

bool is_folder(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Status read_into(int fd, std::string& out, std::int64_t offset, const std::string& path) {
  std::size_t done = 0;
  while (done < out.size()) {
    ssize_t n = ::pread(fd, out.data() + done, out.size() - done, offset + static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("cannot read " + path, errno);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  out.resize(done);
  return Status::OK();
}

class LocalStorage final : public Storage {
 public:
  Result<std::optional<FileId>> find(const std::string& path) override {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
    return FileId{info.st_size, info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec, info.st_ino, {}};
  }

  Result<std::vector<std::optional<FileId>>> find_all(const std::vector<std::string>& paths) override {
    std::vector<std::optional<FileId>> out(paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i) { ARROW_ASSIGN_OR_RAISE(out[i], find(paths[i])); }
    return out;
  }

  Result<bool> has_folder(const std::string& path) override { return is_folder(path); }

  Result<std::vector<Entry>> list(const std::string& path, bool details) override {
    std::vector<Entry> entries;
    DIR* folder = ::opendir(path.c_str());
    if (folder == nullptr) {
      if (errno == ENOENT || errno == ENOTDIR) return entries;
      return errno_error("cannot list " + path, errno);
    }
    while (const dirent* entry = ::readdir(folder)) {
      std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      Entry one{std::move(name)};
      struct stat info{};
      if (details) {
        if (::fstatat(::dirfd(folder), one.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
        one.folder = S_ISDIR(info.st_mode);
        one.other = !one.folder && !S_ISREG(info.st_mode);
        one.size = info.st_size;
        one.modified_us = info.st_mtim.tv_sec * 1'000'000LL + info.st_mtim.tv_nsec / 1000;
      }
      entries.push_back(std::move(one));
    }
    ::closedir(folder);
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return entries;
  }

  Result<std::string> read(const std::string& path) override {
    Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0) return errno_error("cannot read " + path, errno);
    struct stat info{};
    if (::fstat(file.fd, &info) != 0) return errno_error("cannot read " + path, errno);
    std::string text(static_cast<std::size_t>(info.st_size), '\0');
    ARROW_RETURN_NOT_OK(read_into(file.fd, text, 0, path));
    return text;
  }

  Result<std::string> read_range(const std::string& path, std::int64_t offset, std::int64_t size) override {
    Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0) return errno_error("cannot read " + path, errno);
    std::string text(static_cast<std::size_t>(size), '\0');
    ARROW_RETURN_NOT_OK(read_into(file.fd, text, offset, path));
    return text;
  }

  Status put(const std::string& path, std::string_view bytes) override {
    const std::string folder = parent_of(path);
    ARROW_RETURN_NOT_OK(make_folder(folder, true));
    // A name that vacuum knows, should the process end between here and the rename.
    const std::string temporary =
        fmt::format("{}/.tapemill-{}-{}.tmp", folder, ::getpid(), path.substr(path.find_last_of('/') + 1));
    Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (file.fd < 0) return errno_error("cannot write in " + folder, errno);
    while (!bytes.empty()) {
      const ssize_t n = ::write(file.fd, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return gone(temporary, path);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::fsync(file.fd) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) return gone(temporary, path);
    return sync_folder(folder);
  }

  Result<bool> put_if_absent(const std::string& path, int fd, const std::string& named) override {
    if (::fsync(fd) != 0) return errno_error("cannot write " + path, errno);
    return link_file(path, fd, named);
  }

  Status refresh(const std::string& path, int) override {
    ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
    return Status::OK();
  }

  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error("cannot delete " + path, errno);
    return Status::OK();
  }

  Status make_folder(const std::string& path, bool synced) override {
    if (path.empty() || is_folder(path)) return Status::OK();
    const std::string parent = parent_of(path);
    ARROW_RETURN_NOT_OK(make_folder(parent, synced));
    if (::mkdir(path.c_str(), 0755) != 0) {
      if (errno == EEXIST && is_folder(path)) return Status::OK();
      return errno_error("cannot make the folder " + path, errno);
    }
    return synced ? sync_folder(parent) : Status::OK();
  }

  Status sync_folder(const std::string& path) override {
    Descriptor folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (folder.fd < 0) return errno_error("cannot open " + path, errno);
    if (::fsync(folder.fd) != 0 && errno != EINVAL) return errno_error("cannot sync " + path, errno);
    return Status::OK();
  }

  Result<std::string> scratch_folder(const std::string& folder) override { return folder; }
  Result<std::string> local_folder(const std::string& folder) override { return folder; }
  Result<std::string> local_file(const std::string& path) override { return path; }
  Status fetch(const std::vector<std::string>&) override { return Status::OK(); }
  bool remote() const override { return false; }

 private:
  static Status gone(const std::string& temporary, const std::string& path) {
    const int reason = errno;
    ::unlink(temporary.c_str());
    return errno_error("cannot write " + path, reason);
  }
};

}  // namespace

Result<bool> link_file(const std::string& path, int fd, const std::string& named) {
  int failed;
  if (!named.empty()) {
    failed = ::link(named.c_str(), path.c_str());
  } else {
    const std::string self = fmt::format("/proc/self/fd/{}", fd);
    failed = ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW);
  }
  if (failed == 0) return true;
  if (errno == EEXIST) return false;
  return errno_error("cannot write " + path, errno);
}

std::unique_ptr<Storage> make_local_storage() { return std::make_unique<LocalStorage>(); }

}  // namespace tapemill::lake
