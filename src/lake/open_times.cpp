#include "lake/open_times.h"

#include <arrow/type.h>

#include <algorithm>
#include <utility>

#include "lake/rhythm.h"

namespace tapemill::lake {
namespace {

/// The sessions of all parts; nothing where one does not say.
std::optional<std::pair<Date, Date>> sessions_in(const ReadView& view) {
  std::pair<Date, Date> range{{INT32_MAX}, {INT32_MIN}};
  for (const auto& part : view.bounds()) {
    const auto* least = std::get_if<std::int64_t>(&part->session.min);
    const auto* most = std::get_if<std::int64_t>(&part->session.max);
    if (least == nullptr || most == nullptr) return std::nullopt;
    range.first = std::min(range.first, Date{static_cast<std::int32_t>(*least)});
    range.second = std::max(range.second, Date{static_cast<std::int32_t>(*most)});
  }
  return range;
}

}  // namespace

Result<std::shared_ptr<const OpenTimes>> open_times_of(const Lake& lake, const ScanRequest& request,
                                                       const ReadView& view) {
  const Snapshot& snapshot = view.snapshot();
  const bool layered = request.table.layer == Layer::bronze || request.table.layer == Layer::silver;
  const auto time = snapshot.schema == nullptr ? nullptr : snapshot.schema->GetFieldByName("time");
  if (request.hours == SessionHours::all || !layered || time == nullptr ||
      time->type()->id() != arrow::Type::TIMESTAMP || snapshot.parts.empty())
    return nullptr;
  auto rhythm = rhythm_of(lake, request.table.table, snapshot);
  if (!rhythm.ok()) {
    if (!snapshot.configuration.contains(kDataset)) return nullptr;  // no data set of ours
    return data_error(fmt::format("which rows of {} are in the regular session is unknown: {}", request.table.str(),
                                  rhythm.status().message()),
                      "mend the spec, or ask for all sessions");
  }
  if (!rhythm->intraday) return nullptr;
  Date from{INT32_MIN}, to{INT32_MAX};
  if (auto range = sessions_in(view)) from = range->first, to = range->second;
  if (request.start) from = std::max(from, *request.start);
  if (request.end) to = std::min(to, *request.end);
  std::shared_ptr<const Calendar> calendar;
  if (from.days == INT32_MIN || to.days == INT32_MAX) {
    ARROW_ASSIGN_OR_RAISE(calendar, Calendar::load(rhythm->calendar));
  } else {
    ARROW_ASSIGN_OR_RAISE(calendar, Calendar::load(rhythm->calendar, from, to));
  }
  if (!calendar->has_extended()) return nullptr;
  return std::make_shared<const OpenTimes>(
      OpenTimes::of(*calendar, request.hours, std::max(from, calendar->first()), std::min(to, calendar->last())));
}

}  // namespace tapemill::lake
