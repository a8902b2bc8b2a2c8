#include <arrow/api.h>

#include "lake/filter.h"
#include "lake/part_reader.h"
#include "lake/scan.h"

namespace tapemill::lake {

Result<std::shared_ptr<arrow::Table>> read_parts(const Table& table, const Snapshot& snapshot,
                                                 const std::vector<Part>& parts, arrow::MemoryPool* pool) {
  ScanRequest everything;
  everything.table = table.name();
  ARROW_ASSIGN_OR_RAISE(RowFilter filter, RowFilter::make(everything, snapshot));
  std::vector<std::string> columns;
  arrow::FieldVector fields;
  for (const auto& field : snapshot.schema->fields()) {
    if (snapshot.derived(field->name())) continue;
    columns.push_back(field->name());
    fields.push_back(field);
  }
  std::vector<std::shared_ptr<arrow::Table>> tables;
  for (const Part& part : parts) {
    if (part.rows == 0) continue;
    ARROW_ASSIGN_OR_RAISE(PlannedPart planned, plan_part(table, part, filter));
    for (const RowGroup& group : planned.groups) {
      ARROW_ASSIGN_OR_RAISE(GroupRows rows, read_group(group, snapshot, columns, filter, pool));
      if (rows.rows != nullptr) tables.push_back(rows.rows);
    }
  }
  if (tables.empty()) return arrow::Table::MakeEmpty(arrow::schema(fields), pool);
  return arrow::ConcatenateTables(tables);
}

}  // namespace tapemill::lake
