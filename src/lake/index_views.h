#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/dataset.h"

namespace tapemill::lake {

/// Indexes of a table's rows as views: symbols.TABLE, daily_stats.TABLE and chains.TABLE (docs/formats/indexes.md). They are
/// computed when they are asked for, from the version that the statement reads, so they are never behind it.
inline constexpr const char* kIndexes[] = {"symbols", "daily_stats", "chains"};

/// The SELECT of one of kIndexes over `from` (a quoted name), or nothing where the rows have not what it is made of.
std::optional<std::string> index_select(const std::string& index, const Dataset& dataset, const std::string& from);

}  // namespace tapemill::lake
