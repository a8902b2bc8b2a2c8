#include "pipeline/status.h"

#include <arrow/table.h>

#include <algorithm>
#include <set>

#include "core/json.h"
#include "lake/about.h"
#include "lake/sessions.h"
#include "lake/watermark.h"
#include "pipeline/arrivals.h"
#include "pipeline/ingest.h"
#include "pipeline/rewritten.h"

namespace tapemill::pipeline {
namespace {

/// Files that landed, by their session: a session without rows whose file is here had it refused.
Result<std::map<Date, std::string>> landed_files(const lake::Lake& lake, const Dataset& dataset) {
  std::map<Date, std::string> files;
  if (!lake.table(lake::Layer::landing, dataset.table).exists()) return files;
  ARROW_ASSIGN_OR_RAISE(auto all, arrivals(lake, dataset.table));
  for (const Arrival& one : all)
    if (auto date = Date::parse(one.unit); date.ok()) files[*date] = one.file;
  return files;
}

Status say_why(const lake::Lake& lake, const Dataset& dataset, std::optional<Instant> now, DatasetStatus& status) {
  if (!status.missing.empty()) {
    ARROW_ASSIGN_OR_RAISE(auto landed, landed_files(lake, dataset));
    for (Date date : status.missing) {
      auto file = landed.find(date);
      status.why[date] = file == landed.end() ? "no file has come" : "its file was refused: " + file->second;
    }
  }
  if (!status.last) return Status::OK();
  if (auto next = dataset.calendar->next(*status.last); next.ok()) status.next = *next;
  if (!now || !status.next) return Status::OK();
  for (Date date : dataset.calendar->sessions(*status.next, dataset.calendar->zone().local_date(*now))) {
    ARROW_ASSIGN_OR_RAISE(Session session, dataset.calendar->session(date));
    if (session.close().us + dataset.available_lag < now->us) ++status.behind;
  }
  return Status::OK();
}

Status fill(const lake::Lake& lake, const Dataset& dataset, std::optional<Instant> now, DatasetStatus& status) {
  lake::Table bronze = lake.table(lake::Layer::bronze, dataset.table);
  ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, bronze.snapshot());
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
    ARROW_ASSIGN_OR_RAISE(sessions, lake::sessions_in(bronze, snapshot, dataset.session_column, *dataset.calendar));
  }
  if (!sessions.empty())
    for (Date date : dataset.calendar->sessions(*sessions.begin(), *sessions.rbegin()))
      if (!sessions.contains(date)) status.missing.push_back(date);
  ARROW_RETURN_NOT_OK(say_why(lake, dataset, now, status));
  if (Status told = provenance_known(lake, dataset.table); !told.ok()) {
    status.untold = told.message();
    return Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(auto refused, quarantined(lake, dataset.table, {"", "", 0}));
  status.quarantined = refused->num_rows();
  return Status::OK();
}

}  // namespace

Json watermark_json(const DatasetStatus& status, const std::string& mode) {
  return {{"last_processed_date", status.last ? status.last->str() : "2020-01-01"},
          {"last_updated", Instant{status.last_commit_ms * 1000}.str()},
          {"total_records", status.rows},
          {"processing_mode", mode}};
}

Result<std::vector<DatasetStatus>> status_of(const lake::Lake& lake, std::optional<Instant> now) {
  std::vector<DatasetStatus> all;
  for (const Dataset& dataset : lake::datasets_in(lake)) {
    DatasetStatus status;
    status.table = dataset.table;
    for (lake::Layer layer : {lake::Layer::bronze, lake::Layer::silver}) {
      lake::Table table = lake.table(layer, dataset.table);
      if (!status.damage.empty() || !table.exists()) continue;
      if (std::string damage = lake::damage_of(table); !damage.empty())
        status.damage = table.name().str() + ": " + damage;
    }
    Status filled = fill(lake, dataset, now, status);
    if (!filled.ok() && status.damage.empty()) status.damage = filled.message();
    all.push_back(std::move(status));
  }
  // A log that cannot be read does not tell its data set.
  ARROW_ASSIGN_OR_RAISE(auto tables, lake.tables());
  for (const lake::TableName& name : tables) {
    auto same = [&](const DatasetStatus& one) { return one.table == name.table; };
    if (name.layer != lake::Layer::bronze || std::any_of(all.begin(), all.end(), same)) continue;
    std::string damage = lake::damage_of(lake.table(name));
    if (damage.empty()) continue;
    DatasetStatus status;
    status.table = name.table;
    status.damage = name.str() + ": " + damage;
    all.push_back(std::move(status));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.table < b.table; });
  return all;
}

}  // namespace tapemill::pipeline
