#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lake/actions.h"

namespace tapemill::lake {

/// What the log says at a version: the actions of commits 0..version, reconciled (PROTOCOL.md, "Action Reconciliation").
struct LogState {
  std::int64_t version = -1, timestamp_ms = 0;
  Protocol protocol;
  std::optional<MetaData> metadata;
  std::map<std::string, std::shared_ptr<const Part>> parts;  // by path; shared between states
  std::map<std::string, Removal> tombstones;                 // by path
  std::map<std::string, Txn> txns;
  void apply(Actions&& actions, std::int64_t at_version);
};

struct LogFiles {
  std::vector<std::int64_t> commits, checkpoints;  // ascending
};

std::string log_folder(const std::string& table_path);
std::string commit_name(std::int64_t version);      // 00000000000000000007.json
std::string checkpoint_name(std::int64_t version);  // 00000000000000000010.checkpoint.parquet

Result<LogFiles> list_log(const std::string& table_path);
Result<Actions> read_commit(const std::string& table_path, std::int64_t version);
/// The state at `version` (the newest when not given) from the nearest checkpoint below and the commits after it. The newest
/// state of each table is kept in memory (commits never change), so that following a log costs what is new in it. Version
/// -1: no table. Errors: data error naming the versions there are, or the commit that is missing.
Result<std::shared_ptr<const LogState>> replay(const std::string& table_path, std::optional<std::int64_t> version);
/// This process has read the table's log, and the commit it read last is still there: one stat.
bool is_followed(const std::string& table_path);
/// Milliseconds of commitInfo, or 0.
std::int64_t timestamp_of(const Json& info);

/// A V1 checkpoint in one file, and _last_checkpoint. Tombstones older than a week before the state's time are left out.
Status write_checkpoint(const std::string& table_path, const LogState& state);
Result<LogState> read_checkpoint(const std::string& table_path, std::int64_t version);

}  // namespace tapemill::lake
