#pragma once
#include <arrow/array.h>

#include "graph/block.h"

namespace tapemill::graph {

namespace detail {
template <class Array, class RowOf, class Value>
void append_values(const arrow::Array& from, std::size_t count, const RowOf& row_of, Column& to, const Value& value) {
  const auto& array = static_cast<const Array&>(from);
  const bool nulls = array.null_count() > 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t row = row_of(i);
    if (nulls && array.IsNull(row)) to.add_null();
    else to.add(value(array, row));
  }
}
}  // namespace detail

/// Appends rows row_of(0), ..., row_of(count - 1) of an array. REQUIRES a type of arrow_type() (table_source.h).
template <class RowOf>
void append_rows(const arrow::Array& from, std::size_t count, const RowOf& row_of, Column& to) {
  using detail::append_values;
  auto integer = [](const auto& array, std::int64_t row) { return static_cast<std::int64_t>(array.Value(row)); };
  switch (from.type_id()) {
    case arrow::Type::DOUBLE:
      return append_values<arrow::DoubleArray>(from, count, row_of, to,
                                               [](const auto& array, std::int64_t row) { return array.Value(row); });
    case arrow::Type::STRING:
      return append_values<arrow::StringArray>(from, count, row_of, to, [](const auto& array, std::int64_t row) {
        return std::string_view(array.GetView(row));
      });
    case arrow::Type::BOOL: return append_values<arrow::BooleanArray>(from, count, row_of, to, integer);
    case arrow::Type::INT32: return append_values<arrow::Int32Array>(from, count, row_of, to, integer);
    case arrow::Type::INT64: return append_values<arrow::Int64Array>(from, count, row_of, to, integer);
    case arrow::Type::DATE32: return append_values<arrow::Date32Array>(from, count, row_of, to, integer);
    case arrow::Type::TIMESTAMP: return append_values<arrow::TimestampArray>(from, count, row_of, to, integer);
    case arrow::Type::DECIMAL64: {
      const auto* raw = from.data()->GetValues<std::int64_t>(1);
      return append_values<arrow::Decimal64Array>(from, count, row_of, to,
                                                  [raw](const auto&, std::int64_t row) { return raw[row]; });
    }
    default: break;  // schema_of() let nothing else in
  }
}

}  // namespace tapemill::graph
