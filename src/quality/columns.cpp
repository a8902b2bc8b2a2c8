#include "quality/columns.h"

#include <arrow/api.h>

#include <cstring>
#include <limits>

#include "core/decimal.h"

namespace tapemill::quality {
namespace {

template <class Array, class Convert>
std::vector<double> convert(const arrow::Array& column, Convert&& one) {
  std::vector<double> out(static_cast<std::size_t>(column.length()), std::numeric_limits<double>::quiet_NaN());
  const auto& typed = static_cast<const Array&>(column);
  if (column.null_count() == 0) {
    for (std::int64_t i = 0; i < column.length(); ++i) out[static_cast<std::size_t>(i)] = one(typed, i);
    return out;
  }
  for (std::int64_t i = 0; i < column.length(); ++i)
    if (column.IsValid(i)) out[static_cast<std::size_t>(i)] = one(typed, i);
  return out;
}
constexpr auto plain = [](const auto& array, std::int64_t i) { return static_cast<double>(array.Value(i)); };

}  // namespace

std::vector<double> numbers(const arrow::RecordBatch& rows, const std::string& name) {
  const auto& column = *rows.GetColumnByName(name);
  switch (column.type_id()) {
    case arrow::Type::DECIMAL64: {
      int scale = static_cast<const arrow::Decimal64Type&>(*column.type()).scale();
      return convert<arrow::Decimal64Array>(column, [scale](const auto& array, std::int64_t i) {
        std::int64_t value;
        std::memcpy(&value, array.GetValue(i), sizeof value);
        return to_double(value, scale);
      });
    }
    case arrow::Type::INT32: return convert<arrow::Int32Array>(column, plain);
    case arrow::Type::INT64: return convert<arrow::Int64Array>(column, plain);
    case arrow::Type::DOUBLE: return convert<arrow::DoubleArray>(column, plain);
    case arrow::Type::DATE32: return convert<arrow::Date32Array>(column, plain);
    case arrow::Type::TIMESTAMP: return convert<arrow::TimestampArray>(column, plain);
    case arrow::Type::BOOL: return convert<arrow::BooleanArray>(column, plain);
    default:
      return std::vector<double>(static_cast<std::size_t>(column.length()), std::numeric_limits<double>::quiet_NaN());
  }
}

Raw raw(const arrow::RecordBatch& rows, const std::string& name) {
  const auto& column = *rows.GetColumnByName(name);
  Raw out;
  if (column.null_count() > 0) return out;
  switch (column.type_id()) {
    case arrow::Type::DECIMAL64:
      out.scale = static_cast<const arrow::Decimal64Type&>(*column.type()).scale();
      out.integers = column.data()->GetValues<std::int64_t>(1);
      break;
    case arrow::Type::INT64:
    case arrow::Type::TIMESTAMP: out.integers = column.data()->GetValues<std::int64_t>(1); break;
    case arrow::Type::DOUBLE: out.doubles = column.data()->GetValues<double>(1); break;
    default: break;
  }
  return out;
}

std::vector<std::string_view> texts(const arrow::RecordBatch& rows, const std::string& name) {
  const auto& column = static_cast<const arrow::StringArray&>(*rows.GetColumnByName(name));
  std::vector<std::string_view> out(static_cast<std::size_t>(column.length()));
  for (std::int64_t i = 0; i < column.length(); ++i)
    if (column.IsValid(i)) out[static_cast<std::size_t>(i)] = column.GetView(i);
  return out;
}

}  // namespace tapemill::quality
