#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/workers.h"
#include "lake/lake.h"

namespace tapemill::analytics {

/// For each of `symbols` the name nearest to it among the instruments of a table's last session, empty where none is near. A
/// layer's view is read through to what holds its rows.
Result<std::vector<std::string>> nearest_symbols(const lake::Lake& lake, lake::TableName name,
                                                 std::optional<std::int64_t> version,
                                                 const std::vector<std::string>& symbols, const Workers& workers);

}  // namespace tapemill::analytics
