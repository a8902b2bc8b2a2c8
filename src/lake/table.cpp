#include <arrow/type.h>

#include <algorithm>

#include "core/hash.h"
#include "core/json.h"
#include "lake/commit.h"
#include "lake/evolve.h"
#include "lake/files.h"
#include "lake/log.h"
#include "lake/read_view.h"
#include "lake/rhythm.h"
#include "lake/schema.h"

namespace tapemill::lake {
namespace {

std::string join(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ",") + item;
  return out;
}

std::shared_ptr<arrow::DataType> derived_type(const std::string& column) {
  if (column == "year" || column == "month" || column == "day") return arrow::int32();
  if (column == "date") return arrow::date32();
  return nullptr;
}

// A UUID-shaped id that is the same for the same table, wherever and whenever it is made.
std::string table_id(const TableName& name) {
  const std::string hash = sha256("tapemill table " + name.str());
  return fmt::format("{}-{}-{}-{}-{}", hash.substr(0, 8), hash.substr(8, 4), hash.substr(12, 4), hash.substr(16, 4),
                     hash.substr(20, 12));
}

Status same_shape(const TableName& name, const arrow::Schema& there, const arrow::Schema& wanted,
                  const std::vector<std::string>& partitions, const std::vector<std::string>& wanted_partitions) {
  const char* hint = "the table was made with another spec: give the data set another name, or rebuild the table";
  for (const auto& field : wanted.fields()) {
    auto other = there.GetFieldByName(field->name());
    if (other == nullptr)
      return data_error(fmt::format("{} has no column \"{}\", the spec has", name.str(), field->name()), hint);
    if (!other->type()->Equals(field->type())) {
      return data_error(fmt::format("{}: column \"{}\" is {} in the table and {} in the spec", name.str(),
                                    field->name(), delta_type(*other->type()), delta_type(*field->type())),
                        hint);
    }
  }
  for (const auto& field : there.fields()) {
    if (wanted.GetFieldByName(field->name()) == nullptr) {
      return data_error(fmt::format("{} has the column \"{}\", the spec has not", name.str(), field->name()), hint);
    }
  }
  if (partitions != wanted_partitions) {
    return data_error(
        fmt::format("{} is partitioned by {}, the spec says {}", name.str(), join(partitions), join(wanted_partitions)),
        hint);
  }
  return Status::OK();
}

}  // namespace

bool Table::exists() const {
  if (is_followed(path_)) return true;
  auto files = list_log(path_);
  if (!files.ok()) return true;  // who reads it is told why it cannot be read
  return !files->commits.empty() || !files->checkpoints.empty();
}

Result<std::int64_t> Table::version() const {
  ARROW_ASSIGN_OR_RAISE(LogFiles files, list_log(path_));
  std::int64_t newest = files.commits.empty() ? -1 : files.commits.back();
  return files.checkpoints.empty() ? newest : std::max(newest, files.checkpoints.back());
}

Result<Snapshot> Table::snapshot(std::optional<std::int64_t> version) const {
  ARROW_ASSIGN_OR_RAISE(auto state, replay(path_, version));
  return snapshot_of(*state, path_);
}

Result<std::vector<Commit>> Table::history() const {
  ARROW_ASSIGN_OR_RAISE(LogFiles files, list_log(path_));
  std::vector<Commit> commits;
  for (auto version = files.commits.rbegin(); version != files.commits.rend(); ++version) {
    ARROW_ASSIGN_OR_RAISE(Actions actions, read_commit(path_, *version));
    Commit commit{*version, timestamp_of(actions.info), {}, nullptr};
    if (actions.info.is_object() && actions.info.contains("operation") && actions.info["operation"].is_string()) {
      commit.operation = actions.info["operation"];
    }
    if (!actions.info.is_object()) actions.info = Json::object();
    commit.info = std::make_shared<const Json>(std::move(actions.info));
    commits.push_back(std::move(commit));
  }
  return commits;
}

Status Table::create(const Dataset& dataset) const {
  std::map<std::string, std::string> configuration{{kSort, join(dataset.sort)},
                                                   {kKey, join(dataset.key)},
                                                   {kSession, dataset.session_column},
                                                   {kDataset, dataset.table}};
  if (name_.layer == Layer::bronze) keep_spec(dataset, configuration);
  configuration[kSchemaVersion] = dataset.schema_version;
  return create(described(dataset), dataset.partitions, configuration);
}

Status Table::create(const std::shared_ptr<arrow::Schema>& schema, const std::vector<std::string>& partitions,
                     const std::map<std::string, std::string>& configuration) const {
  auto fields = schema->fields();
  std::vector<std::string> derived;
  for (const std::string& column : partitions) {
    if (schema->GetFieldByName(column) != nullptr) continue;
    auto type = derived_type(column);
    if (type == nullptr) {
      return usage_error(fmt::format("{}: partition \"{}\" is no column", name_.str(), column),
                         "partitions are columns, or year, month, day, date of the session");
    }
    fields.push_back(arrow::field(column, type));
    derived.push_back(column);
  }
  const auto whole = arrow::schema(fields);
  for (int attempt = 0; attempt < 2; ++attempt) {
    ARROW_ASSIGN_OR_RAISE(Snapshot now, snapshot());
    if (now.version >= 0) return same_shape(name_, *now.schema, *whole, now.partitions, partitions);
    MetaData metadata;
    metadata.id = table_id(name_);
    metadata.name = name_.str();
    ARROW_ASSIGN_OR_RAISE(metadata.schema, delta_schema(*whole));
    metadata.partitions = partitions;
    for (const auto& [key, value] : configuration) {
      if (!value.empty()) metadata.configuration[key] = value;
    }
    if (!derived.empty()) metadata.configuration[kDerived] = join(derived);
    ARROW_ASSIGN_OR_RAISE(bool made, write_first_commit(path_, std::move(metadata)));
    if (made) return Status::OK();  // else another process was first: compare with what it made
  }
  return Status::OK();
}

Result<std::int64_t> Table::commit(const Transaction& transaction) const { return write_commit(*this, transaction); }

std::vector<std::string> Snapshot::list(const std::string& key) const {
  std::vector<std::string> out;
  auto it = configuration.find(key);
  std::string_view rest = it == configuration.end() ? std::string_view{} : std::string_view(it->second);
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    out.emplace_back(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return out;
}

bool Snapshot::derived(const std::string& column) const {
  auto columns = list(kDerived);
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

std::int64_t Snapshot::rows() const {
  std::int64_t sum = 0;
  for (const Part& part : parts) sum += part.rows;
  return sum;
}

std::int64_t Snapshot::bytes() const {
  std::int64_t sum = 0;
  for (const Part& part : parts) sum += part.size;
  return sum;
}

}  // namespace tapemill::lake
