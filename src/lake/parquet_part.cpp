#include "lake/parquet_part.h"

#include <arrow/api.h>
#include <arrow/array/concatenate.h>
#include <arrow/io/buffered.h>
#include <arrow/io/file.h>
#include <arrow/util/compression.h>
#include <parquet/arrow/schema.h>
#include <parquet/column_writer.h>
#include <parquet/file_writer.h>
#include <parquet/page_index.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "lake/stats.h"

namespace tapemill::lake {
namespace {

constexpr std::int64_t kSinkBytes = 256 << 10;
constexpr const char* kWriter = "4";  // raise it when the bytes written for the same rows change

PageEncoding encoding_of(const std::string& name) {
  return name == "delta"               ? PageEncoding::delta
         : name == "byte_stream_split" ? PageEncoding::split
         : name == "dictionary"        ? PageEncoding::dictionary
                                       : PageEncoding::plain;
}

// Encoding where the spec says none: dictionary for texts, deltas for everything held as a whole number, split bytes for
// real numbers (smaller than plain ones under zstd, and unpacked three times as fast).
const char* standard_encoding(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DECIMAL64: return "delta";
    case arrow::Type::STRING: return "dictionary";
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE: return "byte_stream_split";
    default: return "plain";
  }
}

bool fits(const std::string& encoding, const arrow::DataType& type) {
  const bool real = type.id() == arrow::Type::DOUBLE || type.id() == arrow::Type::FLOAT;
  const bool whole = std::string_view(standard_encoding(type)) == "delta";
  if (encoding == "delta") return whole;
  if (encoding == "byte_stream_split") return real;
  return encoding == "dictionary" ? type.id() != arrow::Type::BOOL : encoding == "plain";
}

std::shared_ptr<parquet::WriterProperties> properties_of(const Layout& layout, arrow::MemoryPool* pool) {
  parquet::WriterProperties::Builder builder;
  builder.memory_pool(pool)
      ->created_by(fmt::format("tapemill version {} (build {})", kWriter, ARROW_VERSION_STRING))
      ->version(parquet::ParquetVersion::PARQUET_2_6)
      ->compression(parquet::Compression::ZSTD)
      ->compression_level(layout.compression_level)
      ->enable_store_decimal_as_integer()
      ->enable_write_page_index();
  return builder.build();
}

Result<PageEncoding> encoding_for(const Layout& layout, const arrow::Field& field) {
  auto declared = layout.encodings.find(field.name());
  const std::string encoding = declared != layout.encodings.end() ? declared->second : standard_encoding(*field.type());
  if (fits(encoding, *field.type())) return encoding_of(encoding);
  return usage_error(
      fmt::format("column \"{}\": the encoding {} does not fit {}", field.name(), encoding, field.type()->ToString()),
      "delta is for whole numbers, dates, times and decimals, byte_stream_split for doubles");
}

template <class Array>
bool holds_nan(const arrow::Array& array) {
  const auto* values = static_cast<const Array&>(array).raw_values();
  bool found = false;
  for (std::int64_t i = 0; i < array.length(); ++i)
    found |= std::isnan(values[i]);  // of a null row too: only less is said then
  return found;
}

}  // namespace

std::string writer_version() { return std::string(kWriter) + " " + ARROW_VERSION_STRING; }

std::string fingerprint(const Layout& layout) {
  std::string text;
  for (const auto& field : layout.schema->fields())
    text += field->name() + " " + field->type()->ToString() + (field->nullable() ? "\n" : " not null\n");
  for (const auto& column : layout.sort) text += "sort " + column + "\n";
  for (const auto& [column, encoding] : layout.encodings) text += column + " as " + encoding + "\n";
  return text + fmt::format("{} {} {}", layout.row_group_rows, layout.part_rows, layout.compression_level);
}

Result<std::unique_ptr<ParquetPart>> ParquetPart::open(const std::string& folder, const Layout& layout,
                                                       const std::shared_ptr<arrow::Schema>& stored,
                                                       arrow::MemoryPool* pool) {
  std::vector<PageEncoding> encodings;
  for (const auto& field : stored->fields()) {
    ARROW_ASSIGN_OR_RAISE(const PageEncoding encoding, encoding_for(layout, *field));
    encodings.push_back(encoding);
  }
  ARROW_RETURN_NOT_OK(make_folders(folder, false));  // publish() syncs it
  ARROW_ASSIGN_OR_RAISE(PendingFile file, PendingFile::create(folder));
  const int descriptor = ::dup(file.fd());  // the stream closes what it is given
  if (descriptor < 0) return errno_error("cannot write in " + folder, errno);
  auto part = std::unique_ptr<ParquetPart>(new ParquetPart(std::move(file), pool));
  ARROW_ASSIGN_OR_RAISE(auto raw, arrow::io::FileOutputStream::Open(descriptor));
  ARROW_ASSIGN_OR_RAISE(part->sink_, arrow::io::BufferedOutputStream::Create(kSinkBytes, pool, std::move(raw)));
  part->stored_ = stored;
  part->properties_ = properties_of(layout, pool);
  part->level_ = layout.compression_level;
  part->group_rows_ = std::max<std::int64_t>(layout.row_group_rows, 1);
  part->part_rows_ = std::max<std::int64_t>(layout.part_rows, 1);
  std::shared_ptr<parquet::SchemaDescriptor> schema;
  ARROW_RETURN_NOT_OK(parquet::arrow::ToParquetSchema(stored.get(), *part->properties_, &schema));
  ARROW_RETURN_NOT_OK(guarded([&]() -> Status {
    part->schema_ = std::make_unique<parquet::SchemaDescriptor>();
    part->schema_->Init(schema->schema_root());
    if (part->schema_->num_columns() != stored->num_fields())
      return usage_error("nested columns cannot be written: " + stored->ToString());
    part->metadata_ = parquet::FileMetaDataBuilder::Make(part->schema_.get(), part->properties_);
    part->index_ = parquet::PageIndexBuilder::Make(part->schema_.get());
    for (int i = 0; i < stored->num_fields(); ++i) {
      part->columns_.push_back(ColumnPages::make(
          part->schema_->Column(i), {encodings[static_cast<std::size_t>(i)], layout.compression_level}, pool));
      if (part->columns_.back() == nullptr)
        return usage_error("a column of this type cannot be written: " + stored->field(i)->ToString());
    }
    return part->sink_->Write(parquet::kParquetMagic, sizeof parquet::kParquetMagic);
  }));
  return part;
}

ParquetPart::ParquetPart(PendingFile file, arrow::MemoryPool* pool) : file_(std::move(file)), pool_(pool) {}

ParquetPart::~ParquetPart() {
  // What is not finished is not to be: on a full disk Arrow would try, and say on stderr that it could not.
  if (sink_ != nullptr && !sink_->closed()) static_cast<void>(sink_->Abort());
}

Status ParquetPart::append(const std::shared_ptr<arrow::RecordBatch>& stored) {
  pending_.push_back(stored);
  pending_rows_ += stored->num_rows();
  find_nan(*stored);
  return add_pages(false);
}

void ParquetPart::find_nan(const arrow::RecordBatch& rows) {
  for (int i = 0; i < rows.num_columns(); ++i) {
    const arrow::Array& column = *rows.column(i);
    const bool found = column.type_id() == arrow::Type::DOUBLE  ? holds_nan<arrow::DoubleArray>(column)
                       : column.type_id() == arrow::Type::FLOAT ? holds_nan<arrow::FloatArray>(column)
                                                                : false;
    if (found) with_nan_.insert(rows.column_name(i));
  }
}

Status ParquetPart::add_pages(bool all) {
  while (pending_rows_ > 0) {
    const std::int64_t full = std::min(kPageRows, group_rows_ - in_group_);
    if (pending_rows_ < full && !all) return Status::OK();
    ARROW_RETURN_NOT_OK(add_page(std::min(full, pending_rows_)));
    if (in_group_ == group_rows_) ARROW_RETURN_NOT_OK(end_group());
  }
  return all && in_group_ > 0 ? end_group() : Status::OK();
}

Status ParquetPart::add_page(std::int64_t rows) {
  arrow::RecordBatchVector pieces;
  std::size_t used = 0;
  for (std::int64_t gathered = 0; gathered < rows;) {
    auto& batch = pending_[used];
    const std::int64_t take = std::min(rows - gathered, batch->num_rows());
    pieces.push_back(take == batch->num_rows() ? batch : batch->Slice(0, take));
    gathered += take;
    if (take == batch->num_rows()) ++used;
    else batch = batch->Slice(take);
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(used));
  pending_rows_ -= rows;
  ARROW_RETURN_NOT_OK(guarded([&]() -> Status {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      auto values = pieces[0]->column(static_cast<int>(i));
      if (pieces.size() > 1) {
        arrow::ArrayVector arrays;
        for (const auto& piece : pieces) arrays.push_back(piece->column(static_cast<int>(i)));
        ARROW_ASSIGN_OR_RAISE(values, arrow::Concatenate(arrays, pool_));
      }
      ARROW_RETURN_NOT_OK(columns_[i]->add(*values));
    }
    return Status::OK();
  }));
  in_group_ += rows;
  rows_ += rows;
  return Status::OK();
}

Status ParquetPart::end_group() {
  return guarded([&]() -> Status {
    parquet::RowGroupMetaDataBuilder& group = *metadata_->AppendRowGroup();
    index_->AppendRowGroup();
    ARROW_ASSIGN_OR_RAISE(const std::int64_t begin, sink_->Tell());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const auto ordinal = static_cast<std::int16_t>(i);
      parquet::ColumnChunkMetaDataBuilder& chunk = *group.NextColumnChunk();
      auto writer = parquet::PageWriter::Open(sink_, parquet::Compression::ZSTD, &chunk, groups_, ordinal, pool_, false,
                                              nullptr, nullptr, false, nullptr, index_->GetOffsetIndexBuilder(ordinal),
                                              arrow::util::CodecOptions(level_));
      ARROW_RETURN_NOT_OK(columns_[i]->write(*writer, *index_->GetColumnIndexBuilder(ordinal), chunk));
    }
    ARROW_ASSIGN_OR_RAISE(const std::int64_t end, sink_->Tell());
    group.set_num_rows(in_group_);
    group.Finish(end - begin, groups_++);
    in_group_ = 0;
    return Status::OK();
  });
}

Result<std::shared_ptr<parquet::FileMetaData>> ParquetPart::end_file() {
  std::shared_ptr<parquet::FileMetaData> footer;
  ARROW_RETURN_NOT_OK(guarded([&]() -> Status {
    index_->Finish();
    const auto places = index_->WriteTo(sink_.get());
    metadata_->SetIndexLocations(parquet::IndexKind::kColumnIndex, places.column_index_locations);
    metadata_->SetIndexLocations(parquet::IndexKind::kOffsetIndex, places.offset_index_locations);
    footer = metadata_->Finish();
    parquet::WriteFileMetaData(*footer, sink_.get());
    return Status::OK();
  }));
  return footer;
}

Result<Part> ParquetPart::finish() {
  ARROW_RETURN_NOT_OK(add_pages(true));
  ARROW_ASSIGN_OR_RAISE(auto footer, end_file());
  Part part;
  part.rows = rows_;
  ARROW_ASSIGN_OR_RAISE(part.size, sink_->Tell());
  part.stats = statistics_of(*footer, *stored_, with_nan_);
  ARROW_RETURN_NOT_OK(sink_->Close());
  columns_.clear();
  file_.start_sync();
  return part;
}

}  // namespace tapemill::lake
