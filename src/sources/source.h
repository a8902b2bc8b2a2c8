#pragma once
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/batch.h"
#include "core/dataset.h"
#include "core/memory.h"

namespace tapemill::sources {

/// What a file is, told by its header (never by its name or date).
struct FileInfo {
  std::string path;
  std::string form;             // "polygon_flat", "nse_full", "nse_udiff", "nse_legacy", "snapshots_52", "csv"
  std::optional<Date> session;  // where the whole file is one session
  std::optional<Date> begins;   // the first session its rows say, where they say one
  std::string unit;  // what a later file of the same data set and form replaces: the session, else the file's stem (of
  // snapshots: the stem and the first session)
  std::string header;  // its first line
  std::string sha256;  // of the bytes as received
  std::int64_t size = 0;  // bytes as received
};

/// Yields batches until the end. Never throws, never loses a row: each data line is in `rows` or in `refused`.
class Source {
 public:
  virtual ~Source() = default;
  /// nullopt at the end. A truncated or corrupt file is a data error: nothing of it may be kept.
  virtual Result<std::optional<SourceBatch>> next(std::stop_token stop) = 0;
  virtual std::int64_t bytes_read() const = 0;  // of the file as received, for progress
};

/// Opens `path` just far enough to tell what it is. Errors: missing, a folder, no permission (environment or usage),
/// empty, binary, a header of no known form (data; the hint shows the header found and the forms the data set takes).
Result<FileInfo> inspect(const Dataset& dataset, const std::string& path);

/// REQUIRES info from inspect() of the same data set.
Result<std::unique_ptr<Source>> open(const Dataset& dataset, const FileInfo& info, MemoryBudget& budget);

/// Expands files, folders (recursively, hidden files skipped) and globs to a sorted list; a path that gives nothing is a
/// usage error. Each file once, by real path.
Result<std::vector<std::string>> expand_paths(const std::vector<std::string>& paths);

}  // namespace tapemill::sources
