#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/workers.h"
#include "lake/lake.h"
#include "pipeline/unit.h"

namespace tapemill::pipeline {

/// Whether landing knows the bytes of every file of `paths` already.
Result<bool> landed_already(const lake::Lake& lake, const Dataset& dataset, const std::vector<std::string>& paths, const Workers& workers);

struct UnitTotals {
  std::int64_t rows_in = 0, rows_stored = 0, rows_quarantined = 0;
};
/// What the commits say of the units that the snapshot holds.
Result<UnitTotals> unit_totals(const lake::Table& bronze, const lake::Snapshot& snapshot);
/// Bytes as received of the files whose rows are in.
Result<std::int64_t> landed_bytes(const lake::Lake& lake, const std::string& table, const std::map<std::string, UnitState>& units);

}  // namespace tapemill::pipeline
