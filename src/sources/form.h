#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/dataset.h"
#include "sources/numbers.h"

namespace tapemill::sources {

class Days;

/// What a rule has to say of a row: a value, null, or why the row is refused and by which check.
struct Outcome {
  Complaint why = nullptr;
  const char* check = "parse";
  bool null = false;
  static constexpr Outcome ok() { return {}; }
  static constexpr Outcome nothing() { return {nullptr, "parse", true}; }
  static constexpr Outcome refuse(Complaint why, const char* check = "parse") { return {why, check, false}; }
};

/// Rules see the texts of the fields that their column names in `from`, in that order: trimmed, maybe empty.
/// The value is what the Arrow column stores: an integer at the column's scale, days, microseconds, 0 or 1.
using IntegerRule = Outcome (*)(const std::string_view* texts, const Column& column, Days& days, std::int64_t& out);
using TextRule = Outcome (*)(const std::string_view* texts, std::string_view& out);

/// How one column of a data set comes out of a row. Exactly one of: fields read by the column's type, a rule, a pattern, a
/// constant of the whole file.
struct Take {
  std::string column;
  std::vector<std::string> from;    // header names
  int shift = 0;                    // decimal point moved right, for units: lakhs 5
  std::string format;               // of a date or time
  IntegerRule integer = nullptr;
  TextRule text = nullptr;
  std::string pattern;              // "NSE:{SYMBOL}:{SERIES}" of header names
  std::string constant;             // read by the column's type; empty with `fixed`: null
  bool fixed = false;
};

inline Take take(std::string column, std::string from, int shift = 0) {
  Take t;
  t.column = std::move(column), t.from = {std::move(from)}, t.shift = shift;
  return t;
}
inline Take take_date(std::string column, std::string from, std::string format) {
  Take t = take(std::move(column), std::move(from));
  t.format = std::move(format);
  return t;
}
inline Take take_rule(std::string column, std::vector<std::string> from, IntegerRule rule) {
  Take t;
  t.column = std::move(column), t.from = std::move(from), t.integer = rule;
  return t;
}
inline Take take_text(std::string column, std::vector<std::string> from, TextRule rule) {
  Take t;
  t.column = std::move(column), t.from = std::move(from), t.text = rule;
  return t;
}
inline Take take_pattern(std::string column, std::string pattern) {
  Take t;
  t.column = std::move(column), t.pattern = std::move(pattern);
  return t;
}
inline Take take_constant(std::string column, std::string constant) {
  Take t;
  t.column = std::move(column), t.constant = std::move(constant), t.fixed = true;
  return t;
}

/// A judgement over a row that yields no column: a ticker of the wrong kind, a segment that is not this data set's.
struct Guard {
  std::vector<std::string> from;
  IntegerRule rule;
};

/// A text as a cell that gives it back as it is: its edges, its line ends, and that it is there though it be empty. A cell
/// without any is null.
std::string exact_text(std::string_view text);
/// The text of such a cell: of its bytes, or made in `spare`. Null (a null data pointer) of an empty cell.
std::string_view text_of_exact(std::string_view cell, std::deque<std::string>& spare);

/// A kind of file: what its header says and what its columns mean. The one place where a feed's names are known.
struct Form {
  std::string name;                     // FileInfo::form
  std::vector<std::string> header;      // names it must have, in any order
  std::vector<std::string> optional;    // names it may have
  bool other_columns = false;           // further names are left alone (csv); otherwise they make it another form
  bool multiline = false;               // quoted fields may hold line ends
  std::vector<std::string> exact;       // of header: cells that hold exact_text()
  bool dash_is_null = false;            // "-" stands for nothing
  enum class Sessions { one, many } sessions = Sessions::many;  // one: a file is one session, every row says the same
  std::vector<Take> takes;  // `session` and `time` among them
  std::vector<Guard> guards;

  const Take* find(std::string_view column) const {
    for (const Take& t : takes)
      if (t.column == column) return &t;
    return nullptr;
  }
};

}  // namespace tapemill::sources
