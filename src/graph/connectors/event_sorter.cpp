#include "graph/connectors/event_sorter.h"

#include <arrow/api.h>
#include <arrow/util/byte_size.h>

#include <algorithm>

#include "graph/connectors/append_rows.h"
#include "graph/connectors/table_source.h"
#include "lake/sort.h"

namespace tapemill::graph {
namespace {

constexpr std::size_t kRunsMost = 64;  // then they are merged into one
constexpr int kOwn = 2;                // columns of spilled rows before those of the schema

/// Rows of a sorted run, from its beginning to its end.
class RunSource final : public Source {
 public:
  RunSource(lake::SpilledRun run, std::int64_t rows, std::string version, std::vector<DeadRow> dead,
            arrow::MemoryPool* pool)
      : run_(std::move(run)), rows_(rows), version_(std::move(version)), dead_(std::move(dead)), pool_(pool) {}

  Status rewind() {
    batch_ = nullptr, at_ = 0;
    reader_ = nullptr;
    return run_.read(pool_).Value(&reader_);
  }
  Result<std::size_t> read(Block& out, std::size_t most) override {
    std::size_t done = 0;
    while (done < most) {
      ARROW_ASSIGN_OR_RAISE(const std::int64_t left, rest());
      if (left == 0) break;
      const auto count = std::min(most - done, static_cast<std::size_t>(left));
      auto row_of = [this](std::size_t i) { return at_ + static_cast<std::int64_t>(i); };
      for (std::size_t c = 0; c < out.columns.size(); ++c)
        append_rows(*batch_->column(kOwn + static_cast<int>(c)), count, row_of, out.columns[c]);
      const auto& times = static_cast<const arrow::Int64Array&>(*batch_->column(0));
      for (std::size_t i = 0; i < count; ++i) out.time.push_back(times.Value(row_of(i)));
      at_ += static_cast<std::int64_t>(count), done += count;
    }
    return done;
  }
  Status seek(std::int64_t row) override {
    if (row < 0 || row > rows_)
      return data_error(fmt::format("checkpoint: row {} of a source that has {}", row, rows_),
                        "run the graph from its beginning");
    ARROW_RETURN_NOT_OK(rewind());
    while (row > 0) {
      ARROW_ASSIGN_OR_RAISE(const std::int64_t left, rest());
      if (left == 0) return data_error("the rows that were put aside end too soon");
      const std::int64_t skipped = std::min(left, row);
      at_ += skipped, row -= skipped;
    }
    return Status::OK();
  }
  std::int64_t rows() const override { return rows_; }
  std::string version() const override { return version_; }
  std::vector<DeadRow> dead() override { return std::move(dead_); }

 private:
  /// Rows of the batch that are to come; 0 at the end.
  Result<std::int64_t> rest() {
    while (batch_ == nullptr || at_ == batch_->num_rows()) {
      at_ = 0;
      ARROW_RETURN_NOT_OK(reader_->ReadNext(&batch_));
      if (batch_ == nullptr) return 0;
    }
    return batch_->num_rows() - at_;
  }

  lake::SpilledRun run_;
  std::shared_ptr<arrow::RecordBatchReader> reader_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::int64_t at_ = 0, rows_;
  std::string version_;
  std::vector<DeadRow> dead_;
  arrow::MemoryPool* pool_;
};

}  // namespace

EventSorter::EventSorter(const Schema& schema, int time, int key, const std::vector<int>& ties, std::string folder,
                         MemoryBudget& budget)
    : schema_(schema), time_(time), key_(key), folder_(std::move(folder)), pool_(budget.pool()) {
  // In memory at once: the rows, and while they are sorted once more, or a batch of every run and their sum.
  limit_ = budget.share(0.2, 1 << 18, 1 << 30);
  keys_ = {0};
  if (time < 0) return;  // rows come as they stand: all of one time
  keys_.push_back(1);
  for (int tie : ties) keys_.push_back(kOwn + tie);
}

Status EventSorter::add(const std::shared_ptr<arrow::RecordBatch>& rows) {
  if (rows->num_rows() == 0) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(const std::int64_t bytes, arrow::util::ReferencedBufferSize(*rows));
  pending_.push_back(rows);
  pending_bytes_ += bytes + 48 * rows->num_rows();
  rows_ += rows->num_rows();
  return pending_bytes_ >= limit_ ? spill() : Status::OK();
}

Result<std::shared_ptr<arrow::RecordBatch>> EventSorter::keyed(const arrow::RecordBatch& rows) const {
  arrow::Int64Builder times(pool_);
  if (time_ < 0) ARROW_RETURN_NOT_OK(times.AppendEmptyValues(rows.num_rows()));
  else ARROW_RETURN_NOT_OK(times.AppendValues(times_of(*rows.column(time_))));
  arrow::StringBuilder names(pool_);
  if (key_ < 0 || time_ < 0) {
    ARROW_RETURN_NOT_OK(names.AppendEmptyValues(rows.num_rows()));
  } else {  // null is as empty
    const auto& texts = static_cast<const arrow::StringArray&>(*rows.column(key_));
    for (std::int64_t row = 0; row < rows.num_rows(); ++row)
      ARROW_RETURN_NOT_OK(names.Append(texts.IsNull(row) ? std::string_view{} : texts.GetView(row)));
  }
  ARROW_ASSIGN_OR_RAISE(auto time, times.Finish());
  ARROW_ASSIGN_OR_RAISE(auto name, names.Finish());
  arrow::ArrayVector columns{std::move(time), std::move(name)};
  for (const auto& column : rows.columns()) columns.push_back(column);
  return arrow::RecordBatch::Make(spilled_, rows.num_rows(), std::move(columns));
}

Result<std::shared_ptr<arrow::RecordBatch>> EventSorter::sorted_pending() {
  if (spilled_ == nullptr) {
    arrow::FieldVector fields{arrow::field("event time", arrow::int64()), arrow::field("event key", arrow::utf8())};
    for (const auto& field : pending_.front()->schema()->fields()) fields.push_back(field);
    spilled_ = arrow::schema(fields);
  }
  ARROW_ASSIGN_OR_RAISE(auto whole, arrow::ConcatenateRecordBatches(pending_, pool_));
  pending_.clear();
  ARROW_ASSIGN_OR_RAISE(auto rows, keyed(*whole));
  whole = nullptr;
  arrow::ArrayVector by;
  for (int key : keys_) by.push_back(rows->column(key));
  ARROW_ASSIGN_OR_RAISE(auto keys, lake::RowKeys::make(std::move(by)));
  ARROW_ASSIGN_OR_RAISE(auto order, keys.order(pool_));
  if (order == nullptr) return rows;
  std::vector<arrow::ArrayVector> columns;
  for (const auto& column : rows->columns()) columns.push_back({column});
  const std::int64_t count = rows->num_rows();
  rows = nullptr;
  ARROW_ASSIGN_OR_RAISE(auto taken, lake::take_columns(std::move(columns), order, *spilled_, pool_));
  return arrow::RecordBatch::Make(spilled_, count, std::move(taken));
}

Status EventSorter::write(lake::SpilledRun& run, const arrow::RecordBatch& rows) const {
  for (std::int64_t at = 0; at < rows.num_rows(); at += batch_rows_)
    ARROW_RETURN_NOT_OK(run.write(*rows.Slice(at, batch_rows_)));
  return Status::OK();
}

Status EventSorter::spill() {
  if (runs_.size() >= kRunsMost) {
    ARROW_ASSIGN_OR_RAISE(auto whole, merge());
    runs_.clear();
    runs_.push_back(std::move(whole));
  }
  const std::int64_t bytes = std::exchange(pending_bytes_, 0);
  ARROW_ASSIGN_OR_RAISE(auto rows, sorted_pending());
  // Batches small enough that one of every run together stay below half the limit.
  const std::int64_t row_bytes = std::max<std::int64_t>(bytes / rows->num_rows(), 1);
  batch_rows_ = std::clamp<std::int64_t>(limit_ / (2 * static_cast<std::int64_t>(kRunsMost) * row_bytes), 64, 1 << 14);
  ARROW_ASSIGN_OR_RAISE(auto run, lake::SpilledRun::create(folder_, spilled_));
  ARROW_RETURN_NOT_OK(write(run, *rows));
  ARROW_RETURN_NOT_OK(run.close());
  runs_.push_back(std::move(run));
  return Status::OK();
}

Result<lake::SpilledRun> EventSorter::merge() {
  ARROW_ASSIGN_OR_RAISE(auto whole, lake::SpilledRun::create(folder_, spilled_));
  std::vector<std::shared_ptr<arrow::RecordBatchReader>> readers;
  for (const lake::SpilledRun& run : runs_) {
    ARROW_ASSIGN_OR_RAISE(auto reader, run.read(pool_));
    readers.push_back(std::move(reader));
  }
  ARROW_RETURN_NOT_OK(lake::merge_runs(
      readers, keys_, pool_, [&](const std::shared_ptr<arrow::RecordBatch>& rows) { return write(whole, *rows); }));
  ARROW_RETURN_NOT_OK(whole.close());
  return whole;
}

Result<std::unique_ptr<Source>> EventSorter::finish(std::string version, std::vector<DeadRow> dead) {
  if (runs_.empty()) {
    std::shared_ptr<arrow::Table> table;
    if (pending_.empty()) {
      arrow::FieldVector fields;
      for (const Field& field : schema_.fields) fields.push_back(arrow::field(field.name, arrow_type(field)));
      ARROW_ASSIGN_OR_RAISE(table, arrow::Table::MakeEmpty(arrow::schema(fields), pool_));
    } else if (keys_.size() <= static_cast<std::size_t>(kOwn)) {  // table_source() sorts the same way
      ARROW_ASSIGN_OR_RAISE(table, arrow::Table::FromRecordBatches(std::exchange(pending_, {})));
    } else {
      ARROW_ASSIGN_OR_RAISE(auto rows, sorted_pending());
      ARROW_ASSIGN_OR_RAISE(auto sorted, arrow::Table::FromRecordBatches({rows}));
      std::vector<int> own(schema_.fields.size());
      for (std::size_t i = 0; i < own.size(); ++i) own[i] = kOwn + static_cast<int>(i);
      ARROW_ASSIGN_OR_RAISE(table, sorted->SelectColumns(own));
    }
    return table_source(table, schema_, time_, key_, std::move(version), std::move(dead), pool_);
  }
  if (!pending_.empty()) ARROW_RETURN_NOT_OK(spill());
  ARROW_ASSIGN_OR_RAISE(auto whole, merge());
  runs_.clear();
  auto source = std::make_unique<RunSource>(std::move(whole), rows_, std::move(version), std::move(dead), pool_);
  ARROW_RETURN_NOT_OK(source->rewind());
  return source;
}

}  // namespace tapemill::graph
