#pragma once
#include <arrow/util/type_fwd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "lake/pages.h"
#include "lake/stats.h"

namespace tapemill::lake {

/// One column of one row group, as the footer describes it.
struct ColumnChunk {
  enum class Form { other, boolean, int32, int64, real32, real64, text };  // other: not for our decoder
  Form form = Form::other;
  bool optional = false;  // definition levels stand before the values
  arrow::Compression::type codec = {};
  std::int64_t offset = 0, size = 0;  // of all pages, the dictionary's first
  std::int64_t uncompressed = 0;
  std::int64_t data_offset = 0;  // of the first data page
  std::int64_t nulls = -1;       // -1: not said
  std::int64_t index_offset = 0, index_size = 0;  // of the page index; size 0: none
  Bounds bounds;
  std::vector<PageLocation> pages;  // from the page index; empty: not there
};
struct OpenGroup {
  std::int64_t rows = 0;
  std::vector<ColumnChunk> columns;
};

/// A part's footer and page index, read once per process. Paths are never used for two contents, and an entry counts only
/// while the file is the very one it was read from.
class OpenPart {
 public:
  std::string path;
  bool ours = false;  // our writer's: what our decoder may read
  std::int64_t file_size = 0;
  std::shared_ptr<parquet::FileMetaData> footer;
  std::vector<OpenGroup> groups;
  std::unordered_map<std::string, int> names;                   // column -> index
  std::vector<std::shared_ptr<arrow::DataType>> types;          // of columns, where form is not `other`
  int column(const std::string& name) const {
    auto it = names.find(name);
    return it == names.end() ? -1 : it->second;
  }
  std::uint64_t inode = 0;
  std::int64_t changed_ns = 0;
};
/// Errors: data error for a part that is not there, or damaged. `keep`: for the next reader; a part that is about to be
/// replaced has none.
Result<std::shared_ptr<const OpenPart>> open_part(const std::string& path, bool keep = true);

/// A decoder's status with its place: data errors become "PATH is damaged: ...".
Status in_part(const std::string& path, const Status& status);

/// What readers keep between scans: footers, page indexes and runs of sorted columns, bounded by bytes; what was used
/// longest ago goes first. Never rows.
class ReadCache {
 public:
  static ReadCache& shared();
  template <class T>
  std::shared_ptr<const T> get(const std::string& key) {
    return std::static_pointer_cast<const T>(find(key));
  }
  void put(const std::string& key, std::shared_ptr<const void> value, std::int64_t bytes);
  std::int64_t bytes() const;
  static constexpr std::int64_t kMost = 64 << 20;
  void limit(std::int64_t bytes) { most_ = bytes; }  // from now on

 private:
  struct Entry {
    std::shared_ptr<const void> value;
    std::int64_t bytes = 0;
    std::uint64_t used = 0;
  };
  std::shared_ptr<const void> find(const std::string& key);
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  std::int64_t bytes_ = 0;
  std::uint64_t clock_ = 0;
  std::atomic<std::int64_t> most_ = kMost;
};

}  // namespace tapemill::lake
