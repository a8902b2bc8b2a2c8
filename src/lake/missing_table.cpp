#include "lake/missing_table.h"

namespace tapemill::lake {

Status missing_table(const Lake& lake, const TableName& name) {
  ARROW_ASSIGN_OR_RAISE(auto tables, lake.tables());
  std::vector<std::string> names;
  std::string all;
  for (const TableName& one : tables) {
    names.push_back(one.layer == Layer::silver ? one.table : one.str());
    all += (all.empty() ? "" : ", ") + names.back();
  }
  const std::string wanted = name.layer == Layer::silver ? name.table : name.str();
  const std::string near = nearest(wanted, names);
  return usage_error(fmt::format("there is no table {} in the lake {}", wanted, lake.root()),
                     all.empty() ? "the lake is empty: tapemill ingest fills it"
                                 : (near.empty() ? "" : "did you mean " + near + "? ") + "tables: " + all);
}

}  // namespace tapemill::lake
