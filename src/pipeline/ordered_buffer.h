#pragma once
#include <arrow/record_batch.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace tapemill::pipeline {

/// A bounded buffer between the workers of two stages: batches come in any order and leave in that of their numbers, 0, 1, ...
/// A number may hold no rows (null), but none is left out. Thread-safe.
class OrderedBuffer {
 public:
  struct Item {
    std::int64_t number = 0;
    std::shared_ptr<arrow::RecordBatch> rows;
  };
  explicit OrderedBuffer(std::int64_t most_bytes) : most_(most_bytes) {}

  /// Waits for room, but never with the number that is next to leave: that would wait for itself. False once closed by stop().
  bool put(std::int64_t number, std::shared_ptr<arrow::RecordBatch> rows, std::int64_t bytes);
  /// The next by number; nothing at the end.
  std::optional<Item> take();
  void end(std::int64_t count);  // numbers 0 .. count-1 are all there will be
  void stop();                   // all who wait go away; what is held is dropped
  std::int64_t held_most() const;

 private:
  struct Held {
    std::shared_ptr<arrow::RecordBatch> rows;
    std::int64_t bytes;
  };
  const std::int64_t most_;
  mutable std::mutex mutex_;
  std::condition_variable room_, rows_;
  std::map<std::int64_t, Held> held_;
  std::int64_t next_ = 0, end_ = INT64_MAX, bytes_ = 0, held_most_ = 0;
  bool stopped_ = false;
};

}  // namespace tapemill::pipeline
