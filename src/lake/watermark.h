#pragma once
#include <optional>
#include <string>
#include <vector>

#include "lake/lake.h"

namespace tapemill::lake {

/// A source that is in a table at a snapshot, as the tags of its parts say: one entry per (unit, form).
struct UnitState {
  std::string unit, form, sha256;          // as Provenance had them
  std::string source;                      // tag "file": the file's name
  std::int64_t ordinal = 0, rows = 0, bytes = 0;
  std::int64_t modified_ms = 0;            // of the commit
  std::vector<std::string> paths;          // its parts: what a restatement removes
};
/// Sorted by unit, then form; parts without a unit (other engines') are left out. "Running again changes nothing": an equal
/// sha256 means no commit; another one is a restatement: ordinal + 1, and `paths` go. Data error: parts of one unit disagree.
Result<std::vector<UnitState>> units(const Snapshot& snapshot);

/// How far a table has come. Derived from the log, never stored.
struct Watermark {
  std::optional<Date> first, last;         // session, from the parts' statistics
  std::int64_t units = 0, rows = 0, bytes = 0, files = 0;
  std::int64_t version = -1, last_commit_ms = 0;
};
Result<Watermark> watermark(const Snapshot& snapshot);

}  // namespace tapemill::lake
