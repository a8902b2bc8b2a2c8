#include "lake/spill.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <unistd.h>

#include "lake/sort.h"

namespace tapemill::lake {
namespace {

struct Cursor {
  std::shared_ptr<arrow::RecordBatchReader> reader;
  std::shared_ptr<arrow::RecordBatch> rows;  // null at the end
  std::optional<RowKeys> keys;

  Status refill(const std::vector<int>& key_columns) {
    do { ARROW_RETURN_NOT_OK(reader->ReadNext(&rows)); } while (rows != nullptr && rows->num_rows() == 0);
    return index(key_columns);
  }
  Status drop(std::int64_t count, const std::vector<int>& key_columns) {
    if (count == rows->num_rows()) return refill(key_columns);
    rows = rows->Slice(count);
    return index(key_columns);
  }

 private:
  Status index(const std::vector<int>& key_columns) {
    keys.reset();
    if (rows == nullptr) return Status::OK();
    arrow::ArrayVector columns;
    for (int column : key_columns) columns.push_back(rows->column(column));
    ARROW_ASSIGN_OR_RAISE(keys, RowKeys::make(std::move(columns)));
    return Status::OK();
  }
};

Result<std::shared_ptr<arrow::RecordBatch>> merged(const std::vector<std::shared_ptr<arrow::RecordBatch>>& slices,
                                                   const std::vector<int>& keys, arrow::MemoryPool* pool) {
  if (slices.size() == 1) return slices[0];
  ARROW_ASSIGN_OR_RAISE(auto rows, arrow::ConcatenateRecordBatches(slices, pool));
  arrow::ArrayVector columns;
  for (int column : keys) columns.push_back(rows->column(column));
  ARROW_ASSIGN_OR_RAISE(RowKeys row_keys, RowKeys::make(std::move(columns)));
  ARROW_ASSIGN_OR_RAISE(auto order, row_keys.order(pool));
  if (order == nullptr) return rows;
  std::vector<arrow::ArrayVector> whole;
  for (const auto& column : rows->columns()) whole.push_back({column});
  const auto schema = rows->schema();
  const std::int64_t count = rows->num_rows();
  ARROW_ASSIGN_OR_RAISE(auto taken, take_columns(std::move(whole), order, *schema, pool));
  return arrow::RecordBatch::Make(schema, count, std::move(taken));
}

}  // namespace

Result<SpilledRun> SpilledRun::create(const std::string& folder, const std::shared_ptr<arrow::Schema>& schema) {
  ARROW_RETURN_NOT_OK(make_folders(folder));
  ARROW_ASSIGN_OR_RAISE(PendingFile file, PendingFile::create(folder));
  const int descriptor = ::dup(file.fd());
  if (descriptor < 0) return errno_error("cannot write in " + folder, errno);
  SpilledRun run(std::move(file));
  ARROW_ASSIGN_OR_RAISE(run.sink_, arrow::io::FileOutputStream::Open(descriptor));
  ARROW_ASSIGN_OR_RAISE(run.writer_, arrow::ipc::MakeStreamWriter(run.sink_, schema));
  return run;
}

Status SpilledRun::write(const arrow::RecordBatch& rows) { return writer_->WriteRecordBatch(rows); }

Status SpilledRun::close() {
  ARROW_RETURN_NOT_OK(writer_->Close());
  return sink_->Close();
}

Result<std::shared_ptr<arrow::RecordBatchReader>> SpilledRun::read(arrow::MemoryPool* pool) const {
  const int descriptor = ::dup(file_.fd());
  if (descriptor < 0 || ::lseek(descriptor, 0, SEEK_SET) != 0) return errno_error("cannot read spilled rows", errno);
  ARROW_ASSIGN_OR_RAISE(auto source, arrow::io::ReadableFile::Open(descriptor, pool));
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.memory_pool = pool;
  options.use_threads = false;
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchStreamReader::Open(source, options));
  return reader;
}

// In each round every run gives the rows up to the lowest of the runs' last keys: no later row of any run can come before
// them. Of rows with just that key, runs before the one that set it have all of theirs in hand, runs after it must wait.
Status merge_runs(const std::vector<std::shared_ptr<arrow::RecordBatchReader>>& runs, const std::vector<int>& keys,
                  arrow::MemoryPool* pool, const Emit& emit) {
  std::vector<Cursor> cursors;
  for (const auto& run : runs) {
    cursors.push_back({run, nullptr, {}});
    ARROW_RETURN_NOT_OK(cursors.back().refill(keys));
  }
  for (;;) {
    const Cursor* lowest = nullptr;
    for (const Cursor& cursor : cursors) {
      if (cursor.rows == nullptr) continue;
      if (lowest == nullptr ||
          cursor.keys->compare(cursor.keys->rows() - 1, *lowest->keys, lowest->keys->rows() - 1) < 0)
        lowest = &cursor;
    }
    if (lowest == nullptr) return Status::OK();
    const std::int64_t last = lowest->keys->rows() - 1;
    std::vector<std::int64_t> counts;
    std::vector<std::shared_ptr<arrow::RecordBatch>> slices;
    for (const Cursor& cursor : cursors) {
      std::int64_t count = 0;
      if (cursor.rows != nullptr) {
        count = &cursor == lowest  ? last + 1
                : &cursor < lowest ? cursor.keys->upper_bound(*lowest->keys, last)
                                   : cursor.keys->lower_bound(*lowest->keys, last);
      }
      counts.push_back(count);
      if (count > 0) slices.push_back(cursor.rows->Slice(0, count));
    }
    ARROW_ASSIGN_OR_RAISE(auto rows, merged(slices, keys, pool));
    slices.clear();
    for (std::size_t i = 0; i < cursors.size(); ++i) {
      if (counts[i] > 0) ARROW_RETURN_NOT_OK(cursors[i].drop(counts[i], keys));
    }
    ARROW_RETURN_NOT_OK(emit(rows));
  }
}

}  // namespace tapemill::lake
