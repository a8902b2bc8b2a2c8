#pragma once
#include <arrow/record_batch.h>

#include <functional>

#include "lake/lake.h"

namespace tapemill::lake {

/// All rows of a part from its first to its last, in batches of at most `batch_rows`: the table's columns without those that
/// are derived from the session, in the types of the snapshot's schema (`columns`: only these, in the schema's order). Holds a batch and Parquet's pages, never a whole row
/// group. Errors: a data error that names a damaged or missing part; whatever `emit` returns.
Status stream_part(const Table& table, const Snapshot& snapshot, const Part& part, std::int64_t batch_rows,
                   arrow::MemoryPool* pool,
                   const std::function<Status(const std::shared_ptr<arrow::RecordBatch>&)>& emit,
                   const std::vector<std::string>& columns = {});

/// Columns of the rows that stream_part() gives.
std::shared_ptr<arrow::Schema> streamed_schema(const Snapshot& snapshot);

/// Which rows have their `column` (a date or a text without nulls) in one of the ranges [from, to], texts as UnitShare has
/// them: a bit each.
Result<std::vector<bool>> in_ranges(const arrow::RecordBatch& rows, const std::string& column,
                                    const std::vector<std::pair<std::string, std::string>>& ranges);
/// The rows whose bit is `kept`; null where there is none.
Result<std::shared_ptr<arrow::RecordBatch>> pick(const std::shared_ptr<arrow::RecordBatch>& rows,
                                                 const std::vector<bool>& bits, bool kept, arrow::MemoryPool* pool);

}  // namespace tapemill::lake
