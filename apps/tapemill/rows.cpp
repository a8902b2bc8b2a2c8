#include "rows.h"

#include <arrow/api.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "backtest/ledger.h"
#include "core/decimal.h"
#include "core/json.h"
#include "core/output_file.h"
#include "core/paths.h"
#include "print.h"

namespace tapemill::app {
namespace {

constexpr std::int64_t kPiece = 8192;  // rows written at once

std::string suffix_of(const std::string& path) { return std::filesystem::path(path).extension().string(); }

/// RFC 4180: in quotes where it has a comma, a quote or a line's end, or is empty, which a null is not.
void append_quoted(std::string& out, std::string_view text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

/// Whether a value of this type may need quotes.
bool is_text(arrow::Type::type id) {
  return !arrow::is_numeric(id) && !arrow::is_decimal(id) && !arrow::is_temporal(id) && id != arrow::Type::BOOL;
}

void append_time(std::string& out, const arrow::Array& array, std::int64_t row) {
  const auto& type = static_cast<const arrow::TimestampType&>(*array.type());
  const std::int64_t value = static_cast<const arrow::TimestampArray&>(array).Value(row);
  std::string text;
  switch (type.unit()) {
    case arrow::TimeUnit::SECOND: text = Instant{value * kSecond}.str(); break;
    case arrow::TimeUnit::MILLI: text = Instant{value * 1000}.str(); break;
    case arrow::TimeUnit::MICRO: text = Instant{value}.str(); break;
    case arrow::TimeUnit::NANO: {
      const std::int64_t below = ((value % 1'000'000'000) + 1'000'000'000) % 1'000'000'000;
      text = Instant{(value - below) / 1000}.str();
      if (below != 0) text.insert(text.size() - 1, fmt::format(".{:09}", below));
    }
  }
  if (type.timezone().empty()) text.pop_back();
  out += text;
}

template <class Array>
void append_number(std::string& out, const arrow::Array& array, std::int64_t row) {
  char digits[32];
  const auto value = static_cast<const Array&>(array).Value(row);
  if constexpr (std::is_floating_point_v<decltype(value)>) {
    if (std::isnan(value)) return;  // no number, as in the table and the JSON
  }
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace

void append_exact(std::string& out, const arrow::Array& array, std::int64_t row) {
  switch (array.type_id()) {
    case arrow::Type::STRING: out += static_cast<const arrow::StringArray&>(array).GetView(row); return;
    case arrow::Type::DOUBLE: return append_number<arrow::DoubleArray>(out, array, row);
    case arrow::Type::FLOAT: return append_number<arrow::FloatArray>(out, array, row);
    case arrow::Type::INT64: return append_number<arrow::Int64Array>(out, array, row);
    case arrow::Type::INT32: return append_number<arrow::Int32Array>(out, array, row);
    case arrow::Type::DATE32: out += Date{static_cast<const arrow::Date32Array&>(array).Value(row)}.str(); return;
    case arrow::Type::TIMESTAMP: return append_time(out, array, row);
    case arrow::Type::DECIMAL64:
      out += format_decimal(
          static_cast<std::int64_t>(arrow::Decimal64(static_cast<const arrow::Decimal64Array&>(array).GetValue(row))),
          static_cast<const arrow::Decimal64Type&>(*array.type()).scale());
      return;
    default:
      if (auto scalar = array.GetScalar(row); scalar.ok()) out += (*scalar)->ToString();
  }
}

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
  made->parquet_ = suffix_of(to.output) == ".parquet";
  if (to.output.empty()) {
    made->file_ = stdout;
  } else if (!made->parquet_) {
    made->temporary_ = fmt::format("{}.{}.tmp", to.output, ::getpid());
    made->file_ = std::fopen(made->temporary_.c_str(), "we");
    if (made->file_ == nullptr) return errno_error(made->temporary_, errno);
  }
  return made;
}

RowWriter::~RowWriter() {
  if (temporary_.empty()) return;
  if (file_ != nullptr) std::fclose(file_);
  ::unlink(temporary_.c_str());
}

Status RowWriter::write(const std::shared_ptr<arrow::RecordBatch>& rows) {
  if (schema_ == nullptr) {
    schema_ = rows->schema();
    std::string header;
    for (const auto& field : schema_->fields()) {
      if (!header.empty()) header += ',';
      append_quoted(header, field->name());
    }
    header += '\n';
    if (file_ != nullptr) std::fwrite(header.data(), 1, header.size(), file_);
  }
  rows_ += rows->num_rows();
  if (!parquet_) return write_csv(*rows);
  if (rows->num_rows() > 0) kept_.push_back(rows);
  return Status::OK();
}

Status RowWriter::write_csv(const arrow::RecordBatch& rows) {
  std::string lines, one;
  const auto& columns = rows.columns();
  for (std::int64_t row = 0; row < rows.num_rows(); ++row) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (c > 0) lines += ',';
      const arrow::Array& array = *columns[c];
      if (array.IsNull(row)) continue;
      if (!is_text(array.type_id())) {
        append_exact(lines, array, row);
        continue;
      }
      one.clear();
      append_exact(one, array, row);
      append_quoted(lines, one);
    }
    lines += '\n';
    if ((row + 1) % kPiece != 0 && row + 1 < rows.num_rows()) continue;
    if (std::fwrite(lines.data(), 1, lines.size(), file_) != lines.size())
      return errno_error(to_.output.empty() ? "standard output" : to_.output, errno);
    lines.clear();
  }
  return Status::OK();
}

Status RowWriter::finish(const Context& context) {
  if (to_.output.empty()) return Status::OK();
  if (parquet_) {
    ARROW_ASSIGN_OR_RAISE(auto table, arrow::Table::FromRecordBatches(schema_, kept_));
    ARROW_ASSIGN_OR_RAISE(auto bytes, backtest::parquet_bytes(*table));
    ARROW_RETURN_NOT_OK(write_file_atomically(to_.output, bytes));
  } else {
    const bool failed = std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0;
    const int reason = errno;
    std::fclose(file_);
    file_ = nullptr;
    if (failed) return errno_error(to_.output, reason);
    if (std::rename(temporary_.c_str(), to_.output.c_str()) != 0) return errno_error(to_.output, errno);
    temporary_.clear();
  }
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
