#include "pipeline/release.h"

#include <arrow/api.h>

#include <algorithm>

#include "core/json.h"
#include "lake/actions.h"
#include "pipeline/arrivals.h"
#include "pipeline/contracts.h"
#include "pipeline/group.h"
#include "pipeline/rewritten.h"
#include "pipeline/unit.h"

namespace tapemill::pipeline {
namespace {

constexpr std::size_t kFilesPerCommit = 32;

/// A check of the spec refused the row, not its parser, and it is one that a person may override.
bool releasable(const Dataset& dataset, const std::string& check) {
  return quality::can_be_released(check) &&
         std::any_of(dataset.checks.begin(), dataset.checks.end(),
                     [&](const CheckSpec& one) { return check == one.name || check.starts_with(one.name + ":"); });
}

struct Wanted {
  std::map<std::string, std::set<std::int64_t>> lines;   // by unit_key()
  std::map<std::string, std::int64_t> quarantined;       // rows that stay, by unit_key()
  std::map<std::string, std::string> files;              // by unit_key()
};

Result<Wanted> find(const lake::Lake& lake, const Dataset& dataset, const Release& what, ReleaseReport& report) {
  ARROW_ASSIGN_OR_RAISE(auto all, quarantined(lake, dataset.table, {"", "", 0}));
  ARROW_ASSIGN_OR_RAISE(auto rows, all->CombineChunksToBatch());
  auto texts = [&](const char* column) -> const arrow::StringArray& {
    return static_cast<const arrow::StringArray&>(*rows->GetColumnByName(column));
  };
  const auto &units = texts("unit"), &forms = texts("form"), &files = texts("file"), &checks = texts("check");
  const auto& lines = static_cast<const arrow::Int64Array&>(*rows->GetColumnByName("line"));
  Wanted wanted;
  for (std::int64_t i = 0; i < rows->num_rows(); ++i) {
    const std::string key = lake::unit_key(units.GetString(i), forms.GetString(i)), check = checks.GetString(i);
    ++wanted.quarantined[key];
    if (!what.check.empty() && check != what.check) continue;
    if (!what.file.empty() && files.GetString(i) != what.file) continue;
    if (what.line != 0 && lines.Value(i) != what.line) continue;
    if (!releasable(dataset, check)) {
      ++report.kept, ++report.kept_by[check];
      continue;
    }
    --wanted.quarantined[key];
    wanted.lines[key].insert(lines.Value(i));
    wanted.files[key] = files.GetString(i);
  }
  return wanted;
}

}  // namespace

Json ReleaseReport::json() const {
  Json not_in = Json::array(), by = Json::object();
  for (const RefusedFile& one : refused)
    not_in.push_back({{"path", one.path}, {"error", one.error}, {"hint", one.hint}});
  for (const auto& [check, count] : kept_by) by[check] = count;
  return {{"rows_released", rows}, {"files", files},    {"rows_kept", kept},
          {"kept_by_check", by},   {"refused", not_in}, {"version", version}};
}

Result<ReleaseReport> release(const lake::Lake& lake, const Dataset& dataset, const Release& what,
                              const Workers& workers, MemoryBudget& budget) {
  if (what.reason.empty())
    return usage_error("a release has no reason", "say why: --reason \"confirmed by the exchange's circular 57\"");
  ReleaseReport report;
  ARROW_ASSIGN_OR_RAISE(Wanted wanted, find(lake, dataset, what, report));
  lake::Table bronze = lake.table(lake::Layer::bronze, dataset.table);
  ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, bronze.snapshot());
  ARROW_ASSIGN_OR_RAISE(auto states, lake::units_by_key(snapshot));
  report.version = snapshot.version;
  if (what.line != 0 && wanted.lines.empty() && report.kept == 0) {
    for (const auto& [key, state] : states)
      if (state.source == what.file && lines_of_text(state.released).contains(what.line)) return report;  // it is in
    return usage_error(fmt::format("{}: no quarantined row at {}:{}", dataset.table, what.file, what.line),
                       "tapemill quarantine list " + dataset.table + " shows where they are");
  }
  ARROW_ASSIGN_OR_RAISE(auto all, arrivals(lake, dataset.table));
  std::map<std::string, const Arrival*> newest;
  for (const Arrival& one : all) newest[lake::unit_key(one.unit, one.form) + one.sha256] = &one;

  ARROW_ASSIGN_OR_RAISE(const auto moves, explained_moves(lake, dataset, workers));
  Progress progress("releasing", 0, "bytes");
  for (auto at = wanted.lines.begin(); at != wanted.lines.end();) {
    Again again{"RELEASE"};
    NamedFiles named;
    std::vector<Landed> files;
    Json noted = Json::array();
    std::int64_t rows = 0;
    for (; at != wanted.lines.end() && files.size() < kFilesPerCommit; ++at) {
      const auto& [key, lines] = *at;
      auto found = newest.find(key + states.at(key).sha256);
      if (found == newest.end()) {
        report.refused.push_back({wanted.files[key], wanted.files[key] + ": landing does not have it",
                                  "ingest the file again; then its rows can be released"});
        continue;
      }
      auto file = named.open(dataset, *found->second);
      if (!file.ok()) {
        report.refused.push_back(refused_file(found->second->path, file.status()));
        continue;
      }
      again.released[key] = lines;
      again.quarantined[key] = wanted.quarantined[key];
      noted.push_back({{"unit", found->second->unit},
                       {"form", found->second->form},
                       {"file", found->second->file},
                       {"lines", text_of_lines(lines)}});
      rows += static_cast<std::int64_t>(lines.size());
      files.push_back(*std::move(file));
    }
    if (files.empty()) continue;
    again.note = {{"released", lake::dump(noted)}, {"reason", what.reason}, {"by", what.by}};
    IngestReport done;
    const auto count = static_cast<std::int64_t>(files.size());
    ARROW_RETURN_NOT_OK(
        run_group(lake, dataset, std::move(files), workers, budget, progress, done, {moves, false, &again}));
    report.files += count - static_cast<std::int64_t>(done.refused.size()) - done.files_unchanged;
    for (const RefusedFile& one : done.refused) {
      report.refused.push_back(one);
      for (const Json& note : noted)
        if (one.path.ends_with("/" + note["file"].get<std::string>()))
          rows -= static_cast<std::int64_t>(lines_of_text(note["lines"].get<std::string>()).size());
    }
    report.rows += rows;
  }
  if (report.rows > 0) ARROW_RETURN_NOT_OK(refresh_derived(lake, dataset, workers, budget));
  ARROW_ASSIGN_OR_RAISE(report.version, bronze.version());
  return report;
}

}  // namespace tapemill::pipeline
