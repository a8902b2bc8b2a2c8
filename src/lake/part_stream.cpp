#include "lake/part_stream.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/exec.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <algorithm>

#include "core/time.h"
#include "lake/damage.h"
#include "lake/files.h"
#include "lake/rows.h"

namespace tapemill::lake {
namespace {

Result<std::shared_ptr<arrow::Array>> constant(const std::string& text, const std::shared_ptr<arrow::DataType>& type,
                                               std::int64_t rows, arrow::MemoryPool* pool) {
  if (text.empty()) return arrow::MakeArrayOfNull(type, rows, pool);
  ARROW_ASSIGN_OR_RAISE(auto scalar, arrow::Scalar::Parse(type, text));
  return arrow::MakeArrayFromScalar(*scalar, rows, pool);
}

// A batch as the file has it -> the table's columns.
Result<std::shared_ptr<arrow::RecordBatch>> as_table(const arrow::RecordBatch& rows, const Part& part,
                                                     const std::shared_ptr<arrow::Schema>& schema,
                                                     arrow::MemoryPool* pool) {
  arrow::ArrayVector columns;
  for (const auto& field : schema->fields()) {
    auto own = part.partition.find(field->name());
    std::shared_ptr<arrow::Array> column = rows.GetColumnByName(field->name());
    if (own != part.partition.end()) {
      ARROW_ASSIGN_OR_RAISE(column, constant(own->second, field->type(), rows.num_rows(), pool));
    } else if (column == nullptr) {
      ARROW_ASSIGN_OR_RAISE(column, arrow::MakeArrayOfNull(field->type(), rows.num_rows(), pool));
    } else if (!column->type()->Equals(field->type())) {  // another engine's form of it
      arrow::compute::ExecContext context(pool);
      context.set_use_threads(false);
      ARROW_ASSIGN_OR_RAISE(auto cast,
                            arrow::compute::Cast(column, field->type(), arrow::compute::CastOptions::Safe(), &context));
      column = cast.make_array();
    }
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema, rows.num_rows(), std::move(columns));
}

Status stream(const std::string& path, const Part& part, const std::shared_ptr<arrow::Schema>& schema,
              std::int64_t batch_rows, arrow::MemoryPool* pool,
              const std::function<Status(const std::shared_ptr<arrow::RecordBatch>&)>& emit) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path, pool));
  parquet::ReaderProperties reading(pool);
  reading.enable_buffered_stream();
  reading.set_buffer_size(1 << 16);
  parquet::arrow::FileReaderBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Open(file, reading));
  parquet::ArrowReaderProperties properties(false);
  properties.set_smallest_decimal_enabled(true);
  properties.set_pre_buffer(false);
  properties.set_batch_size(batch_rows);
  std::unique_ptr<parquet::arrow::FileReader> reader;
  ARROW_RETURN_NOT_OK(builder.memory_pool(pool)->properties(properties)->Build(&reader));
  std::vector<int> groups, columns;
  const auto footer = reader->parquet_reader()->metadata();
  for (int group = 0; group < footer->num_row_groups(); ++group) groups.push_back(group);
  for (const auto& field : schema->fields())
    if (const int column = footer->schema()->ColumnIndex(field->name()); column >= 0) columns.push_back(column);
  ARROW_ASSIGN_OR_RAISE(auto batches, reader->GetRecordBatchReader(groups, columns));
  std::int64_t rows = 0;
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> batch;
    ARROW_RETURN_NOT_OK(batches->ReadNext(&batch));
    if (batch == nullptr) break;
    rows += batch->num_rows();
    ARROW_ASSIGN_OR_RAISE(auto given, as_table(*batch, part, schema, pool));
    batch.reset();
    ARROW_RETURN_NOT_OK(emit(given));
  }
  if (part.rows >= 0 && rows != part.rows)
    return data_error(fmt::format("holds {} rows, the log says {}", rows, part.rows));
  return Status::OK();
}

/// The same by our own decoder, for parts of our own writer. NotImplemented, and nothing given yet, where it is another's.
Status stream_ours(const std::string& path, const Part& part, const std::shared_ptr<arrow::Schema>& schema,
                   std::int64_t batch_rows, arrow::MemoryPool* pool,
                   const std::function<Status(const std::shared_ptr<arrow::RecordBatch>&)>& emit) {
  ARROW_ASSIGN_OR_RAISE(auto open, open_part(path, false));
  if (!open->ours) return Status::NotImplemented("a part of another writer");
  for (const auto& field : schema->fields()) {
    const int column = open->column(field->name());
    if (column < 0 || part.partition.contains(field->name())) continue;
    const auto& type = open->types[static_cast<std::size_t>(column)];
    if (type == nullptr || !type->Equals(field->type())) return Status::NotImplemented("a column of another writer");
    for (const OpenGroup& group : open->groups)
      if (group.columns[static_cast<std::size_t>(column)].form == ColumnChunk::Form::other)
        return Status::NotImplemented("a column of another writer");
  }
  const Workers alone(1);
  std::int64_t rows = 0, ignored = 0;
  for (std::size_t index = 0; index < open->groups.size(); ++index) {
    const RowGroup group{&part, path, open->footer, static_cast<int>(index), open};
    const std::int64_t count = open->groups[index].rows;
    for (std::int64_t from = 0; from < count; from += batch_rows) {
      const auto first = static_cast<std::uint32_t>(from),
                 last = static_cast<std::uint32_t>(std::min(count, from + batch_rows));
      auto read =
          gather_rows({ChosenRows{&group, {{first, last, 0}}}}, *schema, schema->field_names(), alone, pool, &ignored);
      if (read.status().IsNotImplemented() && rows > 0) return data_error("holds pages that its writer never wrote");
      ARROW_RETURN_NOT_OK(read.status());
      ARROW_ASSIGN_OR_RAISE(auto batch, (*read)->CombineChunksToBatch(pool));
      rows += last - first;
      ARROW_RETURN_NOT_OK(emit(batch));
    }
  }
  if (part.rows >= 0 && rows != part.rows)
    return data_error(fmt::format("holds {} rows, the log says {}", rows, part.rows));
  return Status::OK();
}

}  // namespace

std::shared_ptr<arrow::Schema> streamed_schema(const Snapshot& snapshot) {
  arrow::FieldVector fields;
  for (const auto& field : snapshot.schema->fields())
    if (!snapshot.derived(field->name())) fields.push_back(field->WithMetadata(nullptr));
  return arrow::schema(fields);
}

Status stream_part(const Table& table, const Snapshot& snapshot, const Part& part, std::int64_t batch_rows,
                   arrow::MemoryPool* pool,
                   const std::function<Status(const std::shared_ptr<arrow::RecordBatch>&)>& emit,
                   const std::vector<std::string>& columns) {
  const std::string path = table.path() + "/" + part.path;
  ARROW_ASSIGN_OR_RAISE(const std::string file, local_file(path));
  if (!file_exists(file)) return data_error(path + " is in the log but not on the disk", kRestore);
  Status emitted;  // an error of the taker's is no matter of the file's
  auto taker = [&](const std::shared_ptr<arrow::RecordBatch>& rows) { return emitted = emit(rows); };
  try {
    auto schema = streamed_schema(snapshot);
    if (!columns.empty()) {  // named, even a derived one is given
      arrow::FieldVector wanted;
      for (const auto& field : snapshot.schema->fields())
        if (std::find(columns.begin(), columns.end(), field->name()) != columns.end())
          wanted.push_back(field->WithMetadata(nullptr));
      schema = arrow::schema(wanted);
    }
    Status read = stream_ours(file, part, schema, batch_rows, pool, taker);
    if (emitted.ok() && read.IsNotImplemented()) read = stream(file, part, schema, batch_rows, pool, taker);
    if (!emitted.ok()) return emitted;
    return read.ok() || read.IsOutOfMemory() || read.message().starts_with(file) ? read : prefixed(read, path);
  } catch (const parquet::ParquetStatusException& problem) {
    return problem.status().IsOutOfMemory() ? problem.status() : prefixed(problem.status(), path);
  } catch (const std::exception& problem) { return damaged(path, problem.what()); }
}

Result<std::vector<bool>> in_ranges(const arrow::RecordBatch& rows, const std::string& column,
                                    const std::vector<std::pair<std::string, std::string>>& ranges) {
  const auto array = rows.GetColumnByName(column);
  if (array == nullptr) return data_error(fmt::format("there is no column \"{}\" to tell units apart by", column));
  std::vector<bool> bits(static_cast<std::size_t>(rows.num_rows()));
  if (array->type_id() == arrow::Type::DATE32) {
    std::vector<std::pair<std::int32_t, std::int32_t>> days;
    for (const auto& [from, to] : ranges) {
      ARROW_ASSIGN_OR_RAISE(Date first, Date::parse(from));
      ARROW_ASSIGN_OR_RAISE(Date last, Date::parse(to));
      days.emplace_back(first.days, last.days);
    }
    const auto& values = static_cast<const arrow::Date32Array&>(*array);
    for (std::int64_t i = 0; i < rows.num_rows(); ++i)
      for (const auto& [first, last] : days)
        if (values.Value(i) >= first && values.Value(i) <= last) bits[static_cast<std::size_t>(i)] = true;
    return bits;
  }
  if (array->type_id() != arrow::Type::STRING)
    return data_error(fmt::format("units cannot be told apart by \"{}\", a {}", column, array->type()->ToString()));
  const auto& values = static_cast<const arrow::StringArray&>(*array);
  for (std::int64_t i = 0; i < rows.num_rows(); ++i)
    for (const auto& [from, to] : ranges)
      if (values.GetView(i) >= from && values.GetView(i) <= to) bits[static_cast<std::size_t>(i)] = true;
  return bits;
}

Result<std::shared_ptr<arrow::RecordBatch>> pick(const std::shared_ptr<arrow::RecordBatch>& rows,
                                                 const std::vector<bool>& bits, bool kept, arrow::MemoryPool* pool) {
  arrow::Int64Builder wanted(pool);
  for (std::size_t i = 0; i < bits.size(); ++i)
    if (bits[i] == kept) ARROW_RETURN_NOT_OK(wanted.Append(static_cast<std::int64_t>(i)));
  if (wanted.length() == rows->num_rows()) return rows;
  if (wanted.length() == 0) return std::shared_ptr<arrow::RecordBatch>{};
  ARROW_ASSIGN_OR_RAISE(auto indices, wanted.Finish());
  arrow::compute::ExecContext context(pool);
  context.set_use_threads(false);
  ARROW_ASSIGN_OR_RAISE(auto taken,
                        arrow::compute::Take(rows, indices, arrow::compute::TakeOptions::NoBoundsCheck(), &context));
  return taken.record_batch();
}

}  // namespace tapemill::lake
