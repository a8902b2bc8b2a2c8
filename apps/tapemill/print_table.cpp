#include <arrow/api.h>

#include <algorithm>
#include <cmath>

#include "core/json.h"
#include "print.h"

namespace tapemill::app {
namespace {

constexpr int kDigits = 6;         // that a binary floating-point number is shown with, at least
constexpr int kMostDecimals = 8;   // of a column
constexpr double kTooLarge = 1e15;  // whole numbers are no longer exact: 1.2e+17

/// What tells a row from the others, and the price that is looked at first: left out before no other column.
const std::vector<std::string> kStaying{"symbol", "session", "time", "time (UTC)", "close"};

bool is_real(const arrow::DataType& type) {
  return type.id() == arrow::Type::DOUBLE || type.id() == arrow::Type::FLOAT;
}
double real(const arrow::Array& array, std::int64_t row) {
  return array.type_id() == arrow::Type::DOUBLE ? static_cast<const arrow::DoubleArray&>(array).Value(row)
                                                : static_cast<const arrow::FloatArray&>(array).Value(row);
}

/// Decimals that a number needs for kDigits digits, trailing zeros left off; large ones keep two.
int decimals_of(double value) {
  if (value == std::floor(value)) return 0;
  const int whole = static_cast<int>(std::floor(std::log10(std::fabs(value)))) + 1;  // digits before the point
  const std::string text = fmt::format("{:.{}e}", value, std::clamp(whole + 2, kDigits, 15) - 1);
  const auto e = text.find('e');
  const auto last = text.find_last_not_of('0', e - 1);
  const auto point = text.find('.');
  const int digits = last == point ? 0 : static_cast<int>(last - point);
  return std::max(0, digits - static_cast<int>(std::strtol(text.c_str() + e + 1, nullptr, 10)));
}

/// The decimals under which a column of reals reads alike; none where its numbers are of too many sizes for that.
std::optional<int> common_decimals(const arrow::ChunkedArray& column, std::int64_t rows) {
  int most = 0;
  double least = 1e308, largest = 0;
  for (const auto& chunk : column.chunks()) {
    for (std::int64_t i = 0; i < chunk->length() && rows > 0; ++i, --rows) {
      if (chunk->IsNull(i) || !std::isfinite(real(*chunk, i))) continue;
      const double value = std::fabs(real(*chunk, i));
      if (value >= kTooLarge) return std::nullopt;
      if (value == 0) continue;
      most = std::max(most, decimals_of(value));
      least = std::min(least, value), largest = std::max(largest, value);
    }
  }
  const int whole = largest < 1 ? 0 : static_cast<int>(std::floor(std::log10(largest))) + 1;
  const int held = std::min({most, kMostDecimals, 15 - whole});  // a double has no more than 15 digits
  if (held < most && least * std::pow(10, held) < 10) return std::nullopt;
  return held;
}

/// Numbers that are no quantity: names of things, and years.
bool is_name(const std::string& column) {
  return column == "id" || column.ends_with("_id") || column == "year" || column.ends_with("_year");
}

/// The first `rows` cells of a column as text.
std::vector<std::string> texts_of(const arrow::ChunkedArray& column, const std::string& name, std::int64_t rows,
                                  const Context& context, const Zone& zone, bool terminal) {
  const arrow::DataType& type = *column.type();
  const auto decimals = is_real(type) ? common_decimals(column, rows) : std::nullopt;
  std::vector<std::string> texts;
  texts.reserve(static_cast<std::size_t>(rows));
  for (const auto& chunk : column.chunks()) {
    for (std::int64_t i = 0; i < chunk->length() && rows > 0; ++i, --rows) {
      if (decimals && chunk->IsValid(i) && std::isfinite(real(*chunk, i))) {
        std::string text = fmt::format("{:.{}f}", real(*chunk, i), *decimals);
        if (text.starts_with('-') && text.find_first_of("123456789") == std::string::npos) text.erase(0, 1);
        texts.push_back(signed_text(text));
      } else {
        texts.push_back(cell(*chunk, i, context, zone));
      }
    }
  }
  if (!terminal || is_name(name) || !(arrow::is_numeric(type.id()) || arrow::is_decimal(type.id()))) return texts;
  // Four digits are read without help; a column that has five somewhere is parted all along.
  const bool large = std::any_of(texts.begin(), texts.end(), [](const std::string& text) {
    const auto begin = std::min(text.find_first_of("0123456789"), text.size());
    return std::min(text.find_first_not_of("0123456789", begin), text.size()) - begin >= 5;
  });
  if (large)
    for (std::string& text : texts) text = grouped(text);
  return texts;
}

}  // namespace

void print_table(const arrow::Table& table, const Context& context, const Zone& zone, std::int64_t most_rows,
                 const std::string& footer, std::string_view more) {
  if (context.json) return print(table_json(table, 0));
  const int width = terminal_width();
  const std::int64_t shown = most_rows == 0 ? table.num_rows() : std::min(table.num_rows(), most_rows);
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> columns;
  bool times = false;
  const auto& schema = table.schema();
  for (int c = 0; c < table.num_columns(); ++c) {
    const auto& field = schema->field(c);
    auto id = field->type()->id();
    bool right = arrow::is_numeric(id) || arrow::is_decimal(id);
    const bool instant =
        id == arrow::Type::TIMESTAMP && !static_cast<const arrow::TimestampType&>(*field->type()).timezone().empty();
    times |= instant;
    const bool utc = instant && (context.utc || zone.name() == Zone::utc().name());
    names.push_back(field->name() + (utc ? " (UTC)" : right ? ">" : ""));
    columns.push_back(texts_of(*table.column(c), field->name(), shown, context, zone, width > 0));
  }
  TextTable text(names);
  // What a row says in another column too, and what is looked at last.
  text.gives_way({"available_at", "available_at (UTC)", schema->GetFieldIndex("session") >= 0 ? "month" : "",
                  schema->GetFieldIndex("session") >= 0 ? "year" : "",
                  schema->GetFieldIndex("symbol") >= 0 ? "instrument_id" : "", "Tag", "Commission", "Duration [bars]"});
  text.stays(kStaying);
  for (std::int64_t row = 0; row < shown; ++row) {
    std::vector<std::string> cells;
    for (auto& column : columns) cells.push_back(std::move(column[static_cast<std::size_t>(row)]));
    text.add(std::move(cells));
  }
  print(text.str(width, more));
  std::string line = counted(table.num_rows(), "row");
  if (shown < table.num_rows())
    line = fmt::format("{} of {} (--limit 0 shows all)", thousands(shown), counted(table.num_rows(), "row"));
  if (times) line += " · times in " + (context.utc ? std::string("UTC") : zone.name());
  if (!footer.empty()) line += " · " + footer;
  print(wrapped(line + "\n", width));
}

}  // namespace tapemill::app
