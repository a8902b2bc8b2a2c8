#pragma once
#include <arrow/type_fwd.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lake/read_view.h"
#include "lake/scan.h"

namespace tapemill::lake {

/// Which rows a scan wants: symbols, sessions, knowledge. The same conditions skip parts and row groups by their bounds
/// (never one that could hold a wanted row) and then choose the rows.
class RowFilter {
 public:
  /// Usage error: the table has no column for what is asked.
  static Result<RowFilter> make(const ScanRequest& request, const Snapshot& snapshot);

  bool empty() const { return symbols_.empty() && !sessions_ && !known_at_; }
  std::vector<std::string> columns() const;  // that match() needs

  using BoundsOf = std::function<const Bounds&(const std::string& column, const arrow::DataType& type)>;
  bool may_match(const BoundsOf& bounds_of) const;
  bool may_match(const PartBounds& part) const;  // by its partition and its statistics

  const std::vector<std::string>& symbols() const { return symbols_; }                // sorted; empty: all
  const std::vector<std::string>& symbol_columns() const { return symbol_columns_; }  // a row may match by any of them
  const std::string& session() const { return session_; }
  const std::optional<std::pair<std::int64_t, std::int64_t>>& sessions() const { return sessions_; }  // inclusive
  const std::optional<std::int64_t>& known_at() const { return known_at_; }

  /// Wanted rows as bits of `mask` (cleared before); columns in the order of columns(). Returns how many.
  Result<std::int64_t> match(const arrow::ArrayVector& columns, std::vector<bool>& mask) const;

 private:
  std::vector<std::string> symbols_;  // sorted
  std::vector<std::string> symbol_columns_;  // symbol, instrument_id: those there are
  std::string session_;
  std::optional<std::pair<std::int64_t, std::int64_t>> sessions_;  // days, inclusive
  std::optional<std::int64_t> known_at_;
};

}  // namespace tapemill::lake
