#include "lake/sessions.h"

#include <arrow/api.h>

#include <algorithm>

#include "core/json.h"
#include "lake/part_reader.h"

namespace tapemill::lake {

Result<std::set<Date>> sessions_in(const Table& table, const Snapshot& snapshot, const std::string& column,
                                   const Calendar& calendar, arrow::MemoryPool* pool) {
  std::set<Date> found;
  const auto field = snapshot.schema->GetFieldByName(column);
  if (field == nullptr || field->type()->id() != arrow::Type::DATE32) return found;
  // Whether the bounds tell all: one date, or only sessions that were met already.
  auto told = [&](const Bounds& bounds) {
    const auto *low = std::get_if<std::int64_t>(&bounds.min), *high = std::get_if<std::int64_t>(&bounds.max);
    if (bounds.only_null) return true;
    if (low == nullptr || high == nullptr) return false;
    const Date first{static_cast<std::int32_t>(*low)}, last{static_cast<std::int32_t>(*high)};
    found.insert(first), found.insert(last);
    if (first == last) return true;
    const auto between = calendar.sessions(first, last);
    return std::all_of(between.begin(), between.end(), [&](Date date) { return found.contains(date); });
  };
  ScanRequest everything;
  everything.table = table.name();
  ARROW_ASSIGN_OR_RAISE(RowFilter filter, RowFilter::make(everything, snapshot));
  for (const Part& part : snapshot.parts) {
    if (part.rows == 0) continue;
    auto own = part.partition.find(column);
    const Bounds bounds = own != part.partition.end()
                              ? bounds_of_partition(own->second, *field->type())
                              : bounds_in(Json::parse(part.stats, nullptr, false), column, *field->type());
    if (told(bounds)) continue;
    ARROW_ASSIGN_OR_RAISE(PlannedPart planned, plan_part(table, part, filter));
    for (const RowGroup& group : planned.groups) {
      const int at = group.open->column(column);
      if (at >= 0 && told(group.chunk(at).bounds)) continue;
      ARROW_ASSIGN_OR_RAISE(GroupRows read, read_group(group, snapshot, {column}, filter, pool));
      if (read.rows == nullptr) continue;
      for (const auto& chunk : read.rows->column(0)->chunks()) {
        const auto& dates = static_cast<const arrow::Date32Array&>(*chunk);
        std::int32_t last = 0;
        for (std::int64_t i = 0; i < dates.length(); ++i) {
          if (dates.IsNull(i) || (i > 0 && dates.Value(i) == last)) continue;
          last = dates.Value(i);
          found.insert(Date{last});
        }
      }
    }
  }
  return found;
}

}  // namespace tapemill::lake
