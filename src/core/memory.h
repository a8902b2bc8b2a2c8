#pragma once
#include <arrow/memory_pool.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/status.h"

namespace tapemill {

/// "512MB", "2GiB", "1.5GB", "4096" -> bytes (MB and MiB are both 2^20).
Result<std::int64_t> parse_bytes(std::string_view text);
std::string format_bytes(std::int64_t bytes);  // 1.2 MB

/// Lets the C library keep large blocks that are freed, for a process that is about to want as much again and again: giving
/// pages back and taking them anew costs a tenth of an ingest. Only where there is no ceiling.
void keep_freed_memory();

/// The ceiling of a command (design.md 9): an Arrow pool that refuses to pass it. Thread-safe.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::int64_t ceiling = 0);  // 0: no ceiling
  arrow::MemoryPool* pool() { return pool_.get(); }
  std::int64_t ceiling() const { return ceiling_; }
  std::int64_t used() const;
  std::int64_t peak() const;
  /// A fraction of what is left, between least and most: how much a stage may take at once.
  std::int64_t share(double fraction, std::int64_t least, std::int64_t most) const;

 private:
  std::int64_t ceiling_;
  std::unique_ptr<arrow::MemoryPool> pool_;
};

}  // namespace tapemill
