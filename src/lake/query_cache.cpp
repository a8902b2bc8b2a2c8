#include "lake/query_cache.h"

#include <arrow/api.h>
#include <arrow/util/byte_size.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "core/build_info.h"
#include "core/hash.h"
#include "lake/files.h"
#include "lake/sql_tokens.h"
#include "lake/storage.h"

namespace tapemill::lake {
namespace {

constexpr std::size_t kResolvedMost = 4096;
constexpr std::int64_t kRacy = 2'000'000'000;  // ns: a folder that changed so lately may change again unseen

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t changed_ns(const std::string& folder) {
  if (storage_of(folder).remote()) return INT64_MAX - kRacy;  // it does not say: always as if just now
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0) return 0;
  return info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec;
}

std::vector<std::int64_t> layers_changed(const Lake& lake) {
  std::vector<std::int64_t> out;
  for (Layer layer : {Layer::landing, Layer::bronze, Layer::silver, Layer::gold})
    out.push_back(changed_ns(lake.root() + "/" + name(layer)));
  return out;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// The answer hangs on the clock, on chance, on the session or on what tables there are.
bool is_volatile(const std::string& word) {
  static const std::set<std::string, std::less<>> words{"now",
                                                        "today",
                                                        "current_date",
                                                        "current_time",
                                                        "current_timestamp",
                                                        "get_current_time",
                                                        "get_current_timestamp",
                                                        "localtime",
                                                        "localtimestamp",
                                                        "transaction_timestamp",
                                                        "current_localtime",
                                                        "current_localtimestamp",
                                                        "age",
                                                        "random",
                                                        "setseed",
                                                        "uuid",
                                                        "uuidv4",
                                                        "uuidv7",
                                                        "gen_random_uuid",
                                                        "nextval",
                                                        "currval",
                                                        "getvariable",
                                                        "getenv",
                                                        "sample",
                                                        "tablesample",
                                                        "reservoir",
                                                        "bernoulli",
                                                        "show",
                                                        "describe",
                                                        "summarize",
                                                        "explain",
                                                        "pragma",
                                                        "version",
                                                        "current_setting",
                                                        "txid_current",
                                                        "current_query",
                                                        "glob",
                                                        "read_text",
                                                        "read_blob",
                                                        "write_log",
                                                        "information_schema",
                                                        "sqlite_master"};
  return words.contains(word) || word.starts_with("duckdb_") || word.starts_with("pg_") || word.starts_with("query") ||
         word.find("information_schema") != std::string::npos;
}

std::string content_of(const ReadView& view) {
  const Snapshot& snapshot = view.snapshot();
  Sha256 hash;
  hash.add(fmt::format("{} {} {} {}\n", snapshot.version, snapshot.timestamp_ms, view.state().metadata->id,
                       view.state().metadata->schema));
  for (const std::string& column : snapshot.partitions) hash.add(column + "\n");
  for (const Part& part : snapshot.parts) hash.add(fmt::format("{} {}\n", part.path, part.size));
  return hash.hex();
}

}  // namespace

std::shared_ptr<QueryCache> QueryCache::open(const std::string& folder, const CacheOptions& options) {
  std::unique_ptr<CacheDisk> disk;
  if (!folder.empty()) {
    if (auto opened = CacheDisk::open(folder, options); opened.ok()) disk = *std::move(opened);
  }
  return std::shared_ptr<QueryCache>(new QueryCache(std::move(disk), options));
}

std::string QueryCache::folder_of(const Lake& lake) {
  return storage_of(lake.root()).local_folder(lake.root() + "/cache/queries").ValueOr(std::string());
}

std::shared_ptr<QueryCache> QueryCache::of(const Lake& lake) {
  static std::mutex mutex;
  static std::unordered_map<std::string, std::shared_ptr<QueryCache>> caches;
  std::lock_guard lock(mutex);
  auto& cache = caches[lake.root()];
  if (cache == nullptr) cache = open(folder_of(lake));
  return cache;
}

QueryCache::~QueryCache() {
  std::lock_guard lock(mutex_);
  flush();
}

void QueryCache::flush() {
  if (disk_ != nullptr && disk_->count(counted_).ok()) counted_ = {};
}

std::shared_ptr<arrow::Table> QueryCache::get(const std::string& key, Tier* from) {
  const std::int64_t now = now_ns() / 1'000'000'000;
  if (from != nullptr) *from = Tier::none;
  std::lock_guard lock(mutex_);
  if (auto it = entries_.find(key); it != entries_.end()) {
    if (options_.policy != CachePolicy::ttl || it->second.created + options_.ttl_seconds > now) {
      it->second.used = ++clock_;
      ++it->second.uses;
      ++counted_.memory_hits;
      if (from != nullptr) *from = Tier::memory;
      return it->second.table;
    }
    bytes_ -= it->second.bytes;
    entries_.erase(it);
  }
  std::shared_ptr<arrow::Table> table;
  if (disk_ != nullptr) table = disk_->get(key, now).ValueOr(nullptr);
  if (table == nullptr) {
    ++counted_.misses;
    return nullptr;
  }
  ++counted_.disk_hits;
  flush();  // the program ends without destructors
  if (from != nullptr) *from = Tier::disk;
  keep(key, table);
  return table;
}

void QueryCache::evict(std::int64_t bytes) {
  while (!entries_.empty() && bytes_ + bytes > options_.memory_bytes) {
    auto first = [&](const auto& a, const auto& b) {
      if (options_.policy == CachePolicy::lfu && a.second.uses != b.second.uses) return a.second.uses < b.second.uses;
      if (options_.policy == CachePolicy::ttl && a.second.created != b.second.created)
        return a.second.created < b.second.created;
      return a.second.used < b.second.used;
    };
    auto victim = std::min_element(entries_.begin(), entries_.end(), first);
    bytes_ -= victim->second.bytes;
    entries_.erase(victim);
    ++counted_.evictions;
  }
}

void QueryCache::keep(const std::string& key, const std::shared_ptr<arrow::Table>& table) {
  const std::int64_t bytes = arrow::util::TotalBufferSize(*table) + 1024, now = now_ns() / 1'000'000'000;
  if (bytes > options_.memory_bytes || entries_.contains(key)) return;
  evict(bytes);
  entries_[key] = {table, bytes, now, ++clock_, 1};
  bytes_ += bytes;
}

void QueryCache::put(const std::string& key, const std::shared_ptr<arrow::Table>& table) {
  const std::int64_t now = now_ns() / 1'000'000'000;
  std::lock_guard lock(mutex_);
  keep(key, table);
  ++counted_.stores;
  if (disk_ == nullptr) return;
  if (!disk_->put(key, *table, now).ok()) return;  // a full disk: the answer is there all the same
  flush();
}

CacheStats QueryCache::stats() {
  std::lock_guard lock(mutex_);
  flush();
  CacheStats out = counted_;
  if (disk_ != nullptr) out = disk_->stats().ValueOr(out);
  out.memory_entries = static_cast<std::int64_t>(entries_.size());
  out.memory_bytes = bytes_;
  return out;
}

Status QueryCache::clear() {
  std::lock_guard lock(mutex_);
  entries_.clear();
  bytes_ = 0;
  counted_ = {};
  return disk_ == nullptr ? Status::OK() : disk_->clear();
}

Result<std::string> QueryCache::key_of(const Lake& lake, const std::string& sql, const SqlOptions& options) {
  std::string asked = lake.root() + "\n" + sql + "\n";
  for (const auto& [table, version] : options.versions) asked += fmt::format("{}={} ", table, version);
  std::shared_ptr<const Resolved> known;
  {
    std::lock_guard lock(mutex_);
    if (auto it = resolved_.find(asked); it != resolved_.end()) known = it->second;
  }
  const auto layers = layers_changed(lake);
  if (known != nullptr && known->layers == layers) {
    bool same = std::none_of(known->absent.begin(), known->absent.end(),
                             [](const auto& log) { return ::access(log.c_str(), F_OK) == 0; });
    for (const auto& [table, view] : known->tables) {
      if (!same) break;
      auto now = read_view(table);
      same = now.ok() && *now == view;
    }
    if (same) return known->key;
  }

  std::set<std::string> words;
  for (const SqlToken& token : sql_tokens(sql)) {
    words.insert(lower(token.value));
    const std::string word = lower(token.value);
    const bool text = token.kind == SqlToken::Kind::text;  // of which DuckDB makes dates: DATE 'today'
    if (text ? word.find("now") != std::string::npos || word.find("today") != std::string::npos ||
                   word.find("tomorrow") != std::string::npos || word.find("yesterday") != std::string::npos
             : is_volatile(word))
      return std::string();
  }
  const std::int64_t started = now_ns();
  Resolved resolved;
  resolved.layers = layers;
  Sha256 key;
  key.add(fmt::format("tapemill query {}\n{}\n", source_hash(), asked));
  bool lasting =
      std::all_of(layers.begin(), layers.end(), [&](std::int64_t changed) { return changed + kRacy < started; });
  ARROW_ASSIGN_OR_RAISE(auto tables, lake.tables());
  for (const TableName& one : tables) {
    if (!words.contains(lower(one.table))) continue;
    Table table = lake.table(one);
    if (one.layer == Layer::silver && lake.silver_is_view(one.table)) {
      resolved.absent.push_back(table.path() + "/_delta_log");
      table = lake.table(Layer::bronze, one.table);
    }
    ARROW_ASSIGN_OR_RAISE(auto view, read_view(table));
    if (view->snapshot().version < 0) return std::string();
    key.add(fmt::format("{} {} {}\n", one.str(), lake::name(table.name().layer), content_of(*view)));
    resolved.tables.emplace_back(std::move(table), std::move(view));
  }
  // A folder of a layer that is no table yet would become one without a change of the layer's folder.
  for (const std::string& word : words) {
    for (Layer layer : {Layer::landing, Layer::bronze, Layer::silver, Layer::gold}) {
      const Table table = lake.table(layer, word);
      if (folder_exists(table.path()) && !table.exists()) lasting = false;
    }
  }
  resolved.key = key.hex();
  std::string out = resolved.key;
  std::lock_guard lock(mutex_);
  if (resolved_.size() >= kResolvedMost) resolved_.clear();
  if (lasting) resolved_[asked] = std::make_shared<const Resolved>(std::move(resolved));
  return out;
}

Result<std::shared_ptr<arrow::Table>> query_cached(const Lake& lake, const std::string& sql, const SqlOptions& options,
                                                   QueryCache& cache, QueryCache::Tier* from) {
  if (from != nullptr) *from = QueryCache::Tier::none;
  auto key = cache.key_of(lake, sql, options);
  if (!key.ok() || key->empty()) return query(lake, sql, options);  // it says what is wrong
  if (auto known = cache.get(*key, from); known != nullptr) return known;
  ARROW_ASSIGN_OR_RAISE(auto table, query(lake, sql, options));
  // Versions only grow: the same key before and after means that the answer is of that version.
  auto after = cache.key_of(lake, sql, options);
  if (after.ok() && *after == *key) cache.put(*key, table);
  return table;
}

}  // namespace tapemill::lake
