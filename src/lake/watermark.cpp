#include "lake/watermark.h"

#include <arrow/type.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "lake/stats.h"
#include "lake/tags.h"

namespace tapemill::lake {
Result<std::vector<UnitState>> units(const Snapshot& snapshot) {
  std::map<std::pair<std::string, std::string>, UnitState> found;
  for (const Part& part : snapshot.parts) {
    const std::string& unit = tag(part, "unit");
    if (unit.empty()) continue;
    UnitState& state = found[{unit, tag(part, "form")}];
    if (state.paths.empty()) {
      state.unit = unit;
      state.form = tag(part, "form");
      state.sha256 = tag(part, "sha256");
      state.source = tag(part, "file");
    } else if (state.sha256 != tag(part, "sha256")) {
      return data_error(fmt::format("two files of {} {} are in the table at once: {} and {}", state.form, unit,
                                    state.sha256, tag(part, "sha256")),
                        "the log was changed by another program: see tapemill history");
    }
    const std::string& ordinal = tag(part, "ordinal");
    std::int64_t number = 0;
    std::from_chars(ordinal.data(), ordinal.data() + ordinal.size(), number);
    state.ordinal = std::max(state.ordinal, number);
    state.rows += part.rows;
    state.bytes += part.size;
    state.modified_ms = std::max(state.modified_ms, part.modified_ms);
    state.paths.push_back(part.path);
  }
  std::vector<UnitState> out;
  for (auto& [key, state] : found) out.push_back(std::move(state));
  return out;
}

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
    if (!tag(part, "unit").empty()) sources.emplace(tag(part, "unit"), tag(part, "form"));
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
