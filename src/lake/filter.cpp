#include "lake/filter.h"

#include <arrow/api.h>

#include <algorithm>

namespace tapemill::lake {
namespace {

constexpr const char* kAvailable = "available_at";
constexpr const char* kTime = "time";

bool has(const arrow::Schema& schema, const std::string& column, arrow::Type::type type) {
  auto field = schema.GetFieldByName(column);
  return field != nullptr && field->type()->id() == type;
}

}  // namespace

Result<RowFilter> RowFilter::make(const ScanRequest& request, const Snapshot& snapshot) {
  RowFilter filter;
  const std::string table = request.table.str();
  if (!request.symbols.empty()) {
    filter.symbols_ = request.symbols;
    std::sort(filter.symbols_.begin(), filter.symbols_.end());
    filter.symbols_.erase(std::unique(filter.symbols_.begin(), filter.symbols_.end()), filter.symbols_.end());
    for (const char* column : {"symbol", "instrument_id"}) {
      if (has(*snapshot.schema, column, arrow::Type::STRING)) filter.symbol_columns_.push_back(column);
    }
    if (filter.symbol_columns_.empty())
      return usage_error(table + " has neither a symbol nor an instrument_id to choose by");
  }
  if (request.start || request.end) {
    auto configured = snapshot.configuration.find(kSession);
    filter.session_ = configured != snapshot.configuration.end() ? configured->second : "session";
    if (!has(*snapshot.schema, filter.session_, arrow::Type::DATE32))
      return usage_error(fmt::format("{} has no session to choose by", table));
    if (request.start && request.end && *request.end < *request.start) {
      return usage_error(fmt::format("the range from {} to {} is empty", request.start->str(), request.end->str()),
                         "the start comes first");
    }
    filter.sessions_ = {request.start ? request.start->days : INT32_MIN, request.end ? request.end->days : INT32_MAX};
  }
  if (request.known_at) {
    if (!has(*snapshot.schema, kAvailable, arrow::Type::TIMESTAMP))
      return usage_error(table + " does not say when its rows were known (available_at)");
    filter.known_at_ = request.known_at->us;
  }
  return filter;
}

std::vector<std::string> RowFilter::columns() const {
  std::vector<std::string> out = symbol_columns_;
  if (sessions_) out.push_back(session_);
  if (known_at_) out.push_back(kAvailable);
  if (open_times_) out.push_back(kTime);
  return out;
}

bool RowFilter::may_match(const BoundsOf& bounds_of) const {
  if (!symbols_.empty()) {
    bool possible = false;
    for (const std::string& column : symbol_columns_) {
      const Bounds& bounds = bounds_of(column, *arrow::utf8());
      for (const std::string& symbol : symbols_) possible = possible || bounds.may_hold(symbol, symbol);
    }
    if (!possible) return false;
  }
  if (sessions_ && !bounds_of(session_, *arrow::date32()).may_hold(sessions_->first, sessions_->second)) return false;
  if (known_at_) {
    const auto type = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    if (!bounds_of(kAvailable, *type).may_hold(BoundValue{}, *known_at_)) return false;
  }
  return true;
}

bool RowFilter::may_match(const PartBounds& part) const {
  if (empty()) return true;
  if (sessions_ && part.folder_sessions && !part.folder_sessions->may_hold(sessions_->first, sessions_->second))
    return false;
  return may_match([&](const std::string& column, const arrow::DataType&) -> const Bounds& {
    return column == kAvailable ? part.available
           : column == session_ ? part.session
           : column == "symbol" ? part.symbol
                                : part.instrument;
  });
}

Result<std::int64_t> RowFilter::match(const arrow::ArrayVector& columns, std::vector<bool>& mask,
                                      std::int64_t& outside) const {
  outside = 0;
  const std::int64_t rows = columns.empty() ? 0 : columns[0]->length();
  mask.assign(static_cast<std::size_t>(rows), symbols_.empty());
  std::size_t at = 0;
  for (; at < symbol_columns_.size(); ++at) {
    const auto& texts = static_cast<const arrow::StringArray&>(*columns[at]);
    std::string_view last;
    bool wanted = false, known = false;  // rows of one symbol mostly follow each other
    for (std::int64_t row = 0; row < rows; ++row) {
      if (texts.IsNull(row)) continue;
      const std::string_view text = texts.GetView(row);
      if (!known || text != last)
        wanted = std::binary_search(symbols_.begin(), symbols_.end(), text), last = text, known = true;
      if (wanted) mask[static_cast<std::size_t>(row)] = true;
    }
  }
  if (sessions_) {
    const auto& dates = static_cast<const arrow::Date32Array&>(*columns[at++]);
    for (std::int64_t row = 0; row < rows; ++row) {
      if (dates.IsNull(row) || dates.Value(row) < sessions_->first || dates.Value(row) > sessions_->second)
        mask[static_cast<std::size_t>(row)] = false;
    }
  }
  if (known_at_) {
    const auto& times = static_cast<const arrow::TimestampArray&>(*columns[at++]);
    for (std::int64_t row = 0; row < rows; ++row) {
      if (times.IsNull(row) || times.Value(row) > *known_at_) mask[static_cast<std::size_t>(row)] = false;
    }
  }
  if (open_times_) {
    const auto& times = static_cast<const arrow::TimestampArray&>(*columns[at]);
    std::size_t near = 0;
    for (std::int64_t row = 0; row < rows; ++row) {
      if (!mask[static_cast<std::size_t>(row)]) continue;
      if (times.IsValid(row) && open_times_->holds(times.Value(row), near)) continue;
      mask[static_cast<std::size_t>(row)] = false;
      ++outside;
    }
  }
  return std::count(mask.begin(), mask.end(), true);
}

}  // namespace tapemill::lake
