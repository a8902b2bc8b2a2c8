#include "lake/watermark.h"

#include <arrow/type.h>

#include <algorithm>
#include <set>

#include "core/json.h"
#include "lake/stats.h"
#include "lake/tags.h"

namespace tapemill::lake {

Result<Watermark> watermark(const Snapshot& snapshot) {
  Watermark mark;
  mark.version = snapshot.version;
  mark.last_commit_ms = snapshot.timestamp_ms;
  mark.rows = snapshot.rows();
  mark.bytes = snapshot.bytes();
  mark.files = static_cast<std::int64_t>(snapshot.parts.size());
  if (snapshot.version < 0) return mark;
  std::set<std::pair<std::string, std::string>> sources;
  for (const Part& part : snapshot.parts) {
    ARROW_ASSIGN_OR_RAISE(auto shares, shares_of(part));
    for (const UnitShare& share : shares) sources.emplace(share.unit, share.form);
  }
  mark.units = static_cast<std::int64_t>(sources.size());
  auto configured = snapshot.configuration.find(kSession);
  const std::string session = configured != snapshot.configuration.end() ? configured->second : "session";
  const auto field = snapshot.schema->GetFieldByName(session);
  if (field == nullptr || field->type()->id() != arrow::Type::DATE32) return mark;
  for (const Part& part : snapshot.parts) {
    auto own = part.partition.find(session);
    const Bounds bounds = own != part.partition.end()
                              ? bounds_of_partition(own->second, *field->type())
                              : bounds_in(Json::parse(part.stats, nullptr, false), session, *field->type());
    const auto *low = std::get_if<std::int64_t>(&bounds.min), *high = std::get_if<std::int64_t>(&bounds.max);
    if (low != nullptr && (!mark.first || *low < mark.first->days)) mark.first = Date{static_cast<std::int32_t>(*low)};
    if (high != nullptr && (!mark.last || *high > mark.last->days)) mark.last = Date{static_cast<std::int32_t>(*high)};
  }
  return mark;
}

}  // namespace tapemill::lake
