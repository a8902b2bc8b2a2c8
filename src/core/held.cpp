#include "core/held.h"

#include <unistd.h>

#include <fstream>

#include "core/memory.h"

namespace tapemill {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kToCome = 24 * kMiB;  // code that a command touches later, its tables, its threads' stacks
constexpr std::int64_t kLeast = 40 * kMiB;   // data: below it a table of a few hundred thousand rows cannot be shown

}  // namespace

Result<Held> Held::take(std::int64_t bytes, arrow::MemoryPool* pool) {
  Held held;
  ARROW_ASSIGN_OR_RAISE(held.pages_, arrow::AllocateBuffer(bytes, pool));
  return held;
}

std::int64_t resident_bytes() {
  std::int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

Result<std::int64_t> room_for_data(std::int64_t ceiling) {
  if (ceiling <= 0) return 0;
  const std::int64_t own = resident_bytes() + kToCome;
  if (ceiling >= own + kLeast) return ceiling - own;
  const std::int64_t least = (own + kLeast + kMiB - 1) / kMiB;
  return usage_error(fmt::format("--memory {}: the program itself takes {}", format_bytes(ceiling), format_bytes(own)),
                     fmt::format("give at least {}MB", (least + 7) / 8 * 8));
}

}  // namespace tapemill
