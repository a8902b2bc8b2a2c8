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
int terminal_width() {
  if (::isatty(STDOUT_FILENO) != 1) return 0;
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::size_t text_width(std::string_view text) {
  std::size_t n = 0;
  for (char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // continuation bytes take no place
  return n;
}

std::string wrapped(std::string_view text, int width) {
  if (width <= 0) return std::string(text);
  std::string out;
  std::size_t at = 0;  // characters on the line
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find_first_of(" \n"), text.size());
    const std::size_t word = text_width(text.substr(0, blank));
    if (at > 0 && at + 1 + word > static_cast<std::size_t>(width)) out += '\n', at = 0;
    if (at > 0) out += ' ', ++at;
    out += text.substr(0, blank), at += word;
    if (blank < text.size() && text[blank] == '\n') out += '\n', at = 0;
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  return out;
}

std::string visible(std::string_view text, bool lines) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t length = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    const std::string_view one = text.substr(i, length);
    i += length;
    if (lines && (c == '\n' || c == '\t')) out += text[i - 1];
    else if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\t') out += "\\t";
    else if (c < 0x20 || c == 0x7F) out += fmt::format("\\x{:02x}", c);
    else if (c < 0x80) out += static_cast<char>(c);
    else if (!valid_utf8(one)) out += fmt::format("\\x{:02x}", c), i -= length - 1;
    else if (c == 0xC2 && static_cast<unsigned char>(one[1]) < 0xA0)  // C1
      out += fmt::format("\\u00{:02x}", static_cast<unsigned char>(one[1]));
    else if (one >= "\u202a" && one <= "\u202e") out += fmt::format("\\u20{:02x}", one[2] & 0x3F);
    else if (one >= "\u2066" && one <= "\u2069") out += fmt::format("\\u20{:02x}", 0x40 | (one[2] & 0x3F));
    else out += one;
  }
  return out;
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }
void print(const Json& document) { print(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"); }

std::string thousands(std::int64_t n) { return grouped(signed_text(std::to_string(n))); }

std::string grouped(std::string_view number) {
  const auto begin = number.find_first_of("0123456789");
  if (begin == std::string_view::npos) return std::string(number);
  const auto end = std::min(number.find_first_not_of("0123456789", begin), number.size());
  std::string text(number.substr(0, begin));
  for (std::size_t i = begin; i < end; ++i) {
    if (i > begin && (end - i) % 3 == 0) text += "\u202f";
    text += number[i];
  }
  return text.append(number.substr(end));
}

std::string signed_text(const std::string& number) {
  static const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  return terminal && number.starts_with('-') ? "−" + number.substr(1) : number;
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
  switch (array.type_id()) {
    case arrow::Type::DECIMAL64: {
      const auto& type = static_cast<const arrow::Decimal64Type&>(*array.type());
      return signed_text(format_decimal(
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
    case arrow::Type::LIST: {  // all of a few; of many the first and the last
      const auto& lists = static_cast<const arrow::ListArray&>(array);
      const std::int64_t first = lists.value_offset(row), last = lists.value_offset(row + 1);
      auto one = [&](std::int64_t at) { return cell(*lists.values(), at, context, zone); };
      constexpr std::int64_t few = 4;
      if (last - first > few) return fmt::format("{}: {} … {}", last - first, one(first), one(last - 1));
      std::string text;
      for (std::int64_t at = first; at < last; ++at) text += (at > first ? ", " : "") + one(at);
      return text.empty() ? kNull : text;
    }
    case arrow::Type::DOUBLE: {
      double value = static_cast<const arrow::DoubleArray&>(array).Value(row);
      if (std::isnan(value)) return kNull;
      if (value == std::floor(value) && std::fabs(value) < 1e15) return signed_text(fmt::format("{:.0f}", value));
      return signed_text(fmt::format("{:.6g}", value));
    }
    default: {
      auto scalar = array.GetScalar(row);
      return scalar.ok() ? signed_text((*scalar)->ToString()) : kNull;
    }
  }
}

Json cell_json(const arrow::Array& array, std::int64_t row) {
  if (array.IsNull(row)) return nullptr;
  switch (array.type_id()) {
    case arrow::Type::BOOL: return static_cast<const arrow::BooleanArray&>(array).Value(row);
    case arrow::Type::INT8: return static_cast<const arrow::Int8Array&>(array).Value(row);
    case arrow::Type::INT16: return static_cast<const arrow::Int16Array&>(array).Value(row);
    case arrow::Type::INT32: return static_cast<const arrow::Int32Array&>(array).Value(row);
    case arrow::Type::FLOAT: {
      const float value = static_cast<const arrow::FloatArray&>(array).Value(row);
      return std::isfinite(value) ? Json(value) : Json(nullptr);
    }
    case arrow::Type::INT64: return static_cast<const arrow::Int64Array&>(array).Value(row);
    case arrow::Type::DOUBLE: {
      double value = static_cast<const arrow::DoubleArray&>(array).Value(row);
      return std::isfinite(value) ? Json(value) : Json(nullptr);
    }
    case arrow::Type::LIST: {
      const auto& lists = static_cast<const arrow::ListArray&>(array);
      Json list = Json::array();
      for (std::int64_t i = lists.value_offset(row); i < lists.value_offset(row + 1); ++i)
        list.push_back(cell_json(*lists.values(), i));
      return list;
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
    case arrow::Type::
        DECIMAL128:  // inside lists, where SQL leaves the narrow ones as they are; wide ones are exact texts
      if (static_cast<const arrow::DecimalType&>(*array.type()).precision() <= 18)
        return std::strtod(static_cast<const arrow::Decimal128Array&>(array).FormatValue(row).c_str(), nullptr);
      [[fallthrough]];
    default: {
      auto scalar = array.GetScalar(row);
      return scalar.ok() ? Json((*scalar)->ToString()) : Json(nullptr);
    }
  }
}

namespace {
/// The values of a column, in row order.
struct Cursor {
  const arrow::ChunkedArray* column;
  int chunk = 0;
  std::int64_t at = 0;
  std::pair<const arrow::Array*, std::int64_t> next() {
    while (at >= column->chunk(chunk)->length()) ++chunk, at = 0;
    return {column->chunk(chunk).get(), at++};
  }
};
}  // namespace

Json table_json(const arrow::Table& table, std::int64_t most_rows) {
  Json columns = Json::array(), rows = Json::array();
  for (const auto& field : table.schema()->fields())
    columns.push_back({{"name", field->name()}, {"type", field->type()->ToString()}});
  std::vector<Cursor> all;
  for (const auto& column : table.columns()) all.push_back({column.get()});
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

}  // namespace tapemill::app
