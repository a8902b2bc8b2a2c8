#include "pipeline/rewritten.h"

#include <algorithm>

#include "core/text.h"
#include "lake/log.h"
#include "lake/tags.h"
#include "pipeline/ingest.h"

namespace tapemill::pipeline {
namespace {

/// "in version 7 (OPTIMIZE by delta-rs.py-1.2.1)": the commit that brought a part, as far as the log still has it.
std::string commit_of(const lake::Table& table, const lake::Part& part, std::int64_t newest) {
  for (std::int64_t version = newest; version > 0; --version) {
    auto commit = lake::read_commit(table.path(), version);
    if (!commit.ok()) break;
    auto same = [&](const lake::Part& one) { return one.path == part.path; };
    if (std::none_of(commit->adds.begin(), commit->adds.end(), same)) continue;
    auto said = [&](const char* key) {
      auto found = commit->info.is_object() ? commit->info.find(key) : commit->info.end();
      return found != commit->info.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const std::string engine = said("engineInfo").empty() ? said("clientVersion") : said("engineInfo");
    return fmt::format("in version {} ({}{})", version, said("operation"), engine.empty() ? "" : " by " + engine);
  }
  return fmt::format("at or before version {}", newest);
}

}  // namespace

Status sources_known(const lake::Table& table, const lake::Snapshot& snapshot) {
  const lake::Part* newest = nullptr;
  std::int64_t files = 0, rows = 0;
  for (const lake::Part& part : snapshot.parts) {
    if (part.rows == 0 || !lake::tag(part, "unit").empty() || !lake::tag(part, "units").empty()) continue;
    ++files, rows += std::max<std::int64_t>(part.rows, 0);
    if (newest == nullptr || part.modified_ms > newest->modified_ms) newest = &part;
  }
  if (newest == nullptr) return Status::OK();
  return data_error(
      fmt::format("another program rewrote {} {}: {} {} with {} {} no longer say which source files they came from",
                  table.name().str(), commit_of(table, *newest, snapshot.version), files, plural(files, "part"), rows,
                  plural(rows, "row")),
      fmt::format("so what is in cannot be told from what is new: let that program restore the version before, or "
                  "delete the folder {} and ingest the files again (landing keeps them)",
                  table.path()));
}

Status provenance_known(const lake::Lake& lake, const std::string& dataset) {
  for (const std::string& name : {dataset, quarantine_table(dataset)}) {
    lake::Table table = lake.table(lake::Layer::bronze, name);
    if (!table.exists()) continue;
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, table.snapshot());
    ARROW_RETURN_NOT_OK(sources_known(table, snapshot));
  }
  return Status::OK();
}

}  // namespace tapemill::pipeline
