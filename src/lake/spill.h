#pragma once
#include <arrow/ipc/type_fwd.h>
#include <arrow/record_batch.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lake/files.h"

namespace tapemill::lake {

/// Sorted rows that did not fit the memory budget, as Arrow IPC in a file without a name: nothing is left after a crash.
class SpilledRun {
 public:
  static Result<SpilledRun> create(const std::string& folder, const std::shared_ptr<arrow::Schema>& schema);
  Status write(const arrow::RecordBatch& rows);
  Status close();
  Result<std::shared_ptr<arrow::RecordBatchReader>> read(arrow::MemoryPool* pool) const;

 private:
  explicit SpilledRun(PendingFile file) : file_(std::move(file)) {}
  PendingFile file_;
  std::shared_ptr<arrow::io::OutputStream> sink_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

using Emit = std::function<Status(const std::shared_ptr<arrow::RecordBatch>&)>;

/// Merges runs that are each sorted by the columns `keys`; rows with equal keys stay in the order of the runs. Holds one
/// batch of each run, and their sum once more.
Status merge_runs(const std::vector<std::shared_ptr<arrow::RecordBatchReader>>& runs, const std::vector<int>& keys,
                  arrow::MemoryPool* pool, const Emit& emit);

}  // namespace tapemill::lake
