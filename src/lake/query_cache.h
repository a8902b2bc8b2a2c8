#pragma once
#include <list>
#include <unordered_map>

#include "lake/cache_disk.h"
#include "lake/read_view.h"
#include "lake/sql.h"

namespace tapemill::lake {

/// Results by content: a key stands for one value for ever, so an entry can be missing but never stale. In memory (by the
/// same policy) over the disk. Thread-safe; a disk that fails costs hits, never an answer.
class QueryCache {
 public:
  /// `folder` empty: memory alone, as where the folder cannot be written.
  static std::shared_ptr<QueryCache> open(const std::string& folder, const CacheOptions& options = {});
  /// The cache of a lake, LAKE/cache/queries, shared by this process.
  static std::shared_ptr<QueryCache> of(const Lake& lake);
  /// Its folder; of a lake in an object store one of this machine.
  static std::string folder_of(const Lake& lake);
  ~QueryCache();

  enum class Tier { none, memory, disk };
  std::shared_ptr<arrow::Table> get(const std::string& key, Tier* from = nullptr);  // null: not there
  void put(const std::string& key, const std::shared_ptr<arrow::Table>& table);
  CacheStats stats();  // of the folder, by all processes so far, and what this one has in memory
  Status clear();

  /// The key of a statement over the lake as it is now; empty where the answer hangs on more than the tables' versions and
  /// the text (now(), random(), lists of tables). Where nothing changed since the last call it costs a few stats.
  Result<std::string> key_of(const Lake& lake, const std::string& sql, const SqlOptions& options);

 private:
  QueryCache(std::unique_ptr<CacheDisk> disk, const CacheOptions& options)
      : disk_(std::move(disk)), options_(options) {}
  struct Entry {
    std::shared_ptr<arrow::Table> table;
    std::int64_t bytes = 0, created = 0;
    std::uint64_t used = 0, uses = 0;
  };
  // How a statement was resolved, and all that it hung on.
  struct Resolved {
    std::string key;
    std::vector<std::pair<Table, std::shared_ptr<const ReadView>>> tables;
    std::vector<std::string> absent;  // logs that would change what a name means
    std::vector<std::int64_t> layers;  // when each layer's folder changed
  };
  void keep(const std::string& key, const std::shared_ptr<arrow::Table>& table);
  void evict(std::int64_t bytes);
  void flush();
  std::unique_ptr<CacheDisk> disk_;
  CacheOptions options_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::string, std::shared_ptr<const Resolved>> resolved_;  // by lake and statement
  std::int64_t bytes_ = 0;
  std::uint64_t clock_ = 0;
  CacheStats counted_;  // not yet in the index
};

/// query() through the cache. `from` gets the tier that answered; none: DuckDB did.
Result<std::shared_ptr<arrow::Table>> query_cached(const Lake& lake, const std::string& sql, const SqlOptions& options,
                                                   QueryCache& cache, QueryCache::Tier* from = nullptr);

}  // namespace tapemill::lake
