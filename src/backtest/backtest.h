#pragma once
#include <optional>
#include <string>
#include <vector>

#include "backtest/ledger.h"
#include "backtest/metrics.h"
#include "backtest/strategy.h"
#include "core/json.h"
#include "core/workers.h"
#include "lake/lake.h"

namespace tapemill::backtest {

/// What `tapemill backtest check FILE` says: the document as understood, without a lake.
struct CheckReport {
  std::string name, form, hash;            // form: daily | option
  Json canonical;
  std::vector<std::string> resolved;       // what each indicator resolved to
  std::vector<std::string> warnings;
};
/// With a lake, data sets that only it knows are found too.
Result<CheckReport> check(const std::string& path, const lake::Lake* lake = nullptr);
/// The table that a strategy reads, as it names it.
Result<std::string> table_of(const std::string& path);
/// What run() refuses before it computes: no such table or version, a column that is not there, a symbol without rows, a
/// capital in another currency than the table's.
Status check_inputs(const lake::Lake& lake, const std::string& path, std::optional<std::int64_t> version = {});

struct RunOptions {
  Workers workers{1};
  arrow::MemoryPool* pool = arrow::default_memory_pool();
  std::int64_t memory = 0;                 // bytes that the pool has; 0: no ceiling
  std::optional<std::int64_t> version;     // of the strategy's table; none: the newest
  bool write = true;                       // to LAKE/runs
};

struct RefusedDay {
  Date date;
  std::vector<std::string> failures;
};

struct RunResult {
  std::string run_id, name, form, path, strategy_hash, ledger_hash;
  bool existed = false;                    // the same run was there already, with the same bytes
  std::vector<Figure> metrics;
  std::shared_ptr<arrow::Table> trades, equity;
  std::vector<RefusedDay> refused;         // days whose quotes failed the sanity gates, not traded
  std::vector<std::string> resolved, warnings;
  std::string currency, table;             // the table as read: layer.table@version
  std::int64_t version = 0, rows_scanned = 0, sessions = 0, missed = 0;
  double load_seconds = 0, engine_seconds = 0, write_seconds = 0;
};
/// Reads the document, runs it over the lake and writes the ledger. The result and its bytes depend on the document, the
/// table's version, calendar, rules and source tree alone; not on workers. Cancelled on interrupt(): nothing is written.
Result<RunResult> run(const lake::Lake& lake, const std::string& path, const RunOptions& options = {});

struct RunRecord;  // backtest/ledger.h
/// What a recorded run found, read back from its folder; refused days and the seconds it took are not in it.
Result<RunResult> recorded(const RunRecord& run);

struct RerunResult {
  RunResult run;
  std::string expected;                    // ledger hash on record
  bool same = false;
  std::vector<std::string> differing;      // files, where not the same
  std::vector<std::string> changed;        // what is no longer as it was: source tree, rules, calendar
};
/// Runs a recorded strategy again over the version of its table that it read, and compares the bytes. Writes nothing.
Result<RerunResult> rerun(const lake::Lake& lake, const std::string& run_id, const RunOptions& options = {});

}  // namespace tapemill::backtest
