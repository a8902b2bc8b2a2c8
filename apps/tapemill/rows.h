#pragma once
#include <arrow/table.h>

#include <memory>
#include <string>

#include "command.h"

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

/// Takes rows and puts them where they were asked for: CSV (RFC 4180, lines end with LF) as they come, a Parquet file when it
/// has all of them. A file appears whole or not at all.
class RowWriter {
 public:
  static Result<std::unique_ptr<RowWriter>> open(const RowsTo& to);
  ~RowWriter();
  /// The first one brings the header; all are of one schema.
  Status write(const std::shared_ptr<arrow::RecordBatch>& rows);
  /// Says on the standard output what was written, where that was a file.
  Status finish(const Context& context);

 private:
  RowWriter() = default;
  Status write_csv(const arrow::RecordBatch& rows);
  RowsTo to_;
  std::string temporary_;  // of a CSV file until it is whole
  std::FILE* file_ = nullptr;
  bool parquet_ = false;
  std::int64_t rows_ = 0;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> kept_;  // of a Parquet file
};

/// All rows of a table through a writer.
Status write_rows(const arrow::Table& table, const RowsTo& to, const Context& context);

/// One value as CSV has it, unquoted: full precision, times as 2024-10-28T03:45:00Z, those without a zone without the Z.
void append_exact(std::string& out, const arrow::Array& array, std::int64_t row);

}  // namespace tapemill::app
