#pragma once
#include <string>

#include "core/memory.h"
#include "lake/lake.h"

namespace tapemill::lake {

/// Files beside a table for readers that know no Delta log (spec A11): they say what the newest version is, and are written
/// on request; a commit after them makes them old, never wrong (vacuum keeps the files they name for its promise).
struct SidecarReport {
  std::string table;
  std::int64_t version = -1, partitions = 0, days = 0,
               files_written = 0;  // files_written: those that were not there so
  Json json() const;
};
/// - `_SUCCESS`, empty, in the table's folder and in every partition's
/// - `_common_metadata`: the stored columns as a Parquet footer; `_metadata`: the row groups of all parts with their paths
/// - `_manifests/YYYY-MM-DD.json` a session: rows, bytes, parts (path, rows, bytes) and their sources' hashes, least and most
///   of every time column and of `strike`, the expiries
/// Each is replaced in one step. A second run writes nothing. Errors: usage where there is no such table, data for a damaged
/// part, environment.
Result<SidecarReport> write_sidecars(const Table& table, MemoryBudget& budget);

}  // namespace tapemill::lake
