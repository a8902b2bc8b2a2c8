#include "pipeline/status.h"

#include <arrow/table.h>

#include <set>

#include "lake/sessions.h"
#include "pipeline/rewritten.h"
#include "pipeline/unit.h"

namespace tapemill::pipeline {

Result<std::vector<DatasetStatus>> status_of(const lake::Lake& lake) {
  std::vector<DatasetStatus> all;
  for (const auto& name : dataset_names()) {
    auto dataset = load_dataset(name);
    if (!dataset.ok()) continue;  // doctor says what is wrong with it
    lake::Table bronze = lake.table(lake::Layer::bronze, dataset->table);
    if (!bronze.exists()) continue;
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, bronze.snapshot());
    DatasetStatus status;
    status.table = dataset->table;
    status.version = snapshot.version;
    status.last_commit_ms = snapshot.timestamp_ms;
    status.rows = snapshot.rows();
    std::set<Date> sessions;
    bool one_session_a_file = true;
    auto units = units_of(snapshot);
    for (const auto& [key, unit] : units) {
      auto date = Date::parse(unit.unit);
      if (date.ok()) sessions.insert(*date);
      else one_session_a_file = false;
    }
    status.units = static_cast<std::int64_t>(units.size());
    for (const auto& part : snapshot.parts) {
      Json stats = Json::parse(part.stats, nullptr, false);
      for (auto [which, better] : {std::pair{"minValues", -1}, {"maxValues", 1}}) {
        if (!stats.contains(which) || !stats[which].contains(dataset->session_column)) continue;
        ARROW_ASSIGN_OR_RAISE(Date date, Date::parse(stats[which][dataset->session_column].get<std::string>()));
        auto& bound = better < 0 ? status.first : status.last;
        if (!bound || (better < 0 ? date < *bound : date > *bound)) bound = date;
      }
    }
    if (!one_session_a_file) {
      ARROW_ASSIGN_OR_RAISE(sessions, lake::sessions_in(bronze, snapshot, dataset->session_column, *dataset->calendar));
    }
    if (!sessions.empty())
      for (Date date : dataset->calendar->sessions(*sessions.begin(), *sessions.rbegin()))
        if (!sessions.contains(date)) status.missing.push_back(date);
    if (Status told = provenance_known(lake, dataset->table); !told.ok()) {
      status.untold = told.message();
    } else {
      ARROW_ASSIGN_OR_RAISE(auto refused, quarantined(lake, dataset->table, {"", "", 0}));
      status.quarantined = refused->num_rows();
    }
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace tapemill::pipeline
