#pragma once
#include <arrow/table.h>

#include <string>
#include <vector>

#include "command.h"

namespace tapemill::app {

/// A table for people: numbers right, text left, hairline under the head, nulls an en dash. `name` ending in '>' is
/// right-aligned; control characters as visible() writes them. Where the window is too narrow: columns that give way are
/// left out, then a few rows are turned on their side, a column a line; of more of them long texts are cut and the middle
/// columns left out, and where those that stay have no room, every row is turned. What is left out is said. Where there is
/// no window (width 0) everything is there, and minus signs are hyphens.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> columns);
  void add(std::vector<std::string> cells);
  /// Columns that are left out before all others, first to last.
  void gives_way(std::vector<std::string> names) { giving_way_ = std::move(names); }
  /// Columns that are left out before no other, besides the first.
  void stays(std::vector<std::string> names) { staying_ = std::move(names); }
  /// `more`: how to see the columns that do not fit.
  std::string str(int width, std::string_view more = "widen the window, or ask for --json") const;
  bool empty() const { return rows_.empty(); }

 private:
  using Widths = std::vector<std::size_t>;
  std::vector<bool> after_giving_way(const Widths& widths, std::size_t limit) const;
  std::vector<bool> without_middle(const Widths& widths, std::vector<bool> shown, std::size_t limit) const;
  std::string on_its_side(std::size_t limit, std::size_t begin, std::size_t end) const;
  std::string each_on_its_side(std::size_t limit) const;
  std::size_t gap_of(const std::vector<bool>& shown) const;
  std::string left_out(const std::vector<bool>& shown, std::size_t limit, std::string_view more) const;
  std::vector<std::string> names_, giving_way_, staying_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};
inline constexpr const char* kNull = "–";

int terminal_width();                          // 0 where the output is no terminal: nothing is cut
std::size_t text_width(std::string_view text);  // characters of UTF-8, not bytes
/// Lines no wider than `width` (0: as they are), parted at blanks.
std::string wrapped(std::string_view text, int width);
/// Text of a file for eyes: control characters, those that turn the writing's direction and bytes that are no UTF-8 as
/// \n, \x1b, \u202e, so that none of them steers a terminal. `lines`: ends of lines and tabs stay.
std::string visible(std::string_view text, bool lines = false);
void print(const std::string& text);           // to stdout
void print(const Json& document);              // one document, two-space indent, newline

std::string thousands(std::int64_t n);         // 619 040, thin spaces
std::string grouped(std::string_view number);  // the same for digits as text: -25555934.5
/// A number's text with a true minus on a terminal, and a hyphen anywhere else: what reads a pipe knows no other.
std::string signed_text(const std::string& number);
std::string counted(std::int64_t n, std::string_view noun);  // 1 row, 2 rows
/// "12 rows outside the regular session left out; --session all shows them"; empty where none is. `session` as it was asked for.
std::string left_out_note(std::int64_t rows, std::string_view session);
/// An instant for people: "2024-10-28 09:15:00 IST" in `zone`; "2024-10-28T03:45:00Z" where context.utc, or the zone is.
std::string when(Instant t, const Context& context, const Zone& zone);
/// One value of an Arrow array as text; times in `zone` (UTC when context.utc), null as kNull.
std::string cell(const arrow::Array& array, std::int64_t row, const Context& context, const Zone& zone);
Json cell_json(const arrow::Array& array, std::int64_t row);
/// {"columns": [{"name", "type"}], "rows": [[...]], "rows_total": n}
Json table_json(const arrow::Table& table, std::int64_t most_rows);
inline constexpr const char* kMoreColumns = "widen the window, or ask for --json";
/// Prints at most `most_rows` rows (0: all) as context says: JSON or text with the zone named once. A column of numbers has one
/// number of decimals, and on a terminal thousands parted by thin spaces.
void print_table(const arrow::Table& table, const Context& context, const Zone& zone, std::int64_t most_rows,
                 const std::string& footer = {}, std::string_view more = kMoreColumns);

}  // namespace tapemill::app
