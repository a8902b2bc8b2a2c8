#include "lake/find_table.h"

#include <arrow/type.h>

#include <algorithm>

#include "lake/missing_table.h"
#include "lake/open_times.h"

namespace tapemill::lake {

Result<FoundTable> find_table(const Lake& lake, const TableName& name, std::optional<std::int64_t> version) {
  for (Layer layer : {name.layer, Layer::bronze}) {
    Table table = lake.table(layer, name.table);
    if (table.exists()) {
      ARROW_ASSIGN_OR_RAISE(auto view, read_view(table, version));
      return FoundTable{std::move(table), std::move(view)};
    }
    if (name.layer != Layer::silver) break;
  }
  return missing_table(lake, name);
}

Result<std::vector<std::string>> columns_of(const ScanRequest& request, const Snapshot& snapshot) {
  std::vector<std::string> columns;
  if (request.columns.empty()) {
    for (const auto& field : snapshot.schema->fields()) {
      if (!snapshot.derived(field->name())) columns.push_back(field->name());
    }
    return columns;
  }
  for (const std::string& column : request.columns) {
    if (snapshot.schema->GetFieldByName(column) == nullptr) {
      const auto names = snapshot.schema->field_names();
      const std::string near = nearest(column, names);
      std::string all;
      for (const auto& one : names) all += (all.empty() ? "" : ", ") + one;
      return usage_error(fmt::format("{} has no column \"{}\"", request.table.str(), column),
                         (near.empty() ? "" : "did you mean \"" + near + "\"? ") + ("columns: " + all));
    }
    if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
  }
  return columns;
}

Result<RowFilter> filter_of(const Lake& lake, const ScanRequest& request, const ReadView& view) {
  ARROW_ASSIGN_OR_RAISE(RowFilter filter, RowFilter::make(request, view.snapshot()));
  ARROW_ASSIGN_OR_RAISE(auto times, open_times_of(lake, request, view));
  filter.within(std::move(times));
  return filter;
}

std::vector<const Part*> parts_wanted(const ReadView& view, const RowFilter& filter) {
  const Snapshot& snapshot = view.snapshot();
  std::vector<const Part*> parts;
  for (std::size_t i = 0; i < snapshot.parts.size(); ++i) {
    if (snapshot.parts[i].rows != 0 && (filter.empty() || filter.may_match(*view.bounds()[i])))
      parts.push_back(&snapshot.parts[i]);
  }
  return parts;
}

Status no_memory(const Status& status, const TableName& table) {
  return environment_error(fmt::format("reading {}: {}", table.str(), status.message()),
                           "give more with --memory, or ask for fewer columns, symbols or sessions");
}

}  // namespace tapemill::lake
