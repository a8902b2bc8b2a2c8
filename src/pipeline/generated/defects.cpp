#include <algorithm>

#include "pipeline/generated/random.h"
#include "pipeline/generated/stocks.h"

namespace tapemill::pipeline::generated {
namespace {

/// A file as lines to be spoiled; line 1 is the header.
struct Lines {
  std::vector<std::string> lines;
  explicit Lines(const std::string& text) {
    for (std::size_t from = 0; from < text.size();) {
      std::size_t end = text.find('\n', from);
      lines.push_back(text.substr(from, end - from));
      from = end + 1;
    }
  }
  std::string text() const {
    std::string out;
    for (const std::string& line : lines) out += line, out += '\n';
    return out;
  }
  static std::vector<std::string> fields(const std::string& line) {
    std::vector<std::string> out(1);
    for (char c : line) {
      if (c == ',') out.emplace_back();
      else out.back() += c;
    }
    return out;
  }
  static std::string joined(const std::vector<std::string>& fields) {
    std::string out;
    for (const std::string& field : fields) out += (out.empty() ? "" : ",") + field;
    return out;
  }
  std::string ticker(std::size_t index) const { return fields(lines[index]).front(); }
  /// Puts `text` into a column of a line; ticker,volume,open,close,high,low,window_start,transactions.
  void set(std::size_t index, std::size_t column, const std::string& text) {
    auto all = fields(lines[index]);
    all[column] = text;
    lines[index] = joined(all);
  }
};

Defect found_by(const Lines& lines, std::size_t index, const char* kind, const char* check, const char* note) {
  Defect defect;
  defect.line = static_cast<std::int64_t>(index) + 1;
  defect.kind = kind, defect.check = check, defect.note = note;
  defect.ticker = lines.ticker(index);
  return defect;
}

}  // namespace

std::vector<Defect> spoil_bad_rows(const Stocks& stocks, std::string& text, std::size_t session) {
  Lines lines(text);
  std::vector<Defect> out;
  const std::size_t rows = lines.lines.size() - 1;
  if (rows < 7) return out;
  Random random(stocks.seed, "bad rows", session);
  auto at = [&](std::size_t nth) {
    return 1 + (rows * nth / 7) + static_cast<std::size_t>(random.below(static_cast<std::int64_t>(rows / 7)));
  };
  enum { open = 2, close = 3, high = 4, low = 5 };
  std::size_t i = at(0);
  {
    auto fields = Lines::fields(lines.lines[i]);
    std::swap(fields[high], fields[low]);
    if (fields[high] == fields[low]) fields[low] = "9999";
    lines.lines[i] = Lines::joined(fields);
  }
  out.push_back(found_by(lines, i, "bad_ohlc", "ohlc_order", "high and low are swapped"));
  lines.set(i = at(1), high, "0.0001");
  out.push_back(found_by(lines, i, "bad_ohlc", "ohlc_order", "the high lies below everything"));
  lines.set(i = at(2), close, "");
  out.push_back(found_by(lines, i, "no_close", "null", "the close is empty"));
  lines.set(i = at(3), open, "N/A");
  out.push_back(found_by(lines, i, "text_price", "parse", "the open is a text"));
  lines.set(i = at(4), close, "NaN");
  out.push_back(found_by(lines, i, "nan_price", "parse", "the close is NaN"));
  i = at(5);
  lines.lines[i].erase(lines.lines[i].rfind(','));
  out.push_back(found_by(lines, i, "cut_row", "columns", "the last column is missing"));
  lines.set(i = at(6), low, "1.23456");
  out.push_back(found_by(lines, i, "too_many_digits", "parse", "five decimals where the table keeps four"));
  text = lines.text();
  return out;
}

std::vector<Defect> spoil_duplicates(const Stocks& stocks, std::string& text, std::size_t session) {
  Lines lines(text);
  std::vector<Defect> out;
  const std::size_t rows = lines.lines.size() - 1;
  if (rows < 2) return out;
  Random random(stocks.seed, "duplicates", session);
  std::size_t i = 1 + static_cast<std::size_t>(random.below(static_cast<std::int64_t>(rows / 2)));
  lines.lines.insert(lines.lines.begin() + static_cast<std::ptrdiff_t>(i) + 1, lines.lines[i]);
  out.push_back(found_by(lines, i + 1, "duplicate_row", "unique_key", "the same row again"));
  i = rows / 2 + 2 + static_cast<std::size_t>(random.below(static_cast<std::int64_t>((rows + 1) / 2)));
  i = std::min(i, lines.lines.size() - 1);
  std::string again = lines.lines[i];
  lines.lines.push_back(again);
  lines.set(lines.lines.size() - 1, 7, "999999");
  out.push_back(found_by(lines, lines.lines.size() - 1, "duplicate_row", "unique_key",
                         "the row again at the end, with another count of transactions"));
  text = lines.text();
  return out;
}

std::vector<Defect> spoil_minutes(const Stocks& stocks, std::string& text, std::size_t session) {
  Lines lines(text);
  std::vector<Defect> out;
  const auto rows = static_cast<std::int64_t>(lines.lines.size()) - 1;
  if (rows < 20) return out;
  Random random(stocks.seed, "minutes", session);
  auto i = static_cast<std::size_t>(1 + random.below(rows / 2));
  lines.set(i, 5, "9999");
  out.push_back(found_by(lines, i, "bad_ohlc", "ohlc_order", "the low lies above everything"));
  i = static_cast<std::size_t>(rows / 2 + 2 + random.below(rows / 2 - 4));
  lines.lines.insert(lines.lines.begin() + static_cast<std::ptrdiff_t>(i) + 1, lines.lines[i]);
  out.push_back(found_by(lines, i + 1, "duplicate_row", "unique_key", "the same minute again"));
  text = lines.text();
  return out;
}

}  // namespace tapemill::pipeline::generated
