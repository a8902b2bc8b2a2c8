#pragma once
#include <arrow/type_fwd.h>

#include <memory>
#include <mutex>
#include <string>

#include "core/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tapemill::lake {

/// What leaves a full cache first: used longest ago, used least often, or written longest ago (which is also gone, full or
/// not, once it is older than ttl_seconds).
enum class CachePolicy { lru, lfu, ttl };

struct CacheOptions {
  std::int64_t memory_bytes = 256LL << 20, disk_bytes = 2LL << 30;
  CachePolicy policy = CachePolicy::lru;
  std::int64_t ttl_seconds = 86'400;
};

struct CacheStats {
  std::int64_t memory_hits = 0, disk_hits = 0, misses = 0, stores = 0, evictions = 0;  // since the cache was cleared
  std::int64_t disk_entries = 0, disk_bytes = 0, memory_entries = 0, memory_bytes = 0;
  double hit_rate() const;  // 0 where nothing was asked
};

/// The disk tier of a cache: one compressed Arrow file an entry, and their index in SQLite (docs/formats/cache.md). Many
/// processes may share a folder. Thread-safe. Entries are never changed; a file that is damaged or gone is a miss.
class CacheDisk {
 public:
  /// Makes the folder. An index that cannot be read is made anew: a cache holds nothing that is not elsewhere too.
  static Result<std::unique_ptr<CacheDisk>> open(const std::string& folder, const CacheOptions& options);
  ~CacheDisk();
  /// Null: not there.
  Result<std::shared_ptr<arrow::Table>> get(const std::string& key, std::int64_t now_seconds);
  Status put(const std::string& key, const arrow::Table& table, std::int64_t now_seconds);
  Status count(const CacheStats& more);  // adds to the counters
  Result<CacheStats> stats();
  Status clear();  // entries and counters

 private:
  CacheDisk(std::string folder, const CacheOptions& options) : folder_(std::move(folder)), options_(options) {}
  Status prepare();
  Status run(const char* sql);
  Status remove(const std::string& key);
  Status make_room(std::int64_t bytes, std::int64_t now_seconds);
  std::string file_of(const std::string& key) const { return folder_ + "/" + key + ".arrow"; }
  std::string folder_;
  CacheOptions options_;
  std::mutex mutex_;
  sqlite3* index_ = nullptr;
};

}  // namespace tapemill::lake
