#include "lake/scan_batches.h"

#include <arrow/api.h>

#include <algorithm>
#include <map>

#include "lake/find_table.h"
#include "lake/open_part.h"
#include "lake/part_stream.h"

namespace tapemill::lake {
namespace {

constexpr std::int64_t kCountRows = 1 << 16;

Result<std::shared_ptr<arrow::RecordBatch>> wanted_rows(const std::shared_ptr<arrow::RecordBatch>& rows,
                                                        const RowFilter& filter, arrow::MemoryPool* pool) {
  if (filter.empty()) return rows;
  arrow::ArrayVector judged;
  for (const std::string& column : filter.columns()) judged.push_back(rows->GetColumnByName(column));
  std::vector<bool> mask;
  std::int64_t outside = 0;
  ARROW_ASSIGN_OR_RAISE(const std::int64_t count, filter.match(judged, mask, outside));
  if (count == rows->num_rows()) return rows;
  return pick(rows, mask, true, pool);
}

Status stream_within(const Lake& lake, const ScanRequest& request, std::int64_t batch_rows, arrow::MemoryPool* pool,
                     const Emit& emit) {
  ARROW_ASSIGN_OR_RAISE(auto found, find_table(lake, request.table, request.version));
  const Snapshot& snapshot = found.view->snapshot();
  ARROW_ASSIGN_OR_RAISE(const auto columns, columns_of(request, snapshot));
  ARROW_ASSIGN_OR_RAISE(const RowFilter filter, filter_of(lake, request, *found.view));
  std::vector<std::string> read = columns;
  for (const std::string& column : filter.columns())
    if (std::find(read.begin(), read.end(), column) == read.end()) read.push_back(column);
  arrow::FieldVector fields;
  for (const std::string& column : columns) fields.push_back(snapshot.schema->GetFieldByName(column));
  const auto schema = arrow::schema(fields);
  auto each = [&](const std::shared_ptr<arrow::RecordBatch>& rows) -> Status {
    ARROW_ASSIGN_OR_RAISE(auto kept, wanted_rows(rows, filter, pool));
    if (kept == nullptr || kept->num_rows() == 0) return Status::OK();
    arrow::ArrayVector arrays;
    for (const std::string& column : columns) arrays.push_back(kept->GetColumnByName(column));
    return emit(arrow::RecordBatch::Make(schema, kept->num_rows(), std::move(arrays)));
  };
  for (const Part* part : parts_wanted(*found.view, filter))
    ARROW_RETURN_NOT_OK(stream_part(found.table, snapshot, *part, batch_rows, pool, each, read));
  return Status::OK();
}

}  // namespace

Status scan_batches(const Lake& lake, const ScanRequest& request, std::int64_t batch_rows, arrow::MemoryPool* pool,
                    const Emit& emit) {
  Status status;
  try {
    status = stream_within(lake, request, batch_rows, pool, emit);
  } catch (const std::bad_alloc&) {  // of containers that take from the pool
    status = Status::OutOfMemory("no memory");
  }
  return status.IsOutOfMemory() ? no_memory(status, request.table) : status;
}

Result<std::int64_t> rows_at_most(const Lake& lake, const ScanRequest& request) {
  ARROW_ASSIGN_OR_RAISE(auto found, find_table(lake, request.table, request.version));
  ARROW_ASSIGN_OR_RAISE(const RowFilter filter, filter_of(lake, request, *found.view));
  std::int64_t rows = 0;
  for (const Part* part : parts_wanted(*found.view, filter)) rows += part->rows;
  return rows;
}

Result<std::vector<InstrumentRows>> count_instruments(const Lake& lake, const ScanRequest& request,
                                                      arrow::MemoryPool* pool, const std::string& column) {
  ScanRequest names = request;
  names.columns = {column};
  std::map<std::string, std::int64_t, std::less<>> counts;
  ARROW_RETURN_NOT_OK(
      scan_batches(lake, names, kCountRows, pool, [&](const std::shared_ptr<arrow::RecordBatch>& rows) -> Status {
        if (rows->column(0)->type_id() != arrow::Type::STRING)
          return data_error(fmt::format("{} of {} is no text", column, request.table.str()));
        const auto& texts = static_cast<const arrow::StringArray&>(*rows->column(0));
        std::string_view last;
        std::int64_t* count = nullptr;  // rows of one instrument mostly follow each other
        for (std::int64_t row = 0; row < texts.length(); ++row) {
          const std::string_view text = texts.IsNull(row) ? std::string_view{} : texts.GetView(row);
          if (count == nullptr || text != last) {
            auto at = counts.find(text);
            if (at == counts.end()) at = counts.emplace(std::string(text), 0).first;
            count = &at->second, last = text;
          }
          ++*count;
        }
        return Status::OK();
      }));
  std::vector<InstrumentRows> out;
  for (const auto& [instrument, rows] : counts) out.push_back({instrument, rows});
  return out;
}

Result<std::vector<std::vector<std::string>>> instrument_blocks(const Lake& lake, const ScanRequest& request,
                                                                std::int64_t most_rows, arrow::MemoryPool* pool,
                                                                const std::string& column) {
  std::vector<std::vector<std::string>> blocks(1);
  ARROW_ASSIGN_OR_RAISE(const std::int64_t all, rows_at_most(lake, request));
  if (all <= most_rows) return blocks;
  ARROW_ASSIGN_OR_RAISE(const auto counts, count_instruments(lake, request, pool, column));
  std::int64_t rows = 0, sum = 0;
  for (const InstrumentRows& one : counts) sum += one.rows;
  if (sum <= most_rows) return blocks;
  for (const InstrumentRows& one : counts) {
    if (rows > 0 && rows + one.rows > most_rows) blocks.emplace_back(), rows = 0;
    blocks.back().push_back(one.instrument);
    rows += one.rows;
  }
  return blocks;
}

void limit_read_cache(std::int64_t bytes) { ReadCache::shared().limit(bytes); }

}  // namespace tapemill::lake
