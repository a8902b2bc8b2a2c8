#pragma once
#include <set>
#include <string>
#include <vector>

#include "lake/lake.h"
#include "sources/source.h"

namespace tapemill::pipeline {

/// A file as it arrived: landing keeps its bytes (or, by reference, its path) for ever.
struct Landed {
  sources::FileInfo info;
  std::string kept_at;      // of the copy, relative to the landing table; of a reference, the source's own path
  Instant arrived;          // of these bytes as the unit's; after other bytes of the unit they arrive anew
};

/// The landing table's rows: file, path, unit, form, session, sha256, size, kept_at, arrived_at.
std::shared_ptr<arrow::Schema> landing_schema();

/// Where each file lies or will lie in landing, and whether it has to be copied there. Nothing is written.
struct LandingPlan {
  std::vector<Landed> files;           // in the order of the infos
  std::vector<std::uint8_t> arrives;   // per file: gets a row, for its unit and form's newest row has other bytes
  std::vector<std::uint8_t> copied;    // per file: its bytes are not there yet
  std::int64_t version = -1;           // of landing's table that this was told from
};
Result<LandingPlan> plan_landing(const lake::Lake& lake, const Dataset& dataset,
                                 const std::vector<sources::FileInfo>& files, Instant now);

/// Copies what has to be of files [from, to) into landing/<table>/files/, synced, and adds the rows of those that arrive in
/// one commit of landing.<table>. A file whose bytes changed between inspect() and the copy is a data error.
Status land(const lake::Lake& lake, const Dataset& dataset, const LandingPlan& plan, std::size_t from, std::size_t to,
            Instant now, MemoryBudget& budget);

}  // namespace tapemill::pipeline
