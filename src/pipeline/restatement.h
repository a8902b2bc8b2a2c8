#pragma once
#include <map>
#include <string>
#include <vector>

#include "lake/units.h"
#include "pipeline/unit.h"

namespace tapemill::pipeline {

/// Each unit once. Equal bytes given twice count as unchanged. Files of many sessions that share a name in different
/// folders are told by folder and name ("2023-01/prices"), as they are where one of them came in like that before.
/// Usage error: different bytes for one session.
Status name_units(std::vector<sources::FileInfo>& infos, const std::map<std::string, lake::UnitState>& states,
                  std::int64_t& unchanged);

/// Whether two files hold the same, however they are packed. False where one cannot be read.
bool same_content(const std::string& a, const std::string& b);

/// Why a file that was read is no restatement of the unit it would replace: it has less than half of its rows (but for
/// `smaller`), or none of its keys. OK: it is one, or replaces nothing.
Status doubt_restatement(const lake::Table& bronze, const lake::Snapshot& snapshot, const Dataset& dataset,
                         const std::map<std::string, lake::UnitState>& states, const UnitJob& job, bool smaller,
                         MemoryBudget& budget);

}  // namespace tapemill::pipeline
