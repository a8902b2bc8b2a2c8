// A part again, with other values in some columns: what does not change is copied page by page, unread.
#include <arrow/api.h>
#include <parquet/metadata.h>
#include <parquet/page_index.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include <algorithm>

#include "core/json.h"
#include "lake/parquet_part.h"
#include "lake/rows.h"

namespace tapemill::lake {
namespace {

// Of each page, as the column index has them; without one (a page had no bounds that could be said) nothing but the count.
Result<std::vector<parquet::EncodedStatistics>> bounds_of_pages(const parquet::ColumnChunkMetaData& chunk,
                                                                const parquet::ColumnDescriptor& column,
                                                                const PartFile& file, std::size_t pages) {
  std::vector<parquet::EncodedStatistics> out(pages);
  const auto place = chunk.GetColumnIndexLocation();
  if (!place) return out;
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(place->length));
  ARROW_RETURN_NOT_OK(file.read(place->offset, place->length, bytes.data()));
  auto index = parquet::ColumnIndex::Make(column, bytes.data(), place->length, parquet::default_reader_properties());
  if (index->null_pages().size() != pages) return data_error("a column index has another number of pages");
  for (std::size_t i = 0; i < pages; ++i) {
    if (index->has_null_counts()) out[i].set_null_count(index->null_counts()[i]);
    out[i].all_null_value = index->null_pages()[i];
    if (!index->null_pages()[i]) out[i].set_min(index->encoded_min_values()[i]).set_max(index->encoded_max_values()[i]);
  }
  return out;
}

// Real numbers of which the log says no bound may hold a NaN; saying none of a carried one is true whatever they hold.
std::set<std::string> without_bounds(const Part& part, const arrow::Schema& schema) {
  std::set<std::string> out;
  const Json stats = Json::parse(part.stats, nullptr, false);
  for (const auto& field : schema.fields()) {
    if (!arrow::is_floating(field->type()->id())) continue;
    bool said = false;
    for (const char* side : {"minValues", "maxValues"})
      said |= stats.is_object() && stats.contains(side) && stats[side].contains(field->name());
    if (!said) out.insert(field->name());
  }
  return out;
}

}  // namespace

bool carries(const Layout& from, const Layout& to, const Change& change) {
  if (from.partitions != to.partitions || from.sort != to.sort || from.session_column != to.session_column ||
      from.row_group_rows != to.row_group_rows || from.part_rows != to.part_rows ||
      from.compression_level != to.compression_level)
    return false;
  auto encoding = [](const Layout& layout, const std::string& column) {
    auto found = layout.encodings.find(column);
    return found == layout.encodings.end() ? std::string() : found->second;
  };
  for (int i = 0; i < to.schema->num_fields(); ++i) {
    const auto& field = *to.schema->field(i);
    if (std::find(change.columns.begin(), change.columns.end(), field.name()) != change.columns.end()) continue;
    const auto source = from.schema->GetFieldByName(field.name());
    if (source == nullptr || !source->Equals(field, false) ||
        encoding(from, field.name()) != encoding(to, field.name()))
      return false;
  }
  return true;
}

Status ParquetPart::carry_column(int column, int source_column, const OpenPart& source, int group,
                                 const PartFile& file) {
  const ColumnChunk& chunk =
      source.groups[static_cast<std::size_t>(group)].columns[static_cast<std::size_t>(source_column)];
  if (chunk.optional != stored_->field(column)->nullable()) return data_error("a column is nullable, or was");
  ARROW_ASSIGN_OR_RAISE(auto bytes, arrow::AllocateBuffer(chunk.size + static_cast<std::int64_t>(kPadding), pool_));
  ARROW_RETURN_NOT_OK(file.read(chunk.offset, chunk.size, bytes->mutable_data()));
  const auto meta = source.footer->RowGroup(group)->ColumnChunk(source_column);
  ARROW_ASSIGN_OR_RAISE(auto bounds, bounds_of_pages(*meta, *schema_->Column(column), file, chunk.pages.size()));
  const auto whole = meta->encoded_statistics();
  return columns_[static_cast<std::size_t>(column)]->adopt(Bytes(bytes->data(), static_cast<std::size_t>(chunk.size)),
                                                           std::move(bounds),
                                                           whole == nullptr ? parquet::EncodedStatistics() : *whole);
}

Status ParquetPart::carry_changed(const Part& source, const std::shared_ptr<const OpenPart>& open, int group,
                                  const arrow::Schema& schema, const Change& change) {
  const RowGroup from{&source, open->path, open->footer, group, open};
  const std::int64_t rows = open->groups[static_cast<std::size_t>(group)].rows;
  const std::int64_t stretch = change.whole_groups ? rows : 16 * kPageRows;
  std::int64_t ignored = 0;
  for (std::int64_t at = 0; at < rows; at += stretch) {
    const auto first = static_cast<std::uint32_t>(at), last = static_cast<std::uint32_t>(std::min(rows, at + stretch));
    ARROW_ASSIGN_OR_RAISE(auto read, gather_rows({ChosenRows{&from, {{first, last, 0}}}}, schema, change.reads,
                                                 Workers(1), pool_, &ignored));
    ARROW_ASSIGN_OR_RAISE(auto batch, read->CombineChunksToBatch(pool_));
    ARROW_ASSIGN_OR_RAISE(batch, change.derive(batch));
    find_nan(*batch);
    for (const std::string& name : change.columns) {
      const auto values = batch->GetColumnByName(name);
      ColumnPages& pages = *columns_[static_cast<std::size_t>(stored_->GetFieldIndex(name))];
      for (std::int64_t page = 0; page < values->length(); page += kPageRows)
        ARROW_RETURN_NOT_OK(pages.add(*values->Slice(page, kPageRows)));
    }
  }
  return Status::OK();
}

Status ParquetPart::carry(const std::string& path, const Part& source, const arrow::Schema& schema,
                          const Change& change) {
  ARROW_ASSIGN_OR_RAISE(auto open, open_part(path, false));
  ARROW_ASSIGN_OR_RAISE(auto file, PartFile::open(path));
  with_nan_ = without_bounds(source, *stored_);
  Status status = guarded([&]() -> Status {
    for (int group = 0; group < static_cast<int>(open->groups.size()); ++group) {
      for (int column = 0; column < stored_->num_fields(); ++column) {
        const std::string& name = stored_->field(column)->name();
        if (std::find(change.columns.begin(), change.columns.end(), name) != change.columns.end()) continue;
        const int source_column = open->column(name);
        if (source_column < 0) return data_error("has no column " + name);
        ARROW_RETURN_NOT_OK(carry_column(column, source_column, *open, group, file));
      }
      ARROW_RETURN_NOT_OK(carry_changed(source, open, group, schema, change));
      in_group_ = open->groups[static_cast<std::size_t>(group)].rows;
      rows_ += in_group_;
      ARROW_RETURN_NOT_OK(end_group());
    }
    if (rows_ == source.rows) return Status::OK();
    return data_error(fmt::format("holds {} rows, the log says {}", rows_, source.rows));
  });
  return status.ok() || status.IsOutOfMemory() || status.message().starts_with(path) ? status : prefixed(status, path);
}

}  // namespace tapemill::lake
