#include "analytics/frame.h"

#include <arrow/api.h>

#include <algorithm>

#include "lake/part_stream.h"

namespace tapemill::analytics {

std::vector<double>* Frame::find(const std::string& name) {
  auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? nullptr : &numbers[static_cast<std::size_t>(at - names.begin())];
}

Result<std::vector<double>*> Frame::need(const std::string& name, const std::string& where) {
  if (auto* found = find(name)) return found;
  if (fixed->GetColumnByName(name) != nullptr)
    return usage_error(fmt::format("{}: {} is no column of numbers", where, name), "encode makes numbers of texts");
  const std::string near = nearest(name, names);
  return usage_error(fmt::format("{}: there is no column {}", where, name),
                     near.empty() ? fmt::format("at this step there are {}", fmt::join(names, ", "))
                                  : fmt::format("did you mean {}?", near));
}

Status Frame::add(const std::string& name, std::vector<double> values, const std::string& where) {
  if (find(name) != nullptr || fixed->GetColumnByName(name) != nullptr || name == "available_at")
    return usage_error(fmt::format("{}: there is a column {} already", where, name), "a step makes no column twice");
  for (const char* folder : {"year", "month", "day", "date"})
    if (name == folder)
      return usage_error(fmt::format("{}: {} is a name of tables' folders", where, name),
                         "give the column another name");
  names.push_back(name);
  numbers.push_back(std::move(values));
  return Status::OK();
}

Status Frame::keep(const std::vector<bool>& wanted, arrow::MemoryPool* pool) {
  if (std::find(wanted.begin(), wanted.end(), false) == wanted.end()) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto kept, lake::pick(fixed, wanted, true, pool));
  fixed = kept == nullptr ? fixed->Slice(0, 0) : kept;
  auto compact = [&](auto& values) {
    if (values.empty()) return;
    std::size_t to = 0;
    for (std::size_t row = 0; row < wanted.size(); ++row)
      if (wanted[row]) values[to++] = values[row];
    values.resize(to);
  };
  std::vector<lake::Span> left;
  std::int64_t at = 0;
  for (const lake::Span& span : spans) {
    const std::int64_t first = at;
    for (std::int64_t row = span.first; row < span.last; ++row) at += wanted[static_cast<std::size_t>(row)];
    if (at > first) left.push_back({span.instrument, first, at});
  }
  spans = std::move(left);
  for (auto& values : numbers) compact(values);
  compact(sessions), compact(clock), compact(known);
  return Status::OK();
}

void Frame::carry_known() {
  for (const lake::Span& span : spans)
    for (std::int64_t row = span.first + 1; row < span.last; ++row) {
      const auto at = static_cast<std::size_t>(row);
      known[at] = std::max(known[at], known[at - 1]);
    }
}

}  // namespace tapemill::analytics
