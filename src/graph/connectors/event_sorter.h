#pragma once
#include <arrow/record_batch.h>

#include "graph/connectors/connector.h"
#include "lake/spill.h"

namespace tapemill::graph {

/// Puts rows that come in any order into event order, as table_source() does, and makes a source of them: in memory where
/// they have room, else sorted in runs that wait in files without a name and are merged into one, which is read on and on.
class EventSorter {
 public:
  /// Rows have the columns of `schema` and may have more behind them. `ties`: columns of the rows that order those of one time
  /// and key, before the order in which they came. `folder`: where the files are.
  EventSorter(const Schema& schema, int time, int key, const std::vector<int>& ties, std::string folder,
              MemoryBudget& budget);
  Status add(const std::shared_ptr<arrow::RecordBatch>& rows);
  Result<std::unique_ptr<Source>> finish(std::string version, std::vector<DeadRow> dead);

 private:
  Result<std::shared_ptr<arrow::RecordBatch>> keyed(const arrow::RecordBatch& rows) const;
  Result<std::shared_ptr<arrow::RecordBatch>> sorted_pending();
  Status spill();
  Status write(lake::SpilledRun& run, const arrow::RecordBatch& rows) const;
  Result<lake::SpilledRun> merge();

  const Schema& schema_;
  int time_, key_;
  std::vector<int> keys_;  // of keyed rows
  std::string folder_;
  arrow::MemoryPool* pool_;
  std::int64_t limit_, pending_bytes_ = 0, rows_ = 0, batch_rows_ = 1 << 14;
  arrow::RecordBatchVector pending_;
  std::shared_ptr<arrow::Schema> spilled_;  // the event time, the key, then the rows' columns
  std::vector<lake::SpilledRun> runs_;
};

}  // namespace tapemill::graph
