#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/workers.h"
#include "lake/lake.h"
#include "quality/check.h"

namespace tapemill::pipeline {

struct IngestOptions {
  std::string dataset;
  std::vector<std::string> paths;
  bool allow_smaller = false;
  std::string start, end;          // of the sessions that are wanted, inclusive
  std::string on_error = "skip";  // skip: a refused file does not keep the others out; stop: none after it is read
};
/// Which of the files are wanted, and what happens after one that is refused.
struct IngestPolicy {
  std::optional<Date> start, end;  // sessions, inclusive; files of many sessions have to lie in the range as a whole
  bool allow_smaller = false;      // a restated file may have less than half of the rows that it replaces
  bool stop = false;               // sessions go in one by one, in their order, up to the first that is refused
};

/// Why a file is not in: its own error. The others went on.
struct RefusedFile {
  std::string path, error, hint;
};
/// A unit (session, form) whose bytes changed: the earlier rows stay in time travel.
struct Restated {
  std::string unit, form, before, after;  // sha256
};
/// A file of which no row is in, though it is known from now on: more often a wrong spec than a wrong file.
struct EmptyFile {
  std::string path, reason;  // of the first refused row, with its line
  std::int64_t rows = 0;
};
struct IngestReport {
  std::int64_t files = 0, files_unchanged = 0, files_superseded = 0;
  std::vector<RefusedFile> refused;
  std::vector<Restated> restated;
  std::vector<std::string> evolved;                 // what the spec has changed in the table's columns
  std::vector<EmptyFile> empty;                     // every row was refused
  quality::Report quality;                          // rows in, kept, quarantined; findings by check
  std::map<std::string, std::int64_t> quarantine;   // rows by reason's check
  std::int64_t version = -1;                        // of bronze, after the last commit
  std::int64_t bytes_in = 0, bytes_stored = 0;
  double seconds = 0;
  bool stopped = false;  // a check that says stop has found something: that file is not in
  std::int64_t files_outside = 0;  // of other sessions than those that were asked for: not read
  std::int64_t files_not_read = 0;  // after a refused one, where the policy is to stop
  std::vector<Date> missing;  // sessions of the calendar that were asked for and of which there is no row now
  Json json() const;
};

/// Files -> landing -> quarantine -> bronze -> silver, in that order (design.md 4.1). Running again changes nothing. Each
/// file is all or nothing; rows in = rows stored + rows quarantined, written in the commit. Groups of 32 files are parsed in
/// parallel and committed together, so that the log does not depend on the number of threads. A file that would replace a
/// unit of more than twice its rows is refused, unless the policy allows it.
/// Errors: wrong use (two contents for one session in one call), environment; a refused file is in the report instead.
Result<IngestReport> ingest(const lake::Lake& lake, const Dataset& dataset, const std::vector<std::string>& paths,
                            Instant now, const Workers& workers, MemoryBudget& budget, const IngestPolicy& policy = {});

/// Brings silver up to bronze where silver is a copy: units whose bytes differ are derived again, in one commit with
/// txn{silver, bronze's version}. Nothing to do: no commit.
Status refresh_silver(const lake::Lake& lake, const Dataset& dataset, const Workers& workers, MemoryBudget& budget);

/// Rows that were refused, of sources that are in: bronze.<table>_quarantine joined with bronze's units.
struct QuarantineFilter {
  std::string check, file;
  std::int64_t limit = 100;
};
Result<std::shared_ptr<arrow::Table>> quarantined(const lake::Lake& lake, const std::string& table,
                                                  const QuarantineFilter& filter);
std::string quarantine_table(const std::string& dataset);

}  // namespace tapemill::pipeline
