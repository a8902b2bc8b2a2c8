#pragma once
#include "pipeline/ingest.h"

namespace tapemill::pipeline {

/// Which refused rows to let in, and what the log is to say of it.
struct Release {
  std::string check, file;
  std::int64_t line = 0;    // of `file`; 0: all of them
  std::string reason, by;  // why, and who says so
};
struct ReleaseReport {
  std::int64_t rows = 0, files = 0;       // let in, of so many files
  std::int64_t kept = 0;                  // that were asked for and cannot be let in
  std::map<std::string, std::int64_t> kept_by;  // the same by check
  std::vector<RefusedFile> refused;       // files of which nothing was let in, and why
  std::int64_t version = -1;              // of bronze
  Json json() const;
};

/// Lets rows into bronze that a check had refused: their files are read again from landing, and replaced with these rows in
/// them, in one commit per 32 files (RELEASE) that says who, why and which lines. Rows in = rows stored + rows quarantined
/// still, of each file. The lines stand in the parts' tags: a later run over the same bytes, and tapemill rebuild, let them in
/// again. A second release of the same rows finds nothing to do. What cannot be let in: a row that could not be read, that
/// lacks a value the table must have, or whose key is in already. Usage errors: no reason, no such file and line.
Result<ReleaseReport> release(const lake::Lake& lake, const Dataset& dataset, const Release& what,
                              const Workers& workers, MemoryBudget& budget);

}  // namespace tapemill::pipeline
