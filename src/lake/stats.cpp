#include "lake/stats.h"

#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <parquet/metadata.h>
#include <parquet/statistics.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "core/decimal.h"
#include "core/json.h"
#include "core/text.h"
#include "core/time.h"
#include "lake/actions.h"

namespace tapemill::lake {
namespace {

constexpr std::int64_t kFirstDay = -719162, kLastDay = 2932896;  // 0001-01-01, 9999-12-31
constexpr std::int64_t kExactInDouble = 1'000'000'000'000'000;  // 15 digits come through a double unharmed
constexpr std::int64_t kMostDecimal = 999'999'999'999'999'999;
constexpr std::size_t kTextKept = 32;  // characters

// Bounds over row groups of one column; `known` false as soon as a group with values has none.
template <class T>
struct Range {
  std::optional<T> min, max;
  bool known = true;
  void add(const T& low, const T& high) {
    if (!min || low < *min) min = low;
    if (!max || *max < high) max = high;
  }
};

std::int64_t floor_ms(std::int64_t us) { return us >= 0 ? us / 1000 : -((-us + 999) / 1000); }

std::string instant_text(std::int64_t ms) {
  const std::int64_t days = ms >= 0 ? ms / 86'400'000 : -((-ms + 86'399'999) / 86'400'000);
  const std::int64_t in_day = ms - days * 86'400'000;
  return fmt::format("\"{}T{:02}:{:02}:{:02}.{:03}Z\"", Date{static_cast<std::int32_t>(days)}.str(), in_day / 3'600'000,
                     in_day / 60'000 % 60, in_day / 1000 % 60, in_day % 1000);
}

bool has_year(std::int64_t days) { return days >= kFirstDay && days <= kLastDay; }

// JSON for a lower and an upper bound of an integer column; empty: not said.
std::string integer_text(std::int64_t value, const arrow::DataType& type, bool upper) {
  switch (type.id()) {
    case arrow::Type::DATE32: return has_year(value) ? "\"" + Date{static_cast<std::int32_t>(value)}.str() + "\"" : "";
    case arrow::Type::TIMESTAMP: {
      if (value < kFirstDay * kDay || value > kLastDay * kDay) return "";
      return instant_text(upper ? -floor_ms(-value) : floor_ms(value));
    }
    case arrow::Type::DECIMAL64: {
      // Readers go through doubles: longer numbers are widened by more than a double loses.
      const std::int64_t margin = value > kExactInDouble || value < -kExactInDouble ? std::abs(value) >> 51 : 0;
      value = std::clamp(upper ? value + margin : value - margin, -kMostDecimal, kMostDecimal);
      return format_decimal(value, static_cast<const arrow::DecimalType&>(type).scale());
    }
    default: return std::to_string(value);
  }
}

std::string real_text(double value, bool upper) {
  if (!std::isfinite(value)) return "";
  if (value == 0) return upper ? "0.0" : "-0.0";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

// The first characters of a text; `cut` says whether there were more.
std::string_view first_characters(std::string_view text, bool& cut) {
  std::size_t at = 0, count = 0;
  while (at < text.size() && count < kTextKept) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    ++count;
  }
  cut = at < text.size();
  return text.substr(0, at);
}

std::string text_text(std::string_view value, bool upper) {
  if (!valid_utf8(value)) return "";
  bool cut = false;
  std::string kept(first_characters(value, cut));
  if (cut && upper) {
    if (value.substr(kept.size()).starts_with("\xF4\x8F\xBF\xBF")) return "";  // nothing sorts above U+10FFFF
    kept += "\xF4\x8F\xBF\xBF";
  }
  return dump(Json(kept));
}

template <class Typed, class Read>
auto range_of(const parquet::FileMetaData& file, int column, Read read) {
  Range<decltype(read(std::declval<const Typed&>().min()))> range;
  for (int group = 0; group < file.num_row_groups(); ++group) {
    auto chunk = file.RowGroup(group)->ColumnChunk(column);
    auto statistics = chunk->statistics();
    if (statistics != nullptr && statistics->HasNullCount() && statistics->null_count() == chunk->num_values())
      continue;
    if (statistics == nullptr || !statistics->HasMinMax()) {
      range.known = false;
      return range;
    }
    const auto& typed = static_cast<const Typed&>(*statistics);
    range.add(read(typed.min()), read(typed.max()));
  }
  range.known = range.min.has_value();
  return range;
}

struct Said {
  std::string min, max;  // JSON; empty: not said
};

Said said_of(const parquet::FileMetaData& file, int column, const arrow::DataType& type) {
  auto whole = [](auto value) { return static_cast<std::int64_t>(value); };
  auto text = [](const parquet::ByteArray& value) { return std::string(std::string_view(value)); };
  auto integers = [&](const auto& range) {
    return range.known ? Said{integer_text(*range.min, type, false), integer_text(*range.max, type, true)} : Said{};
  };
  auto reals = [](const auto& range) {
    return range.known ? Said{real_text(*range.min, false), real_text(*range.max, true)} : Said{};
  };
  const parquet::Type::type physical = file.schema()->Column(column)->physical_type();
  switch (type.id()) {
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DECIMAL64:
      if (physical == parquet::Type::INT32) return integers(range_of<parquet::Int32Statistics>(file, column, whole));
      if (physical == parquet::Type::INT64) return integers(range_of<parquet::Int64Statistics>(file, column, whole));
      return {};
    case arrow::Type::FLOAT:
      return reals(range_of<parquet::FloatStatistics>(file, column, [](float v) { return static_cast<double>(v); }));
    case arrow::Type::DOUBLE:
      return reals(range_of<parquet::DoubleStatistics>(file, column, [](double v) { return v; }));
    case arrow::Type::STRING: {
      const auto range = range_of<parquet::ByteArrayStatistics>(file, column, text);
      return range.known ? Said{text_text(*range.min, false), text_text(*range.max, true)} : Said{};
    }
    case arrow::Type::BOOL: {
      const auto range = range_of<parquet::BoolStatistics>(file, column, [](bool v) { return v; });
      return range.known ? Said{*range.min ? "true" : "false", *range.max ? "true" : "false"} : Said{};
    }
    default: return {};  // binary: Delta has none
  }
}

std::int64_t nulls_of(const parquet::FileMetaData& file, int column) {
  std::int64_t nulls = 0;
  for (int group = 0; group < file.num_row_groups(); ++group) {
    auto statistics = file.RowGroup(group)->ColumnChunk(column)->statistics();
    if (statistics == nullptr || !statistics->HasNullCount()) return -1;
    nulls += statistics->null_count();
  }
  return nulls;
}

void add_member(std::string& json, const std::string& key, const std::string& value) {
  if (value.empty()) return;
  json += (json.empty() ? "" : ",") + dump(Json(key)) + ":" + value;
}

int compare(const BoundValue& a, const BoundValue& b) { return a < b ? -1 : b < a ? 1 : 0; }

BoundValue parse_bound(const Json& value, const arrow::DataType& type) {
  if (type.id() == arrow::Type::STRING && value.is_string()) return value.get<std::string>();
  if (type.id() == arrow::Type::DATE32 && value.is_string()) {
    auto date = Date::parse(value.get<std::string>());
    if (date.ok()) return static_cast<std::int64_t>(date->days);
  }
  if (type.id() == arrow::Type::TIMESTAMP && value.is_string()) {
    auto instant = Instant::parse(value.get<std::string>());
    if (instant.ok()) return instant->us;
  }
  if (arrow::is_integer(type.id()) && value.is_number_integer()) return value.get<std::int64_t>();
  return {};
}

}  // namespace

std::string statistics_of(const parquet::FileMetaData& file, const arrow::Schema& schema,
                          const std::set<std::string>& with_nan) {
  std::string least, most, nulls;
  for (int column = 0; column < schema.num_fields(); ++column) {
    const std::string& name = schema.field(column)->name();
    const Said said = with_nan.contains(name) ? Said{} : said_of(file, column, *schema.field(column)->type());
    const std::int64_t null_count = nulls_of(file, column);
    add_member(least, name, said.min);
    add_member(most, name, said.max);
    if (null_count >= 0) add_member(nulls, name, std::to_string(null_count));
  }
  return fmt::format(R"({{"numRecords":{},"minValues":{{{}}},"maxValues":{{{}}},"nullCount":{{{}}}}})", file.num_rows(),
                     least, most, nulls);
}

bool Bounds::may_hold(const BoundValue& low, const BoundValue& high) const {
  if (only_null) return false;
  const bool below = max.index() != 0 && low.index() == max.index() && compare(max, low) < 0;
  const bool above = min.index() != 0 && high.index() == min.index() && compare(high, min) < 0;
  return !below && !above;
}

Bounds bounds_in(const Json& stats, const std::string& column, const arrow::DataType& type) {
  Bounds bounds;
  if (!stats.is_object()) return bounds;
  auto member = [&](const char* part) -> const Json* {
    auto it = stats.find(part);
    if (it == stats.end() || !it->is_object()) return nullptr;
    auto value = it->find(column);
    return value == it->end() ? nullptr : &*value;
  };
  if (const Json* value = member("minValues")) bounds.min = parse_bound(*value, type);
  if (const Json* value = member("maxValues")) bounds.max = parse_bound(*value, type);
  const Json* nulls = member("nullCount");
  auto rows = stats.find("numRecords");
  if (nulls != nullptr && nulls->is_number_integer() && rows != stats.end() && rows->is_number_integer())
    bounds.only_null = *nulls == *rows;
  return bounds;
}

Bounds bounds_of_group(const parquet::RowGroupMetaData& group, int column, const arrow::DataType& type) {
  Bounds bounds;
  auto chunk = group.ColumnChunk(column);
  auto statistics = chunk->statistics();
  if (statistics == nullptr) return bounds;
  bounds.only_null = statistics->HasNullCount() && statistics->null_count() == chunk->num_values();
  if (!statistics->HasMinMax()) return bounds;
  const bool whole =
      arrow::is_integer(type.id()) || type.id() == arrow::Type::DATE32 || type.id() == arrow::Type::TIMESTAMP;
  if (whole && statistics->physical_type() == parquet::Type::INT32) {
    const auto& typed = static_cast<const parquet::Int32Statistics&>(*statistics);
    bounds.min = static_cast<std::int64_t>(typed.min());
    bounds.max = static_cast<std::int64_t>(typed.max());
  } else if (whole && statistics->physical_type() == parquet::Type::INT64) {
    const auto& typed = static_cast<const parquet::Int64Statistics&>(*statistics);
    const auto* time = type.id() == arrow::Type::TIMESTAMP ? statistics->descr()->logical_type().get() : nullptr;
    const bool micros = time == nullptr ||
                        (time->is_timestamp() && static_cast<const parquet::TimestampLogicalType*>(time)->time_unit() ==
                                                     parquet::LogicalType::TimeUnit::MICROS);
    if (micros) bounds.min = typed.min(), bounds.max = typed.max();
  } else if (type.id() == arrow::Type::STRING && statistics->physical_type() == parquet::Type::BYTE_ARRAY) {
    const auto& typed = static_cast<const parquet::ByteArrayStatistics&>(*statistics);
    bounds.min = std::string(std::string_view(typed.min()));
    bounds.max = std::string(std::string_view(typed.max()));
  }
  return bounds;
}

Bounds bounds_of_partition(const std::string& text, const arrow::DataType& type) {
  Bounds bounds;
  bounds.only_null = text.empty();
  if (text.empty()) return bounds;
  if (arrow::is_integer(type.id())) {
    std::int64_t value = 0;
    auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec == std::errc{} && read.ptr == text.data() + text.size()) bounds.min = bounds.max = value;
  } else {
    bounds.min = bounds.max = parse_bound(Json(text), type);
  }
  return bounds;
}

}  // namespace tapemill::lake
