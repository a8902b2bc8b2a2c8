#pragma once
#include <string>

#include "lake/writer.h"

namespace tapemill::lake {

struct RetireOptions {
  std::string column;      // the session, or "expiry": a date column
  Date before;             // parts whose every row has an earlier date go
  std::string archive;     // folder to copy the parts to first; empty: they are not kept
  std::string operation = "EXPIRE";  // of the commit
  bool dry_run = false;
};
struct RetireReport {
  std::string table;
  std::int64_t version = -1;
  std::int64_t files = 0, rows = 0, bytes = 0, copied = 0;  // copied: files that were not in the archive yet
  std::int64_t files_partly = 0;  // with some rows before the date: they wait until all are
  std::string archive;            // where the parts went
  Json json() const;
};
/// Takes whole parts that are older than a date out of a table, in one commit. Their units stay known (a part without rows
/// carries their tags), so that the same source read again changes nothing and no session counts as missing. Before that
/// commit every part lies in the archive under its own path, synced, and its copy has been read again and has the same
/// SHA-256. Old versions stay readable until vacuum. A second run changes nothing. Errors: usage for a table without that
/// date column, data for another file under an archive's path, environment.
Result<RetireReport> retire(const Table& table, const Layout& layout, const RetireOptions& options,
                            MemoryBudget& budget);

/// Copies a file with all folders above it; true when it was not there yet. The copy is read again and compared by hash.
Result<bool> copy_verified(const std::string& from, const std::string& to);

}  // namespace tapemill::lake
