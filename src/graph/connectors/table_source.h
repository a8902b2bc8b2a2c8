#pragma once
#include <arrow/table.h>

#include "graph/connectors/connector.h"

namespace tapemill::graph {

/// The Arrow type of a field, and back; an error for types that events do not have.
std::shared_ptr<arrow::DataType> arrow_type(const Field& field);
Result<Schema> schema_of(const arrow::Schema& schema);

/// What a row's event time is: `wanted`, else the first of time, timestamp, session, date, trade_date that is a date or a
/// timestamp. -1: there is none, and rows come as they stand.
Result<int> time_column(const Node& config, const Schema& schema, const std::string& wanted);

/// Event times of a column of dates (midnight, UTC) or timestamps; null comes before all others.
std::vector<std::int64_t> times_of(const arrow::Array& column);

/// Rows of a table in event order: by time, then by key (bytes), then as they stand. Dates are their midnight, UTC. The table
/// stays in memory, in the budget that made it.
Result<std::unique_ptr<Source>> table_source(const std::shared_ptr<arrow::Table>& table, const Schema& schema, int time,
                                             int key, std::string version, std::vector<DeadRow> dead,
                                             arrow::MemoryPool* pool);

}  // namespace tapemill::graph
