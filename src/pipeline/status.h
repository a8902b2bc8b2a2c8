#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/json_fwd.h"
#include "lake/lake.h"

namespace tapemill::pipeline {

/// What a data set holds against what its calendar says there should be. Derived from the log.
struct DatasetStatus {
  std::string table;
  std::int64_t units = 0, rows = 0, version = -1, last_commit_ms = 0;
  std::optional<Date> first, last;      // sessions
  std::vector<Date> missing;  // sessions of the calendar between first and last of which there is no row at all
  std::map<Date, std::string> why;  // of each that is missing: its file was refused, or none has come
  std::int64_t behind =
      0;          // sessions that have closed since the last one (the spec's lag included): none of them is in
  std::optional<Date> next;         // the first of them, or of the calendar
  std::int64_t quarantined = 0;  // rows of what is in
  std::string untold;  // why units and quarantined cannot be told: another program rewrote the table; else empty
  std::string damage;            // of its tables' newest versions (lake/about.h); then the rest may be missing
};
/// One entry per data set whose bronze table exists, by table. A damaged one does not hide the others.
/// `now`: sessions that have closed by then are expected; without it none is late.
Result<std::vector<DatasetStatus>> status_of(const lake::Lake& lake, std::optional<Instant> now = {});

/// The file that S1's tools read: last_processed_date (2020-01-01 where there is none), last_updated, total_records,
/// processing_mode. Derived: the truth is the table's log, so rows are never counted twice.
Json watermark_json(const DatasetStatus& status, const std::string& mode);

}  // namespace tapemill::pipeline
