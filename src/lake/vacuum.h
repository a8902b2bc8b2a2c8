#pragma once
#include <string>

#include "core/time.h"
#include "lake/lake.h"

namespace tapemill::lake {

/// How long versions stay readable when nobody says otherwise: as Delta's own default.
constexpr std::int64_t kRetain = 7 * kDay;

struct VacuumOptions {
  std::int64_t retain = kRetain;  // microseconds: versions that were current within this time stay readable
  Instant now;
  bool dry_run = false;
};
struct VacuumReport {
  std::string table;
  std::int64_t version = -1;        // of the table when it began
  std::int64_t kept_from = -1;      // the oldest version that stays readable
  std::int64_t files = 0, bytes = 0;         // deleted (of a dry run: to be deleted)
  std::int64_t files_left = 0,
               bytes_left = 0;  // files of no current version that a version inside the promise, or its age, keeps
  double seconds = 0;
  Json json() const;
};
/// Deletes a table's files that no version inside the promise needs: those that were removed before it, and those that no
/// commit ever named and that are older than the promise and than a day (a writer at work has such files). Only files that
/// Tapemill's writer names, and those that the log names, are looked at. No commit is made: a version's state is what it was.
/// May be killed at any moment and run again. Errors: usage for a table that is not there, environment.
Result<VacuumReport> vacuum(const Table& table, const VacuumOptions& options);

}  // namespace tapemill::lake
