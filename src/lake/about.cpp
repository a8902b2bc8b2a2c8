#include "lake/about.h"

#include <algorithm>

#include "core/json.h"
#include "lake/storage.h"
#include "lake/units.h"

namespace tapemill::lake {
namespace {

/// The spec that the lake keeps of bronze.`name`; empty where it keeps none.
std::string kept_spec(const Lake& lake, const std::string& name) {
  auto plain = TableName::parse("bronze." + name);
  if (!plain.ok() || !lake.table(*plain).exists()) return {};
  auto snapshot = lake.table(*plain).snapshot();
  if (!snapshot.ok()) return {};
  auto kept = snapshot->configuration.find(kSpec);
  return kept == snapshot->configuration.end() ? std::string() : kept->second;
}

}  // namespace

Result<Dataset> dataset_of(const Lake& lake, const std::string& table) {
  if (std::string spec = kept_spec(lake, table); !spec.empty())
    return parse_dataset(std::move(spec), fmt::format("the spec kept in {}/bronze/{}", lake.root(), table));
  return load_dataset(table);
}

Result<Dataset> declared_dataset(const Lake& lake, const std::string& name_or_path) {
  const auto files = dataset_names();
  if (name_or_path.ends_with(".yaml") || std::find(files.begin(), files.end(), name_or_path) != files.end())
    return load_dataset(name_or_path);
  return dataset_of(lake, name_or_path);
}

std::vector<Dataset> datasets_in(const Lake& lake) {
  std::vector<Dataset> all;
  auto tables = lake.tables();
  if (!tables.ok()) return all;
  for (const TableName& name : *tables) {
    if (name.layer != Layer::bronze) continue;
    if (auto dataset = dataset_of(lake, name.table); dataset.ok()) all.push_back(*std::move(dataset));
  }
  std::sort(all.begin(), all.end(), [](const Dataset& a, const Dataset& b) { return a.table < b.table; });
  return all;
}

std::optional<std::pair<Date, Date>> sessions_of(const Snapshot& snapshot, const std::string& column) {
  std::optional<std::pair<Date, Date>> range;
  for (const Part& part : snapshot.parts) {
    const Json stats = Json::parse(part.stats, nullptr, false);
    auto bound = [&](const char* which) -> std::optional<Date> {
      if (!stats.contains(which) || !stats[which].contains(column) || !stats[which][column].is_string()) return {};
      auto date = Date::parse(stats[which][column].get<std::string>());
      return date.ok() ? std::optional(*date) : std::nullopt;
    };
    const auto least = bound("minValues"), most = bound("maxValues");
    if (!least || !most) continue;
    if (!range) range.emplace(*least, *most);
    range->first = std::min(range->first, *least);
    range->second = std::max(range->second, *most);
  }
  return range;
}

std::string damage_of(const Table& table) {
  auto snapshot = table.snapshot();
  if (!snapshot.ok()) return snapshot.status().message();
  // Landing's commits are all of one name and many files: what arrives takes nothing out.
  if (table.name().layer != Layer::landing)
    if (auto known = units(*snapshot); !known.ok()) return known.status().message();
  std::vector<std::string> paths;
  for (const Part& part : snapshot->parts) paths.push_back(table.path() + "/" + part.path);
  auto found = storage_of(table.path()).find_all(paths);
  if (!found.ok()) return found.status().message();
  std::int64_t missing = 0, resized = 0;
  std::string first;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto& there = (*found)[i];
    if (there && there->size == snapshot->parts[i].size) continue;
    ++(there ? resized : missing);
    if (first.empty()) first = snapshot->parts[i].path;
  }
  std::string text;
  auto say = [&](std::int64_t n, const char* what) {
    if (n > 0) text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", n, n == 1 ? "part" : "parts", what);
  };
  say(missing, "missing");
  say(resized, "of another size");
  return text.empty() ? text : fmt::format("{} ({})", text, first);
}

Result<std::vector<std::pair<TableName, std::string>>> damaged_tables(const Lake& lake) {
  ARROW_ASSIGN_OR_RAISE(auto names, lake.tables());
  std::vector<std::pair<TableName, std::string>> damaged;
  for (const TableName& name : names) {
    if (name.layer == Layer::silver && lake.silver_is_view(name.table)) continue;
    if (std::string damage = damage_of(lake.table(name)); !damage.empty()) damaged.emplace_back(name, damage);
  }
  return damaged;
}

}  // namespace tapemill::lake
