#include "core/csv_rows.h"

#include <arrow/api.h>

#include <charconv>

#include "core/decimal.h"
#include "core/json.h"
#include "core/time.h"

namespace tapemill {
namespace {

/// In quotes where it has a comma, a quote or a line's end, or is empty, which a null is not.
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
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_bytes(std::string& out, std::string_view bytes) {
  for (const char one : bytes) out += fmt::format("\\x{:02X}", static_cast<unsigned char>(one));
}

Json json_of(const arrow::Array& array, std::int64_t row);

Json list_of(const arrow::Array& values, std::int64_t first, std::int64_t last) {
  Json list = Json::array();
  for (std::int64_t i = first; i < last; ++i) list.push_back(json_of(values, i));
  return list;
}

/// Of a value within a list or a struct: numbers and truth values as such, all else as its text.
Json json_of(const arrow::Array& array, std::int64_t row) {
  if (array.IsNull(row)) return nullptr;
  switch (array.type_id()) {
    case arrow::Type::BOOL: return static_cast<const arrow::BooleanArray&>(array).Value(row);
    case arrow::Type::INT32: return static_cast<const arrow::Int32Array&>(array).Value(row);
    case arrow::Type::INT64: return static_cast<const arrow::Int64Array&>(array).Value(row);
    case arrow::Type::DOUBLE: return static_cast<const arrow::DoubleArray&>(array).Value(row);
    case arrow::Type::MAP:
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListArray&>(array);
      return list_of(*list.values(), list.value_offset(row), list.value_offset(row + 1));
    }
    case arrow::Type::LARGE_LIST: {
      const auto& list = static_cast<const arrow::LargeListArray&>(array);
      return list_of(*list.values(), list.value_offset(row), list.value_offset(row + 1));
    }
    case arrow::Type::FIXED_SIZE_LIST: {
      const auto& list = static_cast<const arrow::FixedSizeListArray&>(array);
      return list_of(*list.values(), list.value_offset(row), list.value_offset(row + 1));
    }
    case arrow::Type::STRUCT: {
      Json object = Json::object();
      for (int i = 0; i < array.type()->num_fields(); ++i)
        object[array.type()->field(i)->name()] = json_of(*static_cast<const arrow::StructArray&>(array).field(i), row);
      return object;
    }
    default: {
      std::string text;
      append_exact(text, array, row);
      return text;
    }
  }
}

}  // namespace

void append_exact(std::string& out, const arrow::Array& array, std::int64_t row) {
  if (array.IsNull(row)) return;
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
    case arrow::Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
      return append_exact(out, *coded.dictionary(), coded.GetValueIndex(row));
    }
    case arrow::Type::BINARY: return append_bytes(out, static_cast<const arrow::BinaryArray&>(array).GetView(row));
    case arrow::Type::LARGE_BINARY:
      return append_bytes(out, static_cast<const arrow::LargeBinaryArray&>(array).GetView(row));
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::MAP:
    case arrow::Type::STRUCT: out += json_of(array, row).dump(-1, ' ', false, Json::error_handler_t::replace); return;
    default:
      if (auto scalar = array.GetScalar(row); scalar.ok()) out += (*scalar)->ToString();
  }
}

void append_csv_header(std::string& out, const arrow::Schema& schema) {
  for (int i = 0; i < schema.num_fields(); ++i) {
    if (i > 0) out += ',';
    append_quoted(out, schema.field(i)->name());
  }
  out += '\n';
}

void append_csv_row(std::string& out, const arrow::RecordBatch& rows, std::int64_t row) {
  std::string text;
  const bool alone = rows.num_columns() == 1;
  for (int i = 0; i < rows.num_columns(); ++i) {
    if (i > 0) out += ',';
    const arrow::Array& array = *rows.column(i);
    if (array.IsNull(row)) {
      if (alone) out += "\"\"";
    } else if (is_text(array.type_id())) {
      text.clear();
      append_exact(text, array, row);
      append_quoted(out, text);
    } else {
      append_exact(out, array, row);
    }
  }
  out += '\n';
}

}  // namespace tapemill
