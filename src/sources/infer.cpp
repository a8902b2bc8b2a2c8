#include "sources/infer.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "sources/column_guess.h"
#include "sources/column_names.h"
#include "sources/encoding.h"
#include "sources/text.h"

namespace tapemill::sources {
namespace {

constexpr std::size_t kSample = 1 << 20;
using Cells = std::vector<std::vector<std::string>>;
using Lines = std::vector<std::int64_t>;

Result<std::string> read_sample(Bytes& bytes) {
  std::string head(kSample, '\0');
  std::size_t have = 0;
  for (std::size_t got = 1; got > 0 && have < head.size(); have += got) {
    ARROW_ASSIGN_OR_RAISE(got, bytes.read(head.data() + have, head.size() - have));
  }
  const bool whole = have < head.size();
  head.resize(have);
  if (std::size_t end = head.rfind('\n'); !whole && end != std::string::npos) head.resize(end + 1);
  return head;
}

Result<Cells> cells_of(const std::string& text, char delimiter, Lines* lines = nullptr) {
  TextReader reader(bytes_of(text), 1 << 20, true);
  reader.cut_at(delimiter);
  reader.without_header();
  Cells rows;
  Block block;
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(bool more, reader.next(block));
    if (!more) return rows;
    std::deque<std::string> spare;
    for (const Record& record : block.records) {
      auto& row = rows.emplace_back();
      if (lines != nullptr) lines->push_back(record.line);
      for (std::uint32_t i = 0; i < record.fields; ++i) row.emplace_back(block.field(record, i, spare));
    }
  }
}

/// The delimiter by which most lines have one and the same number of fields, two at least.
Result<char> find_delimiter(const std::string& text, std::string& why) {
  const std::string start = text.substr(0, text.find('\n', std::min<std::size_t>(text.size(), 64 << 10)));
  char best = ',';
  std::size_t best_rows = 0, best_fields = 1, lines = 0;
  for (char delimiter : {',', ';', '\t', '|'}) {
    ARROW_ASSIGN_OR_RAISE(Cells rows, cells_of(start, delimiter));
    std::map<std::size_t, std::size_t> widths;
    for (const auto& row : rows) ++widths[row.size()];
    for (const auto& [fields, count] : widths) {
      if (fields < 2 || std::pair(count, fields) <= std::pair(best_rows, best_fields)) continue;
      best = delimiter, best_rows = count, best_fields = fields, lines = rows.size();
    }
  }
  why = best_rows == 0 ? "no line has a second field by any of , ; tab |"
                       : fmt::format("{} of the first {} lines have {} fields by it", best_rows, lines, best_fields);
  return best;
}

bool unique_by(const Cells& rows, std::size_t from, const std::vector<std::size_t>& columns, std::size_t width) {
  std::set<std::string> seen;
  for (std::size_t i = from; i < rows.size(); ++i) {
    if (rows[i].size() != width) continue;
    std::string key;
    for (std::size_t column : columns) key += rows[i][column], key += '\x1f';
    if (!seen.insert(std::move(key)).second) return false;
  }
  return true;
}

bool has_date(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  for (std::size_t i = 0; i + 10 <= name.size(); ++i)
    if (Date::parse(std::string_view(name).substr(i, 10)).ok()) return true;
  return false;
}

}  // namespace

Result<Inferred> infer(const std::string& path) {
  Inferred out;
  ARROW_ASSIGN_OR_RAISE(auto raw, open_bytes(path));
  std::string head(64 << 10, '\0');
  ARROW_ASSIGN_OR_RAISE(std::size_t got, raw->read(head.data(), head.size()));
  head.resize(got);
  out.encoding = guess_encoding(head, out.encoding_why);
  ARROW_ASSIGN_OR_RAISE(auto bytes, open_text(path, out.encoding));
  ARROW_ASSIGN_OR_RAISE(std::string text, read_sample(*bytes));
  ARROW_RETURN_NOT_OK(parse_header(text, path).status());  // binary data, another kind of file, an endless first line
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  ARROW_ASSIGN_OR_RAISE(out.delimiter, find_delimiter(text, out.delimiter_why));
  Lines lines;
  ARROW_ASSIGN_OR_RAISE(Cells rows, cells_of(text, out.delimiter, &lines));
  const std::size_t width = rows.empty() ? 0 : rows[0].size();
  const auto numbers = std::count_if(rows[0].begin(), rows[0].end(), is_number);
  const bool blank = std::any_of(rows[0].begin(), rows[0].end(), [](const std::string& cell) { return cell.empty(); });
  out.header = numbers == 0 && !blank;
  out.header_why = out.header ? "no field of the first line is a number or empty"
                              : fmt::format("{} fields of the first line are numbers or empty",
                                            std::max<std::ptrdiff_t>(numbers, 1));
  const std::size_t from = out.header ? 1 : 0;
  if (rows.size() <= from) return data_error(path + ": has no row to learn from", "infer needs some rows");

  std::set<std::string> taken{"available_at"};
  std::vector<ColumnGuess> guesses;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < width; ++i) {
    names.push_back(out.header ? rows[0][i] : fmt::format("column_{}", i + 1));
    std::set<std::string> none;
    guesses.emplace_back(column_name(names.back(), none));
  }
  for (std::size_t i = from; i < rows.size(); ++i) {
    if (rows[i].size() != width) continue;  // it will be quarantined
    ++out.sampled;
    for (std::size_t c = 0; c < width; ++c) guesses[c].see(rows[i][c], lines[i]);
  }
  std::ptrdiff_t date = -1, time = -1;
  for (std::size_t c = 0; c < width; ++c) {
    InferredColumn column = guesses[c].made();
    column.header = names[c];
    const auto at = static_cast<std::ptrdiff_t>(c);
    if (column.column.kind == Kind::date && date < 0) date = at, taken.insert("session");
    if (column.column.kind == Kind::timestamp && time < 0) time = at, taken.insert("time");
    out.columns.push_back(std::move(column));
  }
  if (date < 0) taken.insert("session");
  for (std::size_t c = 0; c < width; ++c) {
    Column& column = out.columns[c].column;
    const auto at = static_cast<std::ptrdiff_t>(c);
    column.name = at == date ? "session" : at == time ? "time" : column_name(names[c], taken);
    column.null_refused = at == date || at == time;
  }
  if (date < 0 && time < 0) {
    if (!has_date(path))
      return data_error(
          path + ": no column holds dates or times, and its name has no date",
          "rows lie by session: name the file with its date, as in prices-2024-01-02.csv, or write a spec by hand");
    out.session_from_file_name = true;
  }
  std::vector<std::size_t> key;
  for (std::size_t c = 0; c < width && key.empty(); ++c)
    if (names_a_symbol(out.columns[c].column.name)) key.push_back(c);
  for (std::size_t c = 0; c < width && key.empty(); ++c)
    if (names_an_instrument(out.columns[c].column.name)) key.push_back(c);
  if (time >= 0) key.push_back(static_cast<std::size_t>(time));
  else if (date >= 0) key.push_back(static_cast<std::size_t>(date));
  out.unique = unique_by(rows, from, key, width);
  for (std::size_t c = 0; c < width && !out.unique; ++c) {
    const Kind kind = out.columns[c].column.kind;
    if (kind == Kind::float64 || std::find(key.begin(), key.end(), c) != key.end()) continue;
    key.insert(key.begin(), c);
    out.unique = unique_by(rows, from, key, width);
  }
  for (std::size_t c : key) out.key.push_back(out.columns[c].column.name);
  if (out.session_from_file_name) out.key.push_back("session");
  return out;
}

namespace {
std::string word(Kind kind) {
  switch (kind) {
    case Kind::boolean: return "boolean";
    case Kind::int32: return "int32";
    case Kind::int64: return "int64";
    case Kind::float64: return "double";
    case Kind::date: return "date";
    case Kind::timestamp: return "timestamp";
    default: return "string";
  }
}
std::string in_quotes(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}
}  // namespace

std::string spec_of(const Inferred& inferred, const std::string& table, const std::string& calendar,
                    const std::string& file) {
  std::string key = fmt::format("{}", fmt::join(inferred.key, ", "));
  std::string out = fmt::format(
      "# Inferred by tapemill infer from the first {} rows of {}: look it over, and say decimal(18,2) instead of "
      "double\n"
      "# where numbers are prices.\n"
      "table: {}\nsource: csv\ncalendar: {}\nsession: {{from: {}, column: session}}\nkey: [{}]\nsort: [{}]\n"
      "partitions: [year]\nlanding: copy\nsilver: view\ncolumns:\n",
      inferred.sampled, file, table, calendar, inferred.session_from_file_name ? "file_name" : "column", key, key);
  bool session = false;
  for (const auto& one : inferred.columns) session |= one.column.name == "session";
  if (!session) out += "  session: {type: date, null: refuse}\n";
  for (const auto& one : inferred.columns)
    out += fmt::format("  {}: {{type: {}{}}}  # {}\n", one.column.name, word(one.column.kind),
                       one.column.null_refused ? ", null: refuse" : "", one.evidence);
  out += fmt::format("csv:\n  encoding: {}  # {}\n  delimiter: {}  # {}\n  header: {}  # {}\n  columns:\n",
                     inferred.encoding, inferred.encoding_why,
                     inferred.delimiter == '\t' ? "tab" : fmt::format("\"{}\"", inferred.delimiter),
                     inferred.delimiter_why, inferred.header, inferred.header_why);
  for (const auto& one : inferred.columns)
    out += fmt::format("    {}: {{from: {}{}}}\n", one.column.name, in_quotes(one.header),
                       one.format.empty() ? "" : fmt::format(", format: \"{}\"", one.format));
  out += inferred.unique ? "checks:\n  - unique_key: warn\n"
                         : "# No set of columns is unique in the sample: no check of the key.\n";
  return out;
}

}  // namespace tapemill::sources
