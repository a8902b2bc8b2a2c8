// Many writers, writers that die, disks that fill, folders that may not be written: the table is at its old version or its
// new one, and no row is lost or there twice.
#include <gmock/gmock.h>
#include <grp.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <random>
#include <thread>

#include "lake/files.h"
#include "lake/log.h"
#include "lake/scan.h"
#include "lake/sql.h"
#include "lake/watermark.h"
#include "lake/writer.h"
#include "lake_test.h"
#include "numbered_rows.h"
#include "support/children.h"

namespace tapemill::lake {
namespace {
using namespace test;
using testing::HasSubstr;

class CommitFault : public testing::Test, protected tapemill::test::Children {
 protected:
  Folder folder;
  Lake lake = must(Lake::open(folder.path() + "/lake", true));
  Table table = lake.table(Layer::bronze, "bars");
  void make() { must(table.create(bars_schema(), {"year", "month"}, {{kSort, "instrument_id,session"}})); }
};

TEST_F(CommitFault, ProcessesAndThreadsCommitAtOnceAndNothingIsLost) {
  constexpr int kWriters = 4, kUnits = 60, kRows = 3;
  std::vector<pid_t> children;
  for (int writer = 0; writer < kWriters; ++writer) {
    children.push_back(child([&] {
      must(table.create(bars_schema(), {"year", "month"}, {{kSort, "instrument_id,session"}}));  // all of them at once
      for (int unit = 0; unit < kUnits; ++unit) {
        const int number = writer * kUnits + unit;
        if (!bring(table, fmt::format("u{}", number), number * kRows, kRows).ok()) return 1;
      }
      return 0;
    }));
  }
  for (pid_t pid : children) EXPECT_EQ(wait(pid), 0);
  EXPECT_EQ(must(table.version()), kWriters * kUnits);
  EXPECT_EQ(volumes(lake), numbers(kWriters * kUnits * kRows));
  const LogFiles files = must(list_log(table.path()));
  for (std::size_t i = 0; i < files.commits.size(); ++i) EXPECT_EQ(files.commits[i], static_cast<std::int64_t>(i));
  EXPECT_EQ(files.checkpoints.size(), static_cast<std::size_t>(kWriters * kUnits / 10));
  auto history = must(table.history());
  for (std::size_t i = 1; i < history.size(); ++i) EXPECT_GT(history[i - 1].timestamp_ms, history[i].timestamp_ms);

  std::vector<std::jthread> threads;
  std::atomic<int> failed{0};
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 20; ++i) {
        const int number = kWriters * kUnits + thread * 20 + i;
        failed += !bring(table, fmt::format("u{}", number), number * kRows, kRows).ok();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(volumes(lake), numbers((kWriters * kUnits + 60) * kRows));
}

TEST_F(CommitFault, OfWritersOfOneUnitExactlyOneGetsIn) {
  make();
  std::vector<pid_t> children;
  for (int writer = 0; writer < 6; ++writer) {
    children.push_back(child([&] {
      // Another hash each: without the unit's guard both would be in the table.
      Transaction one;
      one.read_version = 0;
      one.touches = {"2024-01-29"};
      MemoryBudget budget;
      auto parts =
          must(write_parts(table, layout(), Provenance{std::to_string(writer), "2024-01-29", "f", 0, {}}, budget));
      must(parts->write(batch_of({{"A", Date::of(2024, 1, 29), 1, writer}})));
      one.adds = must(parts->finish());
      auto version = table.commit(one);
      return version.ok() ? 0 : is_conflict(version.status()) && exit_code(version.status()) == 1 ? 1 : 2;
    }));
  }
  std::multiset<int> codes;
  for (pid_t pid : children) codes.insert(wait(pid));
  EXPECT_EQ(codes, (std::multiset<int>{0, 1, 1, 1, 1, 1}));
  EXPECT_EQ(must(table.snapshot()).rows(), 1);
  // The loser reads again and judges again: now it is a restatement.
  EXPECT_OK(bring(table, "2024-01-29", 100, 2, "newer"));
  EXPECT_EQ(must(table.snapshot()).rows(), 2);
}

TEST_F(CommitFault, TheSameTransactionGetsInOnce) {
  make();
  Transaction one;
  one.read_version = 0;
  one.txn = {{"silver", 12}};
  one.adds = {fake_part(table, "a.parquet", 1)};
  must(table.commit(one));
  one.read_version = 1;
  one.adds = {fake_part(table, "b.parquet", 1)};
  EXPECT_TRUE(is_conflict(table.commit(one).status()));
  one.txn->second = 11;
  EXPECT_TRUE(is_conflict(table.commit(one).status()));
  one.txn->second = 13;
  EXPECT_OK(table.commit(one));
}

TEST_F(CommitFault, AWriterKilledAtAnyMomentLeavesTheOldVersionOrTheNew) {
  make();
  std::mt19937 random(7);
  constexpr int kUnits = 40, kRows = 500;
  int killed = 0;
  for (int attempt = 0; attempt < 60; ++attempt) {
    const pid_t pid = child([&] {
      for (int unit = 0; unit < kUnits; ++unit) must(bring(table, fmt::format("u{}", unit), unit * kRows, kRows));
      return 0;
    });
    ::usleep(static_cast<useconds_t>(random() % 40'000));
    ::kill(pid, SIGKILL);
    if (wait(pid) == 128 + SIGKILL) ++killed;
    Snapshot now = must(table.snapshot());
    EXPECT_EQ(now.rows() % kRows, 0);
    EXPECT_EQ(now.rows() / kRows, now.version);
    EXPECT_EQ(static_cast<std::int64_t>(volumes(lake).size()), now.rows());
    if (now.rows() == kUnits * kRows) break;
  }
  EXPECT_GT(killed, 0);
  for (int unit = 0; unit < kUnits; ++unit) must(bring(table, fmt::format("u{}", unit), unit * kRows, kRows));
  EXPECT_EQ(volumes(lake), numbers(kUnits * kRows));  // every row once
  EXPECT_EQ(must(table.version()), kUnits);  // and no unit committed twice
  for (const auto& entry : std::filesystem::recursive_directory_iterator(table.path())) {
    EXPECT_FALSE(entry.path().filename().string().ends_with(".tmp")) << entry.path();
  }
}

TEST_F(CommitFault, AFullDiskIsSaidAndTheTableStaysReadable) {
  const std::string small = folder.path() + "/small";
  std::filesystem::create_directory(small);
  if (::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "NO MOUNT HERE: run as root to test a full disk";
  {
    Lake tiny = must(Lake::open(small + "/lake", true));
    table = tiny.table(Layer::bronze, "bars");
    make();
    write_text(small + "/filler", std::string(300'000, 'x'));
    Status status;
    int written = 0;
    while (status.ok() && written < 1000) {
      status = bring(table, fmt::format("u{}", written), written * 2000, 2000);
      written += status.ok();
    }
    EXPECT_GT(written, 0);
    EXPECT_EQ(exit_code(status), 3) << status.ToString();
    EXPECT_THAT(status.ToString(), HasSubstr("No space left on device"));
    EXPECT_EQ(must(table.version()), written);
    EXPECT_EQ(volumes(tiny), numbers(written * 2000));
    std::filesystem::remove(small + "/filler");  // with room again the same source gets in
    EXPECT_OK(bring(table, fmt::format("u{}", written), written * 2000, 2000));
    EXPECT_EQ(volumes(tiny), numbers((written + 1) * 2000));
  }
  ::umount2(small.c_str(), MNT_DETACH);
}

TEST_F(CommitFault, SpillingToAFullDiskIsSaid) {
  const std::string small = folder.path() + "/small";
  std::filesystem::create_directory(small);
  if (::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "NO MOUNT HERE: run as root to test a full disk";
  {
    table = Table(small + "/bars", table.name());
    MemoryBudget budget(4 << 20);
    auto writer = must(write_parts(table, layout(), Provenance{"s", "u", "f", 0, {}}, budget));
    std::vector<Bar> bars;
    for (int i = 0; i < 2000; ++i) bars.push_back({fmt::format("S{}", i * 7919 % 2000), Date::of(2024, 1, 1), i, i});
    Status status;
    for (int i = 0; i < 100 && status.ok(); ++i) status = writer->write(batch_of(bars, budget.pool()));
    EXPECT_EQ(exit_code(status), 3) << status.ToString();
    EXPECT_THAT(status.ToString(), HasSubstr("No space left on device"));
  }
  ::umount2(small.c_str(), MNT_DETACH);
}

TEST_F(CommitFault, WithoutPermissionTheFolderIsNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "NOT ROOT: cannot become nobody";
  make();
  must(bring(table, "u0", 0, 10));
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  EXPECT_EQ(wait(child([&] {
              if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) return 90;
              if (volumes(lake) != numbers(10)) return 1;  // reading needs no more than reading
              Status status = bring(table, "u1", 10, 10);
              if (exit_code(status) != 3 || status.ToString().find("Permission denied") == std::string::npos) return 2;
              if (status.ToString().find(table.path()) == std::string::npos) return 3;
              if (exit_code(lake.table(Layer::gold, "new").create(bars_schema(), {}, {})) != 3) return 4;
              if (exit_code(Lake::open(folder.path() + "/new", true).status()) != 3) return 5;
              return 0;
            })),
            0);
  std::filesystem::permissions(folder.path() + "/lake", std::filesystem::perms(0700));
  EXPECT_EQ(wait(child([&] {
              if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) return 90;
              return exit_code(Lake::open(folder.path() + "/lake", false).status());
            })),
            3);
}

TEST_F(CommitFault, OneOfManyGetsTheNameAndTheOthersLeaveNothing) {
  for (bool nameless : {true, false}) {  // not every file system has files without a name
    const std::string place = folder.path() + (nameless ? "/a" : "/b");
    must(make_folders(place));
    {
      PendingFile lost = must(PendingFile::create(place, nameless));
      must(lost.write("x"));
      EXPECT_EQ(must(list_folder(place)).size(), nameless ? 0u : 1u);
      PendingFile one = must(PendingFile::create(place, nameless)), two = must(PendingFile::create(place, nameless));
      must(one.write("one"));
      must(two.write("two"));
      EXPECT_TRUE(must(one.publish("name")));
      EXPECT_FALSE(must(two.publish("name")));
      EXPECT_FALSE(must(equal_files(place + "/name", two.fd())));
      EXPECT_TRUE(must(equal_files(place + "/name", one.fd())));
    }
    EXPECT_EQ(read_text(place + "/name"), "one");
    EXPECT_EQ(must(list_folder(place)), std::vector<std::string>{"name"});
  }
  EXPECT_EQ(exit_code(PendingFile::create(folder.path() + "/nowhere").status()), 3);
}

}  // namespace
}  // namespace tapemill::lake
