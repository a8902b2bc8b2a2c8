#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lake/lake.h"
#include "lake/stats.h"

namespace tapemill::lake {

/// Rows of one source whose keys a table has already.
struct Overlap {
  std::int64_t rows = 0;
  std::string key;   // of the first: "instrument_id US:A, session 2024-01-02"
  std::string file;  // whose row of that key is in: the tag `file`
};

/// Looks for keys that are in a table already. Parts and row groups whose statistics exclude each other are not read; of the
/// others only the key's columns are, a row group at a time. A key is told by 128 bits of hash; what is remembered of the
/// fresh rows at once is bounded by a share of the budget. One thread at a time.
class KeyOverlaps {
 public:
  /// `table`, `snapshot` and `budget` must live as long as this does. REQUIRES `key` names columns of the snapshot.
  KeyOverlaps(const Table& table, const Snapshot& snapshot, std::vector<std::string> key, MemoryBudget& budget)
      : table_(table), snapshot_(snapshot), key_(std::move(key)), budget_(budget) {}

  /// Rows of `fresh` (on the disk, in no commit yet) whose key a row of `others` has. The first is that of the lowest part,
  /// group and row of `fresh`.
  Result<Overlap> find(const std::vector<Part>& fresh, const std::vector<const Part*>& others);

 private:
  const std::vector<Bounds>& bounds_of(const Part& part);  // per column of the key
  const Table& table_;
  const Snapshot& snapshot_;
  std::vector<std::string> key_;
  MemoryBudget& budget_;
  std::map<std::string, std::vector<Bounds>> bounds_;  // by path
};

}  // namespace tapemill::lake
