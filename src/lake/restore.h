#pragma once
#include <string>

#include "lake/lake.h"

namespace tapemill::lake {

struct RestoreReport {
  std::string table;
  std::int64_t restored = -1, version = -1;  // the version that is current again, and the commit that made it so
  std::int64_t files_added = 0, files_removed = 0, copied = 0;  // copied: out of an archive
  std::int64_t rows_before = 0, rows_after = 0;
  Json json() const;
};

/// Makes the rows of an earlier version current again, in one commit (RESTORE): what came since stays in time travel. Parts
/// that are no longer on the disk are fetched from the archives that took them. Nothing to do: no commit.
/// Errors: no such version, other columns since (usage); a part that vacuum deleted (data).
Result<RestoreReport> restore(const Table& table, std::int64_t version, bool dry_run);

}  // namespace tapemill::lake
