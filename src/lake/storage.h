#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/s3.h"
#include "core/status.h"

namespace tapemill::lake {

/// Tells one content of a name from another, as far as the store knows.
struct FileId {
  std::int64_t size = 0, changed_ns = 0;
  std::uint64_t inode = 0;
  std::string etag;
  bool operator==(const FileId&) const = default;
};
struct Entry {
  std::string name;
  bool folder = false, other = false;       // other: neither file nor folder
  std::int64_t size = 0, modified_us = 0;
};

/// Where a lake's bytes lie. Paths are whole ("/data/lake/..." or "s3://bucket/..."); what a path names after it was put is
/// seen at once by everybody. The folder a lake lies in decides: storage_of(). Thread-safe.
class Storage {
 public:
  virtual ~Storage() = default;
  virtual Result<std::optional<FileId>> find(const std::string& path) = 0;  // files only; nullopt: none
  /// find() of many, in their order.
  virtual Result<std::vector<std::optional<FileId>>> find_all(const std::vector<std::string>& paths) = 0;
  virtual Result<bool> has_folder(const std::string& path) = 0;
  /// What lies in a folder, by name; empty where there is none. `details`: sizes and times too.
  virtual Result<std::vector<Entry>> list(const std::string& folder, bool details) = 0;
  virtual Result<std::string> read(const std::string& path) = 0;
  virtual Result<std::string> read_range(const std::string& path, std::int64_t offset, std::int64_t size) = 0;
  /// Replaces or makes a file, whole or not at all.
  virtual Status put(const std::string& path, std::string_view bytes) = 0;
  /// Gives the whole content of the open file `fd` this name. False, and nothing changed, when the name is taken: of any
  /// number of writers exactly one gets true. `named`: the name that file has on this machine, where it has one.
  virtual Result<bool> put_if_absent(const std::string& path, int fd, const std::string& named) = 0;
  /// Lets a file that has the bytes of `fd` look as young as if it were put now: no matter for a cleaner of old files.
  virtual Status refresh(const std::string& path, int fd) = 0;
  virtual Status remove(const std::string& path) = 0;  // OK where there is none
  virtual Status make_folder(const std::string& path, bool synced) = 0;
  virtual Status sync_folder(const std::string& path) = 0;
  /// A folder of this machine for unfinished files of `folder` and for rows that are spilled.
  virtual Result<std::string> scratch_folder(const std::string& folder) = 0;
  /// A folder of this machine for what only it needs of `folder`: itself, or one beside the copies. It may not be there.
  virtual Result<std::string> local_folder(const std::string& folder) = 0;
  /// A file of this machine with the content of a file that never changes: itself, or a copy of a bounded cache.
  virtual Result<std::string> local_file(const std::string& path) = 0;
  /// Lets local_file() of all these return at once.
  virtual Status fetch(const std::vector<std::string>& paths) = 0;
  virtual bool remote() const = 0;
};
Storage& storage_of(std::string_view path);

/// What of S3 the environment and the settings file leave open, and where copies of remote parts lie. Before the first use.
struct StorageSettings {
  S3Settings s3;
  std::string cache_folder;               // empty: $TAPEMILL_CACHE, $XDG_CACHE_HOME/tapemill, ~/.cache/tapemill
  std::int64_t cache_bytes = 10LL << 30;  // least used copies go first; what a command uses stays while it runs
};
void configure_storage(StorageSettings settings);
/// Settings in force: environment over what was configured.
StorageSettings storage_settings();

std::unique_ptr<Storage> make_local_storage();
std::unique_ptr<Storage> make_s3_storage(const StorageSettings& settings);

}  // namespace tapemill::lake
