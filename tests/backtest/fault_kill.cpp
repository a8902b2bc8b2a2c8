// SIGKILL, SIGINT and a full disk in the middle of a backtest: either nothing of the run is visible, or all of it is.
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <random>

#include "backtest/backtest.h"
#include "core/build_info.h"
#include "core/workers.h"
#include "lake_of_tests.h"

namespace tapemill::backtest {
namespace {

TEST(FaultBacktest, KilledAtRandomMomentsLeavesNothingOrAll) {
  Folder folder;
  auto lake = must(lake::Lake::open(folder.path() + "/lake", true));
  store_index(lake, Date::of(2005, 1, 3), Date::of(2009, 12, 31));
  std::string strategy = std::string(source_dir()) + "/strategies/index_cross.yaml";
  RunResult whole = must(run(lake, strategy));
  double seconds = whole.load_seconds + whole.engine_seconds + whole.write_seconds;
  std::mt19937 random(5);
  int nothing = 0, all = 0;
  for (int round = 0; round < 30; ++round) {
    std::error_code ignored;
    std::filesystem::remove_all(whole.path, ignored);
    pid_t child = ::fork();
    if (child == 0) {
      bool done = run(lake, strategy).ok();
      ::_exit(done ? 0 : 1);
    }
    ::usleep(static_cast<useconds_t>(seconds * 1.3e6 * static_cast<double>(random() % 1000) / 1000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    auto there = must(runs(lake));
    ASSERT_LE(there.size(), 1u);
    if (there.empty()) {
      ++nothing;
      continue;
    }
    ++all;
    EXPECT_EQ(there[0].ledger_hash, whole.ledger_hash);
    EXPECT_TRUE(verify(there[0]).ok());
  }
  EXPECT_GT(nothing, 0);  // or the moments were not random enough to show anything
  RunResult again = must(run(lake, strategy));
  EXPECT_EQ(again.ledger_hash, whole.ledger_hash);
  int leftovers = 0;
  for (const auto& entry : std::filesystem::directory_iterator(lake.root() + "/runs"))
    leftovers += entry.path().filename().string().starts_with(".");
  EXPECT_EQ(leftovers, 0);  // what killed processes left behind is swept by the next run
  (void)all;
}

TEST(FaultBacktest, InterruptedWritesNothingAndSaysSo) {
  Folder folder;
  auto lake = must(lake::Lake::open(folder.path() + "/lake", true));
  store_index(lake, Date::of(2005, 1, 3), Date::of(2009, 12, 31));
  std::string strategy = std::string(source_dir()) + "/strategies/index_cross.yaml";
  RunResult whole = must(run(lake, strategy));
  double seconds = whole.load_seconds + whole.engine_seconds + whole.write_seconds;
  constexpr int kDone = 0, kOther = 1, kInterrupted = 2;
  std::mt19937 random(7);
  int interrupted = 0;
  for (int round = 0; round < 40; ++round) {
    std::error_code ignored;
    std::filesystem::remove_all(whole.path, ignored);
    pid_t child = ::fork();
    if (child == 0) {
      install_interrupt();
      Status status = run(lake, strategy).status();
      ::_exit(status.ok() ? kDone : status.IsCancelled() ? kInterrupted : kOther);
    }
    ::usleep(static_cast<useconds_t>(seconds * 1e6 * static_cast<double>(random() % 1000) / 1000));
    ::kill(child, SIGINT);
    int status = 0;
    ::waitpid(child, &status, 0);
    auto there = must(runs(lake));
    if (WIFSIGNALED(status)) {  // before its handler was there
      EXPECT_EQ(WTERMSIG(status), SIGINT);
      EXPECT_TRUE(there.empty());
    } else if (WEXITSTATUS(status) == kInterrupted) {
      ++interrupted;
      EXPECT_TRUE(there.empty());
    } else {
      ASSERT_EQ(WEXITSTATUS(status), kDone);
      ASSERT_EQ(there.size(), 1u);
      EXPECT_EQ(there[0].ledger_hash, whole.ledger_hash);
    }
  }
  EXPECT_GT(interrupted, 0);
}

TEST(FaultBacktest, AFullDiskIsAnErrorOfTheEnvironmentAndLeavesNoRun) {
  Folder folder;
  const std::string disk = folder.path() + "/disk";
  std::filesystem::create_directories(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=4m") != 0)
    GTEST_SKIP() << "mount: " << std::strerror(errno) << ": a full disk is NOT tested";
  struct Unmount {
    std::string path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } unmount{disk};
  auto lake = must(lake::Lake::open(disk + "/lake", true));
  store_index(lake, Date::of(2005, 1, 3), Date::of(2009, 12, 31));
  const std::string filler = disk + "/filler";
  {
    std::ofstream out(filler, std::ios::binary);
    std::vector<char> block(4096, 'x');
    while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {}
  }
  std::string strategy = std::string(source_dir()) + "/strategies/index_cross.yaml";
  auto full = run(lake, strategy);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(exit_code(full.status()), 3) << full.status().ToString();
  EXPECT_NE(full.status().message().find("No space left on device"), std::string::npos) << full.status().ToString();
  EXPECT_TRUE(must(runs(lake)).empty());
  std::filesystem::remove(filler);
  must(run(lake, strategy));
  auto there = must(runs(lake));
  ASSERT_EQ(there.size(), 1u);
  EXPECT_TRUE(verify(there[0]).ok());
}

}  // namespace
}  // namespace tapemill::backtest
