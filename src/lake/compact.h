#pragma once
#include <set>
#include <string>
#include <vector>

#include "core/workers.h"
#include "lake/units.h"
#include "lake/writer.h"

namespace tapemill::lake {

constexpr std::int64_t kCompactTarget = 256LL << 20;

/// Parts of one partition that become one.
struct Bin {
  std::vector<Part> parts;
  std::vector<UnitShare> units;  // of what comes out
  std::string by;                // the column that tells them apart; empty where nothing has to be told
  std::int64_t bytes = 0, rows = 0;
};
struct CompactPlan {
  std::vector<Bin> bins;
  std::int64_t apart =
      0;  // small parts that stay alone because their units cannot be told apart from their neighbours'
};
/// Which parts go together, by the log and the target alone: within a partition, in order of their units' ranges, as many as
/// stay below `target_bytes` and `most_rows`. Only parts of `among` are looked at (null: all).
Result<CompactPlan> plan_compaction(const Table& table, const Snapshot& snapshot, std::int64_t target_bytes,
                                    std::int64_t most_rows, const std::set<std::string>* among = nullptr);

struct CompactOptions {
  std::int64_t target_bytes = kCompactTarget;
  bool dry_run = false;
};
struct CompactReport {
  std::string table;
  std::int64_t version = -1;  // after the last commit
  std::int64_t files_before = 0, files_after = 0, bytes_before = 0, bytes_after = 0;
  std::int64_t files_merged = 0, files_written = 0, rows = 0;  // of a dry run: what would be read
  std::int64_t commits = 0, races = 0, apart = 0;              // races: merges given up because a unit was restated
  double seconds = 0;
  Json json() const;
};
/// Joins small parts (docs/decisions/0027), in commits with dataChange false. What others commit meanwhile stays as it is;
/// a merge that lost its inputs is given up. A second run finds nothing to do. Readers see either the old parts or the new.
/// Errors: usage for a table that is not there, data for a damaged part, environment.
Result<CompactReport> compact(const Table& table, const Layout& layout, const CompactOptions& options,
                              const Workers& workers, MemoryBudget& budget);

/// The layout that a table's log tells of: columns, partitions, sort and session; encodings by type.
Layout layout_of(const Snapshot& snapshot);

}  // namespace tapemill::lake
