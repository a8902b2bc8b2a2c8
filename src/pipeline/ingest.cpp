#include "pipeline/ingest.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>

#include "core/json.h"
#include "core/progress.h"
#include "lake/evolve.h"
#include "lake/sessions.h"
#include "pipeline/contracts.h"
#include "pipeline/group.h"
#include "pipeline/landing.h"
#include "pipeline/restatement.h"
#include "pipeline/rewritten.h"
#include "pipeline/unit.h"

namespace tapemill::pipeline {
namespace {

constexpr std::size_t kFilesPerCommit = 32;

/// Tells what each path is; a file that cannot be told is refused, the others go on.
Result<std::vector<sources::FileInfo>> inspect_all(const Dataset& dataset, const std::vector<std::string>& paths,
                                                   const Workers& workers, IngestReport& report) {
  std::vector<Result<sources::FileInfo>> found(paths.size(), Status::Cancelled("interrupted"));
  Progress progress("reading headers", static_cast<std::int64_t>(paths.size()), "files");
  ARROW_RETURN_NOT_OK(workers.each(
      paths.size(),
      [&](std::size_t i) {
        found[i] = sources::inspect(dataset, paths[i]);
        progress.add(1);
        return Status::OK();
      },
      interrupt()));
  std::vector<sources::FileInfo> infos;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (found[i].ok()) infos.push_back(*std::move(found[i]));
    else report.refused.push_back(refused_file(paths[i], found[i].status()));
  }
  return infos;
}

/// Leaves the files of the sessions that are wanted; of a file of many sessions the first must lie there.
void keep_wanted(std::vector<sources::FileInfo>& infos, const IngestPolicy& policy, IngestReport& report) {
  const auto outside = [&](const sources::FileInfo& info) {
    const std::optional<Date> date = info.session ? info.session : info.begins;
    return date && ((policy.start && *date < *policy.start) || (policy.end && *date > *policy.end));
  };
  report.files_outside = static_cast<std::int64_t>(std::erase_if(infos, outside));
}

/// Stopping at the first file that is refused: of those that could not even be told apart, what comes before it by name.
void stop_at_refused(std::vector<sources::FileInfo>& infos, IngestReport& report) {
  if (report.refused.empty()) return;
  const std::string first = report.refused.front().path;
  report.files_not_read =
      static_cast<std::int64_t>(std::erase_if(infos, [&](const sources::FileInfo& info) { return info.path > first; }));
  report.refused.resize(1);
}

/// Sessions that were asked for and are not in.
Status tell_missing(const lake::Table& bronze, const Dataset& dataset, const IngestPolicy& policy,
                    IngestReport& report) {
  if (!policy.start && !policy.end) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, bronze.snapshot());
  ARROW_ASSIGN_OR_RAISE(auto there, lake::sessions_in(bronze, snapshot, dataset.session_column, *dataset.calendar));
  const Date from = policy.start ? *policy.start : there.empty() ? *policy.end : *there.begin();
  const Date to = policy.end ? *policy.end : there.empty() ? *policy.start : *there.rbegin();
  for (Date date : dataset.calendar->sessions(from, to))
    if (!there.contains(date)) report.missing.push_back(date);
  return Status::OK();
}

}  // namespace

Json IngestReport::json() const {
  Json refusals = Json::array(), again = Json::array(), by_reason = Json::object(), nothing = Json::array();
  for (const auto& one : empty)
    nothing.push_back({{"path", one.path}, {"rows", one.rows}, {"first_reason", one.reason}});
  for (const auto& one : refused) refusals.push_back({{"path", one.path}, {"error", one.error}, {"hint", one.hint}});
  for (const auto& one : restated)
    again.push_back({{"unit", one.unit}, {"form", one.form}, {"before", one.before}, {"after", one.after}});
  for (const auto& [check, rows] : quarantine) by_reason[check] = rows;
  Json without = Json::array();
  for (Date date : missing) without.push_back(date.str());
  return {{"files", files},
          {"files_outside", files_outside},
          {"files_not_read", files_not_read},
          {"missing_sessions", without},
          {"files_unchanged", files_unchanged},
          {"files_refused", static_cast<std::int64_t>(refused.size())},
          {"files_superseded", files_superseded},
          {"rows_in", quality.rows_in},
          {"rows_stored", quality.rows_kept},
          {"rows_quarantined", quality.rows_quarantined},
          {"version", version},
          {"seconds", seconds},
          {"bytes_in", bytes_in},
          {"bytes_stored", bytes_stored},
          {"quarantine", by_reason},
          {"refused", refusals},
          {"restated", again},
          {"evolved", evolved},
          {"every_row_refused", nothing},
          {"quality", quality.json()}};
}

Result<IngestReport> ingest(const lake::Lake& lake, const Dataset& dataset, const std::vector<std::string>& paths,
                            Instant now, const Workers& workers, MemoryBudget& budget, const IngestPolicy& policy) {
  auto start = std::chrono::steady_clock::now();
  IngestReport report;
  if (budget.ceiling() == 0) keep_freed_memory();
  ARROW_RETURN_NOT_OK(quality::make_checks(dataset).status());  // a spec that is wrong says so before a byte is copied
  lake::Table bronze = lake.table(lake::Layer::bronze, dataset.table);
  std::map<std::string, lake::UnitState> states;
  if (bronze.exists()) {
    ARROW_ASSIGN_OR_RAISE(const auto change, lake::create_or_evolve(bronze, dataset, workers, budget));
    for (const auto& one : change.changes) report.evolved.push_back(one.what);
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, bronze.snapshot());
    ARROW_RETURN_NOT_OK(sources_known(bronze, snapshot));
    ARROW_ASSIGN_OR_RAISE(states, lake::units_by_key(snapshot));
  }
  ARROW_ASSIGN_OR_RAISE(std::vector<std::string> files, sources::expand_paths(paths));
  report.files = static_cast<std::int64_t>(files.size());
  ARROW_ASSIGN_OR_RAISE(auto infos, inspect_all(dataset, files, workers, report));
  keep_wanted(infos, policy, report);
  if (policy.stop) stop_at_refused(infos, report);
  ARROW_RETURN_NOT_OK(name_units(infos, states, report.files_unchanged));
  const std::size_t together = policy.stop ? 1 : kFilesPerCommit;
  for (const auto& info : infos) report.bytes_in += info.size;
  ARROW_ASSIGN_OR_RAISE(auto landing, plan_landing(lake, dataset, infos, now));
  const std::vector<Landed>& landed = landing.files;

  ARROW_ASSIGN_OR_RAISE(const auto moves, explained_moves(lake, dataset, workers));
  const std::size_t refused_before = report.refused.size();
  if (landed.empty()) ARROW_RETURN_NOT_OK(bronze.create(dataset));
  {
    Progress progress("bronze", report.bytes_in, "bytes");
    // Copying and syncing wait for the disk, parsing for the processor: they go on at once, and landing is a group ahead.
    auto landing_of = [&](std::size_t at, const std::shared_future<Status>& last) -> std::shared_future<Status> {
      return std::async(std::launch::async, [&, at, last]() -> Status {
        if (last.valid()) ARROW_RETURN_NOT_OK(last.get());
        auto made = std::async(std::launch::async, [&] { return bronze.create(dataset); });
        Status done = land(lake, dataset, landing, at, std::min(landed.size(), at + together), now, budget);
        ARROW_RETURN_NOT_OK(made.get());
        return done;
      });
    };
    std::shared_future<Status> landed_now, ahead;
    std::unique_ptr<Group> before;
    std::future<Status> finishing;  // a commit waits for the disk, and the next group's files are read meanwhile
    const auto finished = [&] { return finishing.valid() ? finishing.get() : Status::OK(); };
    for (std::size_t at = 0; at < landed.size(); at += together) {
      if (policy.stop) {
        ARROW_RETURN_NOT_OK(finished());
        if (report.refused.size() > refused_before) {
          report.files_not_read += static_cast<std::int64_t>(landed.size() - at);
          break;
        }
      }
      std::size_t end = std::min(landed.size(), at + together);
      landed_now = ahead.valid() ? ahead : landing_of(at, landed_now);
      if (!policy.stop && end < landed.size()) ahead = landing_of(end, landed_now);
      std::vector<Landed> files(landed.begin() + static_cast<std::ptrdiff_t>(at),
                                landed.begin() + static_cast<std::ptrdiff_t>(end));
      auto group = make_group(lake, dataset, std::move(files), landed_now, workers, budget, progress,
                              {moves, policy.allow_smaller});
      if (group->may_overlap()) ARROW_RETURN_NOT_OK(finished());
      const Status prepared = group->prepare();
      ARROW_RETURN_NOT_OK(finished());
      ARROW_RETURN_NOT_OK(prepared);
      before = std::move(group);
      finishing = std::async(std::launch::async, [&report, ready = before.get()] { return ready->finish(report); });
    }
    ARROW_RETURN_NOT_OK(finished());
  }
  ARROW_RETURN_NOT_OK(refresh_derived(lake, dataset, workers, budget));
  ARROW_RETURN_NOT_OK(tell_missing(bronze, dataset, policy, report));
  ARROW_ASSIGN_OR_RAISE(report.version, bronze.version());
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace tapemill::pipeline
