#include "lake/open_part.h"

#include <arrow/type.h>
#include <fcntl.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>
#include <parquet/statistics.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "lake/damage.h"
#include "lake/files.h"

namespace tapemill::lake {
namespace {

constexpr const char* kWriter = "tapemill version ";

// The type of the table's column that our writer made such a Parquet column of; null: none of ours.
std::shared_ptr<arrow::DataType> type_of(const parquet::ColumnDescriptor& column) {
  const auto& logical = *column.logical_type();
  switch (column.physical_type()) {
    case parquet::Type::BOOLEAN: return arrow::boolean();
    case parquet::Type::FLOAT: return logical.is_none() ? arrow::float32() : nullptr;
    case parquet::Type::DOUBLE: return logical.is_none() ? arrow::float64() : nullptr;
    case parquet::Type::BYTE_ARRAY: return logical.is_string() ? arrow::utf8() : nullptr;
    case parquet::Type::INT32:
      if (logical.is_none()) return arrow::int32();
      if (logical.is_date()) return arrow::date32();
      break;
    case parquet::Type::INT64:
      if (logical.is_none()) return arrow::int64();
      if (logical.is_timestamp()) {
        const auto& time = static_cast<const parquet::TimestampLogicalType&>(logical);
        const bool utc_micros = time.time_unit() == parquet::LogicalType::TimeUnit::MICROS && time.is_adjusted_to_utc();
        return utc_micros ? arrow::timestamp(arrow::TimeUnit::MICRO, "UTC") : nullptr;
      }
      break;
    default: return nullptr;
  }
  if (logical.is_decimal()) {
    const auto& decimal = static_cast<const parquet::DecimalLogicalType&>(logical);
    return decimal.precision() <= 18 ? arrow::decimal64(decimal.precision(), decimal.scale()) : nullptr;
  }
  if (logical.is_int()) {
    const auto& whole = static_cast<const parquet::IntLogicalType&>(logical);
    if (!whole.is_signed()) return nullptr;
    if (whole.bit_width() == 8) return arrow::int8();
    if (whole.bit_width() == 16) return arrow::int16();
    return whole.bit_width() == 32 ? arrow::int32() : arrow::int64();
  }
  return nullptr;
}

ColumnChunk::Form form_of(const parquet::ColumnDescriptor& column) {
  using Form = ColumnChunk::Form;
  if (column.max_repetition_level() != 0 || column.max_definition_level() > 1 || type_of(column) == nullptr)
    return Form::other;
  switch (column.physical_type()) {
    case parquet::Type::BOOLEAN: return Form::boolean;
    case parquet::Type::INT32: return Form::int32;
    case parquet::Type::INT64: return Form::int64;
    case parquet::Type::FLOAT: return Form::real32;
    case parquet::Type::DOUBLE: return Form::real64;
    case parquet::Type::BYTE_ARRAY: return Form::text;
    default: return Form::other;
  }
}

ColumnChunk chunk_of(const parquet::RowGroupMetaData& group, int index, const parquet::ColumnDescriptor& column,
                     const OpenPart& part) {
  auto meta = group.ColumnChunk(index);
  ColumnChunk out;
  out.form = form_of(column);
  out.optional = column.max_definition_level() == 1;
  out.codec = meta->compression();
  out.data_offset = meta->data_page_offset();
  out.offset = out.data_offset;
  if (meta->has_dictionary_page() && meta->dictionary_page_offset() > 0)
    out.offset = std::min(out.offset, meta->dictionary_page_offset());
  out.size = meta->total_compressed_size();
  out.uncompressed = meta->total_uncompressed_size();
  if (out.offset < 4 || out.size < 0 || out.offset > part.file_size || out.size > part.file_size - out.offset ||
      meta->num_values() != group.num_rows() || meta->crypto_metadata() != nullptr)
    out.form = ColumnChunk::Form::other;  // Arrow's reader says what is wrong with it
  auto statistics = meta->statistics();
  if (statistics != nullptr && statistics->HasNullCount()) out.nulls = statistics->null_count();
  if (auto type = type_of(column); type != nullptr) out.bounds = bounds_of_group(group, index, *type);
  if (auto index_at = meta->GetOffsetIndexLocation(); index_at && index_at->offset > 0 && index_at->length > 0)
    out.index_offset = index_at->offset, out.index_size = index_at->length;
  return out;
}

// The page indexes of all columns stand together before the footer: one read.
void read_page_indexes(OpenPart& part, int fd) {
  std::int64_t first = INT64_MAX, last = 0;
  for (const OpenGroup& group : part.groups) {
    for (const ColumnChunk& chunk : group.columns) {
      if (chunk.index_size == 0) continue;
      first = std::min(first, chunk.index_offset);
      last = std::max(last, chunk.index_offset + chunk.index_size);
    }
  }
  if (first >= last || last > part.file_size || last - first > 16 << 20) return;  // read without one
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(last - first));
  if (::pread(fd, bytes.data(), bytes.size(), first) != static_cast<ssize_t>(bytes.size())) return;
  for (OpenGroup& group : part.groups) {
    for (ColumnChunk& chunk : group.columns) {
      if (chunk.index_size == 0) continue;
      auto pages = parse_offset_index(Bytes(bytes).subspan(static_cast<std::size_t>(chunk.index_offset - first),
                                                           static_cast<std::size_t>(chunk.index_size)));
      if (!pages.ok() || pages->empty()) continue;
      const PageLocation& end = pages->back();
      const bool inside = pages->front().offset >= chunk.offset && end.size <= chunk.size &&
                          end.offset + end.size <= chunk.offset + chunk.size && end.first_row < group.rows;
      if (inside) chunk.pages = *std::move(pages);
    }
  }
}

std::shared_ptr<const OpenPart> read_part(const std::string& path, int fd, const struct stat& info) {
  auto part = std::make_shared<OpenPart>();
  part->path = path;
  part->inode = info.st_ino;
  part->changed_ns = info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec;
  part->file_size = info.st_size;
  part->footer = parquet::ParquetFileReader::OpenFile(path, false)->metadata();
  const parquet::FileMetaData& footer = *part->footer;
  const parquet::SchemaDescriptor& schema = *footer.schema();
  part->ours = footer.created_by().starts_with(kWriter);
  for (int i = 0; i < schema.num_columns(); ++i) {
    part->names.emplace(schema.Column(i)->path()->ToDotString(), i);
    part->types.push_back(type_of(*schema.Column(i)));
  }
  for (int index = 0; index < footer.num_row_groups(); ++index) {
    auto group = footer.RowGroup(index);
    OpenGroup open;
    open.rows = group->num_rows();
    if (open.rows > UINT32_MAX) part->ours = false;
    for (int i = 0; i < schema.num_columns(); ++i)
      open.columns.push_back(chunk_of(*group, i, *schema.Column(i), *part));
    part->groups.push_back(std::move(open));
  }
  if (part->ours) read_page_indexes(*part, fd);
  return part;
}

std::int64_t size_of(const OpenPart& part) {
  std::int64_t bytes = 12LL * part.footer->size();  // thrift's objects are some ten times their text
  for (const OpenGroup& group : part.groups) {
    for (const ColumnChunk& chunk : group.columns)
      bytes += static_cast<std::int64_t>(sizeof chunk + chunk.pages.size() * sizeof(PageLocation));
  }
  return bytes;
}

}  // namespace

Result<std::shared_ptr<const OpenPart>> open_part(const std::string& path, bool keep) {
  struct Descriptor {
    int fd;
    ~Descriptor() {
      if (fd >= 0) ::close(fd);
    }
  };
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return data_error(path + " is in the log but not on the disk", kRestore);
    return errno_error("cannot read " + path, errno);
  }
  const std::int64_t changed = info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec;
  if (auto known = ReadCache::shared().get<OpenPart>(path); known != nullptr) {
    if (known->inode == info.st_ino && known->file_size == info.st_size && known->changed_ns == changed) return known;
  }
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return errno_error("cannot read " + path, errno);
  try {
    auto part = read_part(path, file.fd, info);
    if (keep) ReadCache::shared().put(path, part, size_of(*part));
    return part;
  } catch (const std::exception& problem) {  // parquet's exceptions end here
    return damaged(path, problem.what());
  }
}

Status in_part(const std::string& path, const Status& status) {
  if (status.ok() || status.IsOutOfMemory() || status.IsNotImplemented()) return status;
  return exit_code(status) == 1 ? damaged(path, status.message()) : prefixed(status, path);
}

ReadCache& ReadCache::shared() {
  static ReadCache cache;
  return cache;
}

std::shared_ptr<const void> ReadCache::find(const std::string& key) {
  std::lock_guard lock(mutex_);
  auto it = entries_.find(key);
  if (it == entries_.end()) return nullptr;
  it->second.used = ++clock_;
  return it->second.value;
}

void ReadCache::put(const std::string& key, std::shared_ptr<const void> value, std::int64_t bytes) {
  const std::int64_t most = most_;
  if (bytes > most / 8) return;
  std::lock_guard lock(mutex_);
  Entry& entry = entries_[key];
  bytes_ += bytes - entry.bytes;
  entry = {std::move(value), bytes, ++clock_};
  if (bytes_ <= most) return;
  // Down to three quarters at once: each entry is looked at seldom.
  std::vector<std::pair<std::uint64_t, const std::string*>> by_use;
  for (const auto& [name, one] : entries_) by_use.emplace_back(one.used, &name);
  std::sort(by_use.begin(), by_use.end());
  for (const auto& [used, name] : by_use) {
    if (bytes_ <= most / 4 * 3) break;
    auto it = entries_.find(*name);
    bytes_ -= it->second.bytes;
    entries_.erase(it);
  }
}

std::int64_t ReadCache::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace tapemill::lake
