#include "pipeline/group.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "core/json.h"
#include "core/text.h"
#include "lake/actions.h"
#include "lake/adjust.h"
#include "lake/evolve.h"
#include "lake/overlap.h"
#include "lake/rewrite.h"
#include "lake/rhythm.h"
#include "pipeline/restatement.h"
#include "pipeline/rewritten.h"
#include "pipeline/unit.h"

namespace tapemill::pipeline {

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

namespace {

class FileGroup final : public Group {
 public:
  FileGroup(const lake::Lake& lake, const Dataset& dataset, std::vector<Landed> files,
            std::shared_future<Status> landed, const Workers& workers, MemoryBudget& budget, Progress& progress,
            GroupPolicy policy)
      : lake_(lake),
        dataset_(dataset),
        files_(std::move(files)),
        landed_(std::move(landed)),
        workers_(workers),
        budget_(budget),
        progress_(progress),
        policy_(std::move(policy)) {}

  Status prepare() override {
    const lake::Table bronze = table();
    ARROW_ASSIGN_OR_RAISE(snapshot_, bronze.snapshot());
    ARROW_RETURN_NOT_OK(sources_known(bronze, snapshot_));
    // Another process may have changed the columns meanwhile.
    if (snapshot_.version >= 0) ARROW_RETURN_NOT_OK(lake::has_columns_of(bronze, snapshot_, dataset_));
    // Nobody was faster, and yet the parts' names were taken: another engine has deleted them from the table. No path is
    // used again, so they are named as the unit's next restatement.
    if (snapshot_.version == last_version_) ++deleted_;
    last_version_ = snapshot_.version;
    ARROW_RETURN_NOT_OK(plan());
    ARROW_RETURN_NOT_OK(workers_.each(
        jobs_.size(),
        [&](std::size_t i) {
          Status done = read_unit(lake_, dataset_, jobs_[i], budget_, progress_);
          if (done.ok() || done.IsCancelled() || exit_code(done) == 3) return done;  // a broken file is its own matter
          jobs_[i].refusal = done;
          return Status::OK();
        },
        interrupt()));
    if (policy_.again != nullptr) refuse_others_instead(jobs_);
    return Status::OK();
  }

  Status finish(IngestReport& report) override {
    const lake::Table bronze = table();
    while (!jobs_.empty()) {
      std::vector<lake::PartWriter*> writers;
      for (UnitJob& job : jobs_)
        if (job.refusal.ok()) writers.push_back(job.writer.get());
      ARROW_RETURN_NOT_OK(lake::publish(writers));
      ARROW_RETURN_NOT_OK(landed());
      if (policy_.again == nullptr) ARROW_RETURN_NOT_OK(doubt(bronze, snapshot_, jobs_));
      ARROW_ASSIGN_OR_RAISE(auto instead, replaced_by(bronze, snapshot_, jobs_));
      if (may_overlap()) {
        if (snapshot_.version < 0) { ARROW_ASSIGN_OR_RAISE(snapshot_, bronze.snapshot(0)); }  // made beside landing
        ARROW_RETURN_NOT_OK(refuse_overlaps(bronze, snapshot_, jobs_, instead));
      }
      ARROW_ASSIGN_OR_RAISE(bool committed, commit(bronze, snapshot_, jobs_, instead));
      if (committed) break;
      ARROW_RETURN_NOT_OK(prepare());
    }
    report.files_unchanged += unchanged_;
    report.files_superseded += superseded_;
    settle(jobs_, report);
    return landed();
  }

  /// Units that are one session each share no key that has the session or the time in it.
  bool may_overlap() const override {
    auto apart = [&](const std::string& column) { return column == dataset_.session_column || column == "time"; };
    const bool dated = std::any_of(dataset_.key.begin(), dataset_.key.end(), apart);
    auto many = [](const Landed& file) { return !file.info.session.has_value(); };
    return !dataset_.key.empty() && (!dated || std::any_of(files_.begin(), files_.end(), many));
  }

 private:
  lake::Table table() const { return lake_.table(lake::Layer::bronze, dataset_.table); }
  Status landed() { return landed_.valid() ? landed_.get() : Status::OK(); }

  Status plan() {
    ARROW_ASSIGN_OR_RAISE(auto states, lake::units_by_key(snapshot_));
    jobs_.clear();
    unchanged_ = superseded_ = 0;
    for (const Landed& file : files_) {
      UnitJob job{file};
      if (policy_.again != nullptr) {
        if (place_again(states, job)) jobs_.push_back(std::move(job));
        else ++unchanged_;
        continue;
      }
      switch (place_unit(file, states, files_, job)) {
        case Placing::unchanged: ++unchanged_; break;
        case Placing::superseded: ++superseded_; break;
        case Placing::read:
          job.ordinal += deleted_;
          job.moves = policy_.moves;
          jobs_.push_back(std::move(job));
          break;
      }
    }
    return Status::OK();
  }

  /// False where the unit is not in any more by these bytes: another process was faster.
  bool place_again(const std::map<std::string, lake::UnitState>& states, UnitJob& job) const {
    const std::string key = lake::unit_key(job.landed.info.unit, job.landed.info.form);
    auto found = states.find(key);
    if (found == states.end() || found->second.sha256 != job.landed.info.sha256) return false;
    const lake::UnitState& state = found->second;
    job.ordinal = state.ordinal + 1 + deleted_;
    job.leaving = {key};
    if (auto known = Instant::parse(state.arrival); known.ok()) job.known_from = *known;
    job.released = lines_of_text(state.released);
    if (auto more = policy_.again->released.find(key); more != policy_.again->released.end())
      job.released.insert(more->second.begin(), more->second.end());
    return true;
  }

  /// A row that is let in may take the key of another, which would then be refused: nothing of that.
  void refuse_others_instead(std::vector<UnitJob>& jobs) const {
    for (UnitJob& job : jobs) {
      auto expected = policy_.again->quarantined.find(lake::unit_key(job.landed.info.unit, job.landed.info.form));
      if (!job.refusal.ok() || expected == policy_.again->quarantined.end() ||
          expected->second == job.report.rows_quarantined)
        continue;
      job.refusal = data_error(fmt::format("{}: with these rows let in {} would be refused instead of {}",
                                           job.landed.info.path, job.report.rows_quarantined, expected->second),
                               "a row with the same key is in, and keys stay unique; or the checks have changed since: "
                               "tapemill rebuild judges all of it anew");
    }
  }

  /// Files that only look like restatements are refused: what is in stays.
  Status doubt(const lake::Table& bronze, const lake::Snapshot& snapshot, std::vector<UnitJob>& jobs) {
    auto restates = [](const UnitJob& job) { return job.refusal.ok() && !job.leaving.empty(); };
    if (std::none_of(jobs.begin(), jobs.end(), restates)) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(auto states, lake::units_by_key(snapshot));
    for (UnitJob& job : jobs) {
      if (!restates(job)) continue;
      job.refusal = doubt_restatement(bronze, snapshot, dataset_, states, job, policy_.allow_smaller, budget_);
      if (exit_code(job.refusal) == 3 || job.refusal.IsCancelled()) return job.refusal;
    }
    return Status::OK();
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
    lake::keep_spec(dataset_, transaction.configuration);  // what reads the table goes by it, wherever its file is
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
    if (policy_.again != nullptr)
      transaction.operation = policy_.again->operation, transaction.parameters = policy_.again->note;
    if (!restated.empty())
      transaction.operation = "RESTATE", transaction.parameters.emplace_back("restated", lake::dump(restated));
    transaction.parameters.emplace_back("units", lake::dump(units));
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
  std::shared_future<Status> landed_;
  const Workers& workers_;
  MemoryBudget& budget_;
  Progress& progress_;
  GroupPolicy policy_;
  lake::Snapshot snapshot_;  // that prepare() has seen
  std::vector<UnitJob> jobs_;
  std::int64_t unchanged_ = 0, superseded_ = 0;
  std::int64_t last_version_ = -2, deleted_ = 0;
};

}  // namespace

std::unique_ptr<Group> make_group(const lake::Lake& lake, const Dataset& dataset, std::vector<Landed> files,
                                  std::shared_future<Status> landed, const Workers& workers, MemoryBudget& budget,
                                  Progress& progress, GroupPolicy policy) {
  return std::make_unique<FileGroup>(lake, dataset, std::move(files), std::move(landed), workers, budget, progress,
                                     std::move(policy));
}

Status run_group(const lake::Lake& lake, const Dataset& dataset, std::vector<Landed> files, const Workers& workers,
                 MemoryBudget& budget, Progress& progress, IngestReport& report, GroupPolicy policy) {
  auto group = make_group(lake, dataset, std::move(files), {}, workers, budget, progress, std::move(policy));
  ARROW_RETURN_NOT_OK(group->prepare());
  return group->finish(report);
}

std::string text_of_lines(const std::set<std::int64_t>& lines) {
  std::string text;
  for (auto at = lines.begin(); at != lines.end();) {
    const std::int64_t first = *at;
    std::int64_t last = first;
    for (++at; at != lines.end() && *at == last + 1; ++at) last = *at;
    text += (text.empty() ? "" : ",") + (first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last));
  }
  return text;
}

std::set<std::int64_t> lines_of_text(const std::string& text) {
  std::set<std::int64_t> lines;
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    std::int64_t first = 0;
    auto read = std::from_chars(at, end, first);
    if (read.ec != std::errc{}) return {};
    std::int64_t last = first;
    if (read.ptr < end && *read.ptr == '-') read = std::from_chars(read.ptr + 1, end, last);
    if (read.ec != std::errc{} || last < first || last - first > 100'000'000) return {};
    for (; first <= last; ++first) lines.insert(lines.end(), first);
    at = read.ptr < end ? read.ptr + 1 : end;
  }
  return lines;
}

}  // namespace tapemill::pipeline
