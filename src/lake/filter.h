#pragma once
#include <arrow/type_fwd.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/session_hours.h"
#include "lake/read_view.h"
#include "lake/scan.h"

namespace tapemill::lake {

/// Which rows a scan wants: symbols, sessions, knowledge. The same conditions skip parts and row groups by their bounds
/// (never one that could hold a wanted row) and then choose the rows.
class RowFilter {
 public:
  /// Usage error: the table has no column for what is asked.
  static Result<RowFilter> make(const ScanRequest& request, const Snapshot& snapshot);

  /// Of rows that match otherwise only those whose `time` is open. REQUIRES that column.
  void within(std::shared_ptr<const OpenTimes> times) { open_times_ = std::move(times); }

  bool empty() const { return symbols_.empty() && !sessions_ && !known_at_ && open_times_ == nullptr; }
  std::vector<std::string> columns() const;  // that match() needs

  using BoundsOf = std::function<const Bounds&(const std::string& column, const arrow::DataType& type)>;
  bool may_match(const BoundsOf& bounds_of) const;
  bool may_match(const PartBounds& part) const;  // by its partition and its statistics

  const std::vector<std::string>& symbols() const { return symbols_; }                // sorted; empty: all
  const std::vector<std::string>& symbol_columns() const { return symbol_columns_; }  // a row may match by any of them
  const std::string& session() const { return session_; }
  const std::optional<std::pair<std::int64_t, std::int64_t>>& sessions() const { return sessions_; }  // inclusive
  const std::optional<std::int64_t>& known_at() const { return known_at_; }
  const OpenTimes* open_times() const { return open_times_.get(); }

  /// Wanted rows as bits of `mask` (cleared before); columns in the order of columns(). Returns how many, and in `outside`
  /// how many the open times alone leave out.
  Result<std::int64_t> match(const arrow::ArrayVector& columns, std::vector<bool>& mask, std::int64_t& outside) const;

 private:
  std::vector<std::string> symbols_;  // sorted
  std::vector<std::string> symbol_columns_;  // symbol, instrument_id: those there are
  std::string session_;
  std::optional<std::pair<std::int64_t, std::int64_t>> sessions_;  // days, inclusive
  std::optional<std::int64_t> known_at_;
  std::shared_ptr<const OpenTimes> open_times_;
};

}  // namespace tapemill::lake
