#include "pipeline/maintain.h"

#include <arrow/type.h>

#include <charconv>

#include "lake/about.h"
#include "lake/compact.h"

namespace tapemill::pipeline {
namespace {

bool same_columns(const arrow::Schema& a, const arrow::Schema& b) {
  if (a.num_fields() != b.num_fields()) return false;
  for (const auto& field : a.fields()) {
    auto other = b.GetFieldByName(field->name());
    if (other == nullptr || !other->type()->Equals(field->type())) return false;
  }
  return true;
}

}  // namespace

Result<std::vector<lake::Table>> tables_of(const lake::Lake& lake, const std::vector<std::string>& names) {
  ARROW_ASSIGN_OR_RAISE(auto all, lake.tables());
  std::vector<lake::Table> out;
  std::vector<std::string> known;
  for (const lake::TableName& name : all) {
    known.push_back(name.layer == lake::Layer::silver ? name.table : name.str());
    if (names.empty() && lake.table(name).exists()) out.push_back(lake.table(name));
  }
  for (const std::string& text : names) {
    ARROW_ASSIGN_OR_RAISE(lake::TableName name, lake::TableName::parse(text));
    if (name.layer == lake::Layer::silver && lake.silver_is_view(name.table)) name.layer = lake::Layer::bronze;
    if (!lake.table(name).exists()) {
      const std::string near = nearest(text, known);
      return data_error(fmt::format("there is no table {} in the lake {}", text, lake.root()),
                        near.empty() ? "tapemill tables lists those that are" : "did you mean " + near + "?");
    }
    out.push_back(lake.table(name));
  }
  return out;
}

Result<lake::Layout> layout_for(const lake::Lake& lake, const lake::Table& table, const lake::Snapshot& snapshot) {
  lake::Layout logged = lake::layout_of(snapshot);
  if (table.name().layer == lake::Layer::landing && logged.sort.empty()) logged.sort = {"unit", "form", "file"};
  if (table.name().table.ends_with("_quarantine") && logged.sort.empty())
    logged.sort = {"unit", "form", "file", "line"};
  std::erase_if(logged.sort, [&](const std::string& column) { return logged.schema->GetFieldIndex(column) < 0; });
  auto name = snapshot.configuration.find(lake::kDataset);
  if (name == snapshot.configuration.end()) return logged;
  auto dataset = lake::dataset_of(lake, name->second);
  if (!dataset.ok()) return logged;
  lake::Layout declared = lake::layout_of(*dataset);
  if (!same_columns(*declared.schema, *logged.schema) || declared.partitions != logged.partitions) return logged;
  declared.schema = logged.schema;  // the same columns, in the table's order
  if (!snapshot.list(lake::kSort).empty()) declared.sort = logged.sort;  // readers go by the log's
  return declared;
}

Result<std::int64_t> parse_duration(const std::string& text) {
  std::int64_t count = 0;
  auto read = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string unit(read.ptr, text.data() + text.size());
  for (const auto& [name, length] :
       {std::pair{"s", kSecond}, {"m", kMinute}, {"h", kHour}, {"d", kDay}, {"y", 365 * kDay}})
    if (read.ec == std::errc{} && count >= 0 && count < 100'000 && unit == name) return count * length;
  return usage_error(fmt::format("\"{}\" is no length of time", text), "a number and s, m, h, d or y: 7d, 12h, 5y");
}

}  // namespace tapemill::pipeline
