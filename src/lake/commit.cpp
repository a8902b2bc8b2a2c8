// Optimistic commits: judge what came since the version that was read, then put the next number if nobody has it.
#include "lake/commit.h"

#include <arrow/type.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "core/build_info.h"
#include "core/json.h"
#include "lake/evolve.h"
#include "lake/files.h"
#include "lake/log.h"
#include "lake/schema.h"
#include "lake/storage.h"

namespace tapemill::lake {
namespace {

constexpr std::int64_t kCheckpointEvery = 10;
constexpr int kAttempts =
    100'000;  // each one lost means that another writer won: a bound only against a broken file system

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Status conflict(std::string what) {
  auto detail = std::make_shared<ErrorDetail>();
  detail->hint = "read the table again and decide anew";
  return Status(arrow::StatusCode::AlreadyExists, std::move(what), std::move(detail));
}

std::string engine() { return std::string("tapemill/") + version(); }

// Before anything is written: what the caller asks must make sense, whatever others commit.
Status check_request(const Table& table, const Transaction& transaction) {
  std::set<std::string> paths;
  std::vector<std::string> files;
  for (const Part& part : transaction.adds) {
    if (!paths.insert(part.path).second)
      return usage_error(fmt::format("{}: a commit adds {} twice", table.name().str(), part.path));
    files.push_back(table.path() + "/" + part.path);
  }
  ARROW_ASSIGN_OR_RAISE(const auto there, storage_of(table.path()).find_all(files));
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!there[i]) return errno_error("cannot commit " + files[i], ENOENT);
    if (there[i]->size != transaction.adds[i].size)
      return data_error(
          fmt::format("{} has {} bytes, its writer said {}", files[i], there[i]->size, transaction.adds[i].size));
  }
  for (const std::string& path : transaction.removes) {
    if (!paths.insert(path).second)
      return usage_error(fmt::format("{}: a commit adds and removes {}", table.name().str(), path));
  }
  return Status::OK();
}

Status check_writable(const Table& table, const LogState& state, const Transaction& transaction) {
  if (state.protocol.writer > 2) {
    return data_error(fmt::format("{} asks for Delta writer version {}; Tapemill writes version 2", table.name().str(),
                                  state.protocol.writer),
                      "write it with an engine that knows its features");
  }
  auto append_only = state.metadata->configuration.find("delta.appendOnly");
  if (append_only != state.metadata->configuration.end() && append_only->second == "true" &&
      !transaction.removes.empty() && transaction.data_change) {
    return data_error(table.name().str() + " is append-only (delta.appendOnly): rows of it cannot be replaced");
  }
  if (state.metadata->schema.find("\"delta.invariants\"") != std::string::npos) {
    return data_error(table.name().str() + " declares invariants (delta.invariants), which Tapemill does not enforce",
                      "write it with an engine that does");
  }
  return Status::OK();
}

std::set<std::string> touched(const Actions& commit) {
  std::set<std::string> units;
  if (commit.info.is_object()) {
    auto ours = commit.info.find("tapemill");
    if (ours != commit.info.end() && ours->is_object() && ours->contains("touches") && (*ours)["touches"].is_array()) {
      for (const Json& unit : (*ours)["touches"]) {
        if (unit.is_string()) units.insert(unit.get<std::string>());
      }
    }
  }
  for (const Part& part : commit.adds) {  // commits of other engines, or without the list
    auto unit = part.tags.find("unit");
    if (unit != part.tags.end()) units.insert(unit->second);
  }
  return units;
}

Status check_since(const Table& table, const Transaction& transaction, std::int64_t version, const Actions& commit) {
  if (version > 0 && (commit.metadata || commit.protocol)) {
    return conflict(fmt::format("{}: commit {} changed the table's schema or protocol", table.name().str(), version));
  }
  const auto units = touched(commit);
  for (const std::string& unit : transaction.touches) {
    if (unit == "*" && !commit.adds.empty())
      return conflict(fmt::format("{}: commit {} has brought rows meanwhile", table.name().str(), version));
    if (units.contains(unit))
      return conflict(fmt::format("{}: commit {} has written {} meanwhile", table.name().str(), version, unit));
  }
  return Status::OK();
}

// Against the newest state: what we remove must still be there, what we add must be new.
Status check_state(const Table& table, const Transaction& transaction, const LogState& state) {
  if (transaction.txn) {
    auto done = state.txns.find(transaction.txn->first);
    if (done != state.txns.end() && done->second.version >= transaction.txn->second) {
      return conflict(fmt::format("{}: transaction {} {} is in already", table.name().str(), transaction.txn->first,
                                  transaction.txn->second));
    }
  }
  for (const std::string& path : transaction.removes) {
    if (!state.parts.contains(path))
      return conflict(fmt::format("{}: {} is not in the table any more", table.name().str(), path));
  }
  const bool restores = transaction.operation == "RESTORE";  // the very parts that were taken out, not other bytes
  for (const Part& part : transaction.adds) {
    if (state.parts.contains(part.path) || (!restores && state.tombstones.contains(part.path))) {
      return conflict(
          fmt::format("{}: {} is or was in the table; a path is never reused", table.name().str(), part.path));
    }
  }
  return Status::OK();
}

// operationParameters and operationMetrics hold texts only: Spark reads them as maps of strings.
template <class T> Json object_of(const std::vector<std::pair<std::string, T>>& values) {
  Json out = Json::object();
  for (const auto& [key, value] : values) out[key] = value;
  return out;
}

Json info_of(const Transaction& transaction, std::int64_t at, const LogState& state) {
  std::int64_t rows = 0, bytes = 0;
  for (const Part& part : transaction.adds) rows += std::max<std::int64_t>(part.rows, 0), bytes += part.size;
  Json metrics = {{"numFiles", std::to_string(transaction.adds.size())},
                  {"numRemovedFiles", std::to_string(transaction.removes.size())},
                  {"numOutputRows", std::to_string(rows)},
                  {"numOutputBytes", std::to_string(bytes)}};
  Json touches = Json::array();
  for (const std::string& unit : transaction.touches)
    if (unit != "*") touches.push_back(unit);
  return {{"timestamp", at},
          {"operation", transaction.operation},
          {"operationParameters", object_of(transaction.parameters)},
          {"readVersion", transaction.read_version >= 0 ? transaction.read_version : state.version},
          {"isBlindAppend", transaction.removes.empty() && !transaction.txn},
          {"engineInfo", engine()},
          {"operationMetrics", metrics},
          {"tapemill", {{"counts", object_of(transaction.counts)}, {"touches", touches}}}};
}

/// The table's metaData with other columns; its partitions stay, those derived from the session among them.
Result<MetaData> with_columns(MetaData metadata, const arrow::Schema& columns) {
  ARROW_ASSIGN_OR_RAISE(auto before, arrow_schema(metadata.schema));
  auto fields = columns.fields();
  for (const std::string& partition : metadata.partitions)
    if (columns.GetFieldByName(partition) == nullptr) fields.push_back(before->GetFieldByName(partition));
  ARROW_ASSIGN_OR_RAISE(metadata.schema, delta_schema(*arrow::schema(fields)));
  return metadata;
}

/// Whether the columns are those of before and more that may be null; partitions derived from the session need not be named.
bool adds_to(const arrow::Schema& before, const arrow::Schema& after, const std::vector<std::string>& partitions) {
  arrow::FieldVector fields;
  for (const auto& field : before.fields())
    if (after.GetFieldByName(field->name()) != nullptr ||
        std::find(partitions.begin(), partitions.end(), field->name()) == partitions.end())
      fields.push_back(field);
  return only_adds(*arrow::schema(fields), after);
}

Result<std::string> body_of(const Transaction& transaction, std::int64_t at, const LogState& state) {
  std::string body = info_line(info_of(transaction, at, state)) + "\n";
  MetaData metadata = *state.metadata;
  bool other = transaction.schema != nullptr;
  if (other) { ARROW_ASSIGN_OR_RAISE(metadata, with_columns(std::move(metadata), *transaction.schema)); }
  for (const auto& [key, value] : transaction.configuration) {
    other = other || metadata.configuration[key] != value;
    metadata.configuration[key] = value;
  }
  if (other) body += line(metadata) + "\n";
  if (transaction.txn) body += line(transaction.txn->first, Txn{transaction.txn->second, at}) + "\n";
  for (const std::string& path : transaction.removes) {
    const Part& part = *state.parts.at(path);
    body += line(Removal{path, at, part.size, part.partition}, transaction.data_change) + "\n";
  }
  for (Part part : transaction.adds) {
    part.modified_ms = at;
    body += line(part, transaction.data_change) + "\n";
  }
  return body;
}

Result<bool> put(const std::string& table_path, std::int64_t version, const std::string& body) {
  const std::string folder = log_folder(table_path);
  ARROW_ASSIGN_OR_RAISE(PendingFile file, PendingFile::create(folder));
  ARROW_RETURN_NOT_OK(file.write(body));
  ARROW_ASSIGN_OR_RAISE(bool won, file.publish(commit_name(version)));
  if (won) ARROW_RETURN_NOT_OK(sync_folder(folder));
  return won;
}

}  // namespace

bool is_conflict(const Status& status) { return status.IsAlreadyExists(); }

Result<bool> write_first_commit(const std::string& table_path, MetaData metadata) {
  ARROW_RETURN_NOT_OK(make_folders(log_folder(table_path)));
  const std::int64_t at = now_ms();
  metadata.created_ms = at;
  const Json info = {{"timestamp", at},
                     {"operation", "CREATE TABLE"},
                     {"operationParameters", Json::object()},
                     {"isBlindAppend", true},
                     {"engineInfo", engine()}};
  return put(table_path, 0, info_line(info) + "\n" + line(Protocol{}) + "\n" + line(metadata) + "\n");
}

Result<std::int64_t> write_commit(const Table& table, const Transaction& transaction) {
  ARROW_RETURN_NOT_OK(check_request(table, transaction));
  std::int64_t judged = transaction.read_version;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ARROW_ASSIGN_OR_RAISE(auto state, replay(table.path(), {}));
    if (state->version < 0) return usage_error(table.name().str() + " does not exist yet: create it first");
    if (judged > state->version) return usage_error(fmt::format("{} has no version {}", table.name().str(), judged));
    ARROW_RETURN_NOT_OK(check_writable(table, *state, transaction));
    for (; judged < state->version; ++judged) {
      ARROW_ASSIGN_OR_RAISE(Actions commit, read_commit(table.path(), judged + 1));
      ARROW_RETURN_NOT_OK(check_since(table, transaction, judged + 1, commit));
    }
    ARROW_RETURN_NOT_OK(check_state(table, transaction, *state));
    const std::int64_t next = state->version + 1;
    const std::int64_t at = std::max(now_ms(), state->timestamp_ms + 1);  // never back, whatever the clock does
    bool fits = transaction.schema == nullptr || transaction.removes.size() == state->parts.size();
    if (!fits) {
      ARROW_ASSIGN_OR_RAISE(auto before, arrow_schema(state->metadata->schema));
      fits = adds_to(*before, *transaction.schema, state->metadata->partitions);
    }
    if (!fits) {
      if (state->version > transaction.read_version)
        return conflict(table.name().str() + ": other commits came in while it was rebuilt whole");
      return usage_error(table.name().str() +
                         ": only a commit that replaces every part may change the columns otherwise than by adding "
                         "some that may be null");
    }
    ARROW_ASSIGN_OR_RAISE(const std::string body, body_of(transaction, at, *state));
    ARROW_ASSIGN_OR_RAISE(bool won, put(table.path(), next, body));
    if (!won) continue;
    if (next % kCheckpointEvery == 0) {
      // The commit is in, whatever becomes of its checkpoint: without one, readers replay a few commits more.
      auto after = replay(table.path(), next);
      if (after.ok()) ARROW_UNUSED(write_checkpoint(table.path(), **after));
    }
    return next;
  }
  return environment_error(fmt::format("{}: no commit number was free in {} attempts", table.name().str(), kAttempts));
}

}  // namespace tapemill::lake
