#pragma once
#include <arrow/buffer.h>
#include <arrow/memory_pool.h>

#include <cstdint>
#include <memory>

#include "core/status.h"

namespace tapemill {

/// Bytes of a budget's pool that are held for what is taken elsewhere: containers of the standard library, another library.
/// They are counted and never touched, so they take no memory themselves.
class Held {
 public:
  /// Status code OutOfMemory where the pool has no room.
  static Result<Held> take(std::int64_t bytes, arrow::MemoryPool* pool);
  std::int64_t bytes() const { return pages_ == nullptr ? 0 : pages_->size(); }
  void give_back() { pages_ = nullptr; }

 private:
  std::unique_ptr<arrow::Buffer> pages_;
};

/// What this process takes of the machine's memory now, bytes; 0 where the system does not tell.
std::int64_t resident_bytes();

/// What a ceiling of `ceiling` bytes leaves for data, told when a command begins: the program and its libraries are in memory
/// already, and some of them yet to be touched. 0, which is no ceiling, for none. Usage error for a ceiling that leaves too
/// little: it names the least.
Result<std::int64_t> room_for_data(std::int64_t ceiling);

}  // namespace tapemill
