#pragma once
#include <arrow/io/type_fwd.h>
#include <arrow/type_fwd.h>

#include <string>
#include <utility>
#include <vector>

#include "pipeline/stream.h"

namespace tapemill::pipeline {

/// Forms of rows outside: csv (with a header), ndjson (an object a line), arrow (IPC stream).
enum class RowForm { csv, ndjson, arrow };
Result<RowForm> row_form(const std::string& name);

/// Types that are not left to the first rows, by column. Usage error for what is not COLUMN=double|int64|string|bool|date|timestamp.
using TypeNames = std::vector<std::pair<std::string, std::shared_ptr<arrow::DataType>>>;
Result<TypeNames> type_names(const std::vector<std::string>& texts);

/// Up to so many bytes, at least one; 0 at the end.
using ReadBytes = std::function<Result<std::int64_t>(char*, std::size_t)>;
/// Of a descriptor: what is there. An interrupt is seen while nothing comes (Cancelled).
ReadBytes bytes_of_descriptor(int fd, const std::string& name);

/// Rows out of bytes as they come: a batch holds what could be read at once, at most about `block` bytes, so that a
/// slow feed's rows do not wait for a full block. Types are told from the first rows (csv, ndjson), or are the stream's own
/// (arrow); instants become timestamp[us]. Data errors name the lines that are not as the first rows had it.
class RowReader {
 public:
  virtual ~RowReader() = default;
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  virtual Result<Batch> next() = 0;  // null at the end
};
struct RowsIn {
  RowForm form = RowForm::csv;
  char delimiter = 0;  // of csv; 0: the one of , ; tab | that the header has most of
  std::int64_t block = 1 << 20;
  TypeNames types;
};
Result<std::unique_ptr<RowReader>> read_rows(ReadBytes bytes, const std::string& name, const RowsIn& in);
/// All of it at once; null where there is nothing.
Result<Batch> parse_rows(const std::string& text, RowForm form);

/// Rows to a stream; each batch is written, and flushed, before write() returns.
class RowWriter {
 public:
  virtual ~RowWriter() = default;
  virtual Status write(const arrow::RecordBatch& rows) = 0;
  virtual Status close() = 0;
};
Result<std::unique_ptr<RowWriter>> write_rows(const std::shared_ptr<arrow::io::OutputStream>& out, RowForm form,
                                              const std::shared_ptr<arrow::Schema>& schema);

/// Rows chosen and columns made, by row expressions (docs/formats/expressions.md).
struct RowsOptions {
  std::string where;                 // rows of which this is true; empty: all
  std::vector<std::string> with;     // "notional=price * qty": further columns, float64
  std::vector<std::string> columns;  // of the result, in this order; none: all
};
/// Usage errors, when the first rows come: an expression's, a column that is not there.
StreamStage rows_stage(const RowsOptions& options, int workers);

/// A program of the user's: `sh -c command`, started once a batch, given the rows on its standard input and read to the end of
/// its standard output. A batch fails where the program does (exit status, signal); the error has the end of what it said.
StreamStage program_stage(const std::string& command, RowForm form, int workers, int attempts);

}  // namespace tapemill::pipeline
