#pragma once
#include <arrow/table.h>

#include <string>
#include <vector>

#include "core/json.h"
#include "core/status.h"
#include "lake/lake.h"

namespace tapemill::backtest {

/// A run on disk: LAKE/runs/<run_id>/ (docs/formats/ledger.md). `record` is RUN.json, `meta` META.json.
struct RunRecord {
  std::string run_id, path, name, form, strategy_hash, ledger_hash, source_hash;
  Json record, meta;
  std::vector<std::pair<std::string, std::string>> metrics;  // name -> text for people, in order
};

/// The files of a run, by name relative to its folder, in the order in which they are hashed.
using RunFiles = std::vector<std::pair<std::string, std::string>>;

/// First 16 hex digits of the sha-256 of what determines a run: source hash, strategy, inputs, calendar, rules.
std::string run_id_of(const Json& inputs);
/// sha-256 over each file's name, length and bytes, in order.
std::string ledger_hash_of(const RunFiles& files);
/// Parquet as every run writes it: zstd, decimals on integers; the same table gives the same bytes.
Result<std::string> parquet_bytes(const arrow::Table& table);
Result<std::shared_ptr<arrow::Table>> read_parquet(const std::string& path);

struct Written {
  std::string path;
  bool existed = false;
};
/// Writes the run whole or not at all: a temporary folder beside it, synced, then renamed. A run that is there already
/// with the same ledger hash is left as it is; with another: a data error that names the files that differ.
/// RUN.json is `record` and the files' hashes; META.json is not hashed.
Result<Written> write_run(const lake::Lake& lake, Json record, const RunFiles& files, const RunFiles& unhashed,
                          const Json& meta);

Result<RunRecord> load(const lake::Lake& lake,
                       const std::string& run_id);  // unknown: usage error with the nearest; a unique prefix will do
Result<std::vector<RunRecord>> runs(const lake::Lake& lake);  // by start, newest first, then id
/// Bytes against RUN.json: a data error that names the first file that differs or is missing.
Status verify(const RunRecord& run);

}  // namespace tapemill::backtest
