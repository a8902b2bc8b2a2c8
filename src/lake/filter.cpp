#include "lake/filter.h"

#include <arrow/api.h>

#include <algorithm>
#include <charconv>

namespace tapemill::lake {
namespace {

constexpr const char* kAvailable = "available_at";

bool has(const arrow::Schema& schema, const std::string& column, arrow::Type::type type) {
  auto field = schema.GetFieldByName(column);
  return field != nullptr && field->type()->id() == type;
}

std::optional<int> number(const std::map<std::string, std::string>& values, const char* key) {
  auto it = values.find(key);
  int out = 0;
  if (it == values.end()) return std::nullopt;
  auto read = std::from_chars(it->second.data(), it->second.data() + it->second.size(), out);
  if (read.ec != std::errc{} || read.ptr != it->second.data() + it->second.size()) return std::nullopt;
  return out;
}

}  // namespace

Result<RowFilter> RowFilter::make(const ScanRequest& request, const Snapshot& snapshot) {
  RowFilter filter;
  const std::string table = request.table.str();
  if (!request.symbols.empty()) {
    filter.symbols_ = request.symbols;
    std::sort(filter.symbols_.begin(), filter.symbols_.end());
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
  filter.derived_ = snapshot.list(kDerived);
  return filter;
}

std::vector<std::string> RowFilter::columns() const {
  std::vector<std::string> out = symbol_columns_;
  if (sessions_) out.push_back(session_);
  if (known_at_) out.push_back(kAvailable);
  return out;
}

bool RowFilter::may_match(const BoundsOf& bounds_of) const {
  if (!symbols_.empty()) {
    bool possible = false;
    for (const std::string& column : symbol_columns_) {
      const Bounds bounds = bounds_of(column, *arrow::utf8());
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

bool RowFilter::may_match(const Part& part) const {
  if (empty()) return true;
  if (sessions_) {
    if (auto bounds = sessions_of(part); bounds && !bounds->may_hold(sessions_->first, sessions_->second)) return false;
  }
  const Json stats = Json::parse(part.stats, nullptr, false);
  return may_match([&](const std::string& column, const arrow::DataType& type) {
    auto own = part.partition.find(column);
    return own != part.partition.end() ? bounds_of_partition(own->second, type) : bounds_in(stats, column, type);
  });
}

// year=2024/month=02 holds sessions of that month and no others.
std::optional<Bounds> RowFilter::sessions_of(const Part& part) const {
  auto derived = [&](const char* column) {
    return std::find(derived_.begin(), derived_.end(), column) != derived_.end();
  };
  if (derived("date")) {
    auto it = part.partition.find("date");
    if (it != part.partition.end()) return bounds_of_partition(it->second, *arrow::date32());
  }
  if (!derived("year")) return std::nullopt;
  auto year = number(part.partition, "year");
  if (!year || *year < 1 || *year > 9998) return std::nullopt;
  Bounds bounds;
  auto month = derived("month") ? number(part.partition, "month") : std::nullopt;
  if (month && *month >= 1 && *month <= 12) {
    bounds.min = static_cast<std::int64_t>(Date::of(*year, *month, 1).days);
    bounds.max =
        static_cast<std::int64_t>((*month == 12 ? Date::of(*year + 1, 1, 1) : Date::of(*year, *month + 1, 1)).days) - 1;
  } else {
    bounds.min = static_cast<std::int64_t>(Date::of(*year, 1, 1).days);
    bounds.max = static_cast<std::int64_t>(Date::of(*year + 1, 1, 1).days) - 1;
  }
  return bounds;
}

Result<std::int64_t> RowFilter::match(const arrow::ArrayVector& columns, std::vector<bool>& mask) const {
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
    const auto& times = static_cast<const arrow::TimestampArray&>(*columns[at]);
    for (std::int64_t row = 0; row < rows; ++row) {
      if (times.IsNull(row) || times.Value(row) > *known_at_) mask[static_cast<std::size_t>(row)] = false;
    }
  }
  return std::count(mask.begin(), mask.end(), true);
}

}  // namespace tapemill::lake
