#pragma once
#include "lake/lake.h"

namespace tapemill::lake {

/// What a part's name is the hash of, besides table and partition (design.md 4.1): nothing of threads or memory.
struct Provenance {
  std::string sha256;        // of the source file
  std::string unit, form;    // "2024-10-28", "nse_udiff"
  std::int64_t ordinal = 0;  // how many times this unit had been replaced before: no path is ever reused
  std::map<std::string, std::string> tags;  // further tags: source file name, arrival
};

/// Writes the rows of one source into sorted Parquet parts, one or more per partition; parts are synced but not visible
/// until a commit names them. abort() (also by the destructor without finish()) removes them.
class PartWriter {
 public:
  virtual ~PartWriter() = default;
  virtual Status write(const std::shared_ptr<arrow::RecordBatch>& rows) = 0;  // spills when the budget says so
  /// Where no row was written: one empty part (no rows, null partition values), so that the unit is known to be in.
  virtual Result<std::vector<Part>> finish() = 0;
  virtual void abort() = 0;
};

struct Layout {
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::string> partitions, sort;      // partitions: year, month, date (of the session column), or a column's name
  std::string session_column = "session";
  std::map<std::string, std::string> encodings;   // column -> plain | dictionary | delta | byte_stream_split
  std::int64_t row_group_rows = 1'000'000, part_rows = 8'000'000;
  int compression_level = 3;
};
Layout layout_of(const Dataset& dataset);

Result<std::unique_ptr<PartWriter>> write_parts(const Table& table, const Layout& layout, const Provenance& provenance, MemoryBudget& budget);

}  // namespace tapemill::lake
