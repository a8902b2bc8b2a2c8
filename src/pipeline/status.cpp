#include "pipeline/status.h"

#include <arrow/table.h>

#include <set>

#include "lake/sessions.h"
#include "lake/watermark.h"
#include "pipeline/ingest.h"
#include "pipeline/rewritten.h"

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
    ARROW_ASSIGN_OR_RAISE(lake::Watermark mark, lake::watermark(snapshot));
    status.version = mark.version;
    status.last_commit_ms = mark.last_commit_ms;
    status.rows = mark.rows;
    status.units = mark.units;
    status.first = mark.first;
    status.last = mark.last;
    std::set<Date> sessions;
    bool one_session_a_file = true;
    ARROW_ASSIGN_OR_RAISE(auto units, lake::units(snapshot));
    for (const lake::UnitState& unit : units) {
      auto date = Date::parse(unit.unit);
      if (date.ok()) sessions.insert(*date);
      else one_session_a_file = false;
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
