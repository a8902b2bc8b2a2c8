#include "backtest/columns.h"

#include <arrow/array.h>
#include <fmt/format.h>

#include <cstring>

#include "core/decimal.h"

namespace tapemill::backtest {

template <class Array>
Result<const Array*> Columns::column(const std::string& name, const char* type) const {
  auto found = table_.GetColumnByName(name);
  if (found == nullptr) return data_error(fmt::format("no column {}", name));
  const Array* array = found->num_chunks() == 0 ? nullptr : dynamic_cast<const Array*>(found->chunk(0).get());
  if (array == nullptr && table_.num_rows() > 0)
    return data_error(fmt::format("column {} is {}, not {}", name, found->type()->ToString(), type));
  return array;
}

Result<std::vector<std::string>> Columns::texts(const std::string& name) const {
  std::vector<std::string> out;
  ARROW_ASSIGN_OR_RAISE(auto array, column<arrow::StringArray>(name, "text"));
  for (std::int64_t i = 0; i < table_.num_rows(); ++i) out.push_back(array->GetString(i));
  return out;
}
Result<std::vector<Date>> Columns::dates(const std::string& name) const {
  std::vector<Date> out;
  ARROW_ASSIGN_OR_RAISE(auto array, column<arrow::Date32Array>(name, "a date"));
  for (std::int64_t i = 0; i < table_.num_rows(); ++i) out.push_back({array->IsNull(i) ? 0 : array->Value(i)});
  return out;
}
Result<std::vector<Instant>> Columns::instants(const std::string& name) const {
  std::vector<Instant> out;
  ARROW_ASSIGN_OR_RAISE(auto array, column<arrow::TimestampArray>(name, "an instant"));
  for (std::int64_t i = 0; i < table_.num_rows(); ++i) {
    if (array->IsNull(i))
      return data_error(fmt::format("{} is null in a row: when it became known cannot be told", name));
    out.push_back({array->Value(i)});
  }
  return out;
}
Result<int> Columns::scale(const std::string& name) const {
  auto found = table_.GetColumnByName(name);
  if (found == nullptr || found->type()->id() != arrow::Type::DECIMAL64)
    return data_error(fmt::format("column {} is no decimal(18,s)", name));
  return static_cast<const arrow::Decimal64Type&>(*found->type()).scale();
}
Result<std::vector<std::int64_t>> Columns::decimals(const std::string& name, int scale) const {
  ARROW_ASSIGN_OR_RAISE(int has, this->scale(name));
  ARROW_ASSIGN_OR_RAISE(auto array, column<arrow::Decimal64Array>(name, "a decimal"));
  std::int64_t up = has < scale ? kPowersOfTen[scale - has] : 1, down = has > scale ? kPowersOfTen[has - scale] : 1;
  std::vector<std::int64_t> out;
  out.reserve(static_cast<std::size_t>(table_.num_rows()));
  for (std::int64_t i = 0; i < table_.num_rows(); ++i) {
    if (array->IsNull(i)) {
      out.push_back(kNullPrice);
      continue;
    }
    std::int64_t value = 0;
    std::memcpy(&value, array->GetValue(i), sizeof value);
    if (value % down != 0) return data_error(fmt::format("{} has a value with more than {} decimals", name, scale));
    ARROW_ASSIGN_OR_RAISE(value, times(value / down, up));
    out.push_back(value);
  }
  return out;
}
Result<std::vector<std::int64_t>> Columns::whole(const std::string& name) const {
  ARROW_ASSIGN_OR_RAISE(auto array, column<arrow::Int64Array>(name, "a whole number"));
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < table_.num_rows(); ++i) out.push_back(array->IsNull(i) ? -1 : array->Value(i));
  return out;
}

}  // namespace tapemill::backtest
