#include "pipeline/rebuild.h"

#include <chrono>

#include "analytics/features.h"
#include "core/json.h"
#include "lake/evolve.h"
#include "pipeline/arrivals.h"
#include "pipeline/contracts.h"
#include "pipeline/group.h"
#include "pipeline/rewritten.h"
#include "pipeline/unit.h"

namespace tapemill::pipeline {
namespace {

constexpr std::size_t kFilesPerCommit = 32;

/// The arrivals that bronze's units were read from, and with it what landing does not have.
Result<std::vector<Arrival>> of_units(const lake::Snapshot& snapshot, const std::vector<Arrival>& all,
                                      IngestReport& report) {
  std::map<std::string, const Arrival*> newest;
  for (const Arrival& one : all) newest[lake::unit_key(one.unit, one.form) + one.sha256] = &one;
  ARROW_ASSIGN_OR_RAISE(auto units, lake::units(snapshot));
  std::vector<Arrival> wanted;
  for (const lake::UnitState& unit : units) {
    auto found = newest.find(lake::unit_key(unit.unit, unit.form) + unit.sha256);
    if (found != newest.end()) wanted.push_back(*found->second);
    else
      report.refused.push_back(
          {unit.source, fmt::format("{}: landing does not have it", unit.source), "its rows are left as they are"});
  }
  return wanted;
}

}  // namespace

Json RebuildReport::json() const {
  Json all = bronze.json();
  all["replayed"] = anew;
  all["gold"] = gold;
  return all;
}

Result<RebuildReport> rebuild(const lake::Lake& lake, const Dataset& dataset, const Workers& workers,
                              MemoryBudget& budget) {
  const auto start = std::chrono::steady_clock::now();
  RebuildReport report;
  ARROW_RETURN_NOT_OK(quality::make_checks(dataset).status());
  ARROW_ASSIGN_OR_RAISE(auto files, arrivals(lake, dataset.table));
  lake::Table bronze = lake.table(lake::Layer::bronze, dataset.table);
  report.anew = !bronze.exists();
  if (report.anew) {
    ARROW_RETURN_NOT_OK(bronze.create(dataset));
  } else {
    ARROW_ASSIGN_OR_RAISE(const auto change, lake::create_or_evolve(bronze, dataset, workers, budget));
    for (const auto& one : change.changes) report.bronze.evolved.push_back(one.what);
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, bronze.snapshot());
    ARROW_RETURN_NOT_OK(sources_known(bronze, snapshot));
    ARROW_ASSIGN_OR_RAISE(files, of_units(snapshot, files, report.bronze));
  }
  report.bronze.files = static_cast<std::int64_t>(files.size());
  const Again again{"REBUILD"};
  ARROW_ASSIGN_OR_RAISE(const auto moves, explained_moves(lake, dataset, workers));
  {
    Progress progress("bronze", 0, "bytes");
    for (std::size_t from = 0; from < files.size();) {
      std::size_t to =
          from + 1;  // files that arrived together may stand beside each other; others come one after the other
      while (to < files.size() && to - from < kFilesPerCommit && (!report.anew || files[to].at == files[from].at)) ++to;
      NamedFiles named;
      std::vector<Landed> landed;
      for (; from < to; ++from) {
        auto one = named.open(dataset, files[from]);
        if (!one.ok() && exit_code(one.status()) == 3) return one.status();
        if (!one.ok()) {
          report.bronze.refused.push_back(refused_file(files[from].path, one.status()));
          continue;
        }
        report.bronze.bytes_in += one->info.size;
        landed.push_back(*std::move(one));
      }
      ARROW_RETURN_NOT_OK(run_group(lake, dataset, std::move(landed), workers, budget, progress, report.bronze,
                                    {moves, false, report.anew ? nullptr : &again}));
    }
  }
  ARROW_RETURN_NOT_OK(refresh_derived(lake, dataset, workers, budget));
  for (const std::string& name : analytics::feature_groups()) {
    ARROW_ASSIGN_OR_RAISE(auto group, analytics::load_feature_group(name));
    if (group.table != dataset.table || !lake.table(lake::Layer::gold, "features_" + group.name).exists()) continue;
    ARROW_ASSIGN_OR_RAISE(auto built, analytics::build_features(lake, group, group.table, workers, budget));
    report.gold.push_back(fmt::format("{} version {}", built.table, built.table_version));
  }
  ARROW_ASSIGN_OR_RAISE(report.bronze.version, bronze.version());
  report.bronze.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace tapemill::pipeline
