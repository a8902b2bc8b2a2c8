#include "print.h"

#include <arrow/api.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "core/decimal.h"
#include "core/json.h"
#include "core/text.h"

namespace tapemill::app {
namespace {

/// Columns on a terminal, not bytes: UTF-8 continuation bytes take none.
std::size_t width_of(const std::string& text) {
  std::size_t n = 0;
  for (char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}
std::string cut(const std::string& text, std::size_t most) {
  if (width_of(text) <= most) return text;
  std::size_t n = 0, i = 0;
  for (; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 && n++ + 1 > most - 1) break;
  }
  return text.substr(0, i) + "…";
}
std::string padded(const std::string& text, std::size_t width, bool right) {
  std::size_t have = width_of(text);
  std::string blanks(have < width ? width - have : 0, ' ');
  return right ? blanks + text : text + blanks;
}

}  // namespace

TextTable::TextTable(std::vector<std::string> columns) {
  for (auto& name : columns) {
    bool right = !name.empty() && name.back() == '>';
    if (right) name.pop_back();
    names_.push_back(name);
    right_.push_back(right);
  }
}
void TextTable::add(std::vector<std::string> cells) {
  cells.resize(names_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::str(int width, std::string_view more) const {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < names_.size(); ++c) {
    std::size_t most = width_of(names_[c]);
    for (const auto& row : rows_) most = std::max(most, width_of(row[c]));
    widths.push_back(most);
  }
  std::size_t shown = names_.size(), limit = width > 0 ? static_cast<std::size_t>(width) : 0;
  if (limit > 0) {
    // The last text column gives way first; then columns fall off the right end, and that is said.
    auto total = [&](std::size_t n) {
      std::size_t sum = 0;
      for (std::size_t c = 0; c < n; ++c) sum += widths[c] + (c > 0 ? 2 : 0);
      return sum;
    };
    if (total(shown) > limit && !right_.back() && widths.back() > 12) {
      std::size_t over = total(shown) - limit;
      widths.back() = widths.back() > over + 12 ? widths.back() - over : 12;
    }
    while (shown > 1 && total(shown) > limit) --shown;
  }
  auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t c = 0; c < shown; ++c)
      text += (c > 0 ? "  " : "") + padded(cut(cells[c], widths[c]), widths[c], right_[c]);
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text + "\n";
  };
  std::string text = line(names_);
  for (std::size_t c = 0; c < shown; ++c) {
    if (c > 0) text += "  ";
    for (std::size_t i = 0; i < widths[c]; ++i) text += "─";
  }
  text += "\n";
  for (const auto& row : rows_) text += line(row);
  if (shown < names_.size())
    text += fmt::format("… {}: {}\n", counted(static_cast<std::int64_t>(names_.size() - shown), "more column"), more);
  return text;
}

int terminal_width() {
  if (::isatty(STDOUT_FILENO) != 1) return 0;
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}
void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }
void print(const Json& document) { print(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"); }

std::string thousands(std::int64_t n) {
  std::string digits = fmt::format("{}", n < 0 ? -n : n), text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += "\u202f";
    text += digits[i];
  }
  return (n < 0 ? "−" : "") + text;
}

std::string counted(std::int64_t n, std::string_view noun) { return thousands(n) + " " + plural(n, noun); }

std::string left_out_note(std::int64_t rows, std::string_view session) {
  if (rows == 0) return {};
  return fmt::format("{} outside the {} left out; --session all shows them", counted(rows, "row"),
                     session == "extended" ? "extended hours" : "regular session");
}

std::string when(Instant t, const Context& context, const Zone& zone) {
  if (context.utc || zone.name() == Zone::utc().name()) return t.str();
  return zone.str(t) + " " + zone.abbreviation(t);
}

std::string cell(const arrow::Array& array, std::int64_t row, const Context& context, const Zone& zone) {
  if (array.IsNull(row)) return kNull;
  auto minus = [](std::string text) { return !text.empty() && text.front() == '-' ? "−" + text.substr(1) : text; };
  switch (array.type_id()) {
    case arrow::Type::DECIMAL64: {
      const auto& type = static_cast<const arrow::Decimal64Type&>(*array.type());
      return minus(format_decimal(
          static_cast<std::int64_t>(arrow::Decimal64(static_cast<const arrow::Decimal64Array&>(array).GetValue(row))),
          type.scale()));
    }
    case arrow::Type::DATE32: return Date{static_cast<const arrow::Date32Array&>(array).Value(row)}.str();
    case arrow::Type::TIMESTAMP: {
      Instant t{static_cast<const arrow::TimestampArray&>(array).Value(row)};
      // One without a zone, such as SQL makes of a date, is no instant: moved, it would be of another day.
      if (static_cast<const arrow::TimestampType&>(*array.type()).timezone().empty()) return Zone::utc().str(t);
      return context.utc ? t.str() : zone.str(t);
    }
    case arrow::Type::DOUBLE: {
      double value = static_cast<const arrow::DoubleArray&>(array).Value(row);
      if (std::isnan(value)) return kNull;
      if (value == std::floor(value) && std::fabs(value) < 1e15) return minus(fmt::format("{:.0f}", value));
      return minus(fmt::format("{:.6g}", value));
    }
    default: {
      auto scalar = array.GetScalar(row);
      return scalar.ok() ? minus((*scalar)->ToString()) : kNull;
    }
  }
}

Json cell_json(const arrow::Array& array, std::int64_t row) {
  if (array.IsNull(row)) return nullptr;
  switch (array.type_id()) {
    case arrow::Type::BOOL: return static_cast<const arrow::BooleanArray&>(array).Value(row);
    case arrow::Type::INT32: return static_cast<const arrow::Int32Array&>(array).Value(row);
    case arrow::Type::INT64: return static_cast<const arrow::Int64Array&>(array).Value(row);
    case arrow::Type::DOUBLE: {
      double value = static_cast<const arrow::DoubleArray&>(array).Value(row);
      return std::isfinite(value) ? Json(value) : Json(nullptr);
    }
    case arrow::Type::TIMESTAMP: return Instant{static_cast<const arrow::TimestampArray&>(array).Value(row)}.str();
    case arrow::Type::DATE32: return Date{static_cast<const arrow::Date32Array&>(array).Value(row)}.str();
    case arrow::Type::STRING: return std::string(static_cast<const arrow::StringArray&>(array).GetView(row));
    case arrow::Type::DECIMAL64: {
      const auto& type = static_cast<const arrow::Decimal64Type&>(*array.type());
      return to_double(
          static_cast<std::int64_t>(arrow::Decimal64(static_cast<const arrow::Decimal64Array&>(array).GetValue(row))),
          type.scale());
    }
    default: {
      auto scalar = array.GetScalar(row);
      return scalar.ok() ? Json((*scalar)->ToString()) : Json(nullptr);
    }
  }
}

namespace {
/// Calls visit(row, array of column, index in array) in row order.
struct Cursor {
  const arrow::ChunkedArray* column;
  int chunk = 0;
  std::int64_t at = 0;
  std::pair<const arrow::Array*, std::int64_t> next() {
    while (at >= column->chunk(chunk)->length()) ++chunk, at = 0;
    return {column->chunk(chunk).get(), at++};
  }
};
std::vector<Cursor> cursors(const arrow::Table& table) {
  std::vector<Cursor> all;
  for (const auto& column : table.columns()) all.push_back({column.get()});
  return all;
}
}  // namespace

Json table_json(const arrow::Table& table, std::int64_t most_rows) {
  Json columns = Json::array(), rows = Json::array();
  for (const auto& field : table.schema()->fields())
    columns.push_back({{"name", field->name()}, {"type", field->type()->ToString()}});
  auto all = cursors(table);
  for (std::int64_t r = 0; r < table.num_rows() && (most_rows == 0 || r < most_rows); ++r) {
    Json row = Json::array();
    for (auto& cursor : all) {
      auto [array, at] = cursor.next();
      row.push_back(cell_json(*array, at));
    }
    rows.push_back(std::move(row));
  }
  return {{"columns", columns}, {"rows", rows}, {"rows_total", table.num_rows()}};
}

void print_table(const arrow::Table& table, const Context& context, const Zone& zone, std::int64_t most_rows,
                 const std::string& footer, std::string_view more) {
  if (context.json) return print(table_json(table, 0));
  std::vector<std::string> names;
  bool times = false;
  for (const auto& field : table.schema()->fields()) {
    auto id = field->type()->id();
    bool right = arrow::is_numeric(id) || arrow::is_decimal(id);
    const bool instant =
        id == arrow::Type::TIMESTAMP && !static_cast<const arrow::TimestampType&>(*field->type()).timezone().empty();
    times |= instant;
    const bool utc = instant && (context.utc || zone.name() == Zone::utc().name());
    names.push_back(field->name() + (utc ? " (UTC)" : right ? ">" : ""));
  }
  TextTable text(names);
  auto all = cursors(table);
  std::int64_t shown = 0;
  for (; shown < table.num_rows() && (most_rows == 0 || shown < most_rows); ++shown) {
    std::vector<std::string> row;
    for (auto& cursor : all) {
      auto [array, at] = cursor.next();
      row.push_back(cell(*array, at, context, zone));
    }
    text.add(std::move(row));
  }
  print(text.str(terminal_width(), more));
  std::string line = counted(table.num_rows(), "row");
  if (shown < table.num_rows())
    line = fmt::format("{} of {} (--limit 0 shows all)", thousands(shown), counted(table.num_rows(), "row"));
  if (times) line += " · times in " + (context.utc ? std::string("UTC") : zone.name());
  if (!footer.empty()) line += " · " + footer;
  print(line + "\n");
}

}  // namespace tapemill::app
