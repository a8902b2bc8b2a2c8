#include "lake/writer.h"

#include <arrow/api.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <mutex>

#include "core/hash.h"
#include "lake/evolve.h"
#include "lake/files.h"
#include "lake/parquet_part.h"
#include "lake/partition.h"
#include "lake/sort.h"
#include "lake/spill.h"
#include "lake/storage.h"

namespace tapemill::lake {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::size_t kRunsMost = 64;   // then they are merged into one
constexpr std::size_t kUnnamedMost = 128;  // parts held open without a name
constexpr std::size_t kUnnamedAfter = 8;   // and by one writer of many after finish_unnamed()

class SortedPartWriter final : public PartWriter {
 public:
  SortedPartWriter(const Table& table, const Layout& layout, const Provenance& provenance, Partitioning partitioning,
                   std::vector<int> keys, MemoryBudget& budget)
      : table_(table),
        layout_(layout),
        provenance_(provenance),
        partitioning_(std::move(partitioning)),
        keys_(std::move(keys)),
        pool_(budget.pool()) {
    // In memory at once: the rows, and while they are sorted once more a column or two and 40 bytes a row.
    limit_ = budget.share(0.2, kMiB / 4, 1024 * kMiB);
  }

  Status write(const std::shared_ptr<arrow::RecordBatch>& rows) override {
    if (!rows->schema()->Equals(*layout_.schema, false)) {
      return usage_error(fmt::format("{}: rows of another schema than the layout's:\n{}\ninstead of\n{}",
                                     table_.name().str(), rows->schema()->ToString(), layout_.schema->ToString()));
    }
    if (rows->num_rows() == 0) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(auto extended, partitioning_.extend(*rows, pool_));
    if (in_order_ && !keys_.empty()) {
      ARROW_ASSIGN_OR_RAISE(RowKeys keys, keys_of(*extended, keys_));
      in_order_ = keys.is_sorted();
      if (in_order_ && !pending_.empty()) {
        ARROW_ASSIGN_OR_RAISE(RowKeys before, keys_of(*pending_.back(), keys_));
        in_order_ = keys.follows(before);
      }
    }
    ARROW_ASSIGN_OR_RAISE(std::int64_t bytes, arrow::util::ReferencedBufferSize(*extended));
    pending_.push_back(std::move(extended));
    pending_bytes_ += bytes + 8 * rows->num_rows();
    return pending_bytes_ >= limit_ ? spill() : Status::OK();
  }

  Result<bool> carry(const Table& from, const arrow::Schema& schema, const Part& part, const Change& change) override {
    const bool alike = !change.from || carries(change.from->layout, layout_, change);
    if (!runs_.empty() || !pending_.empty() || !alike) return false;
    const bool same = in_partition_ && partition_ == part.partition;
    const std::string hive = partitioning_.folder(part.partition);
    const Origin& origin = change.from ? *change.from : Origin{provenance_, layout_};
    const std::string name = name_of(from.name(), origin.provenance, origin.layout, hive, same ? index_ : 0);
    if (part.path != (hive.empty() ? name : hive + "/" + name)) return false;
    if (!same) partition_ = part.partition, in_partition_ = true, index_ = 0;
    ARROW_ASSIGN_OR_RAISE(const std::string file, local_file(from.path() + "/" + part.path));
    ARROW_RETURN_NOT_OK(begin_part());
    ARROW_RETURN_NOT_OK(part_->carry(file, part, schema, change));
    ARROW_RETURN_NOT_OK(end_part());
    return true;
  }

  Result<std::vector<Part>> finish() override {
    std::set<std::string> folders;
    Status status = write_all();
    if (status.ok()) status = name_parts(folders);
    for (const std::string& folder : folders)
      if (status.ok()) status = sync_folder(folder);
    if (status.ok()) return std::move(parts_);
    abort();
    return status;
  }

  Result<std::vector<Part>> finish_unnamed() override {
    Status status = write_all();
    if (status.ok() && unnamed_.size() > kUnnamedAfter) status = publish();
    if (status.ok()) return std::move(parts_);
    abort();
    return status;
  }

  Status name_parts(std::set<std::string>& folders) override {
    for (Unnamed& one : unnamed_) {
      ARROW_RETURN_NOT_OK(name_part(one));
      // Folders that were made for it too.
      std::string_view folder = one.folder;
      for (; folder.size() > table_.path().size(); folder = folder.substr(0, folder.find_last_of('/')))
        folders.emplace(folder);
      folders.insert(table_.path());
    }
    unnamed_.clear();
    return Status::OK();
  }

  // Parts that have their final name stay even then (writer.h).
  void abort() override {
    pending_.clear();
    runs_.clear();
    part_.reset();
    unnamed_.clear();
    parts_.clear();
  }

 private:
  struct Unnamed {
    std::unique_ptr<ParquetPart> part;
    std::string folder, name;
  };

  Result<RowKeys> keys_of(const arrow::RecordBatch& rows, const std::vector<int>& columns) const {
    arrow::ArrayVector arrays;
    for (int column : columns) arrays.push_back(rows.column(column));
    return RowKeys::make(std::move(arrays));
  }

  // What is pending, sorted: as it came where it came in order, else as one batch.
  Result<arrow::RecordBatchVector> sort_pending() {
    if (std::exchange(in_order_, true)) {
      pending_bytes_ = 0;
      return std::exchange(pending_, {});
    }
    const auto schema = partitioning_.extended();
    std::vector<arrow::ArrayVector> columns(static_cast<std::size_t>(schema->num_fields()));
    std::int64_t rows = 0;
    for (const auto& batch : pending_) {
      for (std::size_t i = 0; i < columns.size(); ++i) columns[i].push_back(batch->column(static_cast<int>(i)));
      rows += batch->num_rows();
    }
    pending_.clear();
    pending_bytes_ = 0;
    arrow::ArrayVector key_arrays;
    for (int key : keys_) {
      auto& column = columns[static_cast<std::size_t>(key)];
      if (column.size() > 1) {
        ARROW_ASSIGN_OR_RAISE(auto whole, arrow::Concatenate(column, pool_));
        column = {whole};
      }
      key_arrays.push_back(column[0]);
    }
    std::shared_ptr<arrow::Array> order;
    if (!key_arrays.empty()) {
      ARROW_ASSIGN_OR_RAISE(RowKeys keys, RowKeys::make(std::move(key_arrays)));
      ARROW_ASSIGN_OR_RAISE(order, keys.order(pool_));
    }
    ARROW_ASSIGN_OR_RAISE(auto sorted, take_columns(std::move(columns), order, *schema, pool_));
    return arrow::RecordBatchVector{arrow::RecordBatch::Make(schema, rows, std::move(sorted))};
  }

  Status spill() {
    if (runs_.size() >= kRunsMost) ARROW_RETURN_NOT_OK(merge_into_one());
    const std::int64_t bytes = pending_bytes_;
    std::int64_t count = 0;
    for (const auto& batch : pending_) count += batch->num_rows();
    ARROW_ASSIGN_OR_RAISE(auto sorted, sort_pending());
    ARROW_ASSIGN_OR_RAISE(auto run, SpilledRun::create(table_.path(), partitioning_.extended()));
    // Batches small enough that one of every run together stay below half the limit: they are joined and sorted once more.
    const std::int64_t row_bytes = std::max<std::int64_t>(bytes / std::max<std::int64_t>(count, 1), 1);
    spill_rows_ =
        std::clamp<std::int64_t>(limit_ / (2 * static_cast<std::int64_t>(kRunsMost) * row_bytes), 64, 1 << 16);
    for (auto& rows : sorted) {
      ARROW_RETURN_NOT_OK(write_run(run, *rows));
      rows.reset();
    }
    ARROW_RETURN_NOT_OK(run.close());
    runs_.push_back(std::move(run));
    return Status::OK();
  }

  Status write_run(SpilledRun& run, const arrow::RecordBatch& rows) const {
    for (std::int64_t at = 0; at < rows.num_rows(); at += spill_rows_)
      ARROW_RETURN_NOT_OK(run.write(*rows.Slice(at, spill_rows_)));
    return Status::OK();
  }

  Status merge_all(const Emit& emit) {
    std::vector<std::shared_ptr<arrow::RecordBatchReader>> readers;
    for (const SpilledRun& run : runs_) {
      ARROW_ASSIGN_OR_RAISE(auto reader, run.read(pool_));
      readers.push_back(std::move(reader));
    }
    return merge_runs(readers, keys_, pool_, emit);
  }

  Status merge_into_one() {
    ARROW_ASSIGN_OR_RAISE(auto whole, SpilledRun::create(table_.path(), partitioning_.extended()));
    ARROW_RETURN_NOT_OK(
        merge_all([&](const std::shared_ptr<arrow::RecordBatch>& rows) { return write_run(whole, *rows); }));
    ARROW_RETURN_NOT_OK(whole.close());
    runs_.clear();
    runs_.push_back(std::move(whole));
    return Status::OK();
  }

  Status write_all() {
    if (runs_.empty() && pending_.empty()) {
      if (parts_.empty()) ARROW_RETURN_NOT_OK(put_empty());
    } else if (runs_.empty()) {
      ARROW_ASSIGN_OR_RAISE(auto sorted, sort_pending());
      for (auto& rows : sorted) {
        ARROW_RETURN_NOT_OK(put(rows));
        rows.reset();
      }
    } else {
      if (!pending_.empty()) ARROW_RETURN_NOT_OK(spill());
      ARROW_RETURN_NOT_OK(merge_all([this](const std::shared_ptr<arrow::RecordBatch>& rows) { return put(rows); }));
    }
    return end_part();
  }

  // Sorted rows: cut where the partition changes.
  Status put(const std::shared_ptr<arrow::RecordBatch>& rows) {
    std::int64_t at = 0;
    while (at < rows->num_rows()) {
      std::int64_t end = rows->num_rows();
      if (!partitioning_.keys().empty()) {
        ARROW_ASSIGN_OR_RAISE(RowKeys keys, keys_of(*rows, partitioning_.keys()));
        end = keys.upper_bound(keys, at);
      }
      auto values = partitioning_.values(*rows, at);
      if (!in_partition_ || values != partition_) {
        ARROW_RETURN_NOT_OK(end_part());
        partition_ = std::move(values);
        in_partition_ = true;
        index_ = 0;
      }
      ARROW_RETURN_NOT_OK(put_into_partition(partitioning_.store(*rows->Slice(at, end - at))));
      at = end;
    }
    return Status::OK();
  }

  Status put_into_partition(std::shared_ptr<arrow::RecordBatch> stored) {
    while (stored->num_rows() > 0) {
      if (part_ == nullptr) ARROW_RETURN_NOT_OK(begin_part());
      const std::int64_t count = std::min(part_->room(), stored->num_rows());
      ARROW_RETURN_NOT_OK(part_->append(stored->Slice(0, count)));
      stored = stored->Slice(count);
      if (part_->room() == 0) ARROW_RETURN_NOT_OK(end_part());
    }
    return Status::OK();
  }

  // A source that keeps no row still has to be known as read: a part without rows carries its tags.
  Status put_empty() {
    partition_ = provenance_.partition ? *provenance_.partition : partitioning_.values_of(provenance_.unit);
    return begin_part();
  }

  std::string folder() const {
    const std::string hive = partitioning_.folder(partition_);
    return hive.empty() ? table_.path() : table_.path() + "/" + hive;
  }

  Status begin_part() {
    ARROW_ASSIGN_OR_RAISE(part_, ParquetPart::open(folder(), layout_, partitioning_.stored(), pool_));
    return Status::OK();
  }

  static std::string name_of(const TableName& table, const Provenance& provenance, const Layout& layout,
                             const std::string& hive, int index) {
    Sha256 hash;
    for (const std::string& piece :
         {writer_version(), table.str(), hive, provenance.sha256, provenance.unit, provenance.form,
          std::to_string(provenance.ordinal), fingerprint(layout), std::to_string(index)}) {
      hash.add(piece);
      hash.add(std::string_view("\0", 1));
    }
    hash.add(provenance.arrival);
    return fmt::format("part-{:05}-{}.parquet", index, hash.hex().substr(0, 32));
  }

  Status end_part() {
    if (part_ == nullptr) return Status::OK();
    auto finished = part_->finish();
    if (!finished.ok()) return prefixed(finished.status(), folder());
    Part part = *std::move(finished);
    const std::string hive = partitioning_.folder(partition_);
    const std::string name = name_of(table_.name(), provenance_, layout_, hive, index_++);
    part.path = hive.empty() ? name : hive + "/" + name;
    part.partition = partition_;
    part.tags = provenance_.tags;
    part.tags["ordinal"] = std::to_string(provenance_.ordinal);
    for (const auto& [key, value] :
         {std::pair{"unit", provenance_.unit}, {"form", provenance_.form}, {"sha256", provenance_.sha256}}) {
      if (!value.empty()) part.tags.try_emplace(key, value);  // a merged part's tags say whose rows it has
    }
    parts_.push_back(std::move(part));
    unnamed_.push_back({std::move(part_), folder(), name});
    return unnamed_.size() >= kUnnamedMost ? publish() : Status::OK();
  }

  // Gives a finished part its name. One that is there already holds the same bytes (an earlier try, or another process with
  // the same source); anything else under that name is damage.
  static Status name_part(Unnamed& one) {
    ARROW_ASSIGN_OR_RAISE(bool named, one.part->file().publish(one.name));
    if (named) return Status::OK();
    const std::string path = one.folder + "/" + one.name;
    ARROW_ASSIGN_OR_RAISE(const std::string there, local_file(path));
    ARROW_ASSIGN_OR_RAISE(bool equal, equal_files(there, one.part->file().fd()));
    if (!equal)
      return data_error(path + " is there with other bytes: it is damaged",
                        "no commit that is being written names it: remove it and try again");
    return storage_of(path).refresh(path, one.part->file().fd());  // in use again
  }

  Status publish() {
    std::set<std::string> folders;
    ARROW_RETURN_NOT_OK(name_parts(folders));
    for (const std::string& folder : folders) ARROW_RETURN_NOT_OK(sync_folder(folder));
    return Status::OK();
  }

  Table table_;
  Layout layout_;
  Provenance provenance_;
  Partitioning partitioning_;
  std::vector<int> keys_;  // columns of the extended schema: partitions, then the sort
  arrow::MemoryPool* pool_;
  std::int64_t limit_ = 0, pending_bytes_ = 0, spill_rows_ = 1 << 16;
  std::vector<std::shared_ptr<arrow::RecordBatch>> pending_;
  bool in_order_ = true;  // pending_, as it came
  std::vector<SpilledRun> runs_;
  std::map<std::string, std::string> partition_;
  bool in_partition_ = false;
  int index_ = 0;
  std::unique_ptr<ParquetPart> part_;
  std::vector<Unnamed> unnamed_;
  std::vector<Part> parts_;
};

}  // namespace

Status publish(const std::vector<PartWriter*>& writers) {
  constexpr int threads = 48;  // they wait for the disk's journal, of which one turn serves all that wait
  std::set<std::string> folders;
  std::mutex mutex;
  ARROW_RETURN_NOT_OK(Workers(threads).each(writers.size(), [&](std::size_t i) {
    std::set<std::string> own;
    ARROW_RETURN_NOT_OK(writers[i]->name_parts(own));
    std::lock_guard lock(mutex);
    folders.merge(own);
    return Status::OK();
  }));
  // One journal serves all that wait for it at the same time.
  const std::vector<std::string> all(folders.begin(), folders.end());
  return Workers(threads).each(all.size(), [&](std::size_t i) { return sync_folder(all[i]); });
}

Layout layout_of(const Dataset& dataset) {
  Layout layout;
  layout.schema = stored_schema(dataset);
  layout.partitions = dataset.partitions;
  layout.sort = dataset.sort;
  layout.session_column = dataset.session_column;
  for (const Column& column : dataset.columns) {
    if (!column.encoding.empty()) layout.encodings[column.name] = column.encoding;
  }
  // One value in most files, or one for each session.
  layout.encodings.try_emplace(dataset.session_column, "dictionary");
  if (!dataset.schema_version.empty()) layout.encodings.try_emplace("schema_version", "dictionary");
  if (dataset.available != "bar_close") layout.encodings.try_emplace("available_at", "dictionary");
  layout.row_group_rows = dataset.row_group_rows;
  layout.part_rows = dataset.part_rows;
  layout.compression_level = dataset.compression_level;
  return layout;
}

Result<std::unique_ptr<PartWriter>> write_parts(const Table& table, const Layout& layout, const Provenance& provenance,
                                                MemoryBudget& budget) {
  ARROW_ASSIGN_OR_RAISE(Partitioning partitioning,
                        Partitioning::make(*layout.schema, layout.partitions, layout.session_column));
  std::vector<int> keys = partitioning.keys();
  for (const std::string& column : layout.sort) {
    const int index = layout.schema->GetFieldIndex(column);
    if (index < 0) {
      const std::string near = nearest(column, layout.schema->field_names());
      return usage_error(fmt::format("sort \"{}\" is no column", column),
                         near.empty() ? "" : "did you mean \"" + near + "\"?");
    }
    keys.push_back(index);
  }
  return std::make_unique<SortedPartWriter>(table, layout, provenance, std::move(partitioning), std::move(keys),
                                            budget);
}

}  // namespace tapemill::lake
