#include "lake/vacuum.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "core/json.h"
#include "core/progress.h"
#include "core/workers.h"
#include "lake/files.h"
#include "lake/log.h"
#include "lake/storage.h"

namespace tapemill::lake {
namespace {

constexpr std::int64_t kUnnamedAge = kDay;  // of files that no commit names: their writer may still be at work

/// "part-00000-" and 32 hexadecimal digits and ".parquet": what writer.cpp makes.
bool is_part_name(std::string_view name) {
  if (name.size() != 51 || !name.starts_with("part-") || name[10] != '-' || !name.ends_with(".parquet")) return false;
  auto hexadecimal = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return std::all_of(name.begin() + 5, name.begin() + 10, [](char c) { return c >= '0' && c <= '9'; }) &&
         std::all_of(name.begin() + 11, name.begin() + 43, hexadecimal);
}
bool is_temporary(std::string_view name) { return name.starts_with(".tapemill-") && name.ends_with(".tmp"); }

struct Promise {
  std::int64_t version = -1, from = -1;
  std::set<std::string> needed;                             // by any version of the promise
  std::map<std::string, Removal> removed;                   // before it, as far as the log still says
};

Result<Promise> promise_of(const Table& table, std::int64_t cutoff_ms) {
  ARROW_ASSIGN_OR_RAISE(LogFiles files, list_log(table.path()));
  ARROW_ASSIGN_OR_RAISE(auto newest, replay(table.path(), {}));
  if (newest->version < 0)
    return usage_error(table.name().str() + " does not exist", "tapemill tables lists those that do");
  Promise promise;
  promise.version = promise.from = newest->version;
  // Backwards to the version that was current when the promise begins; where the log does not go back so far, to its start.
  for (std::int64_t at = newest->version; at > 0; --at) {
    if (!std::binary_search(files.commits.begin(), files.commits.end(), at)) break;
    ARROW_ASSIGN_OR_RAISE(Actions actions, read_commit(table.path(), at));
    if (timestamp_of(actions.info) <= cutoff_ms) break;
    for (const Part& part : actions.adds) promise.needed.insert(part.path);
    for (const Removal& removal : actions.removes) promise.needed.insert(removal.path);  // the version before had it
    promise.from = at - 1;
  }
  auto first = replay(table.path(), promise.from);
  if (!first.ok()) {  // that version cannot be read any more: the oldest that can
    for (++promise.from; promise.from < newest->version; ++promise.from) {
      first = replay(table.path(), promise.from);
      if (first.ok()) break;
    }
    ARROW_ASSIGN_OR_RAISE(first, replay(table.path(), promise.from));
  }
  for (const auto& [path, part] : (*first)->parts) promise.needed.insert(path);
  for (const auto& [path, part] : newest->parts) promise.needed.insert(path);
  promise.removed = (*first)->tombstones;
  return promise;
}

class Sweep {
 public:
  Sweep(const Table& table, const Promise& promise, const VacuumOptions& options, VacuumReport& report)
      : table_(table), promise_(promise), options_(options), report_(report) {}

  /// `folder`: relative to the table, with a slash at its end, or empty.
  Status folder(const std::string& folder) {
    if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
    ARROW_ASSIGN_OR_RAISE(auto entries, storage_of(table_.path()).list(table_.path() + "/" + folder, true));
    bool deleted = false;
    for (const Entry& entry : entries) {
      const std::string path = folder + entry.name;
      if (entry.folder) {
        // Partitions are "column=value"; landing's own files, the log and what others put here are not ours to judge.
        if (entry.name.find('=') != std::string::npos) ARROW_RETURN_NOT_OK(this->folder(path + "/"));
        continue;
      }
      if (entry.other) continue;
      ARROW_ASSIGN_OR_RAISE(bool gone, file(path, entry));
      deleted |= gone;
    }
    return deleted ? sync_folder(table_.path() + "/" + folder) : Status::OK();
  }

 private:
  Result<bool> file(const std::string& path, const Entry& entry) {
    auto removed = promise_.removed.find(path);
    const bool ours = is_part_name(entry.name) || is_temporary(entry.name);
    if (promise_.needed.contains(path) || (!ours && removed == promise_.removed.end())) return count_left(path, entry);
    if (removed == promise_.removed.end() &&
        entry.modified_us > options_.now.us - std::max(options_.retain, kUnnamedAge))
      return count_left(path, entry);
    if (!options_.dry_run) ARROW_RETURN_NOT_OK(storage_of(table_.path()).remove(table_.path() + "/" + path));
    ++report_.files;
    report_.bytes += entry.size;
    return !options_.dry_run;
  }

  bool count_left(const std::string& path, const Entry& entry) {
    if (current_.empty()) {
      auto now = replay(table_.path(), promise_.version);
      if (now.ok())
        for (const auto& [known, part] : (*now)->parts) current_.insert(known);
    }
    if (!current_.contains(path) && path.ends_with(".parquet")) {
      ++report_.files_left;
      report_.bytes_left += entry.size;
    }
    return false;
  }

  const Table& table_;
  const Promise& promise_;
  const VacuumOptions& options_;
  VacuumReport& report_;
  std::set<std::string> current_;
};

}  // namespace

Json VacuumReport::json() const {
  return {{"table", table}, {"version", version},       {"readable_from", kept_from}, {"files", files},
          {"bytes", bytes}, {"files_left", files_left}, {"bytes_left", bytes_left},   {"seconds", seconds}};
}

Result<VacuumReport> vacuum(const Table& table, const VacuumOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  ARROW_ASSIGN_OR_RAISE(Promise promise, promise_of(table, (options.now.us - options.retain) / 1000));
  VacuumReport report;
  report.table = table.name().str();
  report.version = promise.version;
  report.kept_from = promise.from;
  Sweep sweep(table, promise, options, report);
  ARROW_RETURN_NOT_OK(sweep.folder(""));
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace tapemill::lake
