#pragma once
#include <string>
#include <vector>

#include "lake/writer.h"

namespace tapemill::pipeline {

/// The tables that a maintenance command is asked to look after: by name ("bronze.sp500"; a bare name is silver, or bronze
/// where silver is a view); none: every table of the lake. Data error: no such table, with those that are near.
Result<std::vector<lake::Table>> tables_of(const lake::Lake& lake, const std::vector<std::string>& names);

/// How rows of a table are laid out when its parts are written anew: as the spec that the lake keeps says, where it has the
/// table's columns, else as the log says (encodings by type).
Result<lake::Layout> layout_for(const lake::Lake& lake, const lake::Table& table, const lake::Snapshot& snapshot);

/// "7d", "12h", "30m", "2y" (365 days a year), "0s" -> microseconds. Usage error for anything else.
Result<std::int64_t> parse_duration(const std::string& text);

}  // namespace tapemill::pipeline
