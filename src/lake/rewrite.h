#pragma once
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "lake/units.h"
#include "lake/writer.h"

namespace tapemill::lake {

/// A part's units, each with the range of column `by` that tells its rows from others': nothing where that cannot be said
/// (a null in the column, no statistics, a compacted part whose units another column tells apart).
Result<std::optional<std::vector<UnitShare>>> ranged_shares(const Snapshot& snapshot, const Part& part,
                                                            const std::string& by);
/// Units that one part can hold: ranges of different units are disjoint, and no unit is there with two contents.
class UnitSet {
 public:
  /// False, and nothing changed, where they do not go together with those that are in. Shares of one unit are joined.
  bool add(const std::vector<UnitShare>& shares);
  std::vector<UnitShare> list() const;  // by `from`

 private:
  void put(const std::string& key, std::optional<UnitShare> share);
  bool free(const UnitShare& share) const;
  std::map<std::string, UnitShare> units_;          // by unit_key()
  std::map<std::string, std::string> to_by_from_;  // the ranges, disjoint
};

struct Merged {
  std::vector<Part> parts;
  std::shared_ptr<PartWriter> writer;  // has the files, without names until publish()
};
/// Writes the rows of `inputs` (parts of one partition) into new parts, without the rows of the units `leaving` (unit_key()
/// each); `shares` are the units that stay, by column `by`. One part comes out where any unit or row stays. The new parts'
/// names come from the inputs' names, so the same merge gives the same bytes under the same path. Data error: more or fewer
/// rows than the log says.
Result<Merged> merge_parts(const Table& table, const Snapshot& snapshot, const std::vector<Part>& inputs,
                           const std::vector<UnitShare>& shares, const std::string& by,
                           const std::set<std::string>& leaving, const Layout& layout, MemoryBudget& budget,
                           const std::function<void(std::int64_t rows)>& progress = {});

/// What has to go and what comes instead, so that no row of some units is left in a table.
struct Replacement {
  std::vector<std::string> removes;  // paths
  std::vector<Part> adds;            // the other units' rows of parts that were shared
};
/// `leaving`: unit_key() each. Parts of these units alone just go; shared ones are written anew (merge_parts()).
Result<Replacement> take_out(const Table& table, const Snapshot& snapshot, const std::set<std::string>& leaving,
                             const Layout& layout, MemoryBudget& budget);

/// The rows of one unit, in the order of its parts.
Status stream_unit(const Table& table, const Snapshot& snapshot, const UnitState& unit, arrow::MemoryPool* pool,
                   const std::function<Status(const std::shared_ptr<arrow::RecordBatch>&)>& emit);

}  // namespace tapemill::lake
