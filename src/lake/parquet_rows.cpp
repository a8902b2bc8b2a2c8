#include "lake/parquet_rows.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/byte_size.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>
#include <unistd.h>

namespace tapemill::lake {
namespace {

constexpr std::int64_t kGroupRows = 65'536, kGroupBytes = 16 << 20;

std::shared_ptr<parquet::WriterProperties> properties() {
  return parquet::WriterProperties::Builder()
      .compression(parquet::Compression::ZSTD)
      ->compression_level(3)
      ->memory_pool(arrow::system_memory_pool())
      ->enable_store_decimal_as_integer()
      ->max_row_group_length(kGroupRows)
      ->build();
}

Status check_types(const arrow::Schema& schema) {
  for (const auto& field : schema.fields()) {
    std::shared_ptr<parquet::SchemaDescriptor> ignored;
    if (parquet::arrow::ToParquetSchema(arrow::schema({field}).get(), *properties(), &ignored).ok()) continue;
    return usage_error(fmt::format("column {}: Parquet has no type for {}", field->name(), field->type()->ToString()),
                       fmt::format("cast it: {}::varchar", field->name()));
  }
  return Status::OK();
}

}  // namespace

struct ParquetRows::File {
  std::shared_ptr<arrow::Schema> schema;
  std::shared_ptr<arrow::io::FileOutputStream> out;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  std::vector<std::shared_ptr<arrow::RecordBatch>> pending;
  std::int64_t rows = 0, bytes = 0;  // of `pending`
};

ParquetRows::ParquetRows(std::unique_ptr<File> file) : file_(std::move(file)) {}
ParquetRows::~ParquetRows() = default;

Result<std::unique_ptr<ParquetRows>> ParquetRows::open(int fd, const std::shared_ptr<arrow::Schema>& schema) {
  ARROW_RETURN_NOT_OK(check_types(*schema));
  auto file = std::make_unique<File>();
  file->schema = schema;
  const int own = ::dup(fd);
  if (own < 0) return errno_error("a Parquet file", errno);
  ARROW_ASSIGN_OR_RAISE(file->out, arrow::io::FileOutputStream::Open(own));
  ARROW_ASSIGN_OR_RAISE(
      file->writer, parquet::arrow::FileWriter::Open(*schema, arrow::system_memory_pool(), file->out, properties()));
  return std::unique_ptr<ParquetRows>(new ParquetRows(std::move(file)));
}

Status ParquetRows::write_group() {
  if (file_->rows == 0) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto table, arrow::Table::FromRecordBatches(file_->schema, file_->pending));
  file_->pending.clear();
  file_->rows = file_->bytes = 0;
  return file_->writer->WriteTable(*table, kGroupRows);
}

Status ParquetRows::write(const std::shared_ptr<arrow::RecordBatch>& rows) {
  for (std::int64_t at = 0; at < rows->num_rows();) {
    const auto piece = rows->Slice(at, kGroupRows - file_->rows);
    at += piece->num_rows();
    ARROW_ASSIGN_OR_RAISE(const std::int64_t bytes, arrow::util::ReferencedBufferSize(*piece));
    file_->pending.push_back(piece);
    file_->rows += piece->num_rows(), file_->bytes += bytes;
    if (file_->rows >= kGroupRows || file_->bytes >= kGroupBytes) ARROW_RETURN_NOT_OK(write_group());
  }
  return Status::OK();
}

Status ParquetRows::finish() {
  ARROW_RETURN_NOT_OK(write_group());
  ARROW_RETURN_NOT_OK(file_->writer->Close());
  return file_->out->Close();
}

}  // namespace tapemill::lake
