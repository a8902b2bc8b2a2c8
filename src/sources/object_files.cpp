// Flat files of an object store. Beside each file lies KEY.etag with the ETag it was fetched of; while it comes, KEY.partial
// and KEY.partial.etag.
#include "sources/object_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "core/paths.h"
#include "core/progress.h"
#include "core/workers.h"

namespace fs = std::filesystem;
namespace tapemill::sources {
namespace {

struct Descriptor {  // closes at the end of a scope
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

std::string text_in(const std::string& path) { return read_file(path).ValueOr(std::string()); }

bool is_safe(const std::string& key) {  // it becomes a path below the folder
  for (const auto& piece : fs::path(key))
    if (piece == ".." || piece == "/" || piece == ".") return false;
  return !key.empty();
}

class Fetcher {
 public:
  explicit Fetcher(const FetchOptions& options) : options_(options), s3_(options.store) {}

  Status one(const std::string& key, Fetched& out) const {
    out.key = key;
    if (!is_safe(key)) {
      out.why = "no name for a file";
      return Status::OK();
    }
    const S3Place place{options_.bucket, key};
    HttpRequest head;
    head.method = "HEAD";
    ARROW_ASSIGN_OR_RAISE(HttpResponse answer, s3_.ask(head, place));
    if (answer.status == 404) return out.outcome = Fetched::Outcome::missing, Status::OK();
    if (answer.status == 403) {
      out.outcome = Fetched::Outcome::forbidden;
      out.why = s3_.problem(place, answer).message();
      return Status::OK();
    }
    if (answer.status != 200) return out.why = s3_.problem(place, answer).message(), Status::OK();
    const std::string file = options_.folder + "/" + key, tag = answer.header("etag");
    std::error_code ignored;
    if (!tag.empty() && text_in(file + ".etag") == tag) {
      out.outcome = Fetched::Outcome::unchanged;
      if (fs::exists(file, ignored)) out.path = file;
      return Status::OK();
    }
    Status status = download(place, file, tag, out);
    if (status.IsCancelled()) return status;
    if (!status.ok()) out.outcome = Fetched::Outcome::failed, out.why = status.message();
    return Status::OK();
  }

 private:
  Status download(const S3Place& place, const std::string& file, const std::string& tag, Fetched& out) const {
    const std::string partial = file + ".partial", mark = partial + ".etag";
    std::error_code failed;
    fs::create_directories(fs::path(file).parent_path(), failed);
    if (failed) return errno_error(fs::path(file).parent_path().string(), failed.value());
    const Descriptor to{::open(partial.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
    if (to.fd < 0) return errno_error(partial, errno);
    struct stat info{};
    if (::fstat(to.fd, &info) != 0) return errno_error(partial, errno);
    const bool goes_on = info.st_size > 0 && !tag.empty() && text_in(mark) == tag;
    if (!goes_on) {  // first what it will be of, then its bytes
      if (::ftruncate(to.fd, 0) != 0) return errno_error(partial, errno);
      ARROW_RETURN_NOT_OK(write_file_atomically(mark, tag));
      info.st_size = 0;
    }
    std::string bare = tag;
    std::erase(bare, '"');
    ARROW_ASSIGN_OR_RAISE(auto object, s3_.download(place, to.fd, info.st_size, goes_on ? bare : std::string()));
    if (!object) return out.outcome = Fetched::Outcome::missing, Status::OK();
    if (::fsync(to.fd) != 0 || ::rename(partial.c_str(), file.c_str()) != 0) return errno_error(file, errno);
    ARROW_RETURN_NOT_OK(write_file_atomically(file + ".etag", '"' + object->etag + '"'));
    ::unlink(mark.c_str());
    out.outcome = Fetched::Outcome::ok;
    out.path = file;
    out.bytes = object->size - (goes_on ? info.st_size : 0);
    return Status::OK();
  }

  const FetchOptions& options_;
  S3 s3_;
};

}  // namespace

const char* name(Fetched::Outcome outcome) {
  switch (outcome) {
    case Fetched::Outcome::ok: return "ok";
    case Fetched::Outcome::unchanged: return "unchanged";
    case Fetched::Outcome::missing: return "missing";
    case Fetched::Outcome::forbidden: return "forbidden";
    case Fetched::Outcome::failed: return "failed";
  }
  return "";
}

Result<std::vector<Fetched>> fetch(const FetchOptions& options, const std::vector<std::string>& keys) {
  const Fetcher fetcher(options);
  std::vector<Fetched> out(keys.size());
  Progress progress("download", static_cast<std::int64_t>(keys.size()), "files");
  ARROW_RETURN_NOT_OK(Workers(options.connections)
                          .each(
                              keys.size(),
                              [&](std::size_t i) {
                                Status status = fetcher.one(keys[i], out[i]);
                                progress.add(1, 0, out[i].bytes);
                                return status;
                              },
                              interrupt()));
  if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
  return out;
}

Result<std::vector<std::string>> keys_below(const FetchOptions& options, const std::string& prefix,
                                            const std::string& ending) {
  ARROW_ASSIGN_OR_RAISE(auto objects, S3(options.store).list({options.bucket, prefix}, false));
  std::vector<std::string> keys;
  for (S3Object& object : objects)
    if (object.key.ends_with(ending)) keys.push_back(std::move(object.key));
  return keys;
}

Status forget(const FetchOptions& options, const std::string& key) {
  const std::string file = options.folder + "/" + key;
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) return errno_error("cannot delete " + file, errno);
  return Status::OK();
}

}  // namespace tapemill::sources
