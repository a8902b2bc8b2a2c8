#include "lake/rhythm.h"

#include <optional>

#include "lake/about.h"
#include "lake/read_view.h"

namespace tapemill::lake {
namespace {

constexpr const char* kCalendar = "tapemill.calendar";
constexpr const char* kZone = "tapemill.zone";
constexpr const char* kIntraday = "tapemill.intraday";

Rhythm of(const Dataset& dataset) {
  return {dataset.calendar_name, dataset.calendar == nullptr ? Zone::utc() : dataset.calendar->zone(),
          dataset.intraday};
}

Result<std::optional<Rhythm>> kept(const std::map<std::string, std::string>& configuration) {
  auto value = [&](const char* key) {
    auto at = configuration.find(key);
    return at == configuration.end() ? std::string() : at->second;
  };
  const std::string calendar = value(kCalendar);
  if (calendar.empty()) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(Zone zone, Zone::named(value(kZone)));
  return Rhythm{calendar, zone, value(kIntraday) == "true"};
}

}  // namespace

void keep_spec(const Dataset& dataset, std::map<std::string, std::string>& configuration) {
  const Rhythm rhythm = of(dataset);
  configuration[kSpec] = dataset.text;
  configuration[kCalendar] = rhythm.calendar;
  configuration[kZone] = rhythm.zone.name();
  configuration[kIntraday] = rhythm.intraday ? "true" : "false";
}

Result<Rhythm> rhythm_of(const Lake& lake, const std::string& name, const Snapshot& snapshot) {
  ARROW_ASSIGN_OR_RAISE(auto found, kept(snapshot.configuration));
  return found ? *found : rhythm_of(lake, name);
}

Result<Rhythm> rhythm_of(const Lake& lake, const std::string& name) {
  if (const Table table = lake.table(Layer::bronze, name); table.exists()) {
    ARROW_ASSIGN_OR_RAISE(auto view, read_view(table));
    ARROW_ASSIGN_OR_RAISE(auto found, kept(view->snapshot().configuration));
    if (found) return *found;
  }
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, dataset_of(lake, name));
  return of(dataset);
}

}  // namespace tapemill::lake
