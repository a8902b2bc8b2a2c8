#include <gtest/gtest.h>

#include <arrow/buffer.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

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
/// In a child whose main thread waits in a system call that nothing ends.
int signalled(int first, int second) {
  int ready[2], never[2];
  if (::pipe(ready) != 0 || ::pipe(never) != 0) return -1;
  pid_t child = ::fork();
  if (child == 0) {
    install_interrupt();
    std::stop_callback told(interrupt(), [&] { (void)!::write(ready[1], "2", 1); });
    (void)!::write(ready[1], "1", 1);
    char byte;
    (void)!::read(never[0], &byte, 1);
    ::_exit(99);
  }
  ::close(ready[1]);
  char byte;
  int status = 0;
  if (::read(ready[0], &byte, 1) == 1) ::kill(child, first);
  if (::read(ready[0], &byte, 1) == 1) ::kill(child, second);  // it has taken the first
  for (int i = 0; i < 1000 && ::waitpid(child, &status, WNOHANG) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ::kill(child, SIGKILL), ::waitpid(child, nullptr, 0);
  for (int end : {ready[0], never[0], never[1]}) ::close(end);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
TEST(Interrupt, ASecondSignalEndsAProcessThatIsBlocked) {
  EXPECT_EQ(signalled(SIGTERM, SIGTERM), 143);
  EXPECT_EQ(signalled(SIGINT, SIGINT), 130);
  EXPECT_EQ(signalled(SIGTERM, SIGINT), 130);
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
