#include "rows.h"

#include <arrow/api.h>

#include <cstdio>
#include <filesystem>

#include "core/csv_rows.h"
#include "core/json.h"
#include "print.h"

namespace tapemill::app {
namespace {

constexpr std::size_t kPiece = 1 << 20;  // bytes of CSV written at once

std::string suffix_of(const std::string& path) { return std::filesystem::path(path).extension().string(); }

}  // namespace

Status check_rows_to(const RowsTo& to, const Context& context) {
  if (to.csv && context.json) return usage_error("--csv and --json: one of them", "leave one out");
  if (to.output.empty()) return Status::OK();
  const std::string suffix = suffix_of(to.output);
  if (suffix != ".csv" && suffix != ".parquet")
    return usage_error(fmt::format("--output {}: its name does not say which form it is to have", to.output),
                       "end it in .csv or .parquet");
  if (to.csv && suffix != ".csv")
    return usage_error(fmt::format("--csv and --output {}: one of them", to.output), "leave one out");
  return check_output(to.output);
}

Result<std::unique_ptr<RowWriter>> RowWriter::open(const RowsTo& to) {
  std::unique_ptr<RowWriter> made(new RowWriter());
  made->to_ = to;
  if (!to.output.empty()) {
    ARROW_ASSIGN_OR_RAISE(OutputFile file, OutputFile::create(to.output));
    made->file_.emplace(std::move(file));
  }
  return made;
}

Status RowWriter::put(const std::string& lines) {
  if (file_) return file_->write(lines);
  if (std::fwrite(lines.data(), 1, lines.size(), stdout) == lines.size()) return Status::OK();
  return errno_error("standard output", errno);
}

Status RowWriter::write(const std::shared_ptr<arrow::RecordBatch>& rows) {
  std::string lines;
  if (schema_ == nullptr) {
    schema_ = rows->schema();
    if (suffix_of(to_.output) == ".parquet") {
      ARROW_ASSIGN_OR_RAISE(parquet_, lake::ParquetRows::open(file_->fd(), schema_));
    } else {
      append_csv_header(lines, *schema_);
    }
  }
  rows_ += rows->num_rows();
  if (parquet_ != nullptr) return parquet_->write(rows);
  for (std::int64_t row = 0; row < rows->num_rows(); ++row) {
    append_csv_row(lines, *rows, row);
    if (lines.size() < kPiece) continue;
    ARROW_RETURN_NOT_OK(put(lines));
    lines.clear();
  }
  return put(lines);
}

Status RowWriter::finish(const Context& context) {
  if (!file_) return Status::OK();
  if (parquet_ != nullptr) ARROW_RETURN_NOT_OK(prefixed(parquet_->finish(), to_.output));
  ARROW_RETURN_NOT_OK(file_->keep());
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(to_.output));
  if (context.json) print(Json{{"output", to_.output}, {"rows", rows_}, {"bytes", bytes}});
  else if (!context.quiet) print(fmt::format("{}: {}, {}\n", to_.output, counted(rows_, "row"), format_bytes(bytes)));
  return Status::OK();
}

Status write_rows(const arrow::Table& table, const RowsTo& to, const Context& context) {
  ARROW_ASSIGN_OR_RAISE(auto writer, RowWriter::open(to));
  ARROW_ASSIGN_OR_RAISE(auto none, arrow::RecordBatch::MakeEmpty(table.schema()));
  ARROW_RETURN_NOT_OK(writer->write(none));
  arrow::TableBatchReader batches(table);
  for (std::shared_ptr<arrow::RecordBatch> batch;;) {
    ARROW_RETURN_NOT_OK(batches.ReadNext(&batch));
    if (batch == nullptr) return writer->finish(context);
    ARROW_RETURN_NOT_OK(writer->write(batch));
  }
}

}  // namespace tapemill::app
