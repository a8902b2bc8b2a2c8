#include "pipeline/ordered_buffer.h"

#include <algorithm>

namespace tapemill::pipeline {

bool OrderedBuffer::put(std::int64_t number, std::shared_ptr<arrow::RecordBatch> rows, std::int64_t bytes) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return stopped_ || number == next_ || bytes_ + bytes <= most_; });
  if (stopped_) return false;
  held_.emplace(number, Held{std::move(rows), bytes});
  bytes_ += bytes;
  held_most_ = std::max(held_most_, bytes_);
  rows_.notify_all();
  return true;
}

std::optional<OrderedBuffer::Item> OrderedBuffer::take() {
  std::unique_lock lock(mutex_);
  rows_.wait(lock, [&] { return stopped_ || next_ >= end_ || held_.contains(next_); });
  if (stopped_ || next_ >= end_) return std::nullopt;
  auto at = held_.find(next_);
  Item item{next_, std::move(at->second.rows)};
  bytes_ -= at->second.bytes;
  held_.erase(at);
  ++next_;
  rows_.notify_all();  // another worker's turn, or the end
  room_.notify_all();
  return item;
}

void OrderedBuffer::end(std::int64_t count) {
  std::lock_guard lock(mutex_);
  end_ = count;
  rows_.notify_all();
}

void OrderedBuffer::stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  held_.clear();
  bytes_ = 0;
  rows_.notify_all();
  room_.notify_all();
}

std::int64_t OrderedBuffer::held_most() const {
  std::lock_guard lock(mutex_);
  return held_most_;
}

}  // namespace tapemill::pipeline
