#pragma once
#include <arrow/table.h>

#include <string>
#include <vector>

#include "backtest/money.h"
#include "core/time.h"

namespace tapemill::backtest {

/// Columns of a scanned table as plain vectors. REQUIRES one chunk a column (Table::CombineChunks) or none.
class Columns {
 public:
  explicit Columns(const arrow::Table& table) : table_(table) {}
  bool has(const std::string& name) const { return table_.schema()->GetFieldIndex(name) >= 0; }
  Result<std::vector<std::string>> texts(const std::string& name) const;   // null: empty
  Result<std::vector<Date>> dates(const std::string& name) const;          // null: the epoch
  Result<std::vector<Instant>> instants(const std::string& name) const;    // null: a data error
  Result<int> scale(const std::string& name) const;                        // of a decimal column
  /// Null: kNullPrice. Data error when a value has more digits than `scale` keeps.
  Result<std::vector<std::int64_t>> decimals(const std::string& name, int scale) const;
  Result<std::vector<std::int64_t>> whole(const std::string& name) const;  // null: -1

 private:
  template <class Array>
  Result<const Array*> column(const std::string& name, const char* type) const;
  const arrow::Table& table_;
};

}  // namespace tapemill::backtest
