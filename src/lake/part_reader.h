#pragma once
#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

#include "lake/filter.h"
#include "lake/open_part.h"

namespace parquet {
class FileMetaData;
}

namespace tapemill::lake {

/// One row group of a part that may hold wanted rows.
struct RowGroup {
  const Part* part = nullptr;
  std::string path;  // of the file
  std::shared_ptr<parquet::FileMetaData> footer;
  int index = 0;
  std::shared_ptr<const OpenPart> open;
  const ColumnChunk& chunk(int column) const {
    return open->groups[static_cast<std::size_t>(index)].columns[static_cast<std::size_t>(column)];
  }
};
struct PlannedPart {
  std::vector<RowGroup> groups;
  std::int64_t groups_total = 0;
};
/// Reads a part's footer (once per process) and leaves out the row groups that cannot match.
Result<PlannedPart> plan_part(const Table& table, const Part& part, const RowFilter& filter);

struct GroupRows {
  std::shared_ptr<arrow::Table> rows;  // `columns`, wanted rows only; null where there is none
  std::int64_t bytes_read = 0;
  std::int64_t outside = 0;  // left out by the filter's open times alone
};
/// Columns of `schema` by name: from the file, from the partition, or null where an older part has none.
Result<GroupRows> read_group(const RowGroup& group, const Snapshot& snapshot, const std::vector<std::string>& columns,
                             const RowFilter& filter, arrow::MemoryPool* pool);

}  // namespace tapemill::lake
