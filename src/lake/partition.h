#pragma once
#include <arrow/type_fwd.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"

namespace tapemill::lake {

/// Hive folders. Derived columns (year, month, day, date) come from the session column; others are columns of the rows.
class Partitioning {
 public:
  /// Usage error: a partition that is neither, or a type that makes no folder (floating point, binary).
  static Result<Partitioning> make(const arrow::Schema& schema, const std::vector<std::string>& columns,
                                   const std::string& session_column);

  /// The rows with the derived columns appended: what is sorted and spilled.
  std::shared_ptr<arrow::Schema> extended() const { return extended_; }
  Result<std::shared_ptr<arrow::RecordBatch>> extend(const arrow::RecordBatch& rows, arrow::MemoryPool* pool) const;
  /// What a file holds: neither derived nor partition columns.
  std::shared_ptr<arrow::Schema> stored() const { return stored_; }
  std::shared_ptr<arrow::RecordBatch> store(const arrow::RecordBatch& extended) const;

  const std::vector<int>& keys() const { return keys_; }  // indices of the partition columns in extended()
  std::map<std::string, std::string> values(const arrow::RecordBatch& extended, std::int64_t row) const;  // null: ""
  /// Of a source without rows: from its session, null where it has none.
  std::map<std::string, std::string> values_of(const std::string& unit) const;
  /// "year=2024/month=02": escaped as Hive does, year and so on with their zeros; empty without partitions.
  std::string folder(const std::map<std::string, std::string>& values) const;

 private:
  std::vector<std::string> columns_, derived_;
  int session_ = -1;
  std::shared_ptr<arrow::Schema> schema_, extended_, stored_;
  std::vector<int> keys_, stored_columns_;
};

std::string hive_escape(const std::string& text);
inline constexpr const char* kHiveNull = "__HIVE_DEFAULT_PARTITION__";

}  // namespace tapemill::lake
