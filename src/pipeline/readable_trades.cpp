#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "pipeline/report_parts.h"

namespace tapemill::pipeline {
namespace {

/// What is read first stands first; columns that are not named here follow as they are.
constexpr const char* kOrder[] = {"Symbol",     "InstrumentId", "Size", "EntryTime", "ExitTime",  "Duration",
                                  "EntryPrice", "ExitPrice",    "PnL",  "ReturnPct", "Commission"};

bool is_price(const std::string& name) {
  return name == "SL" || name == "TP" || name.ends_with("Price") || name.ends_with("_px");
}

std::int64_t decimal_at(const arrow::Array& array, std::int64_t row) {
  return static_cast<std::int64_t>(arrow::Decimal64(static_cast<const arrow::Decimal64Array&>(array).GetValue(row)));
}

/// A decimal column at `scale`, halves away from zero.
Result<std::shared_ptr<arrow::Array>> rounded(const arrow::Array& from, int was, int scale) {
  std::int64_t by = 1;
  for (int i = scale; i < was; ++i) by *= 10;
  arrow::Decimal64Builder builder(arrow::decimal64(18, scale));
  for (std::int64_t row = 0; row < from.length(); ++row) {
    if (from.IsNull(row)) {
      ARROW_RETURN_NOT_OK(builder.AppendNull());
      continue;
    }
    const std::int64_t value = decimal_at(from, row);
    ARROW_RETURN_NOT_OK(builder.Append(arrow::Decimal64((value + (value < 0 ? -by : by) / 2) / by)));
  }
  return builder.Finish();
}

/// A share as per cent, to the hundredth.
Result<std::shared_ptr<arrow::Array>> per_cent(const arrow::DoubleArray& from) {
  arrow::Decimal64Builder builder(arrow::decimal64(18, 2));
  for (std::int64_t row = 0; row < from.length(); ++row) {
    if (from.IsNull(row) || !(std::fabs(from.Value(row)) < 1e12)) ARROW_RETURN_NOT_OK(builder.AppendNull());
    else ARROW_RETURN_NOT_OK(builder.Append(arrow::Decimal64(std::llround(from.Value(row) * 10'000))));
  }
  return builder.Finish();
}

/// Decimals that a column of prices needs: two to four.
int needed(const arrow::Array& from, int scale) {
  int most = std::min(scale, 2);
  for (std::int64_t row = 0; row < from.length() && most < std::min(scale, 4); ++row) {
    if (from.IsNull(row)) continue;
    std::int64_t value = decimal_at(from, row);
    int zeros = 0;
    while (zeros < scale && value % 10 == 0) value /= 10, ++zeros;
    most = std::max(most, std::min(4, scale - zeros));
  }
  return most;
}

/// Whether each symbol is one instrument's and each instrument has one symbol.
bool says_the_same(const arrow::Array& symbols, const arrow::Array& ids) {
  if (symbols.type_id() != arrow::Type::STRING || ids.type_id() != arrow::Type::STRING) return false;
  std::map<std::string_view, std::string_view> id_of, symbol_of;
  for (std::int64_t row = 0; row < symbols.length(); ++row) {
    if (symbols.IsNull(row) || ids.IsNull(row)) return false;
    const auto symbol = static_cast<const arrow::StringArray&>(symbols).GetView(row);
    const auto id = static_cast<const arrow::StringArray&>(ids).GetView(row);
    if (id_of.try_emplace(symbol, id).first->second != id || symbol_of.try_emplace(id, symbol).first->second != symbol)
      return false;
  }
  return true;
}

/// The columns that are shown, in their order.
std::vector<int> shown_columns(const arrow::RecordBatch& trades) {
  const auto& schema = trades.schema();
  std::vector<int> order;
  for (const char* name : kOrder)
    if (const int at = schema->GetFieldIndex(name); at >= 0) order.push_back(at);
  for (int c = 0; c < schema->num_fields(); ++c)
    if (std::find(order.begin(), order.end(), c) == order.end()) order.push_back(c);
  const auto symbols = trades.GetColumnByName("Symbol"), ids = trades.GetColumnByName("InstrumentId");
  const bool known = symbols != nullptr && ids != nullptr && says_the_same(*symbols, *ids);
  std::erase_if(order, [&](int c) {
    const std::string& name = schema->field(c)->name();
    const bool empty = trades.num_rows() > 0 && trades.column(c)->null_count() == trades.num_rows();
    return empty || name == "EntryBar" || name == "ExitBar" || (known && name == "InstrumentId");
  });
  return order;
}

}  // namespace

Result<std::shared_ptr<arrow::Table>> readable_trades(const arrow::Table& trades) {
  ARROW_ASSIGN_OR_RAISE(auto batch, trades.CombineChunksToBatch());
  const auto schema = batch->schema();
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (int c : shown_columns(*batch)) {
    std::shared_ptr<arrow::Field> field = schema->field(c);
    std::shared_ptr<arrow::Array> column = batch->column(c);
    if (field->type()->id() == arrow::Type::DECIMAL64) {
      const int was = static_cast<const arrow::Decimal64Type&>(*field->type()).scale();
      const int scale = is_price(field->name()) ? needed(*column, was) : std::min(was, 2);
      if (scale < was) { ARROW_ASSIGN_OR_RAISE(column, rounded(*column, was, scale)); }
    }
    if (field->name() == "ReturnPct" && column->type_id() == arrow::Type::DOUBLE) {
      ARROW_ASSIGN_OR_RAISE(column, per_cent(static_cast<const arrow::DoubleArray&>(*column)));
      field = field->WithName(kReturn);
    }
    if (field->name() == "Duration") field = field->WithName(kDuration);
    fields.push_back(field->WithType(column->type()));
    columns.push_back(column);
  }
  return arrow::Table::Make(arrow::schema(fields), columns, batch->num_rows());
}

}  // namespace tapemill::pipeline
