#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/batch.h"
#include "core/dataset.h"
#include "core/json_fwd.h"

namespace tapemill::quality {

/// What the checks of one file found.
struct Finding {
  std::string check;
  CheckSpec::Severity severity;
  std::int64_t count = 0;
  std::vector<std::string> examples;  // the first twenty, readable: "line 4821: high 10.20 below close 10.30"
  void add(std::string example);      // counts one, keeps the example while there are fewer
};
struct Report {
  std::int64_t rows_in = 0, rows_kept = 0, rows_quarantined = 0;
  std::vector<Finding> findings;      // in the order of declaration; parse and null first
  bool stopped = false;               // a check that says stop has found something
  Finding& finding(const std::string& check, CheckSpec::Severity severity);
  /// Adds another file's; its examples get the file's name: "2024-10-28.csv:4821: high 10.20 below close 10.30".
  void merge(const Report& other, const std::string& file = {});
  Json json() const;
};

/// Whether a person may let a row in that this check refused: not where there is no row to let in (it could not be read,
/// lacks what the table must have), and not a second row of a key.
bool can_be_released(const std::string& check);

/// Marks of one batch: the first check that refuses a row gives its reason.
class Verdicts {
 public:
  explicit Verdicts(std::size_t rows) : marked_(rows, 0) {}
  /// A row that a person let in: checks that can be overridden refuse it no more.
  void release(std::size_t row) { released_.insert(row); }
  void refuse(std::size_t row, const std::string& check, std::string reason) {
    if (marked_[row] || (!released_.empty() && released_.contains(row) && can_be_released(check))) return;
    marked_[row] = 1;
    Refused& one = refused_[row];
    one.check = check, one.reason = std::move(reason);
  }
  bool refused(std::size_t row) const { return marked_[row] != 0; }
  const Refused& of(std::size_t row) const { return refused_.at(row); }  // REQUIRES refused(row)
  bool none() const { return refused_.empty(); }
  const std::map<std::size_t, Refused>& all() const { return refused_; }

 private:
  std::vector<std::uint8_t> marked_;
  std::map<std::size_t, Refused> refused_;  // few, if any
  std::set<std::size_t> released_;
};

class Check {
 public:
  virtual ~Check() = default;
  /// Rows come in file order; earlier refusals are in `out` and such rows must be left alone.
  virtual Status judge(const SourceBatch& rows, Verdicts& out, Report& report) = 0;
  /// At the end of a file (duplicates over the file, sessions that are missing).
  virtual Status finish(Report&) { return Status::OK(); }
};

/// Errors: an unknown check (nearest name), an unknown column, a rule that does not parse; with the spec's file and line.
Result<std::vector<std::unique_ptr<Check>>> make_checks(const Dataset& dataset);

struct Judged {
  std::shared_ptr<arrow::RecordBatch> kept;
  std::vector<Refused> refused;       // the parser's and the checks', by line
};
/// Runs null checks and `checks` over a batch, splits it and counts. `released`: lines that a person let in.
Result<Judged> judge(const Dataset& dataset, const std::vector<std::unique_ptr<Check>>& checks,
                     const SourceBatch& batch, Report& report, const std::set<std::int64_t>& released = {});

}  // namespace tapemill::quality
