// Columns of a scan as what the next stages compute with.
#include <arrow/api.h>

#include <cmath>

#include "core/decimal.h"
#include "lake/scan.h"

namespace tapemill::lake {
namespace {

Result<std::shared_ptr<arrow::ChunkedArray>> find(const arrow::Table& table, const std::string& column) {
  auto found = table.GetColumnByName(column);
  if (found != nullptr) return found;
  const std::string near = nearest(column, table.ColumnNames());
  return usage_error(fmt::format("there is no column \"{}\"", column),
                     near.empty() ? "" : "did you mean \"" + near + "\"?");
}

template <class Array>
void append(const arrow::Array& chunk, std::vector<double>& out) {
  const auto& values = static_cast<const Array&>(chunk);
  for (std::int64_t row = 0; row < values.length(); ++row)
    out.push_back(values.IsNull(row) ? NAN : static_cast<double>(values.Value(row)));
}

}  // namespace

Result<std::vector<double>> doubles(const arrow::Table& table, const std::string& column) {
  ARROW_ASSIGN_OR_RAISE(auto chunks, find(table, column));
  std::vector<double> out;
  out.reserve(static_cast<std::size_t>(table.num_rows()));
  for (const auto& chunk : chunks->chunks()) {
    switch (chunk->type_id()) {
      case arrow::Type::DECIMAL64: {
        const auto* values = chunk->data()->GetValues<std::int64_t>(1);
        const int scale = static_cast<const arrow::DecimalType&>(*chunk->type()).scale();
        const bool nulls = chunk->null_count() > 0;
        for (std::int64_t row = 0; row < chunk->length(); ++row)
          out.push_back(nulls && chunk->IsNull(row) ? NAN : to_double(values[row], scale));
        break;
      }
      case arrow::Type::DECIMAL128: {  // wider than a price: sums
        const auto& values = static_cast<const arrow::Decimal128Array&>(*chunk);
        const int scale = static_cast<const arrow::DecimalType&>(*chunk->type()).scale();
        for (std::int64_t row = 0; row < chunk->length(); ++row) {
          out.push_back(values.IsNull(row) ? NAN : arrow::Decimal128(values.GetValue(row)).ToDouble(scale));
        }
        break;
      }
      case arrow::Type::DOUBLE: append<arrow::DoubleArray>(*chunk, out); break;
      case arrow::Type::FLOAT: append<arrow::FloatArray>(*chunk, out); break;
      case arrow::Type::INT64: append<arrow::Int64Array>(*chunk, out); break;
      case arrow::Type::INT32: append<arrow::Int32Array>(*chunk, out); break;
      case arrow::Type::INT16: append<arrow::Int16Array>(*chunk, out); break;
      case arrow::Type::INT8: append<arrow::Int8Array>(*chunk, out); break;
      case arrow::Type::BOOL: append<arrow::BooleanArray>(*chunk, out); break;
      case arrow::Type::DATE32: append<arrow::Date32Array>(*chunk, out); break;         // days since 1970
      case arrow::Type::TIMESTAMP: append<arrow::TimestampArray>(*chunk, out); break;  // microseconds: exact until 2255
      default: return usage_error(fmt::format("column \"{}\" is {}, not a number", column, chunk->type()->ToString()));
    }
  }
  return out;
}

Result<std::vector<Span>> spans(const arrow::Table& table, const std::string& column) {
  ARROW_ASSIGN_OR_RAISE(auto chunks, find(table, column));
  if (chunks->type()->id() != arrow::Type::STRING) return usage_error(fmt::format("column \"{}\" is no text", column));
  std::vector<Span> out;
  std::int64_t row = 0;
  for (const auto& chunk : chunks->chunks()) {
    const auto& texts = static_cast<const arrow::StringArray&>(*chunk);
    for (std::int64_t i = 0; i < texts.length(); ++i, ++row) {
      const std::string_view text = texts.IsNull(i) ? std::string_view{} : texts.GetView(i);
      if (out.empty() || out.back().instrument != text) out.push_back({std::string(text), row, row});
      out.back().last = row + 1;
    }
  }
  return out;
}

}  // namespace tapemill::lake
