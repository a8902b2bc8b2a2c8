#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lake/lake.h"
#include "quality/check.h"

namespace tapemill::pipeline {

/// One check of the spec, over all rows of a table.
struct CheckResult {
  std::string check;                        // its label: "mad: close"
  CheckSpec::Severity severity = CheckSpec::Severity::quarantine;
  enum class Result { pass, warning, fail } result = Result::pass;
  std::int64_t count = 0;
  std::vector<std::string> examples;        // the first twenty: "US:AAPL 2024-10-28: high 10.2 below close 10.3"
};

/// What a table holds, judged anew. S1's completeness is `rows` to `last`.
struct TableQuality {
  std::string table, title;
  std::int64_t version = -1, rows = 0, instruments = 0;
  std::optional<Date> first, last;
  std::vector<CheckResult> checks;                         // in the order of the spec
  std::map<Date, std::int64_t> rows_by_session;
  std::map<Date, std::int64_t> refused_by_session;         // of files that are one session
  std::vector<Date> missing;                               // sessions of the calendar without a row, first to last
  std::vector<std::pair<std::string, std::int64_t>> nulls;  // by column, in the table's order
  std::map<std::string, std::int64_t> quarantined;         // rows by check, as they were refused
  struct RefusedRow {
    std::string file, check, reason, raw;
    std::int64_t line = 0;
  };
  std::vector<RefusedRow> refused;  // the first hundred
  std::int64_t released = 0;        // rows that a person let in
  CheckResult::Result worst() const;
  std::int64_t quarantined_rows() const;
  Json json() const;
};
const char* text(CheckResult::Result result);  // pass, warning, fail

/// Streams bronze, a part at a time in the order of their first sessions, through the checks of the data set's spec as it is today:
/// across files, so statistics and moves see an instrument's earlier sessions too. Rows that a person let in may fail; as
/// long as no more rows fail than that, the result is a warning.
Result<TableQuality> table_quality(const lake::Lake& lake, const Dataset& dataset, MemoryBudget& budget);

/// The same as one self-contained page with pictures.
Result<std::string> quality_page(const TableQuality& quality, const std::string& command);

}  // namespace tapemill::pipeline
