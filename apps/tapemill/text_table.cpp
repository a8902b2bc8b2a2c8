#include <algorithm>
#include <numeric>

#include "core/text.h"
#include "print.h"

namespace tapemill::app {
namespace {

constexpr std::size_t kLongText = 28, kShortText = 24;  // longer texts are cut, to no less; the last column's to
constexpr std::size_t kLastText = 12;
constexpr std::size_t kOnSide = 3;  // rows that are turned on their side sooner than lose columns

/// Columns on a terminal, not bytes: UTF-8 continuation bytes take none.
std::size_t width_of(std::string_view text) {
  std::size_t n = 0;
  for (char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}
/// Bytes of the first `n` characters.
std::size_t bytes_of(std::string_view text, std::size_t n) {
  std::size_t i = 0;
  for (; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 && n-- == 0) break;
  return i;
}
std::string cut(const std::string& text, std::size_t most) {
  return width_of(text) <= most ? text : text.substr(0, bytes_of(text, most - 1)) + "…";
}
std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::size_t have = width_of(text);
  const std::string blanks(have < width ? width - have : 0, ' ');
  return right ? blanks + text : text + blanks;
}
void end_line(std::string& text) {
  while (!text.empty() && text.back() == ' ') text.pop_back();
  text += '\n';
}
std::size_t total(const std::vector<std::size_t>& widths, const std::vector<bool>& shown) {
  std::size_t sum = 0;
  for (std::size_t c = 0; c < widths.size(); ++c)
    if (shown[c]) sum += widths[c] + (sum > 0 ? 2 : 0);
  return sum;
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

/// Which columns are left when as many give way as `limit` needs.
std::vector<bool> TextTable::after_giving_way(const Widths& widths, std::size_t limit) const {
  std::vector<bool> shown(names_.size(), true);
  for (const std::string& name : giving_way_) {
    if (total(widths, shown) <= limit) break;
    const auto at = std::find(names_.begin(), names_.end(), name);
    if (at != names_.end()) shown[static_cast<std::size_t>(at - names_.begin())] = false;
  }
  return shown;
}

/// Of `shown`, what `limit` has room for without the middle ones, for whose place "…" stands. The first is always there.
std::vector<bool> TextTable::without_middle(const Widths& widths, std::vector<bool> shown, std::size_t limit) const {
  if (total(widths, shown) <= limit) return shown;
  std::vector<std::size_t> left;
  for (std::size_t c = 0; c < names_.size(); ++c)
    if (shown[c]) left.push_back(c);
  std::fill(shown.begin(), shown.end(), false);
  if (left.empty()) left.push_back(0);
  shown[left.front()] = true;
  const std::size_t room = limit > 3 ? limit - 3 : 0;  // without the "…" in the middle
  // The last one, then two from the left for each from the right: what a row is called stands left, its newest things right.
  std::size_t from = 1, to = left.size() - 1;
  bool right = true;  // whether the next one from the right may still fit
  for (int turn = 2; from <= to; ++turn) {
    const bool last = right && turn % 3 == 2;
    const std::size_t next = last ? left[to--] : left[from++];
    shown[next] = true;
    if (total(widths, shown) <= room) continue;
    shown[next] = false;
    if (!last) break;
    right = false;
  }
  return shown;
}

/// A column a line and a row a column, where that fits; a single row's long texts go on below. Empty where it does not fit.
std::string TextTable::on_its_side(std::size_t limit) const {
  std::size_t heads = 0, sum = 0;
  for (const auto& name : names_) heads = std::max(heads, width_of(name));
  Widths widths;
  for (const auto& row : rows_) {
    std::size_t most = 0;
    for (const auto& text : row) most = std::max(most, width_of(text));
    widths.push_back(most);
    sum += most + 2;
  }
  if (heads + sum > limit && (rows_.size() > 1 || limit < heads + 2 + kShortText)) return {};
  if (rows_.size() == 1) widths[0] = std::min(widths[0], limit - heads - 2);
  std::string text;
  for (std::size_t c = 0; c < names_.size(); ++c) {
    text += padded(names_[c], heads, false);
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      std::string_view rest = rows_[r][c];
      for (; width_of(rest) > widths[r]; rest.remove_prefix(bytes_of(rest, widths[r])))
        text += fmt::format("  {}\n{:{}}", rest.substr(0, bytes_of(rest, widths[r])), "", heads);
      text += "  " + padded(std::string(rest), widths[r], rows_.size() > 1 && right_[c]);
    }
    end_line(text);
  }
  return text;
}

/// "… 3 more columns (isin, name, prev_close): widen the window".
std::string TextTable::left_out(const std::vector<bool>& shown, std::size_t limit, std::string_view more) const {
  std::vector<std::string> names;
  for (std::size_t c = 0; c < names_.size(); ++c)
    if (!shown[c]) names.push_back(names_[c]);
  const auto n = static_cast<std::int64_t>(names.size());
  auto line = [&](const std::string& which) {
    return fmt::format("… {} ({}): {}\n", counted(n, "more column"), which, more);
  };
  std::string text = line(fmt::format("{}", fmt::join(names, ", ")));
  return width_of(text) <= limit || n < 3 ? text : line(names.front() + " … " + names.back());
}

std::string TextTable::str(int width, std::string_view more) const {
  Widths widths;
  for (std::size_t c = 0; c < names_.size(); ++c) {
    std::size_t most = width_of(names_[c]);
    for (const auto& row : rows_) most = std::max(most, width_of(row[c]));
    widths.push_back(most);
  }
  const std::size_t limit = width > 0 ? static_cast<std::size_t>(width) : 0;
  std::vector<bool> shown(names_.size(), true);
  if (limit > 0 && total(widths, shown) > limit) {
    shown = after_giving_way(widths, limit);
    if (total(widths, shown) > limit && !rows_.empty() && rows_.size() <= kOnSide)
      if (std::string text = on_its_side(limit); !text.empty()) return text;
    const Widths uncut = widths;
    for (std::size_t c = names_.size(); c-- > 0;) {  // the last text gives way first
      const std::size_t sum = total(widths, shown);
      const bool last = c + 1 == names_.size();
      if (sum <= limit || !shown[c] || right_[c] || widths[c] <= (last ? kShortText : kLongText)) continue;
      const std::size_t least = std::max(last ? kLastText : kShortText, width_of(names_[c]));
      widths[c] = std::max(least, widths[c] - std::min(widths[c], sum - limit));
    }
    shown = without_middle(widths, std::move(shown), limit);
    for (std::size_t c = names_.size(); c-- > 0;) {  // what the columns left out leave is the texts' again
      if (!shown[c] || widths[c] == uncut[c]) continue;
      const std::size_t free = limit - std::min(limit, total(widths, shown) + 3);
      widths[c] = std::min(uncut[c], widths[c] + free);
    }
  }
  std::size_t gap = names_.size();  // the first column of the middle ones that are left out
  for (std::size_t c = names_.size(); c-- > 0;)
    if (!shown[c] && std::find(giving_way_.begin(), giving_way_.end(), names_[c]) == giving_way_.end()) gap = c;
  auto line = [&](auto&& cell, const char* between) {
    std::string text;
    for (std::size_t c = 0; c < names_.size(); ++c) {
      if (c == gap) text += fmt::format("{}{}", c > 0 ? "  " : "", between);
      if (shown[c]) text += (c > 0 ? "  " : "") + cell(c);
    }
    end_line(text);
    return text;
  };
  std::string text = line([&](std::size_t c) { return padded(cut(names_[c], widths[c]), widths[c], right_[c]); }, "…");
  text += line(
      [&](std::size_t c) {
        std::string hairline;
        for (std::size_t i = 0; i < widths[c]; ++i) hairline += "─";
        return hairline;
      },
      "─");
  for (const auto& row : rows_) {
    text += line(
        [&](std::size_t c) {
          const std::string& own = row[c];
          // What says its sign by a true minus is a number, wherever it was made.
          const bool plain = limit == 0 && right_[c] && own.starts_with("−");
          return padded(cut(plain ? "-" + own.substr(std::string_view("−").size()) : own, widths[c]), widths[c],
                        right_[c]);
        },
        "…");
  }
  if (std::find(shown.begin(), shown.end(), false) != shown.end()) text += left_out(shown, limit, more);
  return text;
}

}  // namespace tapemill::app
