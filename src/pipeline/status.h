#pragma once
#include "core/dataset.h"
#include "lake/lake.h"

namespace tapemill::pipeline {

/// What a data set holds against what its calendar says there should be. Derived from the log.
struct DatasetStatus {
  std::string table;
  std::int64_t units = 0, rows = 0, version = -1, last_commit_ms = 0;
  std::optional<Date> first, last;      // sessions
  std::vector<Date> missing;  // sessions of the calendar between first and last of which there is no row at all
  std::int64_t quarantined = 0;  // rows of what is in
  std::string untold;  // why units and quarantined cannot be told: another program rewrote the table; else empty
  std::string damage;            // of its tables' newest versions (lake/about.h); then the rest may be missing
};
/// One entry per data set whose bronze table exists, by table. A damaged one does not hide the others.
Result<std::vector<DatasetStatus>> status_of(const lake::Lake& lake);

}  // namespace tapemill::pipeline
