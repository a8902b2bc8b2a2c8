#include "lake/restore.h"

#include <arrow/type.h>

#include <set>

#include "core/json.h"
#include "core/progress.h"
#include "core/workers.h"
#include "lake/files.h"
#include "lake/retire.h"
#include "lake/tags.h"

namespace tapemill::lake {
namespace {

/// The folders that ARCHIVE commits after `version` copied parts to, the newest first.
Result<std::vector<std::string>> archives_since(const Table& table, std::int64_t version) {
  std::vector<std::string> folders;
  ARROW_ASSIGN_OR_RAISE(auto commits, table.history());
  for (const Commit& commit : commits) {
    if (commit.version <= version || commit.operation != "ARCHIVE") continue;
    const auto parameters = commit.info->find("operationParameters");
    if (parameters == commit.info->end() || !parameters->is_object()) continue;
    if (auto to = parameters->find("archive"); to != parameters->end() && to->is_string())
      folders.push_back(to->get<std::string>());
  }
  return folders;
}

/// True where the part had to be fetched.
Result<bool> bring_back(const Table& table, const Part& part, const std::vector<std::string>& archives) {
  const std::string path = table.path() + "/" + part.path;
  if (file_exists(path)) return false;
  for (const std::string& folder : archives)
    if (file_exists(folder + "/" + part.path)) return copy_verified(folder + "/" + part.path, path);
  return data_error(path + " is no longer there: vacuum has deleted it",
                    archives.empty()
                        ? "nothing was changed; a younger version may have all of its parts"
                        : fmt::format("nothing was changed; it was looked for in {} too", archives.front()));
}

}  // namespace

Json RestoreReport::json() const {
  return {{"table", table},
          {"restored", restored},
          {"version", version},
          {"files_added", files_added},
          {"files_removed", files_removed},
          {"copied", copied},
          {"rows_before", rows_before},
          {"rows_after", rows_after}};
}

Result<RestoreReport> restore(const Table& table, std::int64_t version, bool dry_run) {
  ARROW_ASSIGN_OR_RAISE(const Snapshot then, table.snapshot(version));
  ARROW_ASSIGN_OR_RAISE(const auto archives, archives_since(table, version));
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(Snapshot now, table.snapshot());
    if (!now.schema->Equals(*then.schema) || now.partitions != then.partitions)
      return usage_error(fmt::format("{} has other columns since version {}", table.name().str(), version),
                         "its rows can be read with --version; they do not fit the table as it is");
    RestoreReport report{table.name().str(), version, now.version, 0, 0, 0, now.rows(), then.rows()};
    std::set<std::string> before, after;
    for (const Part& part : now.parts) before.insert(part.path);
    for (const Part& part : then.parts) after.insert(part.path);
    Transaction transaction;
    transaction.read_version = now.version;
    transaction.operation = "RESTORE";
    transaction.parameters = {{"version", std::to_string(version)}};
    transaction.touches = {"*"};
    transaction.configuration = {{kRestored, std::to_string(now.version)}};
    for (const Part& part : then.parts)
      if (!before.contains(part.path)) transaction.adds.push_back(part);
    for (const Part& part : now.parts)
      if (!after.contains(part.path)) transaction.removes.push_back(part.path);
    report.files_added = static_cast<std::int64_t>(transaction.adds.size());
    report.files_removed = static_cast<std::int64_t>(transaction.removes.size());
    if (dry_run || (transaction.adds.empty() && transaction.removes.empty())) return report;
    Progress progress("restore " + report.table, report.files_added, "files");
    for (const Part& part : transaction.adds) {
      if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
      ARROW_ASSIGN_OR_RAISE(bool fetched, bring_back(table, part, archives));
      report.copied += fetched;
      progress.add(1);
    }
    transaction.counts = {{"rows_before", report.rows_before}, {"rows_after", report.rows_after}};
    auto committed = table.commit(transaction);
    if (committed.ok()) {
      report.version = *committed;
      return report;
    }
    if (!is_conflict(committed.status())) return committed.status();
    ARROW_ASSIGN_OR_RAISE(const std::int64_t newest, table.version());
    if (newest == now.version) return committed.status();  // nobody was faster: it would be so again
  }
}

}  // namespace tapemill::lake
