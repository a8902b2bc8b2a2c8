#pragma once
#include <arrow/record_batch.h>
#include <parquet/exception.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lake/chunk_reader.h"
#include "lake/column_pages.h"
#include "lake/files.h"
#include "lake/writer.h"

namespace parquet {
class FileMetaData;
class FileMetaDataBuilder;
class PageIndexBuilder;
class SchemaDescriptor;
class WriterProperties;
}  // namespace parquet

namespace tapemill::lake {

/// One Parquet file of a table, written into a file that has no name yet. Its bytes depend on the rows and the layout alone:
/// pages have a fixed number of rows, counted from the start of their row group. Pages are ours (column_pages.h), what stands
/// round them, heads, page index and footer, is Parquet's library's.
class ParquetPart {
 public:
  static Result<std::unique_ptr<ParquetPart>> open(const std::string& folder, const Layout& layout,
                                                   const std::shared_ptr<arrow::Schema>& stored,
                                                   arrow::MemoryPool* pool);
  ~ParquetPart();
  /// At most room() rows.
  Status append(const std::shared_ptr<arrow::RecordBatch>& stored);
  std::int64_t room() const { return part_rows_ - rows_ - pending_rows_; }
  /// Instead of append(): all rows of a part whose layout carries() into this one and whose writer is this, with other values
  /// in some columns. The pages of the others are copied.
  Status carry(const std::string& path, const Part& source, const arrow::Schema& schema, const Change& change);
  /// Writes what is left and the footer; rows, size and stats of the result are set.
  Result<Part> finish();
  PendingFile& file() { return file_; }

 private:
  ParquetPart(PendingFile file, arrow::MemoryPool* pool);
  Status add_pages(bool all);
  Status add_page(std::int64_t rows);
  Status end_group();
  Status carry_column(int column, int source_column, const OpenPart& source, int group, const PartFile& file);
  Status carry_changed(const Part& source, const std::shared_ptr<const OpenPart>& open, int group,
                       const arrow::Schema& schema, const Change& change);
  Result<std::shared_ptr<parquet::FileMetaData>> end_file();
  void find_nan(const arrow::RecordBatch& rows);
  PendingFile file_;
  arrow::MemoryPool* pool_;
  std::shared_ptr<arrow::Schema> stored_;
  std::shared_ptr<arrow::io::OutputStream> sink_;
  std::shared_ptr<parquet::WriterProperties> properties_;
  std::unique_ptr<parquet::SchemaDescriptor> schema_;
  std::unique_ptr<parquet::FileMetaDataBuilder> metadata_;
  std::unique_ptr<parquet::PageIndexBuilder> index_;
  std::vector<std::unique_ptr<ColumnPages>> columns_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> pending_;
  std::int64_t pending_rows_ = 0, rows_ = 0, group_rows_ = 0, part_rows_ = 0, in_group_ = 0;
  std::int16_t groups_ = 0;
  int level_ = 3;  // of zstd
  std::set<std::string> with_nan_;
};

inline constexpr std::int64_t kPageRows = 4096;  // small ones pack better, and a symbol costs the reader one a column

/// Exceptions of Parquet's end here.
template <class Work>
Status guarded(Work&& work) {
  try {
    return work();
  } catch (const parquet::ParquetStatusException& failed) {
    return failed.status();
  } catch (const std::exception& failed) { return Status::IOError(failed.what()); }
}

/// What besides the rows decides a part's bytes; part of its name.
std::string writer_version();
std::string fingerprint(const Layout& layout);
/// Whether a part of one layout can be carried into another: rows are cut and ordered alike, and each column that `change`
/// leaves alone is the same in both.
bool carries(const Layout& from, const Layout& to, const Change& change);

}  // namespace tapemill::lake
