#include "sources/records.h"

#include <algorithm>

namespace tapemill::sources {

bool round_decimal(std::string& text, int scale) {
  const std::size_t point = text.find('.');
  if (point == std::string::npos || text.size() - point - 1 <= static_cast<std::size_t>(scale)) return false;
  const std::size_t start = text[0] == '-' ? 1 : 0, keep = point + 1 + static_cast<std::size_t>(scale);
  for (std::size_t i = start; i < text.size(); ++i)
    if (i != point && (text[i] < '0' || text[i] > '9')) return false;
  const std::string rest = text.substr(keep);
  if (rest.find_first_not_of('0') == std::string::npos) return false;
  const bool tie = rest[0] == '5' && rest.find_first_not_of('0', 1) == std::string::npos;
  text.resize(keep);
  const char last = text[keep - 1] == '.' ? text[keep - 2] : text[keep - 1];
  bool up = tie ? (last - '0') % 2 == 1 : rest[0] >= '5';
  for (std::size_t i = keep; up && i-- > start;) {
    if (text[i] == '.') continue;
    up = text[i] == '9';
    text[i] = up ? '0' : static_cast<char>(text[i] + 1);
  }
  if (up) text.insert(start, 1, '1');
  if (text.back() == '.') text.pop_back();
  return true;
}

std::string exact_text(std::string_view text) {
  std::string out = "=";
  out.reserve(text.size() + 1);
  for (char c : text) {
    if (c == '\\' || c == '\n' || c == '\r') out += '\\', out += c == '\n' ? 'n' : c == '\r' ? 'r' : c;
    else out += c;
  }
  if (!text.empty() && (text.back() == ' ' || text.back() == '\t')) out += "\\.";  // blanks at a cell's end are cut off
  return out;
}

std::string_view text_of_exact(std::string_view cell, std::deque<std::string>& spare) {
  if (cell.empty()) return {};
  cell.remove_prefix(1);
  if (cell.find('\\') == std::string_view::npos) return cell;
  std::string& out = spare.emplace_back();
  for (std::size_t i = 0; i < cell.size(); ++i) {
    if (cell[i] != '\\' || i + 1 == cell.size()) out += cell[i];
    else if (const char mark = cell[++i]; mark != '.') out += mark == 'n' ? '\n' : mark == 'r' ? '\r' : mark;
  }
  return out;
}

void Records::begin(std::shared_ptr<const std::string> text, std::int64_t at, std::int64_t line, const Form& form) {
  text_ = std::move(text), at_ = at, line_ = counted_line_ = line, counted_ = 0, numbered_ = false;
  table_ = fmt::format("{}\n", fmt::join(form.header, ","));
  narrow_ = form.header.size() == 1;
  const auto counts = std::find(form.header.begin(), form.header.end(), "rounded");
  count_cell_ = counts == form.header.end() ? -1 : static_cast<int>(counts - form.header.begin());
  places_.clear(), refused_.clear();
}

void Records::begin_numbered(std::shared_ptr<const std::string> text, std::int64_t at, std::int64_t first,
                             const Form& form) {
  begin(std::move(text), at, first, form);
  numbered_ = true;
}

std::vector<int> scales_of(const Dataset& dataset, const Form& form) {
  std::vector<int> scales;
  for (const std::string& cell : form.header) {
    scales.push_back(-1);
    for (const Take& take : form.takes) {
      const Column* column = dataset.column(take.column);
      const bool reads = take.from.size() == 1 && take.from[0] == cell && take.integer == nullptr;
      if (reads && column != nullptr && column->kind == Kind::decimal) scales.back() = column->scale;
    }
  }
  return scales;
}

void Records::round_to(std::vector<int> scales) { scales_ = std::move(scales); }

Records::Place Records::place_of(std::string_view raw) {
  auto offset = static_cast<std::size_t>(raw.data() - text_->data());
  if (offset > text_->size()) offset = text_->size();
  if (numbered_) return {line_++, at_ + static_cast<std::int64_t>(offset), static_cast<std::int32_t>(raw.size())};
  if (offset < counted_) counted_ = 0, counted_line_ = line_;
  counted_line_ += std::count(text_->begin() + static_cast<std::ptrdiff_t>(counted_),
                              text_->begin() + static_cast<std::ptrdiff_t>(offset), '\n');
  counted_ = offset;
  return {counted_line_, at_ + static_cast<std::int64_t>(offset), static_cast<std::int32_t>(raw.size())};
}

void Records::add(std::string_view raw, const std::vector<std::string>& header,
                  const std::map<std::string_view, std::string>& cells) {
  std::vector<std::string> row;
  for (const std::string& name : header) {
    auto found = cells.find(name);
    row.push_back(found == cells.end() ? std::string() : found->second);
  }
  add(raw, std::move(row));
}

void Records::add(std::string_view raw, std::vector<std::string> cells) {
  places_.push_back(place_of(raw));
  int rounded = 0;
  for (std::size_t i = 0; i < std::min(cells.size(), scales_.size()); ++i)
    if (scales_[i] >= 0) rounded += round_decimal(cells[i], scales_[i]);
  if (count_cell_ >= 0) cells[static_cast<std::size_t>(count_cell_)] = std::to_string(rounded);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string& cell = cells[i];
    if (i > 0) table_ += ',';
    if (!narrow_ && cell.find_first_of("\",\r\n") == std::string::npos) {
      table_ += cell;
      continue;
    }
    table_ += '"';
    for (char c : cell) {
      if (c == '"') table_ += '"';
      table_ += c == '\n' || c == '\r' ? ' ' : c;  // a record is a line
    }
    table_ += '"';
  }
  table_ += '\n';
}

void Records::refuse(std::string_view raw, const char* check, std::string reason) {
  const Place place = place_of(raw);
  refused_.push_back({place.line, place.byte, std::string(raw), check, std::move(reason)});
}

void Records::put_back(SourceBatch& batch) const {
  auto place = [&](std::int64_t line) -> const Place& { return places_.at(static_cast<std::size_t>(line - 2)); };
  for (std::size_t i = 0; i < batch.lines.size(); ++i) {
    const Place& at = place(batch.lines[i]);
    batch.lines[i] = at.line, batch.bytes[i] = at.byte, batch.lengths[i] = at.length;
  }
  for (Refused& one : batch.refused) {
    const Place& at = place(one.line);
    one.line = at.line, one.byte = at.byte;
    one.raw = text_->substr(static_cast<std::size_t>(at.byte - at_), static_cast<std::size_t>(at.length));
  }
  batch.text = text_, batch.text_at = at_;
}

}  // namespace tapemill::sources
