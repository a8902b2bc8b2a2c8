#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/json_fwd.h"
#include "core/memory.h"
#include "core/workers.h"

namespace tapemill::lake {

enum class Layer { landing, bronze, silver, gold };
const char* name(Layer layer);

struct TableName {
  Layer layer = Layer::silver;
  std::string table;
  /// "bronze.sp500", "sp500" (silver), raw/normalized/features as aliases of bronze/silver/gold.
  static Result<TableName> parse(const std::string& text);
  std::string str() const;
};

/// A file of a table at some version, as its add action says.
struct Part {
  std::string path;                                 // relative to the table, hive folders included
  std::int64_t size = 0, rows = 0;
  std::int64_t modified_ms = 0;                     // of the commit
  std::map<std::string, std::string> partition;     // column -> text; empty: null
  std::string stats;  // JSON as the log keeps it: numRecords, minValues, maxValues, nullCount
  std::map<std::string, std::string> tags;  // unit, form, sha256, ordinal, source, ...
};

struct Commit {
  std::int64_t version = 0, timestamp_ms = 0;
  std::string operation;
  std::shared_ptr<const Json> info;  // commitInfo whole; an empty object where the commit has none
};

/// What a commit does. Nothing of it is visible before commit() returns, all of it after.
struct Transaction {
  std::int64_t read_version = -1;  // -1: the table does not exist yet
  std::vector<Part> adds;
  std::vector<std::string> removes;  // paths
  std::optional<std::pair<std::string, std::int64_t>> txn;  // application id, version: exactly-once writers
  std::string operation = "WRITE";
  std::vector<std::pair<std::string, std::string>> parameters;  // what the log notes of it, as texts or JSON
  std::vector<std::pair<std::string, std::int64_t>> counts;     // rows_in, rows_stored, rows_quarantined, ...
  std::vector<std::string>
      touches;  // units (sessions) this commit replaces or adds: a race on one is judged again; "*": on any
  std::map<std::string, std::string> configuration;  // keys of metaData to set, as far as they differ
  bool data_change = true;  // false: the same rows in other files (compaction)
  /// New columns, as create() takes them: those of before and more that may be null, or any where `removes` has every part.
  std::shared_ptr<arrow::Schema> schema = nullptr;
};

struct Snapshot {
  std::int64_t version = -1, timestamp_ms = 0;  // -1: no table
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::string> partitions;
  std::vector<Part> parts;  // sorted by path
  std::map<std::string, std::int64_t> txns;
  std::map<std::string, std::string> configuration;  // of metaData: tapemill.sort, tapemill.session, ...
  std::vector<std::string> list(const std::string& key) const;  // a comma-separated value of `configuration`
  /// Partition columns that no file holds and no spec declares (year, month, day, date): made from the session.
  bool derived(const std::string& column) const;
  std::int64_t rows() const;
  std::int64_t bytes() const;
};

/// One table: its folder and its Delta log (docs/formats/lake.md). Thread-safe; many processes may share it.
class Table {
 public:
  Table(std::string path, TableName name) : path_(std::move(path)), name_(std::move(name)) {}
  const std::string& path() const { return path_; }
  const TableName& name() const { return name_; }

  bool exists() const;
  Result<std::int64_t> version() const;  // -1 where there is no table
  Result<Snapshot> snapshot(std::optional<std::int64_t> version = {}) const;  // data error names the versions there are
  Result<std::vector<Commit>> history() const;  // newest first
  /// Version 0: protocol 1/2 and metaData. OK when the table exists already with an equal schema.
  Status create(const Dataset& dataset) const;
  /// Create with any schema: gold tables, feature groups. Partitions that are no column of `schema` are derived from the
  /// session column (configuration kSession, else "session"): year, month, day as int, date as date. Give kSort, or scan()
  /// returns rows in the order of the parts' names.
  Status create(const std::shared_ptr<arrow::Schema>& schema, const std::vector<std::string>& partitions,
                const std::map<std::string, std::string>& configuration) const;
  /// The new version. Status code AlreadyExists (conflict()) when another commit touched a unit of `touches`, or the same
  /// txn is in already: read again and judge again. Other races are rebased inside.
  Result<std::int64_t> commit(const Transaction& transaction) const;

 private:
  std::string path_;
  TableName name_;
};
bool is_conflict(const Status& status);

/// Keys of Snapshot::configuration; lists are comma-separated.
inline constexpr const char* kSort = "tapemill.sort";  // scan()'s order
inline constexpr const char* kKey = "tapemill.key";
inline constexpr const char* kSession = "tapemill.session";  // the column of session dates
inline constexpr const char* kDataset = "tapemill.dataset";  // name of the spec
inline constexpr const char* kSpec = "tapemill.spec";  // of bronze: the YAML of the last ingest, see about.h
inline constexpr const char* kDerived = "tapemill.derived";  // set by create()

/// A lake: LAKE/<layer>/<dataset>/.
class Lake {
 public:
  /// Opens or (when `create`) makes the folder. Errors: not a folder, no permission.
  static Result<Lake> open(const std::string& root, bool create);
  const std::string& root() const { return root_; }
  Table table(const TableName& name) const;
  Table table(Layer layer, const std::string& name) const { return table(TableName{layer, name}); }
  Result<std::vector<TableName>> tables() const;  // by layer, then name; views of silver included
  bool silver_is_view(const std::string& table) const;  // no silver folder, but a bronze one

 private:
  std::string root_;
};

}  // namespace tapemill::lake
