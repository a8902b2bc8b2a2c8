#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/workers.h"
#include "lake/lake.h"
#include "pipeline/ingest.h"
#include "pipeline/unit.h"

namespace tapemill::pipeline {

/// What landing knows of the files of `paths`.
struct LandedDelivery {
  bool all_landed = false;           // the bytes of every file but of those that are refused
  std::vector<RefusedFile>
      refused;  // that cannot be told, so never land: as ingest says it each time; none if not all_landed
};
Result<LandedDelivery> landed_already(const lake::Lake& lake, const Dataset& dataset,
                                      const std::vector<std::string>& paths, const Workers& workers);

/// What no single file shows: instruments that miss sessions between their first and last, and closes that moved by more
/// than `over` (0.3 is 30 %) from one row to the next: a halt, an unadjusted split.
struct Oddity {
  std::string instrument;
  Date date;          // of the first row after it
  double value = 0;   // sessions missed, or the move
};
struct Oddities {
  std::vector<Oddity> gaps, moves;
};
Result<Oddities> oddities_of(const lake::Lake& lake, const std::string& table, double over, const Workers& workers);

/// Units that other bytes replaced, by the commits of the table, oldest first.
Result<std::vector<Restated>> restated_of(const lake::Table& bronze);

struct UnitTotals {
  std::int64_t rows_in = 0, rows_stored = 0, rows_quarantined = 0;
};
/// What the commits say of the units that the snapshot holds.
Result<UnitTotals> unit_totals(const lake::Table& bronze, const lake::Snapshot& snapshot);
/// Bytes as received of the files whose rows are in.
Result<std::int64_t> landed_bytes(const lake::Lake& lake, const std::string& table,
                                  const std::map<std::string, lake::UnitState>& units);

}  // namespace tapemill::pipeline
