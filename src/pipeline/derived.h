#pragma once
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/memory.h"
#include "core/workers.h"
#include "lake/units.h"
#include "lake/writer.h"

namespace tapemill::pipeline {

/// A unit of bronze on its way into a table that is derived from it.
struct DerivedUnit {
  lake::UnitState state;                     // in bronze
  std::optional<std::int64_t> had;           // the ordinal it was derived with before
  std::unique_ptr<lake::PartWriter> writer;  // of `made`, which have no names yet
  std::vector<lake::Part> made;
  std::int64_t rows = 0;
};

/// A unit's parts by PartWriter::carry(). False, and nothing of the writer to be used, where one cannot be carried: rows of
/// other units in it, another writer's, another layout's.
Result<bool> carry_unit(const lake::Table& bronze, const lake::Snapshot& snapshot, const lake::Change& change,
                        const lake::UnitState& state, lake::PartWriter& writer);

/// How a table follows bronze, unit by unit.
struct Derivation {
  std::string name;  // of the txn{name, bronze's version}
  lake::Table bronze, table;
  lake::Layout layout;
  std::size_t at_once;  // units derived and published together
  std::string again;    // what makes the table anew once its folder is deleted
  std::function<bool(const lake::UnitState& in_bronze, const lake::UnitState& derived)> same;
  std::function<Status(const lake::Snapshot& bronze, DerivedUnit&)> derive;  // fills writer, made, rows; in any thread
};

/// Brings the table up to bronze in one commit (DERIVE): units that differ are derived again, those that bronze has no more go.
/// Nothing to do: no commit. Data errors: what another program did to one of them.
class Following {
 public:
  Following(Derivation how, const Workers& workers, MemoryBudget& budget);
  Status derive();  // nothing is visible yet
  /// Waits for the disk: another table's units may be derived meanwhile. After a race this one's are derived again.
  Status commit();

 private:
  Derivation how_;
  const Workers& workers_;
  MemoryBudget& budget_;
  std::int64_t last_ = -2, from_ = -1;  // versions: the table's before, bronze's
  lake::Transaction transaction_;
  std::vector<DerivedUnit> units_;
  std::future<Status> naming_;  // of parts that are derived already
};

/// Both at once.
Status follow_bronze(Derivation how, const Workers& workers, MemoryBudget& budget);

}  // namespace tapemill::pipeline
