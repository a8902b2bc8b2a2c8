#include "lake/cache_disk.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/compression.h>
#include <arrow/util/key_value_metadata.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>

#include "lake/files.h"

namespace tapemill::lake {
namespace {

constexpr const char* kKeyName = "tapemill.cache.key";
constexpr const char* kTables =
    "CREATE TABLE IF NOT EXISTS entries(key TEXT PRIMARY KEY, bytes INTEGER NOT NULL, rows INTEGER NOT NULL,"
    " created INTEGER NOT NULL, last_access INTEGER NOT NULL, uses INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;";

// A prepared statement with its arguments; ends with its scope.
class Statement {
 public:
  Statement(sqlite3* index, const char* sql) {
    good_ = sqlite3_prepare_v2(index, sql, -1, &statement_, nullptr) == SQLITE_OK;
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& bind(const std::string& text) {
    if (good_) sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& bind(std::int64_t value) {
    if (good_) sqlite3_bind_int64(statement_, ++bound_, value);
    return *this;
  }
  int step() { return good_ ? sqlite3_step(statement_) : SQLITE_ERROR; }
  std::int64_t integer(int column) { return sqlite3_column_int64(statement_, column); }
  std::string text(int column) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return bytes == nullptr ? "" : bytes;
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  bool good_;
};

Status write_file(const std::string& path, const std::string& key, const arrow::Table& table) {
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  ARROW_ASSIGN_OR_RAISE(options.codec, arrow::util::Codec::Create(arrow::Compression::ZSTD, 1));
  options.use_threads = false;
  auto metadata =
      table.schema()->metadata() != nullptr ? table.schema()->metadata()->Copy() : arrow::key_value_metadata({}, {});
  metadata->Append(kKeyName, key);
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::FileOutputStream::Open(path));
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeFileWriter(file, table.schema()->WithMetadata(metadata), options));
  ARROW_RETURN_NOT_OK(writer->WriteTable(table));
  ARROW_RETURN_NOT_OK(writer->Close());
  return file->Close();
}

Result<std::shared_ptr<arrow::Table>> read_file(const std::string& path, const std::string& key) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchFileReader::Open(file));
  ARROW_ASSIGN_OR_RAISE(auto table, reader->ToTable());
  auto metadata = table->schema()->metadata() == nullptr ? nullptr : table->schema()->metadata()->Copy();
  const int at = metadata == nullptr ? -1 : metadata->FindKey(kKeyName);
  if (at < 0 || metadata->value(at) != key) return data_error("another entry's file");
  ARROW_RETURN_NOT_OK(metadata->Delete(at));
  ARROW_RETURN_NOT_OK(table->ValidateFull());
  return table->ReplaceSchemaMetadata(metadata->size() == 0 ? nullptr : metadata);
}

}  // namespace

double CacheStats::hit_rate() const {
  const auto asked = memory_hits + disk_hits + misses;
  return asked == 0 ? 0 : static_cast<double>(memory_hits + disk_hits) / static_cast<double>(asked);
}

Result<std::unique_ptr<CacheDisk>> CacheDisk::open(const std::string& folder, const CacheOptions& options) {
  ARROW_RETURN_NOT_OK(make_folders(folder));
  auto disk = std::unique_ptr<CacheDisk>(new CacheDisk(folder, options));
  if (disk->prepare().ok()) return disk;
  sqlite3_close(disk->index_);
  disk->index_ = nullptr;
  for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((folder + "/index.sqlite" + suffix).c_str());
  ARROW_RETURN_NOT_OK(disk->prepare());
  return disk;
}

CacheDisk::~CacheDisk() { sqlite3_close(index_); }

Status CacheDisk::prepare() {
  if (sqlite3_open((folder_ + "/index.sqlite").c_str(), &index_) != SQLITE_OK) return run(nullptr);
  sqlite3_busy_timeout(index_, 2000);
  ARROW_RETURN_NOT_OK(run("PRAGMA journal_mode=WAL"));
  ARROW_RETURN_NOT_OK(run("PRAGMA synchronous=OFF"));  // what a power cut takes can be computed again
  return run(kTables);
}

Status CacheDisk::run(const char* sql) {
  if (sql != nullptr && sqlite3_exec(index_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return Status::OK();
  return environment_error(fmt::format("the cache's index {}/index.sqlite: {}", folder_, sqlite3_errmsg(index_)),
                           "tapemill cache clear makes it anew");
}

Status CacheDisk::remove(const std::string& key) {
  ::unlink(file_of(key).c_str());
  return Statement(index_, "DELETE FROM entries WHERE key = ?").bind(key).step() == SQLITE_DONE ? Status::OK()
                                                                                                : run(nullptr);
}

Result<std::shared_ptr<arrow::Table>> CacheDisk::get(const std::string& key, std::int64_t now) {
  std::lock_guard lock(mutex_);
  std::int64_t created = 0;
  {
    Statement find(index_, "SELECT created FROM entries WHERE key = ?");
    if (find.bind(key).step() != SQLITE_ROW) return nullptr;
    created = find.integer(0);
  }
  if (options_.policy == CachePolicy::ttl && created + options_.ttl_seconds <= now) {
    ARROW_RETURN_NOT_OK(remove(key));
    return nullptr;
  }
  auto table = read_file(file_of(key), key);
  if (!table.ok()) {
    ARROW_RETURN_NOT_OK(remove(key));
    return nullptr;
  }
  Statement touch(index_, "UPDATE entries SET last_access = ?, uses = uses + 1 WHERE key = ?");
  touch.bind(now).bind(key).step();
  return table;
}

Status CacheDisk::make_room(std::int64_t bytes, std::int64_t now) {
  if (options_.policy == CachePolicy::ttl) {
    std::vector<std::string> old;
    Statement find(index_, "SELECT key FROM entries WHERE created + ? <= ?");
    find.bind(options_.ttl_seconds).bind(now);
    while (find.step() == SQLITE_ROW) old.push_back(find.text(0));
    for (const std::string& key : old) ARROW_RETURN_NOT_OK(remove(key));
  }
  const char* next =
      options_.policy == CachePolicy::lru   ? "SELECT key, bytes FROM entries ORDER BY last_access, key LIMIT 1"
      : options_.policy == CachePolicy::lfu ? "SELECT key, bytes FROM entries ORDER BY uses, last_access, key LIMIT 1"
                                            : "SELECT key, bytes FROM entries ORDER BY created, key LIMIT 1";
  std::int64_t used = 0, evicted = 0;
  {
    Statement sum(index_, "SELECT coalesce(sum(bytes), 0) FROM entries");
    if (sum.step() == SQLITE_ROW) used = sum.integer(0);
  }
  while (used + bytes > options_.disk_bytes) {
    std::string key;
    {
      Statement find(index_, next);
      if (find.step() != SQLITE_ROW) break;
      key = find.text(0);
      used -= find.integer(1);
    }
    ARROW_RETURN_NOT_OK(remove(key));
    ++evicted;
  }
  CacheStats more;
  more.evictions = evicted;
  return evicted == 0 ? Status::OK() : count(more);
}

Status CacheDisk::put(const std::string& key, const arrow::Table& table, std::int64_t now) {
  const std::string temporary = fmt::format("{}/.{}-{}", folder_, key, ::getpid());
  Status written = write_file(temporary, key, table);
  std::error_code ignored;
  const auto bytes = written.ok() ? static_cast<std::int64_t>(std::filesystem::file_size(temporary, ignored)) : 0;
  if (!written.ok() || bytes > options_.disk_bytes) {
    ::unlink(temporary.c_str());
    return written;
  }
  std::lock_guard lock(mutex_);
  Status room = make_room(bytes, now);
  if (!room.ok() || ::rename(temporary.c_str(), file_of(key).c_str()) != 0) {
    ::unlink(temporary.c_str());
    return room.ok() ? errno_error("cannot write into the cache " + folder_, errno) : room;
  }
  Statement insert(index_, "INSERT OR REPLACE INTO entries VALUES(?, ?, ?, ?, ?, 1)");
  insert.bind(key).bind(bytes).bind(table.num_rows()).bind(now).bind(now);
  return insert.step() == SQLITE_DONE ? Status::OK() : run(nullptr);
}

Status CacheDisk::count(const CacheStats& more) {
  for (auto [name, value] : {std::pair{"memory_hits", more.memory_hits},
                             {"disk_hits", more.disk_hits},
                             {"misses", more.misses},
                             {"stores", more.stores},
                             {"evictions", more.evictions}}) {
    if (value == 0) continue;
    Statement add(index_,
                  "INSERT INTO counters VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = value + excluded.value");
    if (add.bind(std::string(name)).bind(value).step() != SQLITE_DONE) return run(nullptr);
  }
  return Status::OK();
}

Result<CacheStats> CacheDisk::stats() {
  std::lock_guard lock(mutex_);
  CacheStats out;
  Statement counters(index_, "SELECT name, value FROM counters");
  while (counters.step() == SQLITE_ROW) {
    const std::string name = counters.text(0);
    for (auto [known, into] : {std::pair{"memory_hits", &out.memory_hits},
                               {"disk_hits", &out.disk_hits},
                               {"misses", &out.misses},
                               {"stores", &out.stores},
                               {"evictions", &out.evictions}}) {
      if (name == known) *into = counters.integer(1);
    }
  }
  Statement entries(index_, "SELECT count(*), coalesce(sum(bytes), 0) FROM entries");
  if (entries.step() != SQLITE_ROW) return run(nullptr);
  out.disk_entries = entries.integer(0);
  out.disk_bytes = entries.integer(1);
  return out;
}

Status CacheDisk::clear() {
  std::lock_guard lock(mutex_);
  ARROW_ASSIGN_OR_RAISE(auto names, list_folder(folder_));
  for (const std::string& name : names) {
    if (name.ends_with(".arrow")) ::unlink((folder_ + "/" + name).c_str());
  }
  ARROW_RETURN_NOT_OK(run("DELETE FROM entries"));
  return run("DELETE FROM counters");
}

}  // namespace tapemill::lake
