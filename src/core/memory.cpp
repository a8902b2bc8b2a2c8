#include "core/memory.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <charconv>

namespace tapemill {
namespace {

/// Delegates to another pool and refuses to pass the ceiling.
class CeilingPool final : public arrow::MemoryPool {
 public:
  explicit CeilingPool(std::int64_t ceiling) : ceiling_(ceiling) {}
  using arrow::MemoryPool::Allocate;
  using arrow::MemoryPool::Free;
  using arrow::MemoryPool::Reallocate;

  Status Allocate(std::int64_t size, std::int64_t alignment, std::uint8_t** out) override {
    ARROW_RETURN_NOT_OK(reserve(size));
    Status status = under_->Allocate(size, alignment, out);
    if (!status.ok()) used_ -= size;
    return status;
  }
  Status Reallocate(std::int64_t old_size, std::int64_t new_size, std::int64_t alignment, std::uint8_t** ptr) override {
    if (new_size > old_size) ARROW_RETURN_NOT_OK(reserve(new_size - old_size));
    Status status = under_->Reallocate(old_size, new_size, alignment, ptr);
    if (!status.ok() && new_size > old_size) used_ -= new_size - old_size;
    if (status.ok() && new_size < old_size) used_ -= old_size - new_size;
    return status;
  }
  void Free(std::uint8_t* buffer, std::int64_t size, std::int64_t alignment) override {
    under_->Free(buffer, size, alignment);
    used_ -= size;
  }
  std::int64_t bytes_allocated() const override { return used_; }
  std::int64_t max_memory() const override { return peak_; }
  std::int64_t total_bytes_allocated() const override { return total_; }
  std::int64_t num_allocations() const override { return count_; }
  std::string backend_name() const override { return under_->backend_name(); }

 private:
  Status reserve(std::int64_t bytes) {
    std::int64_t now = used_.fetch_add(bytes) + bytes;
    if (ceiling_ > 0 && now > ceiling_) {
      used_ -= bytes;
      return Status::OutOfMemory("no room for ", format_bytes(bytes), " more: of the ", format_bytes(ceiling_),
                                 " that the memory ceiling leaves for data, ", format_bytes(now - bytes),
                                 " are in use");
    }
    std::int64_t peak = peak_;
    while (now > peak && !peak_.compare_exchange_weak(peak, now)) {}
    total_ += bytes;
    ++count_;
    return Status::OK();
  }
  std::int64_t ceiling_;
  // The C library's: Arrow's own gives pages back after a while, too soon for a fast ingest and too late for a ceiling.
  arrow::MemoryPool* under_ = arrow::system_memory_pool();
  std::atomic<std::int64_t> used_{0}, peak_{0}, total_{0}, count_{0};
};

/// A ceiling counts what is in use; what was freed has to leave the process too. With the C library's own settings a
/// compaction within 96 MB held 200.
void give_back_freed_memory() {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_THRESHOLD, 128 << 10);
  ::mallopt(M_TRIM_THRESHOLD, 128 << 10);
  ::mallopt(M_ARENA_MAX, 2);
#endif
}

}  // namespace

MemoryBudget::MemoryBudget(std::int64_t ceiling) : ceiling_(ceiling), pool_(std::make_unique<CeilingPool>(ceiling)) {
  if (ceiling > 0) give_back_freed_memory();
}
std::int64_t MemoryBudget::used() const { return pool_->bytes_allocated(); }
std::int64_t MemoryBudget::peak() const { return pool_->max_memory(); }
std::int64_t MemoryBudget::share(double fraction, std::int64_t least, std::int64_t most) const {
  if (ceiling_ == 0) return most;
  auto part = static_cast<std::int64_t>(static_cast<double>(ceiling_ - used()) * fraction);
  return part < least ? least : part > most ? most : part;
}

void keep_freed_memory() {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

Result<std::int64_t> parse_bytes(std::string_view text) {
  double number = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  char letter = unit.empty() ? 'b' : static_cast<char>(unit.front() | 0x20);
  std::string_view tail = unit.empty() ? unit : unit.substr(1);
  double scale = letter == 'b'   ? 1
                 : letter == 'k' ? 1024.
                 : letter == 'm' ? 1048576.
                 : letter == 'g' ? 1073741824.
                 : letter == 't' ? 1099511627776.
                                 : 0;
  bool tail_ok = tail.empty() || (letter != 'b' && (tail == "B" || tail == "b" || tail == "iB" || tail == "ib"));
  if (failed != std::errc{} || scale == 0 || !tail_ok || number < 0 || number * scale > 9e18)
    return usage_error(fmt::format("\"{}\" is not a size", text), "sizes are written 512MB, 2GB, 1.5GiB");
  return static_cast<std::int64_t>(number * scale);
}

std::string format_bytes(std::int64_t bytes) {
  const char* units[] = {"B", "KB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (value >= 1000 && unit < 4) value /= 1024, ++unit;
  return unit == 0 ? fmt::format("{} B", bytes)
                   : fmt::format("{:.{}f} {}", value,
                                 value < 10    ? 2
                                 : value < 100 ? 1
                                               : 0,
                                 units[unit]);
}

}  // namespace tapemill
