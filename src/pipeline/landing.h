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
  Instant arrived;          // first arrival of these bytes; a later landing of equal bytes keeps it
};

/// The landing table's rows: file, path, unit, form, session, sha256, size, kept_at, arrived_at.
std::shared_ptr<arrow::Schema> landing_schema();

/// Copies what is not yet there into landing/<table>/files/, synced, and names all of it in one commit of landing.<table>.
/// A file whose bytes changed between inspect() and the copy is a data error. Order of the result is that of `files`.
Result<std::vector<Landed>> land(const lake::Lake& lake, const Dataset& dataset,
                                 const std::vector<sources::FileInfo>& files, Instant now, MemoryBudget& budget);

}  // namespace tapemill::pipeline
