#include "lake/parquet_part.h"

#include <arrow/api.h>
#include <arrow/array/concatenate.h>
#include <arrow/io/file.h>
#include <parquet/arrow/schema.h>
#include <parquet/column_writer.h>
#include <parquet/exception.h>
#include <parquet/file_writer.h>
#include <unistd.h>

#include <algorithm>

#include "lake/stats.h"

namespace tapemill::lake {
namespace {

constexpr std::int64_t kSlice = 1 << 16;
constexpr std::int64_t kPageRows = 4096;  // small ones pack better, and a symbol costs the reader one a column
constexpr const char* kWriter = "3";  // raise it when the bytes written for the same rows change

parquet::Encoding::type encoding_of(const std::string& name) {
  return name == "delta"               ? parquet::Encoding::DELTA_BINARY_PACKED
         : name == "byte_stream_split" ? parquet::Encoding::BYTE_STREAM_SPLIT
                                       : parquet::Encoding::PLAIN;
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

Result<std::shared_ptr<parquet::WriterProperties>> properties_of(const Layout& layout, const arrow::Schema& stored,
                                                                 arrow::MemoryPool* pool) {
  parquet::WriterProperties::Builder builder;
  builder.memory_pool(pool)
      ->created_by(fmt::format("tapemill version {} (build {})", kWriter, ARROW_VERSION_STRING))
      ->version(parquet::ParquetVersion::PARQUET_2_6)
      ->compression(parquet::Compression::ZSTD)
      ->compression_level(layout.compression_level)
      ->enable_store_decimal_as_integer()
      ->enable_statistics()
      ->enable_write_page_index()
      ->set_size_statistics_level(parquet::SizeStatisticsLevel::None)  // nobody asks for histograms of levels here
      ->max_rows_per_page(kPageRows)
      ->max_row_group_length(layout.row_group_rows);
  for (const auto& field : stored.fields()) {
    auto declared = layout.encodings.find(field->name());
    const std::string encoding =
        declared != layout.encodings.end() ? declared->second : standard_encoding(*field->type());
    if (!fits(encoding, *field->type())) {
      return usage_error(fmt::format("column \"{}\": the encoding {} does not fit {}", field->name(), encoding,
                                     field->type()->ToString()),
                         "delta is for whole numbers, dates, times and decimals, byte_stream_split for doubles");
    }
    if (encoding == "dictionary") continue;  // Parquet's own default
    builder.disable_dictionary(field->name());
    if (field->type()->id() != arrow::Type::BOOL) builder.encoding(field->name(), encoding_of(encoding));
  }
  return builder.build();
}

/// Exceptions of Parquet's end here.
template <class Work>
Status guarded(Work&& work) {
  try {
    return work();
  } catch (const parquet::ParquetStatusException& failed) {
    return failed.status();
  } catch (const std::exception& failed) { return Status::IOError(failed.what()); }
}

/// Values that lie in memory as Parquet takes them, without a copy; of an optional column with their definition levels.
template <class Writer, class T>
void write_plain(parquet::ColumnWriter& column, const arrow::Array& array, bool optional) {
  auto& writer = static_cast<Writer&>(column);
  const T* values = array.data()->GetValues<T>(1);
  const std::int64_t rows = array.length();
  if (!optional) {
    writer.WriteBatch(rows, nullptr, nullptr, values);
    return;
  }
  std::vector<std::int16_t> levels(static_cast<std::size_t>(rows), 1);
  if (array.null_count() == 0) {
    writer.WriteBatch(rows, levels.data(), nullptr, values);
    return;
  }
  for (std::int64_t row = 0; row < rows; ++row) levels[static_cast<std::size_t>(row)] = array.IsValid(row);
  writer.WriteBatchSpaced(rows, levels.data(), nullptr, array.null_bitmap_data(), array.offset(), values);
}

template <class Array>
bool holds_nan(const arrow::Array& array) {
  const auto* values = static_cast<const Array&>(array).raw_values();
  bool found = false;
  for (std::int64_t i = 0; i < array.length(); ++i)
    found |= values[i] != values[i];  // of a null row too: only less is said then
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
                                                       const std::shared_ptr<arrow::Schema>& stored, Groups groups,
                                                       arrow::MemoryPool* pool) {
  ARROW_ASSIGN_OR_RAISE(auto properties, properties_of(layout, *stored, pool));
  ARROW_RETURN_NOT_OK(make_folders(folder, false));  // publish() syncs it
  ARROW_ASSIGN_OR_RAISE(PendingFile file, PendingFile::create(folder));
  const int descriptor = ::dup(file.fd());  // the stream closes what it is given
  if (descriptor < 0) return errno_error("cannot write in " + folder, errno);
  auto part = std::unique_ptr<ParquetPart>(new ParquetPart(std::move(file), pool));
  ARROW_ASSIGN_OR_RAISE(part->sink_, arrow::io::FileOutputStream::Open(descriptor));
  part->stored_ = stored;
  part->groups_ = groups;
  part->properties_ = properties;
  part->group_rows_ = std::max<std::int64_t>(layout.row_group_rows, 1);
  part->part_rows_ = std::max<std::int64_t>(layout.part_rows, 1);
  std::shared_ptr<parquet::SchemaDescriptor> schema;
  ARROW_RETURN_NOT_OK(parquet::arrow::ToParquetSchema(stored.get(), *properties, &schema));
  ARROW_RETURN_NOT_OK(guarded([&] {
    auto root = std::static_pointer_cast<parquet::schema::GroupNode>(schema->schema_root());
    part->writer_ = parquet::ParquetFileWriter::Open(part->sink_, std::move(root), properties);
    return Status::OK();
  }));
  return part;
}

ParquetPart::ParquetPart(PendingFile file, arrow::MemoryPool* pool) : file_(std::move(file)), pool_(pool) {}

ParquetPart::~ParquetPart() {
  ARROW_UNUSED(guarded([&] {  // an unfinished one, into a file nobody will see
    if (writer_ != nullptr) writer_->Close();
    return Status::OK();
  }));
}

Status ParquetPart::append(const std::shared_ptr<arrow::RecordBatch>& stored) {
  pending_.push_back(stored);
  pending_rows_ += stored->num_rows();
  find_nan(*stored);
  return write_slices(false);
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

Status ParquetPart::write_slices(bool all) {
  while (pending_rows_ > 0) {
    const std::int64_t most = group_rows_ - in_group_;
    const std::int64_t full = groups_ == Groups::gather ? most : std::min(kSlice, most);
    if (pending_rows_ < full && !all) return Status::OK();
    const std::int64_t rows = std::min(full, pending_rows_);
    ARROW_RETURN_NOT_OK(groups_ == Groups::gather ? write_group(rows) : write_slice(rows));
    rows_ += rows;
  }
  return Status::OK();
}

Result<arrow::RecordBatchVector> ParquetPart::take_pending(std::int64_t rows) {
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
  return pieces;
}

Status ParquetPart::write_slice(std::int64_t rows) {
  ARROW_ASSIGN_OR_RAISE(auto pieces, take_pending(rows));
  auto slice = pieces[0];
  if (pieces.size() > 1) { ARROW_ASSIGN_OR_RAISE(slice, arrow::ConcatenateRecordBatches(pieces, pool_)); }
  ARROW_RETURN_NOT_OK(guarded([&] {
    if (in_group_ == 0) group_ = writer_->AppendBufferedRowGroup();
    for (int i = 0; i < slice->num_columns(); ++i)
      ARROW_RETURN_NOT_OK(write_column(*group_->column(i), i, *slice->column(i)));
    return Status::OK();
  }));
  in_group_ += rows;
  if (in_group_ == group_rows_) in_group_ = 0;
  return Status::OK();
}

Status ParquetPart::write_group(std::int64_t rows) {
  ARROW_ASSIGN_OR_RAISE(auto pieces, take_pending(rows));
  return guarded([&] {
    parquet::RowGroupWriter& group = *writer_->AppendRowGroup();
    for (int i = 0; i < stored_->num_fields(); ++i) {
      parquet::ColumnWriter& writer = *group.NextColumn();
      ARROW_RETURN_NOT_OK(write_whole(writer, i, pieces));
      writer.Close();
    }
    group.Close();
    return Status::OK();
  });
}

/// A column of a row group. Where its pages end, and where its dictionary is given up, depends on the sizes of the calls only
/// if the values have no fixed width or a dictionary: those go in slices.
Status ParquetPart::write_whole(parquet::ColumnWriter& writer, int column, const arrow::RecordBatchVector& pieces) {
  arrow::ArrayVector arrays;
  for (const auto& piece : pieces) arrays.push_back(piece->column(column));
  const arrow::DataType& type = *arrays[0]->type();
  const bool dictionary = properties_->dictionary_enabled(writer.descr()->path());
  if (!dictionary && arrow::is_fixed_width(type) && type.id() != arrow::Type::BOOL) {
    for (const auto& array : arrays) ARROW_RETURN_NOT_OK(write_column(writer, column, *array));
    return Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(auto whole, arrow::Concatenate(arrays, pool_));
  for (std::int64_t at = 0; at < whole->length(); at += kSlice)
    ARROW_RETURN_NOT_OK(write_column(writer, column, *whole->Slice(at, kSlice)));
  return Status::OK();
}

Status ParquetPart::write_column(parquet::ColumnWriter& writer, int column, const arrow::Array& values) {
  const bool optional = stored_->field(column)->nullable(), wide = writer.type() == parquet::Type::INT64;
  switch (values.type_id()) {
    case arrow::Type::INT64:
    case arrow::Type::TIMESTAMP: write_plain<parquet::Int64Writer, std::int64_t>(writer, values, optional); break;
    case arrow::Type::DOUBLE: write_plain<parquet::DoubleWriter, double>(writer, values, optional); break;
    case arrow::Type::INT32:
    case arrow::Type::DATE32: write_plain<parquet::Int32Writer, std::int32_t>(writer, values, optional); break;
    case arrow::Type::DECIMAL64:
      if (wide) {
        write_plain<parquet::Int64Writer, std::int64_t>(writer, values, optional);
        break;
      }
      [[fallthrough]];
    default: {
      auto properties = parquet::default_arrow_writer_properties();
      parquet::ArrowWriteContext context(pool_, properties.get());
      std::vector<std::int16_t> levels(static_cast<std::size_t>(values.length()), 1);
      if (values.null_count() > 0)
        for (std::int64_t row = 0; row < values.length(); ++row)
          levels[static_cast<std::size_t>(row)] = values.IsValid(row);
      return writer.WriteArrow(optional ? levels.data() : nullptr, nullptr, values.length(), values, &context,
                               optional);
    }
  }
  return Status::OK();
}

Result<Part> ParquetPart::finish() {
  ARROW_RETURN_NOT_OK(write_slices(true));
  auto writer = std::move(writer_);
  ARROW_RETURN_NOT_OK(guarded([&] {
    writer->Close();
    return Status::OK();
  }));
  Part part;
  part.rows = rows_;
  ARROW_ASSIGN_OR_RAISE(part.size, sink_->Tell());
  part.stats = statistics_of(*writer->metadata(), *stored_, with_nan_);
  ARROW_RETURN_NOT_OK(sink_->Close());
  file_.start_sync();
  return part;
}

}  // namespace tapemill::lake
