#pragma once
#include <arrow/record_batch.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lake/files.h"
#include "lake/writer.h"

namespace parquet {
class ColumnWriter;
class ParquetFileWriter;
class RowGroupWriter;
class WriterProperties;
}  // namespace parquet

namespace tapemill::lake {

/// One Parquet file of a table, written into a file that has no name yet. Its bytes depend on the rows and the layout alone:
/// what the bytes could depend on is handed to Parquet in slices of fixed size, counted from the start of the row group.
class ParquetPart {
 public:
  /// gather: whole row groups are kept and then written column by column, which is faster; else they are written as they
  /// come, with every column's encoder open. The bytes are the same.
  enum class Groups { as_they_come, gather };
  static Result<std::unique_ptr<ParquetPart>> open(const std::string& folder, const Layout& layout,
                                                   const std::shared_ptr<arrow::Schema>& stored, Groups groups,
                                                   arrow::MemoryPool* pool);
  ~ParquetPart();
  /// At most room() rows.
  Status append(const std::shared_ptr<arrow::RecordBatch>& stored);
  std::int64_t room() const { return part_rows_ - rows_ - pending_rows_; }
  /// Writes what is left and the footer; rows, size and stats of the result are set.
  Result<Part> finish();
  PendingFile& file() { return file_; }

 private:
  ParquetPart(PendingFile file, arrow::MemoryPool* pool);
  Status write_slices(bool all);
  Status write_slice(std::int64_t rows);
  Result<arrow::RecordBatchVector> take_pending(std::int64_t rows);
  Status write_group(std::int64_t rows);
  Status write_whole(parquet::ColumnWriter& writer, int column, const arrow::RecordBatchVector& pieces);
  Status write_column(parquet::ColumnWriter& writer, int column, const arrow::Array& values);
  void find_nan(const arrow::RecordBatch& rows);
  PendingFile file_;
  arrow::MemoryPool* pool_;
  std::shared_ptr<arrow::Schema> stored_;
  std::shared_ptr<arrow::io::OutputStream> sink_;
  std::shared_ptr<parquet::WriterProperties> properties_;
  std::unique_ptr<parquet::ParquetFileWriter> writer_;
  parquet::RowGroupWriter* group_ = nullptr;  // the writer's, with every column open
  Groups groups_ = Groups::as_they_come;
  std::vector<std::shared_ptr<arrow::RecordBatch>> pending_;
  std::int64_t pending_rows_ = 0, rows_ = 0, group_rows_ = 0, part_rows_ = 0, in_group_ = 0;
  std::set<std::string> with_nan_;
};

/// What besides the rows decides a part's bytes; part of its name.
std::string writer_version();
std::string fingerprint(const Layout& layout);

}  // namespace tapemill::lake
