#pragma once
#include <arrow/table.h>

#include "analytics/signals.h"
#include "core/dataset.h"
#include "lake/scan.h"

namespace tapemill::analytics {

/// Columns of a data set that expressions can read: whole numbers, doubles and decimals.
std::vector<std::string> numeric_columns(const Dataset& dataset);

/// One column of a table in one piece.
Result<std::shared_ptr<arrow::Array>> whole_column(const arrow::Table& rows, const std::string& name,
                                                   arrow::MemoryPool* pool);

/// A date column as days since the epoch.
Result<std::vector<std::int64_t>> sessions_of(const arrow::Table& rows, const std::string& column,
                                              arrow::MemoryPool* pool);

/// Doubles as a column: NaN becomes null.
Result<std::shared_ptr<arrow::Array>> nullable_column(const std::vector<double>& values, arrow::MemoryPool* pool);

/// Runs a series over scanned rows, sorted by instrument and time; `spans` are the rows of each instrument (lake/scan.h).
/// One vector per expression, a value per row.
Result<std::vector<std::vector<double>>> run_over(const Series& series, const arrow::Table& rows,
                                                  const std::vector<lake::Span>& spans,
                                                  const std::string& session_column, const Workers& workers,
                                                  arrow::MemoryPool* pool);

/// The signals of scanned bars, by row: the indicators that the strategies read, then the strategies (analytics/signals.h).
Result<std::vector<SignalDetector::Row>> detect_signals(const SignalOptions& options, const arrow::Table& rows,
                                                        const std::vector<lake::Span>& spans,
                                                        const std::string& session_column, const Workers& workers,
                                                        arrow::MemoryPool* pool);

}  // namespace tapemill::analytics
