// A lake in an object store. What is read more than once, or by a library that wants a file, is copied to this machine once:
// parts never change (docs/decisions: object store).
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>

#include "core/hash.h"
#include "core/time.h"
#include "core/workers.h"
#include "lake/damage.h"
#include "lake/part_cache.h"
#include "lake/storage.h"

namespace tapemill::lake {
namespace {

constexpr int kAtOnce = 8;  // requests on their way at a time
constexpr std::size_t kHeads = 32;  // files whose sizes are asked one by one; more of them by listing
constexpr std::int64_t kLargest = 5LL << 30;  // of one PUT

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

std::string cache_folder_of(const StorageSettings& settings) {
  if (!settings.cache_folder.empty()) return settings.cache_folder;
  if (const char* base = environment("XDG_CACHE_HOME")) return std::string(base) + "/tapemill";
  const char* home = environment("HOME");
  return std::string(home != nullptr ? home : "/tmp") + "/.cache/tapemill";
}

class S3Storage final : public Storage {
 public:
  explicit S3Storage(const StorageSettings& settings)
      : s3_(settings.s3), cache_(cache_folder_of(settings), settings.cache_bytes) {}

  Result<std::optional<FileId>> find(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(const S3Place place, S3Place::parse(path));
    ARROW_ASSIGN_OR_RAISE(auto object, s3_.head(place));
    if (!object) return std::nullopt;
    return FileId{object->size, 0, 0, object->etag};
  }

  Result<std::vector<std::optional<FileId>>> find_all(const std::vector<std::string>& paths) override {
    std::vector<std::optional<FileId>> out(paths.size());
    if (paths.size() > kHeads) {
      ARROW_ASSIGN_OR_RAISE(const auto there, listed(paths));
      for (std::size_t i = 0; i < paths.size(); ++i) {
        ARROW_ASSIGN_OR_RAISE(const S3Place place, S3Place::parse(paths[i]));
        if (auto it = there.find(place.key); it != there.end()) out[i] = it->second;
      }
      return out;
    }
    ARROW_RETURN_NOT_OK(
        Workers(kAtOnce).each(paths.size(), [&](std::size_t i) { return find(paths[i]).Value(&out[i]); }));
    return out;
  }

  Result<bool> has_folder(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(const S3Place place, folder_of(path));
    ARROW_ASSIGN_OR_RAISE(auto objects, s3_.list(place, false, 1));
    return !objects.empty();
  }

  Result<std::vector<Entry>> list(const std::string& folder, bool) override {
    ARROW_ASSIGN_OR_RAISE(const S3Place place, folder_of(folder));
    ARROW_ASSIGN_OR_RAISE(auto objects, s3_.list(place, true));
    std::vector<Entry> out;
    for (const S3Object& object : objects) {
      Entry entry{object.key.substr(place.key.size()), object.folder, false, object.size, object.modified_us};
      if (!entry.name.empty()) out.push_back(std::move(entry));  // some tools leave an empty object as a folder's mark
    }
    return out;
  }

  Result<std::string> read(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(const S3Place place, S3Place::parse(path));
    ARROW_ASSIGN_OR_RAISE(auto bytes, s3_.get(place));
    if (!bytes) return environment_error("cannot read " + path + ": there is no such object");
    return *std::move(bytes);
  }

  Result<std::string> read_range(const std::string& path, std::int64_t offset, std::int64_t size) override {
    ARROW_ASSIGN_OR_RAISE(const S3Place place, S3Place::parse(path));
    return s3_.get_range(place, offset, size);
  }

  Status put(const std::string& path, std::string_view bytes) override {
    ARROW_ASSIGN_OR_RAISE(const S3Place place, S3Place::parse(path));
    return s3_.put(place, {bytes});
  }

  Result<bool> put_if_absent(const std::string& path, int fd, const std::string&) override {
    ARROW_ASSIGN_OR_RAISE(const S3Place place, S3Place::parse(path));
    struct stat info{};
    if (::fstat(fd, &info) != 0) return errno_error("cannot upload " + path, errno);
    if (info.st_size > kLargest)
      return usage_error(fmt::format("{} would have {} bytes, more than one PUT takes (5 GiB)", path, info.st_size),
                         "let the spec have fewer part_rows");
    ARROW_ASSIGN_OR_RAISE(const bool won, s3_.put_if_absent(place, {{}, fd, info.st_size}));
    if (won && path.ends_with(".parquet")) cache_.keep(copy_name(place), fd);
    return won;
  }

  Status refresh(const std::string& path, int fd) override {
    ARROW_ASSIGN_OR_RAISE(const S3Place place, S3Place::parse(path));
    ARROW_ASSIGN_OR_RAISE(auto objects, s3_.list(place, false, 1));
    const auto now =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    if (!objects.empty() && objects[0].modified_us > now - kHour) return Status::OK();
    struct stat info{};
    if (::fstat(fd, &info) != 0) return errno_error("cannot upload " + path, errno);
    return s3_.put(place, {{}, fd, info.st_size});
  }

  Status remove(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(const S3Place place, S3Place::parse(path));
    ARROW_RETURN_NOT_OK(s3_.remove(place));
    ::unlink((cache_.folder() + "/objects/" + copy_name(place)).c_str());
    return Status::OK();
  }

  Status make_folder(const std::string&, bool) override { return Status::OK(); }  // a key needs none
  Status sync_folder(const std::string&) override { return Status::OK(); }  // a PUT that is answered is kept

  Result<std::string> scratch_folder(const std::string&) override { return cache_.spool(); }
  Result<std::string> local_folder(const std::string& folder) override {
    ARROW_ASSIGN_OR_RAISE(const S3Place place, S3Place::parse(folder));
    return cache_.folder() + "/lakes/" + copy_name(place);
  }

  Result<std::string> local_file(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(const S3Place place, S3Place::parse(path));
    return cache_.file(copy_name(place), [&](int fd) -> Status {
      ARROW_ASSIGN_OR_RAISE(auto object, s3_.download(place, fd));
      if (!object) return data_error(path + " is in the log but not in the store", kRestore);
      return Status::OK();
    });
  }

  Status fetch(const std::vector<std::string>& paths) override {
    return Workers(kAtOnce).each(paths.size(), [&](std::size_t i) { return local_file(paths[i]).status(); });
  }
  bool remote() const override { return true; }

 private:
  static Result<S3Place> folder_of(const std::string& path) {
    ARROW_ASSIGN_OR_RAISE(S3Place place, S3Place::parse(path));
    if (!place.key.empty()) place.key += '/';
    return place;
  }

  /// Sizes of everything below the folder that all paths share, by key.
  Result<std::map<std::string, FileId>> listed(const std::vector<std::string>& paths) const {
    std::string common = paths[0];
    for (const std::string& path : paths) {
      const auto end = std::mismatch(common.begin(), common.end(), path.begin(), path.end()).first;
      common.erase(end, common.end());
    }
    common.erase(common.find_last_of('/') + 1);  // no half of a letter
    ARROW_ASSIGN_OR_RAISE(S3Place place, S3Place::parse(paths[0]));
    place.key.resize(common.size() - std::min(common.size(), 6 + place.bucket.size()));
    ARROW_ASSIGN_OR_RAISE(auto objects, s3_.list(place, false));
    std::map<std::string, FileId> out;
    for (const S3Object& object : objects) out[object.key] = {object.size, 0, 0, object.etag};
    return out;
  }

  // Equal bucket names of two endpoints are two buckets.
  std::string copy_name(const S3Place& place) const {
    return sha256(s3_.settings().endpoint).substr(0, 8) + "-" + place.bucket + "/" + place.key;
  }

  S3 s3_;
  PartCache cache_;
};

std::mutex settings_mutex;
StorageSettings configured;

}  // namespace

void configure_storage(StorageSettings settings) {
  std::lock_guard lock(settings_mutex);
  configured = std::move(settings);
}

StorageSettings storage_settings() {
  std::lock_guard lock(settings_mutex);
  StorageSettings out = configured;
  out.s3 = S3Settings::from_environment(out.s3);
  if (const char* folder = environment("TAPEMILL_CACHE")) out.cache_folder = folder;
  return out;
}

std::unique_ptr<Storage> make_s3_storage(const StorageSettings& settings) {
  return std::make_unique<S3Storage>(settings);
}

Storage& storage_of(std::string_view path) {
  static Storage* const local = make_local_storage().release();  // never destroyed: threads may outlive main
  if (!S3Place::is(path)) return *local;
  static Storage* const s3 = make_s3_storage(storage_settings()).release();
  return *s3;
}

}  // namespace tapemill::lake
