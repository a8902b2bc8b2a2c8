#pragma once
#include <arrow/memory_pool.h>

#include <set>

#include "lake/lake.h"

namespace tapemill::lake {

/// The dates of `column` that rows of a snapshot have: from the statistics where a part or row group has one date, else from
/// that column alone, a row group at a time; one that can only hold dates of `calendar` that are known already is not read.
Result<std::set<Date>> sessions_in(const Table& table, const Snapshot& snapshot, const std::string& column,
                                   const Calendar& calendar, arrow::MemoryPool* pool = arrow::default_memory_pool());

}  // namespace tapemill::lake
