#include "pipeline/demo_data.h"

#include <arrow/api.h>

#include <atomic>
#include <cmath>
#include <set>

#include "core/hash.h"
#include "core/json.h"
#include "core/paths.h"
#include "lake/scan.h"
#include "sources/source.h"

namespace tapemill::pipeline {
namespace {

/// sha-256 -> size of every file that landed.
Result<std::map<std::string, std::int64_t>> landed_files(const lake::Lake& lake, const std::string& table) {
  std::map<std::string, std::int64_t> sizes;
  lake::ScanRequest request;
  request.table = {lake::Layer::landing, table};
  request.columns = {"sha256", "size"};
  if (!lake.table(request.table).exists()) return sizes;
  ARROW_ASSIGN_OR_RAISE(auto scanned, lake::scan(lake, request));
  ARROW_ASSIGN_OR_RAISE(auto rows, scanned.rows->CombineChunksToBatch());
  const auto& hashes = static_cast<const arrow::StringArray&>(*rows->GetColumnByName("sha256"));
  const auto& bytes = static_cast<const arrow::Int64Array&>(*rows->GetColumnByName("size"));
  for (std::int64_t i = 0; i < rows->num_rows(); ++i) sizes[hashes.GetString(i)] = bytes.Value(i);
  return sizes;
}

}  // namespace

Result<LandedDelivery> landed_already(const lake::Lake& lake, const Dataset& dataset,
                                      const std::vector<std::string>& paths, const Workers& workers) {
  ARROW_ASSIGN_OR_RAISE(auto known, landed_files(lake, dataset.table));
  LandedDelivery delivery;
  if (known.empty()) return delivery;
  ARROW_ASSIGN_OR_RAISE(auto files, sources::expand_paths(paths));
  std::atomic<bool> all{true};
  std::vector<Status> told(files.size());
  ARROW_RETURN_NOT_OK(workers.each(
      files.size(),
      [&](std::size_t i) -> Status {
        ARROW_ASSIGN_OR_RAISE(std::string bytes, read_file(files[i]));
        if (known.contains(sha256(bytes))) return Status::OK();
        auto info = sources::inspect(dataset, files[i]);  // what cannot be told is refused before it lands, now as then
        if (info.ok()) all = false;
        told[i] = info.status();
        return Status::OK();
      },
      interrupt()));
  delivery.all_landed = all.load();
  for (std::size_t i = 0; delivery.all_landed && i < files.size(); ++i)
    if (!told[i].ok()) delivery.refused.push_back(refused_file(files[i], told[i]));
  return delivery;
}

Result<std::vector<Restated>> restated_of(const lake::Table& bronze) {
  ARROW_ASSIGN_OR_RAISE(auto commits, bronze.history());
  std::vector<Restated> all;
  for (auto commit = commits.rbegin(); commit != commits.rend(); ++commit) {
    Json list = commit->info->value("operationParameters", Json::object()).value("restated", Json::array());
    if (list.is_string()) list = Json::parse(list.get<std::string>(), nullptr, false);
    if (!list.is_array()) continue;
    for (const Json& one : list)
      all.push_back({one.value("unit", ""), one.value("form", ""), one.value("before", ""), one.value("after", "")});
  }
  return all;
}

Result<Oddities> oddities_of(const lake::Lake& lake, const std::string& table, double over, const Workers& workers) {
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, load_dataset(table));
  lake::ScanRequest request;
  request.table = {lake::Layer::silver, table};
  request.columns = {"instrument_id", dataset.session_column, "close"};
  ARROW_ASSIGN_OR_RAISE(auto scanned, lake::scan(lake, request, workers));
  ARROW_ASSIGN_OR_RAISE(auto spans, lake::spans(*scanned.rows));
  ARROW_ASSIGN_OR_RAISE(auto days, lake::doubles(*scanned.rows, dataset.session_column));
  ARROW_ASSIGN_OR_RAISE(auto close, lake::doubles(*scanned.rows, "close"));
  auto sessions = dataset.calendar->sessions(dataset.calendar->first(), dataset.calendar->last());
  std::map<std::int32_t, std::int64_t> ordinal;
  for (std::size_t i = 0; i < sessions.size(); ++i) ordinal[sessions[i].days] = static_cast<std::int64_t>(i);
  Oddities found;
  for (const auto& span : spans)
    for (std::int64_t row = span.first + 1; row < span.last; ++row) {
      auto at = static_cast<std::size_t>(row);
      Date date{static_cast<std::int32_t>(days[at])};
      std::int64_t gap = ordinal[date.days] - ordinal[static_cast<std::int32_t>(days[at - 1])] - 1;
      if (gap > 0) found.gaps.push_back({span.instrument, date, static_cast<double>(gap)});
      double move = close[at] / close[at - 1] - 1;
      if (std::fabs(move) > over) found.moves.push_back({span.instrument, date, move});
    }
  return found;
}

Result<UnitTotals> unit_totals(const lake::Table& bronze, const lake::Snapshot& snapshot) {
  std::set<std::string> wanted;
  ARROW_ASSIGN_OR_RAISE(auto in, lake::units_by_key(snapshot));
  for (const auto& [key, unit] : in) wanted.insert(key + "/" + unit.sha256);
  UnitTotals totals;
  ARROW_ASSIGN_OR_RAISE(auto commits, bronze.history());
  for (const auto& commit : commits) {  // newest first: the effective reading of a unit is met before older ones
    Json parameters = commit.info->value("operationParameters", Json::object());
    Json units = parameters.value("units", Json::array());
    if (units.is_string()) units = Json::parse(units.get<std::string>(), nullptr, false);
    if (!units.is_array()) continue;
    for (const Json& one : units) {
      if (wanted.erase(one.value("unit", "") + "/" + one.value("form", "") + "/" + one.value("sha256", "")) == 0)
        continue;
      totals.rows_in += one.value("rows_in", std::int64_t{0});
      totals.rows_stored += one.value("rows_stored", std::int64_t{0});
      totals.rows_quarantined += one.value("rows_quarantined", std::int64_t{0});
    }
  }
  if (!wanted.empty())
    return data_error(fmt::format("{}: no commit speaks of {}", bronze.name().str(), *wanted.begin()));
  return totals;
}

Result<std::int64_t> landed_bytes(const lake::Lake& lake, const std::string& table,
                                  const std::map<std::string, lake::UnitState>& units) {
  ARROW_ASSIGN_OR_RAISE(auto sizes, landed_files(lake, table));
  std::int64_t bytes = 0;
  for (const auto& [key, unit] : units) bytes += sizes[unit.sha256];
  return bytes;
}

}  // namespace tapemill::pipeline
