#pragma once
#include "lake/actions.h"
#include "lake/lake.h"

namespace tapemill::lake {

/// Commit 0 of a table; false when another process made one first.
Result<bool> write_first_commit(const std::string& table_path, MetaData metadata);
/// Table::commit().
Result<std::int64_t> write_commit(const Table& table, const Transaction& transaction);

}  // namespace tapemill::lake
