#include "lake/part_reader.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/exec.h>
#include <arrow/io/file.h>
#include <arrow/util/io_util.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/metadata.h>

#include "lake/damage.h"
#include "lake/files.h"

namespace tapemill::lake {
namespace {

int column_in(const parquet::FileMetaData& footer, const std::string& name) {
  return footer.schema()->ColumnIndex(name);
}

Result<std::shared_ptr<arrow::Array>> constant(const std::string& text, const std::shared_ptr<arrow::DataType>& type,
                                               std::int64_t rows, arrow::MemoryPool* pool) {
  if (text.empty()) return arrow::MakeArrayOfNull(type, rows, pool);
  ARROW_ASSIGN_OR_RAISE(auto scalar, arrow::Scalar::Parse(type, text));
  return arrow::MakeArrayFromScalar(*scalar, rows, pool);
}

// Columns of one row group by name, each read once.
class GroupReader {
 public:
  GroupReader(const RowGroup& group, const Snapshot& snapshot, arrow::MemoryPool* pool)
      : group_(group), snapshot_(snapshot), pool_(pool) {
    rows_ = group.footer->RowGroup(group.index)->num_rows();
  }
  std::int64_t rows() const { return rows_; }
  std::int64_t bytes() const { return bytes_; }

  /// Reads those of `names` that were not read before.
  Status read(const std::vector<std::string>& names) {
    std::vector<int> indices;
    for (const std::string& name : names) {
      if (columns_.contains(name)) continue;
      auto own = group_.part->partition.find(name);
      const auto& type = snapshot_.schema->GetFieldByName(name)->type();
      const int index = column_in(*group_.footer, name);
      if (own != group_.part->partition.end()) {
        ARROW_ASSIGN_OR_RAISE(columns_[name], constant(own->second, type, rows_, pool_));
      } else if (index < 0) {
        ARROW_ASSIGN_OR_RAISE(columns_[name], arrow::MakeArrayOfNull(type, rows_, pool_));
      } else {
        columns_[name] = nullptr;  // below
        indices.push_back(index);
      }
    }
    if (indices.empty()) return Status::OK();
    if (reader_ == nullptr) ARROW_RETURN_NOT_OK(open());
    ARROW_ASSIGN_OR_RAISE(auto table, reader_->ReadRowGroup(group_.index, indices));
    for (int index : indices)
      bytes_ += group_.footer->RowGroup(group_.index)->ColumnChunk(index)->total_compressed_size();
    for (int i = 0; i < table->num_columns(); ++i)
      ARROW_RETURN_NOT_OK(keep(table->field(i)->name(), *table->column(i)));
    return Status::OK();
  }
  const std::shared_ptr<arrow::Array>& column(const std::string& name) { return columns_.at(name); }

 private:
  Status open() {
    ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(group_.path, pool_));
    parquet::ReaderProperties reading(pool_);
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(file, reading, group_.footer));
    parquet::ArrowReaderProperties properties(false);
    properties.set_smallest_decimal_enabled(true);
    properties.set_pre_buffer(false);
    properties.set_batch_size(rows_);
    builder.memory_pool(pool_)->properties(properties);
    return builder.Build().Value(&reader_);
  }
  Status keep(const std::string& name, const arrow::ChunkedArray& chunks) {
    std::shared_ptr<arrow::Array> array;
    if (chunks.num_chunks() == 1) {
      array = chunks.chunk(0);
    } else {
      ARROW_ASSIGN_OR_RAISE(array, arrow::Concatenate(chunks.chunks(), pool_));
    }
    const auto& type = snapshot_.schema->GetFieldByName(name)->type();
    if (!array->type()->Equals(type)) {  // another engine's form of it
      arrow::compute::ExecContext context(pool_);
      ARROW_ASSIGN_OR_RAISE(auto cast,
                            arrow::compute::Cast(array, type, arrow::compute::CastOptions::Safe(), &context));
      array = cast.make_array();
    }
    columns_[name] = std::move(array);
    return Status::OK();
  }
  const RowGroup& group_;
  const Snapshot& snapshot_;
  arrow::MemoryPool* pool_;
  std::int64_t rows_ = 0, bytes_ = 0;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::map<std::string, std::shared_ptr<arrow::Array>> columns_;
};

Result<std::shared_ptr<arrow::Array>> bits_of(const std::vector<bool>& mask, arrow::MemoryPool* pool) {
  arrow::BooleanBuilder builder(pool);
  ARROW_RETURN_NOT_OK(builder.AppendValues(mask));
  return builder.Finish();
}

Result<GroupRows> read(const RowGroup& group, const Snapshot& snapshot, const std::vector<std::string>& columns,
                       const RowFilter& filter, arrow::MemoryPool* pool) {
  GroupReader reader(group, snapshot, pool);
  GroupRows out;
  std::vector<bool> mask;
  std::int64_t wanted = reader.rows();
  if (!filter.empty()) {  // the filter's columns first: often nothing else has to be read
    ARROW_RETURN_NOT_OK(reader.read(filter.columns()));
    arrow::ArrayVector judged;
    for (const std::string& name : filter.columns()) judged.push_back(reader.column(name));
    ARROW_ASSIGN_OR_RAISE(wanted, filter.match(judged, mask, out.outside));
  }
  out.bytes_read = reader.bytes();
  if (wanted == 0) return out;
  ARROW_RETURN_NOT_OK(reader.read(columns));
  out.bytes_read = reader.bytes();
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const std::string& name : columns) {
    fields.push_back(snapshot.schema->GetFieldByName(name));
    arrays.push_back(reader.column(name));
  }
  if (wanted < reader.rows()) {
    arrow::compute::ExecContext context(pool);
    context.set_use_threads(false);
    ARROW_ASSIGN_OR_RAISE(auto bits, bits_of(mask, pool));
    for (auto& array : arrays) {
      ARROW_ASSIGN_OR_RAISE(auto kept,
                            arrow::compute::Filter(array, bits, arrow::compute::FilterOptions::Defaults(), &context));
      array = kept.make_array();
    }
  }
  out.rows = arrow::Table::Make(arrow::schema(fields), arrays, wanted);
  return out;
}

// Why a part cannot be read: memory or the disk, else its bytes.
Status unread(const Status& problem, const std::string& path) {
  if (problem.IsOutOfMemory()) return problem;
  if (arrow::internal::ErrnoFromStatus(problem) != 0) return prefixed(problem, path);
  return damaged(path, problem.message());
}

}  // namespace

Result<PlannedPart> plan_part(const Table& table, const Part& part, const RowFilter& filter) {
  ARROW_ASSIGN_OR_RAISE(const std::string path, local_file(table.path() + "/" + part.path));
  ARROW_ASSIGN_OR_RAISE(auto open, open_part(path));
  PlannedPart out;
  out.groups_total = static_cast<std::int64_t>(open->groups.size());
  const Bounds unknown;
  for (std::size_t index = 0; index < open->groups.size(); ++index) {
    const OpenGroup& group = open->groups[index];
    if (group.rows == 0) continue;
    const bool possible = filter.may_match([&](const std::string& name, const arrow::DataType& type) -> const Bounds& {
      const int column = open->column(name);
      const auto& stored = column < 0 ? nullptr : open->types[static_cast<std::size_t>(column)];
      if (stored == nullptr || stored->id() != type.id()) return unknown;
      return group.columns[static_cast<std::size_t>(column)].bounds;
    });
    if (possible) out.groups.push_back({&part, path, open->footer, static_cast<int>(index), open});
  }
  return out;
}

Result<GroupRows> read_group(const RowGroup& group, const Snapshot& snapshot, const std::vector<std::string>& columns,
                             const RowFilter& filter, arrow::MemoryPool* pool) {
  try {
    auto rows = read(group, snapshot, columns, filter, pool);
    return rows.ok() ? rows : unread(rows.status(), group.path);
  } catch (const parquet::ParquetStatusException& problem) {
    return unread(problem.status(), group.path);
  } catch (const std::exception& problem) { return damaged(group.path, problem.what()); }
}

}  // namespace tapemill::lake
