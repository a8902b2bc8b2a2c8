#pragma once
#include <arrow/type_fwd.h>

#include <memory>
#include <vector>

#include "core/status.h"

namespace tapemill::lake {

/// Key columns of some rows: compared column by column, ascending, nulls first, texts by bytes, NaN last.
class RowKeys {
 public:
  /// Usage error: a column whose type has no order here. The arrays are kept alive.
  static Result<RowKeys> make(arrow::ArrayVector columns);
  std::int64_t rows() const { return rows_; }
  int compare(std::int64_t row, const RowKeys& other, std::int64_t other_row) const;
  bool is_sorted() const;
  /// Whether these rows, in order themselves, may stand behind `before`.
  bool follows(const RowKeys& before) const {
    return rows_ == 0 || before.rows_ == 0 || before.compare(before.rows_ - 1, *this, 0) <= 0;
  }
  /// First row whose key is not below (after: above) that of other_row, where these rows are sorted.
  std::int64_t lower_bound(const RowKeys& other, std::int64_t other_row) const;
  std::int64_t upper_bound(const RowKeys& other, std::int64_t other_row) const;

  /// The stable order of the rows: uint32 row numbers; null where they are in order already.
  Result<std::shared_ptr<arrow::Array>> order(arrow::MemoryPool* pool) const;

 private:
  struct Column {
    const arrow::Array* array;
    const void* values;            // of numbers: from the array's first row
    const std::int32_t* offsets;   // of texts
    int type;                      // arrow::Type::type
  };
  static std::uint64_t ordered(const Column& column, std::int64_t row);  // numbers as unsigned with the same order
  Status ranks(const Column& column, std::uint64_t* out, std::uint64_t* most) const;
  Result<std::shared_ptr<arrow::Array>> order_by_comparing(arrow::MemoryPool* pool) const;
  arrow::ArrayVector arrays_;
  std::vector<Column> columns_;
  std::int64_t rows_ = 0;
};

/// Rows `order` of `table`-like columns, column by column, each input column let go as soon as it is taken.
Result<arrow::ArrayVector> take_columns(std::vector<arrow::ArrayVector>&& columns,
                                        const std::shared_ptr<arrow::Array>& order, const arrow::Schema& schema,
                                        arrow::MemoryPool* pool);

}  // namespace tapemill::lake
