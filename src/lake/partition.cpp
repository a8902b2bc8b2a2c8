#include "lake/partition.h"

#include <arrow/api.h>

#include <algorithm>

#include "core/decimal.h"
#include "core/time.h"
#include "lake/schema.h"

namespace tapemill::lake {
namespace {

bool is_date_part(const std::string& column) {
  return column == "year" || column == "month" || column == "day" || column == "date";
}

int part_of(Date date, const std::string& column) {
  return column == "year" ? date.year() : column == "month" ? date.month() : column == "day" ? date.day() : date.days;
}

std::string text_of(const arrow::Array& array, std::int64_t row) {
  if (array.IsNull(row)) return {};
  switch (array.type_id()) {
    case arrow::Type::BOOL: return static_cast<const arrow::BooleanArray&>(array).Value(row) ? "true" : "false";
    case arrow::Type::INT8: return std::to_string(static_cast<const arrow::Int8Array&>(array).Value(row));
    case arrow::Type::INT16: return std::to_string(static_cast<const arrow::Int16Array&>(array).Value(row));
    case arrow::Type::INT32: return std::to_string(static_cast<const arrow::Int32Array&>(array).Value(row));
    case arrow::Type::INT64: return std::to_string(static_cast<const arrow::Int64Array&>(array).Value(row));
    case arrow::Type::DATE32: return Date{static_cast<const arrow::Date32Array&>(array).Value(row)}.str();
    case arrow::Type::DECIMAL64: return static_cast<const arrow::Decimal64Array&>(array).FormatValue(row);
    default: return static_cast<const arrow::StringArray&>(array).GetString(row);
  }
}

bool makes_a_folder(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::DATE32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::STRING: return true;
    default: return false;
  }
}

}  // namespace

Result<Partitioning> Partitioning::make(const arrow::Schema& schema, const std::vector<std::string>& columns,
                                        const std::string& session_column) {
  Partitioning out;
  out.columns_ = columns;
  out.schema_ = arrow::schema(schema.fields());
  out.session_ = schema.GetFieldIndex(session_column);
  auto fields = schema.fields();
  for (const std::string& column : columns) {
    const int index = schema.GetFieldIndex(column);
    if (index >= 0) {
      if (!makes_a_folder(*schema.field(index)->type())) {
        return usage_error(fmt::format("partition \"{}\": a column of type {} makes no folders", column,
                                       schema.field(index)->type()->ToString()));
      }
      out.keys_.push_back(index);
      continue;
    }
    if (!is_date_part(column)) {
      return usage_error(fmt::format("partition \"{}\" is no column", column),
                         "partitions are columns, or year, month, day, date of the session");
    }
    if (out.session_ < 0 || schema.field(out.session_)->type()->id() != arrow::Type::DATE32) {
      return usage_error(
          fmt::format("partition \"{}\" needs the session, but \"{}\" is no date column", column, session_column));
    }
    out.derived_.push_back(column);
    out.keys_.push_back(static_cast<int>(fields.size()));
    fields.push_back(arrow::field(column, column == "date" ? arrow::date32() : arrow::int32()));
  }
  out.extended_ = arrow::schema(fields);
  std::vector<std::shared_ptr<arrow::Field>> stored;
  for (int i = 0; i < schema.num_fields(); ++i) {
    if (std::find(columns.begin(), columns.end(), schema.field(i)->name()) != columns.end()) continue;
    stored.push_back(schema.field(i)->WithMetadata(nullptr));
    out.stored_columns_.push_back(i);
  }
  if (stored.empty()) return usage_error("every column is a partition: no file would hold a column");
  out.stored_ = arrow::schema(stored);
  return out;
}

Result<std::shared_ptr<arrow::RecordBatch>> Partitioning::extend(const arrow::RecordBatch& rows,
                                                                 arrow::MemoryPool* pool) const {
  arrow::ArrayVector columns = rows.columns();
  for (const std::string& column : derived_) {
    const auto& sessions = static_cast<const arrow::Date32Array&>(*rows.column(session_));
    arrow::TypedBufferBuilder<std::int32_t> values(pool);
    ARROW_RETURN_NOT_OK(values.Reserve(rows.num_rows()));
    Date last{INT32_MIN};
    int part = 0;
    const bool all = sessions.null_count() == 0;
    const std::int32_t* days = sessions.raw_values();
    const auto same = [&](std::int64_t row) { return days[row] == days[0]; };
    std::int64_t row = 0;
    if (all && rows.num_rows() > 0) {  // a file's first stretch is mostly one session
      while (row < rows.num_rows() && same(row)) ++row;
      part = part_of(last = Date{days[0]}, column);
      ARROW_RETURN_NOT_OK(values.Append(row, part));
    }
    for (; row < rows.num_rows(); ++row) {
      const Date date{sessions.Value(row)};
      if (sessions.IsValid(row) && date != last) last = date, part = part_of(date, column);
      values.UnsafeAppend(sessions.IsValid(row) ? part : 0);
    }
    ARROW_ASSIGN_OR_RAISE(auto buffer, values.Finish());
    std::shared_ptr<arrow::Buffer> validity;
    if (sessions.null_count() > 0) {
      ARROW_ASSIGN_OR_RAISE(auto bits, arrow::AllocateBitmap(rows.num_rows(), pool));
      for (std::int64_t row = 0; row < rows.num_rows(); ++row)
        arrow::bit_util::SetBitTo(bits->mutable_data(), row, sessions.IsValid(row));
      validity = std::move(bits);
    }
    columns.push_back(
        arrow::MakeArray(arrow::ArrayData::Make(column == "date" ? arrow::date32() : arrow::int32(), rows.num_rows(),
                                                {std::move(validity), std::move(buffer)})));
  }
  return arrow::RecordBatch::Make(extended_, rows.num_rows(), std::move(columns));
}

std::shared_ptr<arrow::RecordBatch> Partitioning::store(const arrow::RecordBatch& extended) const {
  arrow::ArrayVector columns;
  for (int index : stored_columns_) columns.push_back(extended.column(index));
  return arrow::RecordBatch::Make(stored_, extended.num_rows(), std::move(columns));
}

std::map<std::string, std::string> Partitioning::values(const arrow::RecordBatch& extended, std::int64_t row) const {
  std::map<std::string, std::string> out;
  for (std::size_t i = 0; i < columns_.size(); ++i) out[columns_[i]] = text_of(*extended.column(keys_[i]), row);
  return out;
}

std::map<std::string, std::string> Partitioning::values_of(const std::string& unit) const {
  std::map<std::string, std::string> out;
  auto date = Date::parse(unit);
  for (const std::string& column : columns_) {
    const bool derived = std::find(derived_.begin(), derived_.end(), column) != derived_.end();
    if (!date.ok() || !derived) out[column] = "";
    else out[column] = column == "date" ? date->str() : std::to_string(part_of(*date, column));
  }
  return out;
}

std::string Partitioning::folder(const std::map<std::string, std::string>& values) const {
  std::string path;
  for (const std::string& column : columns_) {
    std::string text = values.at(column);
    const bool padded =
        std::find(derived_.begin(), derived_.end(), column) != derived_.end() && (column == "month" || column == "day");
    if (padded && text.size() == 1) text.insert(0, "0");
    path += (path.empty() ? "" : "/") + hive_escape(column) + "=" + (text.empty() ? kHiveNull : hive_escape(text));
  }
  return path;
}

std::string hive_escape(const std::string& text) {
  std::string out;
  for (unsigned char c : text) {
    if (c < 0x20 || c == 0x7f ||
        std::string_view("\"#%'*/:=?\\{}[]^").find(static_cast<char>(c)) != std::string_view::npos) {
      out += fmt::format("%{:02X}", c);
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

}  // namespace tapemill::lake
