#pragma once
#include <arrow/table.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/workers.h"
#include "lake/lake.h"

namespace tapemill::lake {

/// What is asked of a reference table: a data set with the columns `symbol` and `valid_from` (a date), perhaps `valid_to` (the
/// last date, inclusive), whose available_at says since when a row is known (docs/formats/enrichment.md).
struct EnrichOptions {
  std::vector<std::string> columns;
  std::string table;  // empty: the lake's one reference table of the exchange
  std::optional<std::int64_t> version;
  std::optional<Instant> known_at;  // reference rows that were known later are not there
};

/// Columns of a reference table beside rows of another, as of each row's session and as known when the row itself was: of the
/// instrument's reference rows with available_at <= the row's and valid_from <= its session the one with the latest valid_from
/// (of several versions of it the one known last), unless its valid_to is over. Nothing is stored. The instrument is the row's
/// `underlying` where it has one, else its `symbol`. Holds the reference table in memory. Immutable; thread-safe.
class Enrichment {
 public:
  /// Usage errors: no or several reference tables, unknown columns (with the nearest), columns that the rows have already,
  /// rows without a symbol.
  static Result<Enrichment> make(const Lake& lake, const Dataset& rows, const EnrichOptions& options,
                                 const Workers& workers, arrow::MemoryPool* pool);
  const TableName& table() const;
  std::int64_t version() const;
  const std::vector<std::string>& needs() const;  // columns of the rows that of() reads
  const arrow::FieldVector& fields() const;       // of the columns that it makes
  /// One array a field, a value a row: null where it is unknown. REQUIRES the columns needs() of `rows`.
  Result<arrow::ArrayVector> of(const arrow::Table& rows, arrow::MemoryPool* pool) const;
  /// `rows` without `drop`, and the columns of of() last.
  Result<std::shared_ptr<arrow::Table>> beside(const std::shared_ptr<arrow::Table>& rows,
                                               const std::vector<std::string>& drop, arrow::MemoryPool* pool) const;

 private:
  struct Known;
  std::shared_ptr<const Known> known_;
};

}  // namespace tapemill::lake
