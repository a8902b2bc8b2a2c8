#pragma once
#include <arrow/type_fwd.h>

#include <memory>
#include <vector>

#include "core/status.h"

namespace tapemill::lake {

/// Rows for other programs as one Parquet file (zstd, decimals as integers), a row group as soon as there are rows for one:
/// what is held is a row group of 65,536 rows, or 16 MiB of them.
class ParquetRows {
 public:
  /// Into an open file, which stays the caller's. Usage error: a column of a type that Parquet has not.
  static Result<std::unique_ptr<ParquetRows>> open(int fd, const std::shared_ptr<arrow::Schema>& schema);
  ~ParquetRows();
  Status write(const std::shared_ptr<arrow::RecordBatch>& rows);
  /// The rest, and the footer.
  Status finish();

 private:
  struct File;
  explicit ParquetRows(std::unique_ptr<File> file);
  Status write_group();
  std::unique_ptr<File> file_;
};

}  // namespace tapemill::lake
