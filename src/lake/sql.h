#pragma once
#include <arrow/table.h>

#include "lake/lake.h"

namespace tapemill::lake {

struct SqlOptions {
  std::int64_t memory = 0;                            // bytes; 0: DuckDB's own default
  int threads = 0;
  std::map<std::string, std::int64_t> versions;       // time travel per table; also in SQL: FROM sp500 AT (VERSION => 3)
};
/// Runs read-only SQL over the log's current files by DuckDB (loaded on first use). One view per table: silver by bare
/// name, layer.name for every layer. Errors are data or usage errors with DuckDB's message and the tables there are.
Result<std::shared_ptr<arrow::Table>> query(const Lake& lake, const std::string& sql, const SqlOptions& options = {});

/// OK when the engine can be loaded; else an environment error that says what is missing.
Status sql_available();

}  // namespace tapemill::lake
