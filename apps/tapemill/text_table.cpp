#include <algorithm>
#include <numeric>

#include "core/text.h"
#include "print.h"

namespace tapemill::app {
namespace {

constexpr std::size_t kShortText = 24;  // longer texts are cut, to no less; the last column's to
constexpr std::size_t kLastText = 12;
constexpr std::size_t kGap = 3;     // "  …"
constexpr std::size_t kOnSide = 3;  // rows that are turned on their side sooner than lose columns

/// Bytes of the first `n` characters.
std::size_t bytes_of(std::string_view text, std::size_t n) {
  std::size_t i = 0;
  for (; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 && n-- == 0) break;
  return i;
}
std::string cut(const std::string& text, std::size_t most) {
  return text_width(text) <= most ? text : text.substr(0, bytes_of(text, most - 1)) + "…";
}
std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::size_t have = text_width(text);
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
    names_.push_back(visible(name));
    right_.push_back(right);
  }
}
void TextTable::add(std::vector<std::string> cells) {
  cells.resize(names_.size());
  for (std::string& cell : cells) cell = visible(cell);
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

/// Of `shown`, what `limit` has room for without the middle ones, for whose place "…" stands. The first is always there, and
/// so are those that stay.
std::vector<bool> TextTable::without_middle(const Widths& widths, std::vector<bool> shown, std::size_t limit) const {
  if (total(widths, shown) <= limit) return shown;
  std::vector<std::size_t> left;
  for (std::size_t c = 0; c < names_.size(); ++c)
    if (shown[c]) left.push_back(c);
  std::fill(shown.begin(), shown.end(), false);
  if (left.empty()) left.push_back(0);
  for (std::size_t c : left)
    if (c == left.front() || std::find(staying_.begin(), staying_.end(), names_[c]) != staying_.end()) shown[c] = true;
  const std::size_t room = limit > kGap ? limit - kGap : 0;
  // The last one, then two from the left for each from the right: what a row is called stands left, its newest things right.
  std::size_t from = 1, to = left.size() - 1;
  bool right = true;  // whether the next one from the right may still fit
  for (int turn = 2; from <= to; ++turn) {
    const bool last = right && turn % 3 == 2;
    const std::size_t next = last ? left[to--] : left[from++];
    if (shown[next]) continue;
    shown[next] = true;
    if (total(widths, shown) <= room) continue;
    shown[next] = false;
    if (!last) break;
    right = false;
  }
  return shown;
}

/// Of the rows from `begin` to `end`: a column a line and a row a column. A single row's long texts go on below, and stand
/// under the names where there is no room beside them; of more rows it is empty where they do not fit.
std::string TextTable::on_its_side(std::size_t limit, std::size_t begin, std::size_t end) const {
  const bool single = end - begin == 1;
  std::size_t heads = 0, sum = 0;
  for (const auto& name : names_) heads = std::max(heads, text_width(name));
  Widths widths(rows_.size());
  for (std::size_t r = begin; r < end; ++r) {
    for (const auto& text : rows_[r]) widths[r] = std::max(widths[r], text_width(text));
    sum += widths[r] + 2;
  }
  if (heads + sum > limit && !single) return {};
  const bool under = heads + sum > limit && limit < heads + 2 + kLastText;
  if (under) heads = 0;
  if (single) widths[begin] = std::min(widths[begin], std::max(limit, heads + 3) - heads - 2);
  std::string text;
  for (std::size_t c = 0; c < names_.size(); ++c) {
    text += under ? names_[c] + "\n" : padded(names_[c], heads, false);
    for (std::size_t r = begin; r < end; ++r) {
      std::string_view rest = rows_[r][c];
      for (; text_width(rest) > widths[r]; rest.remove_prefix(bytes_of(rest, widths[r])))
        text += fmt::format("  {}\n{:{}}", rest.substr(0, bytes_of(rest, widths[r])), "", heads);
      text += "  " + padded(std::string(rest), widths[r], !single && right_[c]);
    }
    end_line(text);
  }
  return text;
}

/// Every row on its side, below each other.
std::string TextTable::each_on_its_side(std::size_t limit) const {
  std::string text;
  for (std::size_t r = 0; r < rows_.size(); ++r) text += (r > 0 ? "\n" : "") + on_its_side(limit, r, r + 1);
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
  return wrapped(text_width(text) <= limit || n < 3 ? text : line(names.front() + " … " + names.back()),
                 static_cast<int>(limit));
}

/// The first of the columns for which "…" stands: of those left out that do not give way anyhow. None: their number.
std::size_t TextTable::gap_of(const std::vector<bool>& shown) const {
  std::size_t gap = names_.size();
  for (std::size_t c = names_.size(); c-- > 0;)
    if (!shown[c] && std::find(giving_way_.begin(), giving_way_.end(), names_[c]) == giving_way_.end()) gap = c;
  return gap;
}

std::string TextTable::str(int width, std::string_view more) const {
  Widths widths;
  for (std::size_t c = 0; c < names_.size(); ++c) {
    std::size_t most = text_width(names_[c]);
    for (const auto& row : rows_) most = std::max(most, text_width(row[c]));
    widths.push_back(most);
  }
  const std::size_t limit = width > 0 ? static_cast<std::size_t>(width) : 0;
  std::vector<bool> shown(names_.size(), true);
  if (limit > 0 && total(widths, shown) > limit) {
    shown = after_giving_way(widths, limit);
    if (total(widths, shown) > limit && !rows_.empty() && rows_.size() <= kOnSide)
      if (std::string text = on_its_side(limit, 0, rows_.size()); !text.empty()) return text;
    const Widths uncut = widths;
    for (std::size_t c = names_.size(); c-- > 0;) {  // the last text gives way first
      const std::size_t sum = total(widths, shown);
      const bool last = c + 1 == names_.size();
      if (sum <= limit || !shown[c] || right_[c] || widths[c] <= kShortText) continue;
      const std::size_t least = std::max(last ? kLastText : kShortText, text_width(names_[c]));
      widths[c] = std::max(least, widths[c] - std::min(widths[c], sum - limit));
    }
    shown = without_middle(widths, std::move(shown), limit);
    // Where not even what must stay has room, or of many columns only one has, nothing is left out.
    const bool alone = names_.size() > 1 && std::count(shown.begin(), shown.end(), true) == 1;
    if (!rows_.empty() &&
        (alone || total(widths, shown) > limit - std::min(limit, gap_of(shown) < names_.size() ? kGap : 0)))
      return each_on_its_side(limit);
    for (std::size_t c = names_.size(); c-- > 0;) {  // what the columns left out leave is the texts' again
      if (!shown[c] || widths[c] == uncut[c]) continue;
      const std::size_t free = limit - std::min(limit, total(widths, shown) + 3);
      widths[c] = std::min(uncut[c], widths[c] + free);
    }
  }
  const std::size_t gap = gap_of(shown);
  auto line = [&](auto&& cell, const char* between) {
    std::string text;
    for (std::size_t c = 0; c < names_.size(); ++c) {
      if (c == gap) text += fmt::format("{}{}", text.empty() ? "" : "  ", between);
      if (shown[c]) text += (text.empty() ? "" : "  ") + cell(c);
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
