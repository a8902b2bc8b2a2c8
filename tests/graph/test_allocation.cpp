// In steady state a message costs no allocation: operator new is counted while messages pass a warm partition.
#include <atomic>
#include <new>

#include "graph_test.h"

namespace {
std::atomic<bool> counting{false};
std::atomic<std::int64_t> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
  if (counting.load(std::memory_order_relaxed)) ++allocations;
  if (void* memory = std::malloc(size != 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  if (counting.load(std::memory_order_relaxed)) ++allocations;
  const auto step = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(step, (size + step - 1) / step * step)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  if (counting.load(std::memory_order_relaxed)) ++allocations;
  return std::malloc(size != 0 ? size : 1);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace tapemill::graph {
namespace {
using namespace test;

TEST(Allocation, NonePerMessage) {
  Folder folder;
  write_text(folder / "bars.csv", bars_csv(9, 20, 400, 0, 0));
  std::vector<std::string> indicators = kSuite;
  auto document = parsed(graph_json(
      {subscriber("in", "file://" + (folder / "bars.csv")), calculator("w", "DataWindowerCalculator"),
       calculator("w2", "DataWindowerCalculator"), technical("c", indicators),
       calculator("s", "SignalDetectorCalculator", {{"min_confidence", 1.0}, {"strategies", {"trend_following"}}}),
       publisher("out", "memory://o"), publisher("more", "memory://p")},
      {{"in", "w"}, {"in", "w2"}, {"w", "c"}, {"w2", "c"}, {"c", "s"}, {"c", "out"}, {"out", "more"}, {"s", "more"}}));
  const Plan planned = plan(document, {});
  ASSERT_TRUE(planned.findings.empty()) << render(planned.findings[0].status, false);
  auto source = must(planned.nodes[0].source.open({}));
  Block rows(planned.nodes[0].source.schema);
  const std::size_t count = must(source->read(rows, 8000));
  ASSERT_EQ(count, 8000U);
  for (std::size_t i = 0; i < count; ++i) rows.sequence.push_back(static_cast<std::int64_t>(i));
  Partition partition(planned, document);
  auto round = [&](std::size_t from, std::size_t to, std::size_t step) {
    partition.clear_outboxes();
    for (std::size_t i = from; i + step <= to; i += step)
      if (!partition.push(0, rows, i, step).ok()) return false;
    return true;
  };
  ASSERT_TRUE(round(0, 4000, 1));   // every ticker has come, every block has its size
  ASSERT_TRUE(round(0, 4000, 10));
  counting = true;
  bool ran = round(4000, 8000, 1);
  const std::int64_t of_ticks = allocations;
  ran = ran && round(4000, 8000, 10);
  counting = false;
  EXPECT_TRUE(ran);
  EXPECT_EQ(of_ticks, 0);
  EXPECT_EQ(allocations.load(), 0);
  auto* counted = new std::string(100, 'x');  // the counter counts
  delete counted;
  counting = true;
  counted = new std::string(100, 'x');
  counting = false;
  delete counted;
  EXPECT_GT(allocations.load(), 0);
}

}  // namespace
}  // namespace tapemill::graph
