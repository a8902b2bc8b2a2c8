#include "lake/rhythm.h"

#include <arrow/type.h>

#include <algorithm>
#include <optional>

#include "core/document.h"
#include "lake/read_view.h"

namespace tapemill::lake {
namespace {

constexpr const char* kCalendar = "tapemill.calendar";
constexpr const char* kZone = "tapemill.zone";
constexpr const char* kIntraday = "tapemill.intraday";

// Whether rows are of times within a session: `bar` says so, or, where none is written, the key has a time.
Result<bool> is_intraday(const Dataset& dataset) {
  const Column* time = dataset.column("time");
  if (dataset.bar != kDay || time == nullptr) return dataset.bar > 0 && dataset.bar < kDay;
  ARROW_ASSIGN_OR_RAISE(Document spec, Document::parse_yaml(dataset.text, dataset.path));
  return spec.root().find("bar") == nullptr && time->type()->id() == arrow::Type::TIMESTAMP &&
         std::find(dataset.key.begin(), dataset.key.end(), "time") != dataset.key.end();
}

Result<Rhythm> of(const Dataset& dataset) {
  ARROW_ASSIGN_OR_RAISE(const bool intraday, is_intraday(dataset));
  return Rhythm{dataset.calendar_name, dataset.calendar == nullptr ? Zone::utc() : dataset.calendar->zone(), intraday};
}

Result<std::optional<Rhythm>> kept(const std::map<std::string, std::string>& configuration, const std::string& where) {
  auto value = [&](const char* key) {
    auto at = configuration.find(key);
    return at == configuration.end() ? std::string() : at->second;
  };
  if (const std::string calendar = value(kCalendar); !calendar.empty()) {
    ARROW_ASSIGN_OR_RAISE(Zone zone, Zone::named(value(kZone)));
    return Rhythm{calendar, std::move(zone), value(kIntraday) == "true"};
  }
  std::string spec = value(kSpec);  // of a table that an earlier version wrote
  if (spec.empty()) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, parse_dataset(std::move(spec), "the spec kept in " + where));
  ARROW_ASSIGN_OR_RAISE(Rhythm rhythm, of(dataset));
  return rhythm;
}

}  // namespace

Status keep_spec(const Dataset& dataset, std::map<std::string, std::string>& configuration) {
  ARROW_ASSIGN_OR_RAISE(const Rhythm rhythm, of(dataset));
  configuration[kSpec] = dataset.text;
  configuration[kCalendar] = rhythm.calendar;
  configuration[kZone] = rhythm.zone.name();
  configuration[kIntraday] = rhythm.intraday ? "true" : "false";
  return Status::OK();
}

Result<Rhythm> rhythm_of(const Lake& lake, const std::string& name, const Snapshot& snapshot) {
  ARROW_ASSIGN_OR_RAISE(auto found, kept(snapshot.configuration, lake.root() + "/bronze/" + name));
  return found ? *found : rhythm_of(lake, name);
}

Result<Rhythm> rhythm_of(const Lake& lake, const std::string& name) {
  if (const Table table = lake.table(Layer::bronze, name); table.exists()) {
    ARROW_ASSIGN_OR_RAISE(auto view, read_view(table));
    ARROW_ASSIGN_OR_RAISE(auto found, kept(view->snapshot().configuration, table.path()));
    if (found) return *found;
  }
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, load_dataset(name));
  return of(dataset);
}

}  // namespace tapemill::lake
