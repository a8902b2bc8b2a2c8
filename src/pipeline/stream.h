#pragma once
#include <arrow/record_batch.h>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/json_fwd.h"
#include "core/status.h"

namespace tapemill::pipeline {

using Batch = std::shared_ptr<arrow::RecordBatch>;

/// What a stage of a stream did, over all of its workers.
struct StageFigures {
  std::string name;
  int workers = 1;
  std::int64_t batches = 0, rows_in = 0, rows_out = 0;
  std::int64_t restarts = 0;   // workers made anew after one had failed; its batch was given to the new one
  std::int64_t held_most = 0;  // bytes in the buffer behind it, at most
  double busy_s = 0;           // of the workers together
  double starved_s = 0;        // they waited for rows
  double blocked_s = 0;        // they waited for room behind them: backpressure
  Json json() const;
};

/// One worker of a stage. Used by one thread at a time.
class StageWorker {
 public:
  virtual ~StageWorker() = default;
  /// What becomes of these rows; null or empty: nothing yet.
  virtual Result<Batch> process(const Batch& rows) = 0;
  /// After the last rows.
  virtual Result<Batch> finish() { return Batch(); }
};

struct StreamStage {
  std::string name;
  /// More than one only where a batch's result does not depend on earlier ones. Results leave in the order of their batches.
  int workers = 1;
  /// How often a batch is tried, each time by a new worker. 1 where the worker's state is worth more than the batch.
  int attempts = 1;
  std::function<Result<std::unique_ptr<StageWorker>>()> make;
};

/// The next rows; null at the end.
using StreamSource = std::function<Result<Batch>()>;
using StreamSink = std::function<Status(const Batch&)>;

/// Source, stages and sink side by side, each in threads of its own, with a buffer of `buffer_bytes` behind each: a full buffer
/// makes the stage before it wait, so that memory does not grow with the stream. The sink runs in the caller's thread. Rows come
/// out in the order in which they went in. Errors: the first of any stage (the earliest stage's where several fail), after all
/// threads have ended; Cancelled where `stop` is asked. `figures` has the source, the stages and the sink, also after an error.
Status run_stream(const StreamSource& source, const std::vector<StreamStage>& stages, const StreamSink& sink,
                  std::int64_t buffer_bytes, std::stop_token stop, std::vector<StageFigures>& figures);

}  // namespace tapemill::pipeline
