#pragma once
#include <arrow/table.h>

#include <stop_token>

#include "lake/lake.h"
#include "lake/spill.h"

namespace tapemill::lake {

struct SqlOptions {
  std::int64_t memory = 0;                            // bytes; 0: DuckDB's own default
  int threads = 0;
  std::map<std::string, std::int64_t> versions;  // time travel per table; also in SQL: FROM sp500 AT (VERSION => 3)
  std::stop_token stop = interrupt();  // ends the query: Status code Cancelled
};
/// Runs one read-only statement over the log's current files by DuckDB (loaded on first use). One view per table: silver by
/// bare name, layer.name for every layer; partition columns (year, month) are columns. Time travel: FROM t AT (VERSION => n)
/// or AT (TIMESTAMP => '2024-10-28 12:00'). Nothing but the parts of the tables in the statement can be read, nothing can be
/// written or set. Decimals of at most 18 digits are decimal64, times timestamp[us, UTC]. Errors are data or usage errors
/// with DuckDB's message and the tables there are.
Result<std::shared_ptr<arrow::Table>> query(const Lake& lake, const std::string& sql, const SqlOptions& options = {});

/// The same in batches as they come, so that an answer may be larger than memory: at least one, if without rows.
Status query(const Lake& lake, const std::string& sql, const SqlOptions& options, const Emit& emit);

/// OK when the engine can be loaded; else an environment error that says what is missing.
Status sql_available();

}  // namespace tapemill::lake
