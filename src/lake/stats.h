#pragma once
#include <arrow/type_fwd.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "core/json_fwd.h"
#include "core/status.h"

namespace parquet {
class FileMetaData;
class RowGroupMetaData;
}  // namespace parquet

namespace tapemill::lake {

/// add.stats of a file just written (PROTOCOL.md, "Per-file Statistics"), from its Parquet statistics. Readers skip files by
/// them, so a bound is only said where it is true for every row: none for columns of `with_nan`, infinities and years
/// outside 1..9999; timestamps are widened to milliseconds, decimals of more than 15 digits by more than a double loses;
/// long texts are cut to 32 characters, the maximum with U+10FFFF after it. Column names are those of `schema` (the stored
/// columns, flat).
std::string statistics_of(const parquet::FileMetaData& file, const arrow::Schema& schema,
                          const std::set<std::string>& with_nan);

/// What is known of a column in some rows: bounds that are true (not always tight), in the column's own integers (days,
/// microseconds), or texts.
using BoundValue = std::variant<std::monostate, std::int64_t, std::string>;
struct Bounds {
  BoundValue min, max;
  bool only_null = false;
  /// Could a value lie in [low, high]? monostate: open. True where nothing is known.
  bool may_hold(const BoundValue& low, const BoundValue& high) const;
};

/// Of a date, timestamp, integer or text column in add.stats; nothing known otherwise.
Bounds bounds_in(const Json& stats, const std::string& column, const arrow::DataType& type);
/// The same from a row group's Parquet statistics.
Bounds bounds_of_group(const parquet::RowGroupMetaData& group, int column, const arrow::DataType& type);
/// Of a partition column: its one value.
Bounds bounds_of_partition(const std::string& text, const arrow::DataType& type);

}  // namespace tapemill::lake
