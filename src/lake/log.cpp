#include "lake/log.h"

#include <algorithm>
#include <mutex>

#include "core/json.h"
#include "lake/files.h"
#include "lake/storage.h"

namespace tapemill::lake {
namespace {

// "00000000000000000010" + suffix -> 10; -1 for any other name.
std::int64_t version_in(const std::string& name, std::string_view suffix) {
  if (name.size() != 20 + suffix.size() || !name.ends_with(suffix)) return -1;
  std::int64_t version = 0;
  for (char c : name.substr(0, 20)) {
    if (c < '0' || c > '9' || version > INT64_MAX / 10 - 9) return -1;
    version = version * 10 + (c - '0');
  }
  return version;
}

Status no_such_version(const std::string& table_path, std::int64_t version, const LogFiles& files) {
  if (files.commits.empty()) return usage_error(fmt::format("{} holds no table", table_path));
  return usage_error(fmt::format("{} has no version {}", table_path, version),
                     fmt::format("versions {} to {} are there", files.commits.front(), files.commits.back()));
}

// The newest state of the tables this process follows. An entry counts only while the commit it ends with is the very file
// it was read from: a folder that was deleted and made anew is read anew.
struct Followed {
  FileId id;
  std::shared_ptr<const LogState> state;
};
std::mutex followed_mutex;
std::map<std::string, Followed> followed;  // by table path
constexpr std::size_t kFollowedMost = 256;

std::optional<Followed> identify(const std::string& table_path, std::int64_t version) {
  auto id = storage_of(table_path).find(log_folder(table_path) + "/" + commit_name(version));
  if (!id.ok() || !*id) return std::nullopt;
  return Followed{**std::move(id), nullptr};
}

std::shared_ptr<const LogState> recall(const std::string& table_path, std::int64_t wanted) {
  std::lock_guard lock(followed_mutex);
  auto it = followed.find(table_path);
  if (it == followed.end() || it->second.state->version > wanted) return nullptr;
  auto now = identify(table_path, it->second.state->version);
  if (!now || now->id != it->second.id) {
    followed.erase(it);
    return nullptr;
  }
  return it->second.state;
}

void remember(const std::string& table_path, std::shared_ptr<const LogState> state) {
  auto now = identify(table_path, state->version);
  if (!now) return;
  now->state = std::move(state);
  std::lock_guard lock(followed_mutex);
  if (followed.size() >= kFollowedMost) followed.clear();
  followed[table_path] = *std::move(now);
}

Result<LogState> from_checkpoint(const std::string& table_path, const LogFiles& files, std::int64_t wanted) {
  auto above = std::upper_bound(files.checkpoints.begin(), files.checkpoints.end(), wanted);
  if (above == files.checkpoints.begin()) return LogState{};
  auto checkpoint = read_checkpoint(table_path, *(above - 1));
  // A checkpoint only saves time: where the commits below it are all there, a broken one does no harm.
  if (!checkpoint.ok() && !files.commits.empty() && files.commits.front() == 0) return LogState{};
  return checkpoint;
}

}  // namespace

void LogState::apply(Actions&& actions, std::int64_t at_version) {
  version = at_version;
  if (actions.protocol) protocol = *actions.protocol;
  if (actions.metadata) metadata = std::move(actions.metadata);
  for (auto& [application, txn] : actions.txns) txns[application] = txn;
  for (Removal& removal : actions.removes) {
    parts.erase(removal.path);
    std::string path = removal.path;
    tombstones[std::move(path)] = std::move(removal);
  }
  for (Part& part : actions.adds) {
    tombstones.erase(part.path);
    std::string path = part.path;
    parts[std::move(path)] = std::make_shared<const Part>(std::move(part));
  }
  if (std::int64_t at = timestamp_of(actions.info); at != 0) timestamp_ms = at;
}

std::string log_folder(const std::string& table_path) { return table_path + "/_delta_log"; }
std::string commit_name(std::int64_t version) { return fmt::format("{:020}.json", version); }
std::string checkpoint_name(std::int64_t version) { return fmt::format("{:020}.checkpoint.parquet", version); }

std::int64_t timestamp_of(const Json& info) {
  if (!info.is_object()) return 0;
  auto it = info.find("timestamp");
  return it != info.end() && it->is_number_integer() ? it->get<std::int64_t>() : 0;
}

Result<LogFiles> list_log(const std::string& table_path) {
  LogFiles files;
  ARROW_ASSIGN_OR_RAISE(auto names, list_folder(log_folder(table_path)));
  for (const std::string& name : names) {
    if (std::int64_t version = version_in(name, ".json"); version >= 0) files.commits.push_back(version);
    if (std::int64_t version = version_in(name, ".checkpoint.parquet"); version >= 0)
      files.checkpoints.push_back(version);
  }
  return files;
}

Result<Actions> read_commit(const std::string& table_path, std::int64_t version) {
  const std::string file = log_folder(table_path) + "/" + commit_name(version);
  ARROW_ASSIGN_OR_RAISE(std::string text, read_whole(file));
  return parse_actions(text, file);
}

bool is_followed(const std::string& table_path) { return recall(table_path, INT64_MAX) != nullptr; }

Result<std::shared_ptr<const LogState>> replay(const std::string& table_path, std::optional<std::int64_t> version) {
  // Versions follow each other without a gap: where the next commit is not there, the one followed is the newest.
  if (auto known = recall(table_path, version.value_or(INT64_MAX)); known != nullptr) {
    if (known->version == version || (!version && !identify(table_path, known->version + 1))) return known;
  }
  ARROW_ASSIGN_OR_RAISE(LogFiles files, list_log(table_path));
  if (files.commits.empty() && files.checkpoints.empty() && !version) return std::make_shared<const LogState>();
  std::int64_t newest = files.commits.empty() ? -1 : files.commits.back();
  if (!files.checkpoints.empty()) newest = std::max(newest, files.checkpoints.back());
  const std::int64_t wanted = version.value_or(newest);
  if (wanted < 0 || wanted > newest) return no_such_version(table_path, wanted, files);

  auto known = recall(table_path, wanted);
  if (known != nullptr && known->version == wanted) return known;
  LogState state;
  if (known != nullptr) state = *known;
  if (known == nullptr) { ARROW_ASSIGN_OR_RAISE(state, from_checkpoint(table_path, files, wanted)); }
  for (std::int64_t next = state.version + 1; next <= wanted; ++next) {
    if (!std::binary_search(files.commits.begin(), files.commits.end(), next)) {
      if (next == 0 || next < files.commits.front()) return no_such_version(table_path, wanted, files);
      return data_error(fmt::format("{}: commit {} is missing from the log", table_path, next),
                        "restore _delta_log from a backup; older versions can still be read with --version");
    }
    ARROW_ASSIGN_OR_RAISE(Actions actions, read_commit(table_path, next));
    state.apply(std::move(actions), next);
  }
  if (state.timestamp_ms == 0 && std::binary_search(files.commits.begin(), files.commits.end(), wanted)) {
    ARROW_ASSIGN_OR_RAISE(Actions actions, read_commit(table_path, wanted));  // a checkpoint does not say when
    state.timestamp_ms = timestamp_of(actions.info);
  }
  if (!state.metadata)
    return data_error(fmt::format("{}: the log has no metaData", table_path), "restore _delta_log from a backup");
  auto result = std::make_shared<const LogState>(std::move(state));
  if (wanted == newest) remember(table_path, result);
  return result;
}

}  // namespace tapemill::lake
