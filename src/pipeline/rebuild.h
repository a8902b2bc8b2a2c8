#pragma once
#include "pipeline/ingest.h"

namespace tapemill::pipeline {

struct RebuildReport {
  IngestReport bronze;
  bool anew = false;               // there was no bronze table: every arrival was replayed
  std::vector<std::string> gold;  // feature tables that were built again: "gold.features_momentum version 3"
  Json json() const;
};

/// Makes bronze, silver and gold of a data set again from the bytes that landing keeps, by today's spec and program.
/// Where the bronze table is there, each of its units is read again and replaced, 32 in a commit (REBUILD): the older
/// versions stay in time travel, since when rows are known stays, and rows that were let in stay in. Where it is not,
/// all arrivals are replayed in their order, each with its own time: the table has the same files with the same bytes as
/// before, where nothing was compacted. Errors: as ingest(); a unit whose bytes are gone is in the report, its rows stay.
Result<RebuildReport> rebuild(const lake::Lake& lake, const Dataset& dataset, const Workers& workers,
                              MemoryBudget& budget);

}  // namespace tapemill::pipeline
