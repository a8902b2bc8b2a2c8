#pragma once
#include <arrow/table.h>

#include <memory>
#include <optional>
#include <string>

#include "command.h"
#include "core/output_file.h"
#include "lake/parquet_rows.h"

namespace tapemill::app {

/// How rows are asked for where they are not for eyes: --csv to the standard output, --output to a file.
struct RowsTo {
  bool csv = false;
  std::string output;
  bool asked() const { return csv || !output.empty(); }
};
inline constexpr const char* kCsvHelp =
    "every row as CSV: a header, full precision, nulls empty, times ISO 8601 in UTC";
inline constexpr const char* kOutputHelp = "write every row to this file instead, .csv or .parquet";

/// Before the work: --csv beside --json, a file whose form its name does not tell or that cannot be put where it was named.
Status check_rows_to(const RowsTo& to, const Context& context);

/// Takes rows and puts them where they were asked for, as they come: CSV (core/csv_rows.h), or a Parquet file, row group by row
/// group. A file appears whole or not at all.
class RowWriter {
 public:
  static Result<std::unique_ptr<RowWriter>> open(const RowsTo& to);
  /// The first one brings the header; all are of one schema.
  Status write(const std::shared_ptr<arrow::RecordBatch>& rows);
  /// Says on the standard output what was written, where that was a file.
  Status finish(const Context& context);

 private:
  RowWriter() = default;
  Status put(const std::string& lines);
  RowsTo to_;
  std::optional<OutputFile> file_;  // none: the standard output
  std::unique_ptr<lake::ParquetRows> parquet_;
  std::int64_t rows_ = 0;
  std::shared_ptr<arrow::Schema> schema_;
};

/// All rows of a table through a writer.
Status write_rows(const arrow::Table& table, const RowsTo& to, const Context& context);

}  // namespace tapemill::app
