#pragma once
#include <functional>
#include <mutex>
#include <string>

#include "core/status.h"

namespace tapemill::lake {

/// Copies of remote files that never change, on this machine, by their names: never stale. Bounded by bytes: those used
/// longest ago go first, none that was used in the last ten minutes (its reader may be about to open it). Shared by
/// processes; a copy appears whole or not at all.
class PartCache {
 public:
  PartCache(std::string folder, std::int64_t most) : folder_(std::move(folder)), most_(most) {}
  /// The copy of `name` (a relative path), filled by `fill(fd)` where it is not there.
  Result<std::string> file(const std::string& name, const std::function<Status(int fd)>& fill);
  /// Keeps an open file of spool() as the copy of `name`. It only saves a download: problems are passed over.
  void keep(const std::string& name, int fd);
  /// A folder for unfinished files, on the copies' file system.
  Result<std::string> spool() const;
  const std::string& folder() const { return folder_; }
  /// Brings the copies below the bound.
  void trim();

 private:
  void added(std::int64_t bytes);
  std::string folder_;
  std::int64_t most_;
  std::mutex mutex_;
  std::int64_t since_ = -1;  // bytes added since the last look; -1: never looked
};

}  // namespace tapemill::lake
