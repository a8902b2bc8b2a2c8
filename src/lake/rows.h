#pragma once
#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

#include "core/workers.h"
#include "lake/part_reader.h"
#include "lake/text_runs.h"

namespace tapemill::lake {

/// A row group and the rows of it that are wanted. The three steps of a scan through our own decoder: choose, order,
/// gather. Each fails with NotImplemented where a part is not for it (another engine's): then Arrow's reader takes over.
struct ChosenRows {
  const RowGroup* group = nullptr;
  std::vector<Segment> segments;  // ascending, disjoint, not empty; `out` is set by order_rows
  std::int64_t outside = 0;       // rows that the filter's open times alone leave out
  std::int64_t rows() const;
};

/// The rows of a group that a filter wants.
Result<ChosenRows> choose_rows(const RowGroup& group, const RowFilter& filter, arrow::MemoryPool* pool);

/// Gives every segment its place, so that the rows are by `sort`, nulls first, ties by group; segments may be cut for it.
/// Groups of one part must follow each other. False where keys must be compared row by row: the segments are as they were.
Result<bool> order_rows(std::vector<ChosenRows>& groups, const std::vector<std::string>& sort, arrow::MemoryPool* pool);

/// Columns of `schema` by name, of all rows of the groups, each row at its place: no row is moved twice.
Result<std::shared_ptr<arrow::Table>> gather_rows(const std::vector<ChosenRows>& groups, const arrow::Schema& schema,
                                                  const std::vector<std::string>& columns, const Workers& workers,
                                                  arrow::MemoryPool* pool, std::int64_t* bytes_read);

/// All runs of a column of texts, from the cache of readers where they are there.
Result<std::shared_ptr<const TextRuns>> runs_of(const RowGroup& group, int column, arrow::MemoryPool* pool);

}  // namespace tapemill::lake
