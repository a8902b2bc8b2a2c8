#pragma once
#include <string>
#include <vector>

#include "lake/lake.h"

namespace tapemill::lake {

/// One difference between a table's columns and its spec's, judged by the rules of Avro's schema evolution
/// (docs/formats/evolution.md).
struct ColumnChange {
  enum class Kind { added, removed, renamed, widened, type, scale, unit, nulls, symbols, order, partitions, version };
  Kind kind = Kind::added;
  std::string column, was;   // was: the name that a renamed column had
  bool allowed = true;
  bool rewrites = false;     // every part is written anew for it: other engines know no defaults and no aliases
  std::string what, hint;    // for people; the hint: what to do where it is forbidden
};
const char* name(ColumnChange::Kind kind);

struct Evolution {
  std::vector<ColumnChange> changes;     // in the order of the spec
  std::string from_version, to_version;  // schema_version before and now; empty where none is declared
  std::int64_t number = 0;               // how many times the table had been changed before
  bool none() const { return changes.empty() && from_version == to_version; }
  bool rewrites() const;
  /// The first change that is forbidden, as a data error that names the column, both types and what to do.
  Status check() const;
  Json json() const;
};

/// Compares; nothing is written. The snapshot is of a table that exists.
Result<Evolution> evolution_of(const Table& table, const Snapshot& snapshot, const Dataset& dataset);

/// OK where the table's columns are those of the spec; else a data error that says which is not.
Status has_columns_of(const Table& table, const Snapshot& snapshot, const Dataset& dataset);

/// Makes the table, or brings its columns up to the spec in one commit (EVOLVE). What only adds columns of nulls, or drops a
/// rule, writes no part anew: rows of before are null there. A column that is wider, renamed or has a default for rows of
/// before has every part written anew, so that every engine reads the same; older versions keep their columns. Where nothing
/// differs there is no commit. Errors: Evolution::check().
Result<Evolution> create_or_evolve(const Table& table, const Dataset& dataset, const Workers& workers,
                                   MemoryBudget& budget);

inline constexpr const char* kSchemaVersion = "tapemill.schema_version";  // as the spec declares it
inline constexpr const char* kSchemaNumber = "tapemill.schema_number";    // of EVOLVE commits so far
inline constexpr const char* kMixed = "tapemill.mixed";  // "true": parts may lack columns that the table has

/// Dataset::schema(), and a last column schema_version where the spec declares one: every row says by which it was written.
std::shared_ptr<arrow::Schema> stored_schema(const Dataset& dataset);
/// The columns of a data set with units, help and symbols as field metadata.
std::shared_ptr<arrow::Schema> described(const Dataset& dataset);
/// Whether `after` has every field of `before` with the same type, and beside them only ones that may be null.
bool only_adds(const arrow::Schema& before, const arrow::Schema& after);

}  // namespace tapemill::lake
