#include "pipeline/ingest.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>
#include <set>

#include "core/progress.h"
#include "core/text.h"
#include "lake/adjust.h"
#include "lake/overlap.h"
#include "lake/rewrite.h"
#include "pipeline/contracts.h"
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

/// What the corporate actions in the lake do to this data set's prices; null where no check asks or none are there.
Result<std::shared_ptr<const quality::MoveFactors>> explained_moves(const lake::Lake& lake, const Dataset& dataset,
                                                                    const Workers& workers) {
  auto asks = [](const CheckSpec& check) { return check.name == "move"; };
  if (std::none_of(dataset.checks.begin(), dataset.checks.end(), asks) || !lake::has_actions(lake, dataset.exchange))
    return nullptr;
  auto actions = lake::actions_of(lake, dataset.exchange, {}, {}, {}, workers);
  if (!actions.ok())
    return exit_code(actions.status()) == 1 ? nullptr
                                            : Result<std::shared_ptr<const quality::MoveFactors>>(actions.status());
  auto factors = std::make_shared<quality::MoveFactors>();
  for (const auto& one : actions->list) {
    if (one.before <= 0 || one.kind == "rights") continue;
    double& factor = (*factors)[one.symbol].try_emplace(one.ex_date, 1.0).first->second;
    factor *= static_cast<double>(one.before) / static_cast<double>(one.after);
  }
  return factors;
}

/// Parses and judges the units of one group in parallel and commits them together; on a race with another process the
/// group is read and judged again.
class Group {
 public:
  /// `landed` is asked before anything is committed: landing comes first.
  Group(const lake::Lake& lake, const Dataset& dataset, std::vector<Landed> files, std::future<Status> landed,
        bool smaller, std::shared_ptr<const quality::MoveFactors> moves, const Workers& workers, MemoryBudget& budget,
        Progress& progress)
      : lake_(lake),
        dataset_(dataset),
        files_(std::move(files)),
        landed_(std::move(landed)),
        smaller_(smaller),
        moves_(std::move(moves)),
        workers_(workers),
        budget_(budget),
        progress_(progress) {}

  Status run(IngestReport& report) {
    lake::Table bronze = lake_.table(lake::Layer::bronze, dataset_.table);
    for (;;) {
      ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, bronze.snapshot());
      ARROW_RETURN_NOT_OK(sources_known(bronze, snapshot));
      // Nobody was faster, and yet the parts' names were taken: another engine has deleted them from the table. No path is
      // used again, so they are named as the unit's next restatement.
      if (snapshot.version == last_version_) ++deleted_;
      last_version_ = snapshot.version;
      ARROW_ASSIGN_OR_RAISE(std::vector<UnitJob> jobs, plan(snapshot, report));
      if (jobs.empty()) return landed();
      ARROW_RETURN_NOT_OK(workers_.each(
          jobs.size(),
          [&](std::size_t i) {
            Status done = read_unit(lake_, dataset_, jobs[i], budget_, progress_);
            if (done.ok() || done.IsCancelled() || exit_code(done) == 3)
              return done;  // a broken file is its own matter
            jobs[i].refusal = done;
            return Status::OK();
          },
          interrupt()));
      std::vector<lake::PartWriter*> writers;
      for (UnitJob& job : jobs)
        if (job.refusal.ok()) writers.push_back(job.writer.get());
      ARROW_RETURN_NOT_OK(lake::publish(writers));
      ARROW_RETURN_NOT_OK(landed());
      ARROW_RETURN_NOT_OK(doubt(bronze, snapshot, jobs));
      ARROW_ASSIGN_OR_RAISE(auto instead, replaced_by(bronze, snapshot, jobs));
      if (may_overlap()) {
        if (snapshot.version < 0) { ARROW_ASSIGN_OR_RAISE(snapshot, bronze.snapshot(0)); }  // made beside landing
        ARROW_RETURN_NOT_OK(refuse_overlaps(bronze, snapshot, jobs, instead));
      }
      ARROW_ASSIGN_OR_RAISE(bool committed, commit(bronze, snapshot, jobs, instead));
      if (!committed) continue;
      settle(jobs, report);
      return Status::OK();
    }
  }

 private:
  Status landed() { return landed_.valid() ? landed_.get() : Status::OK(); }

  Result<std::vector<UnitJob>> plan(const lake::Snapshot& snapshot, IngestReport& report) {
    ARROW_ASSIGN_OR_RAISE(auto states, lake::units_by_key(snapshot));
    std::vector<UnitJob> jobs;
    std::int64_t unchanged = 0, superseded = 0;
    for (const Landed& file : files_) {
      UnitJob job{file};
      switch (place_unit(file, states, files_, job)) {
        case Placing::unchanged: ++unchanged; break;
        case Placing::superseded: ++superseded; break;
        case Placing::read:
          job.ordinal += deleted_;
          job.moves = moves_;
          jobs.push_back(std::move(job));
          break;
      }
    }
    report.files_unchanged += unchanged - last_unchanged_;  // a group that was planned again counts once
    report.files_superseded += superseded - last_superseded_;
    last_unchanged_ = unchanged, last_superseded_ = superseded;
    return jobs;
  }

  /// Files that only look like restatements are refused: what is in stays.
  Status doubt(const lake::Table& bronze, const lake::Snapshot& snapshot, std::vector<UnitJob>& jobs) {
    auto restates = [](const UnitJob& job) { return job.refusal.ok() && !job.leaving.empty(); };
    if (std::none_of(jobs.begin(), jobs.end(), restates)) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(auto states, lake::units_by_key(snapshot));
    for (UnitJob& job : jobs) {
      if (!restates(job)) continue;
      job.refusal = doubt_restatement(bronze, snapshot, dataset_, states, job, smaller_, budget_);
      if (exit_code(job.refusal) == 3 || job.refusal.IsCancelled()) return job.refusal;
    }
    return Status::OK();
  }

  /// Units that are one session each share no key that has the session or the time in it.
  bool may_overlap() const {
    auto apart = [&](const std::string& column) { return column == dataset_.session_column || column == "time"; };
    const bool dated = std::any_of(dataset_.key.begin(), dataset_.key.end(), apart);
    auto many = [](const Landed& file) { return !file.info.session.has_value(); };
    return !dataset_.key.empty() && (!dated || std::any_of(files_.begin(), files_.end(), many));
  }

  /// What goes for the files that are to come in, and the other units' rows of parts that were shared with them.
  Result<lake::Replacement> replaced_by(const lake::Table& bronze, const lake::Snapshot& snapshot,
                                        const std::vector<UnitJob>& jobs) {
    std::set<std::string> leaving;
    for (const UnitJob& job : jobs)
      if (job.refusal.ok()) leaving.insert(job.leaving.begin(), job.leaving.end());
    return lake::take_out(bronze, snapshot, leaving, lake::layout_of(dataset_), budget_);
  }

  /// The key makes a row unique in the table, not in its file alone: a file that brings keys which are in by another file
  /// is refused whole.
  Status refuse_overlaps(const lake::Table& bronze, const lake::Snapshot& snapshot, std::vector<UnitJob>& jobs,
                         lake::Replacement& instead) {
    lake::KeyOverlaps overlaps(bronze, snapshot, dataset_.key, budget_);
    for (bool again = true; again;) {
      again = false;
      const std::set<std::string> leaving(instead.removes.begin(), instead.removes.end());
      std::vector<const lake::Part*> others;
      for (const lake::Part& part : snapshot.parts)
        if (!leaving.contains(part.path)) others.push_back(&part);
      for (const lake::Part& part : instead.adds) others.push_back(&part);
      for (UnitJob& job : jobs) {
        if (!job.refusal.ok()) continue;
        ARROW_ASSIGN_OR_RAISE(lake::Overlap found, overlaps.find(job.parts, others));
        if (found.rows == 0) {
          for (const lake::Part& part : job.parts) others.push_back(&part);
          continue;
        }
        job.refusal = data_error(
            fmt::format("{}: {} {} with a key that {} has already; the first, {}, came from {}", job.landed.info.path,
                        found.rows, plural(found.rows, "row"), bronze.name().str(), found.key, found.file),
            fmt::format("to correct {} give this file its name: it replaces that file's rows; or take the rows out",
                        found.file));
        again = !job.leaving.empty();  // what it would have replaced stays
        if (again) break;
      }
      if (again) { ARROW_ASSIGN_OR_RAISE(instead, replaced_by(bronze, snapshot, jobs)); }
    }
    return Status::OK();
  }

  /// False when another process was faster with one of these units, or their parts' names are taken.
  Result<bool> commit(const lake::Table& bronze, const lake::Snapshot& snapshot, const std::vector<UnitJob>& jobs,
                      const lake::Replacement& instead) {
    Status refused_rows = commit_quarantine(lake_, dataset_, jobs);
    if (lake::is_conflict(refused_rows)) return false;
    ARROW_RETURN_NOT_OK(refused_rows);
    lake::Transaction transaction;
    transaction.read_version = std::max<std::int64_t>(snapshot.version, 0);  // the table has been made meanwhile
    transaction.operation = "INGEST";
    transaction.configuration[lake::kSpec] = dataset_.text;  // commands find the data set by it, wherever its file is
    Json units = Json::array(), restated = Json::array();
    std::int64_t in = 0, kept = 0, refused = 0;
    for (const UnitJob& job : jobs) {
      if (!job.refusal.ok()) continue;
      transaction.touches.push_back(job.landed.info.unit);
      transaction.adds.insert(transaction.adds.end(), job.parts.begin(), job.parts.end());
      units.push_back({{"unit", job.landed.info.unit},
                       {"form", job.landed.info.form},
                       {"sha256", job.landed.info.sha256},
                       {"rows_in", job.report.rows_in},
                       {"rows_stored", job.report.rows_kept},
                       {"rows_quarantined", job.report.rows_quarantined}});
      if (!job.replaces_sha256.empty())
        restated.push_back({{"unit", job.landed.info.unit},
                            {"form", job.landed.info.form},
                            {"before", job.replaces_sha256},
                            {"after", job.landed.info.sha256}});
      in += job.report.rows_in, kept += job.report.rows_kept, refused += job.report.rows_quarantined;
    }
    if (transaction.touches.empty()) return true;
    if (may_overlap()) transaction.touches.push_back("*");  // what came meanwhile may have their keys
    transaction.removes = instead.removes;
    transaction.adds.insert(transaction.adds.end(), instead.adds.begin(), instead.adds.end());
    if (!restated.empty()) transaction.operation = "RESTATE", transaction.parameters["restated"] = restated;
    transaction.parameters["units"] = units;
    transaction.counts = {{"rows_in", in}, {"rows_stored", kept}, {"rows_quarantined", refused}};
    auto committed = bronze.commit(transaction);
    if (committed.ok()) return true;
    if (lake::is_conflict(committed.status())) return false;
    return committed.status();
  }

  void settle(const std::vector<UnitJob>& jobs, IngestReport& report) {
    for (const UnitJob& job : jobs) {
      if (!job.refusal.ok()) {
        report.refused.push_back(refused_file(job.landed.info.path, job.refusal));
        report.stopped |= job.report.stopped;
        continue;
      }
      report.quality.merge(job.report, std::filesystem::path(job.landed.info.path).filename().string());
      if (job.report.rows_kept == 0)
        report.empty.push_back({job.landed.info.path, job.first_refusal, job.report.rows_in});
      for (const auto& [check, rows] : job.refused_by_check) report.quarantine[check] += rows;
      for (const auto& part : job.parts) report.bytes_stored += part.size;
      if (!job.replaces_sha256.empty()) {
        report.restated.push_back(
            {job.landed.info.unit, job.landed.info.form, job.replaces_sha256, job.landed.info.sha256});
        progress_.note(fmt::format("restated: {} {} replaces what {} held; the earlier rows stay in time travel",
                                   dataset_.table, job.landed.info.unit, job.replaces_sha256.substr(0, 12)));
      }
    }
  }

  const lake::Lake& lake_;
  const Dataset& dataset_;
  std::vector<Landed> files_;
  std::future<Status> landed_;
  bool smaller_;
  std::shared_ptr<const quality::MoveFactors> moves_;
  const Workers& workers_;
  MemoryBudget& budget_;
  Progress& progress_;
  std::int64_t last_unchanged_ = 0, last_superseded_ = 0;
  std::int64_t last_version_ = -2, deleted_ = 0;
};

}  // namespace

Json IngestReport::json() const {
  Json refusals = Json::array(), again = Json::array(), by_reason = Json::object(), nothing = Json::array();
  for (const auto& one : empty)
    nothing.push_back({{"path", one.path}, {"rows", one.rows}, {"first_reason", one.reason}});
  for (const auto& one : refused) refusals.push_back({{"path", one.path}, {"error", one.error}, {"hint", one.hint}});
  for (const auto& one : restated)
    again.push_back({{"unit", one.unit}, {"form", one.form}, {"before", one.before}, {"after", one.after}});
  for (const auto& [check, rows] : quarantine) by_reason[check] = rows;
  return {{"files", files},
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
          {"every_row_refused", nothing},
          {"quality", quality.json()}};
}

Result<IngestReport> ingest(const lake::Lake& lake, const Dataset& dataset, const std::vector<std::string>& paths,
                            Instant now, const Workers& workers, MemoryBudget& budget, bool allow_smaller) {
  auto start = std::chrono::steady_clock::now();
  IngestReport report;
  if (budget.ceiling() == 0) keep_freed_memory();
  ARROW_RETURN_NOT_OK(quality::make_checks(dataset).status());  // a spec that is wrong says so before a byte is copied
  lake::Table bronze = lake.table(lake::Layer::bronze, dataset.table);
  std::map<std::string, lake::UnitState> states;
  if (bronze.exists()) {
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, bronze.snapshot());
    ARROW_RETURN_NOT_OK(sources_known(bronze, snapshot));
    ARROW_ASSIGN_OR_RAISE(states, lake::units_by_key(snapshot));
  }
  ARROW_ASSIGN_OR_RAISE(std::vector<std::string> files, sources::expand_paths(paths));
  report.files = static_cast<std::int64_t>(files.size());
  ARROW_ASSIGN_OR_RAISE(auto infos, inspect_all(dataset, files, workers, report));
  ARROW_RETURN_NOT_OK(name_units(infos, states, report.files_unchanged));
  for (const auto& info : infos) report.bytes_in += info.size;
  ARROW_ASSIGN_OR_RAISE(auto landing, plan_landing(lake, dataset, infos, now));
  const std::vector<Landed>& landed = landing.files;

  ARROW_ASSIGN_OR_RAISE(auto moves, explained_moves(lake, dataset, workers));
  if (landed.empty()) ARROW_RETURN_NOT_OK(bronze.create(dataset));
  {
    Progress progress("bronze", report.bytes_in, "bytes");
    for (std::size_t at = 0; at < landed.size(); at += kFilesPerCommit) {
      std::size_t end = std::min(landed.size(), at + kFilesPerCommit);
      // Copying and syncing wait for the disk, parsing for the processor: they go on at once.
      auto landed_now = std::async(std::launch::async, [&, at, end]() -> Status {
        auto made = std::async(std::launch::async, [&] { return bronze.create(dataset); });
        const Status landed = land(lake, dataset, landing, at, end, now, budget);
        ARROW_RETURN_NOT_OK(made.get());
        return landed;
      });
      Group group(lake, dataset,
                  {landed.begin() + static_cast<std::ptrdiff_t>(at), landed.begin() + static_cast<std::ptrdiff_t>(end)},
                  std::move(landed_now), allow_smaller, moves, workers, budget, progress);
      ARROW_RETURN_NOT_OK(group.run(report));
    }
  }
  if (!dataset.silver_is_view) ARROW_RETURN_NOT_OK(refresh_silver(lake, dataset, workers, budget));
  if (names_contracts(dataset) && bronze.exists())
    ARROW_RETURN_NOT_OK(refresh_contracts(lake, dataset, workers, budget));
  ARROW_ASSIGN_OR_RAISE(report.version, bronze.version());
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace tapemill::pipeline
