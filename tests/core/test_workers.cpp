#include <gtest/gtest.h>

#include <arrow/buffer.h>

#include <atomic>

#include "core/hash.h"
#include "core/memory.h"
#include "core/paths.h"
#include "core/workers.h"

namespace tapemill {
namespace {

TEST(Workers, RunEveryShardOnceWhateverTheThreads) {
  for (int threads : {1, 2, 7}) {
    std::vector<std::atomic<int>> seen(1000);
    ASSERT_TRUE(Workers(threads).each(seen.size(), [&](std::size_t i) { return ++seen[i], Status::OK(); }).ok());
    for (auto& count : seen) ASSERT_EQ(count, 1);
  }
}
TEST(Workers, TheLowestFailingShardThatRanIsReported) {
  Status status =
      Workers(1).each(10, [](std::size_t i) { return i >= 3 ? data_error(std::to_string(i)) : Status::OK(); });
  EXPECT_EQ(status.message(), "3");
}
TEST(Workers, StopEndsEarly) {
  std::stop_source source;
  std::atomic<int> ran = 0;
  Status status = Workers(2).each(
      1000, [&](std::size_t i) { return ++ran, i == 5 ? (source.request_stop(), Status::OK()) : Status::OK(); },
      source.get_token());
  EXPECT_TRUE(status.IsCancelled());
  EXPECT_LT(ran, 20);
  EXPECT_EQ(exit_code(status), 130);
}
TEST(MemoryBudget, RefusesToPassItsCeiling) {
  MemoryBudget budget(1 << 20);
  auto half = *arrow::AllocateBuffer(1 << 19, budget.pool());
  EXPECT_TRUE(arrow::AllocateBuffer(1 << 20, budget.pool()).status().IsOutOfMemory());
  EXPECT_GE(budget.used(), 1 << 19);
  half.reset();
  EXPECT_EQ(budget.used(), 0);
  EXPECT_TRUE(arrow::AllocateBuffer((1 << 20) - 64, budget.pool()).ok());
}
TEST(Bytes, ParseAndFormat) {
  EXPECT_EQ(*parse_bytes("512MB"), 512 << 20);
  EXPECT_EQ(*parse_bytes("1.5GiB"), 3LL << 29);
  EXPECT_EQ(*parse_bytes("4096"), 4096);
  for (const char* bad : {"", "MB", "5XB", "-1MB", "1e30GB"}) EXPECT_FALSE(parse_bytes(bad).ok()) << bad;
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(3 << 20), "3.00 MB");
}
TEST(Sha256, KnownDigest) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
TEST(Paths, ReadingAFolderOrNothingSaysSo) {
  EXPECT_EQ(exit_code(read_file("/tmp").status()), 2);
  EXPECT_EQ(exit_code(read_file("/tmp/there/is/no/such/file").status()), 2);
}

}  // namespace
}  // namespace tapemill
