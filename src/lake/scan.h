#pragma once
#include <arrow/table.h>

#include "core/session_hours.h"
#include "lake/lake.h"

namespace tapemill::lake {

struct ScanRequest {
  TableName table;
  std::vector<std::string> columns;       // empty: all but derived partitions; unknown: usage error with the nearest
  std::vector<std::string> symbols;       // of `symbol` or instrument_id; empty: all
  std::optional<Date> start, end;         // of the session, inclusive
  std::optional<std::int64_t> version;
  std::optional<Instant> known_at;        // rows whose available_at is later (or unknown) are not there yet
  /// Of bronze or silver whose bars are shorter than a session, by a calendar with extended hours: which of their rows.
  /// Other tables are whole. What computes or shows takes the regular session unless its user says otherwise.
  SessionHours hours = SessionHours::all;
};
struct ScanResult {
  std::shared_ptr<arrow::Table>
      rows;  // prices decimal64, by the table's sort order (kSort); columns may have several chunks
  std::int64_t version = 0;
  std::int64_t outside_hours = 0;  // rows left out for `hours` alone
  std::int64_t files_total = 0, files_read = 0, row_groups_total = 0, row_groups_read = 0, bytes_read = 0;
};
/// Reads a table (silver views are read through to bronze), pruned by partition and statistics. Workers read parts in
/// parallel; the order of rows does not depend on them. Errors: usage error for a table that is not there (with those that
/// are), an unknown column, or a filter the table has no column for; data error for a damaged part (with its path).
Result<ScanResult> scan(const Lake& lake, const ScanRequest& request, const Workers& workers = Workers(1),
                        arrow::MemoryPool* pool = arrow::default_memory_pool());

/// The rows of some parts of one snapshot, whole, in the order of `parts`; derived partition columns (year, month) left out.
Result<std::shared_ptr<arrow::Table>> read_parts(const Table& table, const Snapshot& snapshot,
                                                 const std::vector<Part>& parts,
                                                 arrow::MemoryPool* pool = arrow::default_memory_pool());

/// A column of a scan as doubles: decimals by their one division, integers and doubles as they are, dates as
/// days and times as microseconds since the epoch, nulls NaN.
Result<std::vector<double>> doubles(const arrow::Table& table, const std::string& column);
/// Rows of each instrument: [first, last) of a table sorted by instrument_id.
struct Span {
  std::string instrument;
  std::int64_t first, last;
};
Result<std::vector<Span>> spans(const arrow::Table& table, const std::string& column = "instrument_id");

}  // namespace tapemill::lake
