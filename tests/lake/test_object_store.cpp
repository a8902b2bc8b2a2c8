// A lake in an object store is the lake it is in a folder: the same tests' worth of commits, scans, SQL, compaction and
// vacuum, writers that race and writers that die, against a real server.
#include <gmock/gmock.h>

#include <random>
#include <thread>

#include "core/text.h"
#include "lake/about.h"
#include "lake/compact.h"
#include "lake/files.h"
#include "lake/log.h"
#include "lake/query_cache.h"
#include "lake/retire.h"
#include "lake/scan.h"
#include "lake/sidecars.h"
#include "lake/sql.h"
#include "lake/storage.h"
#include "lake/vacuum.h"
#include "lake/watermark.h"
#include "lake/writer.h"
#include "lake_test.h"
#include "numbered_rows.h"
#include "support/s3_server.h"

namespace tapemill::lake {
namespace {
using namespace test;
using tapemill::test::Children;
using tapemill::test::S3Server;
using testing::HasSubstr;

class ObjectStore : public testing::Test, protected Children {
 protected:
  void SetUp() override {
    TAPEMILL_NEEDS_S3();
    static const Folder copies;
    ::setenv("AWS_ENDPOINT_URL", S3Server::shared()->endpoint().c_str(), 1);
    ::setenv("AWS_ACCESS_KEY_ID", S3Server::kKey, 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", S3Server::kSecret, 1);
    ::setenv("TAPEMILL_CACHE", copies.path().c_str(), 1);
    root = std::string("s3://lake/") + testing::UnitTest::GetInstance()->current_test_info()->name();
    lake.emplace(must(Lake::open(root, true)));
    table.emplace(lake->table(Layer::bronze, "bars"));
  }
  void make() { must(table->create(bars_schema(), {"year", "month"}, {{kSort, "instrument_id,session"}})); }
  std::vector<std::string> names(const std::string& folder) { return must(list_folder(table->path() + "/" + folder)); }

  std::string root;
  std::optional<Lake> lake;
  std::optional<Table> table;
};

TEST_F(ObjectStore, RowsGoInAndComeBack) {
  EXPECT_FALSE(Lake::open(root, false).ok());  // nothing there yet
  EXPECT_FALSE(table->exists());
  make();
  EXPECT_TRUE(table->exists());
  for (int i = 0; i < 12; ++i) ASSERT_OK(bring(*table, fmt::format("u{}", i), i * 10, 10));
  EXPECT_EQ(volumes(*lake), numbers(120));
  EXPECT_EQ(must(table->version()), 12);
  EXPECT_THAT(names("_delta_log"), testing::Contains("00000000000000000010.checkpoint.parquet"));
  auto tables = must(Lake::open(root, false)).tables();
  ASSERT_OK(tables);
  ASSERT_EQ(tables->size(), 2u);  // bronze.bars, and silver that is seen through to it
  EXPECT_EQ((*tables)[0].str(), "bronze.bars");
  EXPECT_EQ(must(table->history()).size(), 13u);
  ASSERT_OK(bring(*table, "u3", 30, 10));  // again: no commit
  EXPECT_EQ(must(table->version()), 12);
  EXPECT_EQ(damage_of(*table), "");
}

TEST_F(ObjectStore, FiltersTimeTravelAndRestatements) {
  make();
  ASSERT_OK(bring(*table, "a", 0, 20));
  ASSERT_OK(bring(*table, "b", 20, 20));
  ASSERT_OK(bring(*table, "a", 100, 5, "other"));
  ScanRequest request;
  request.table = {Layer::bronze, "bars"};
  request.version = 2;
  EXPECT_EQ(must(scan(*lake, request)).rows->num_rows(), 40);
  request.version.reset();
  EXPECT_EQ(must(scan(*lake, request)).rows->num_rows(), 25);
  request.symbols = {"S3"};
  EXPECT_EQ(must(scan(*lake, request)).rows->num_rows(), 2);
}

TEST_F(ObjectStore, SqlReadsAndItsCacheIsNeverStale) {
  make();
  ASSERT_OK(bring(*table, "a", 0, 20));
  const std::string sql = "SELECT count(*) AS n, sum(volume) AS v FROM bars WHERE year = 2024";
  auto sum = [&](const std::string& text) {
    auto answer = must(query_cached(*lake, text, {}, *QueryCache::of(*lake)));
    return must(doubles(*answer, "v")).at(0);
  };
  EXPECT_EQ(sum(sql), 190);
  EXPECT_EQ(sum(sql), 190);
  ASSERT_OK(bring(*table, "b", 20, 1));
  EXPECT_EQ(sum(sql), 210);
  EXPECT_EQ(sum("SELECT sum(volume) AS v FROM bars AT (VERSION => 1)"), 190);
  EXPECT_FALSE(S3Place::is(QueryCache::folder_of(*lake)));
}

TEST_F(ObjectStore, CompactionVacuumArchiveAndSidecars) {
  make();
  for (int i = 0; i < 8; ++i) ASSERT_OK(bring(*table, Date{19723 + i}.str(), i * 3, 3));
  MemoryBudget budget;
  must(compact(*table, layout(), {}, Workers(2), budget));
  EXPECT_GT(must(table->version()), 8);
  EXPECT_EQ(volumes(*lake), numbers(24));
  VacuumOptions sweep;
  sweep.retain = 0;
  sweep.now = Instant{4'000'000'000'000'000};
  auto swept = must(vacuum(*table, sweep));
  EXPECT_GT(swept.files, 0);
  EXPECT_EQ(must(vacuum(*table, sweep)).files, 0);
  EXPECT_EQ(volumes(*lake), numbers(24));
  EXPECT_EQ(damage_of(*table), "");
  EXPECT_GT(must(write_sidecars(*table, budget)).files_written, 0);
  EXPECT_EQ(must(write_sidecars(*table, budget)).files_written, 0);
  RetireOptions old{"session", Date::of(2030, 1, 1), root + "/archive/bars", "ARCHIVE", false};
  auto gone = must(retire(*table, layout(), old, budget));
  EXPECT_EQ(gone.rows, 24);
  EXPECT_EQ(gone.copied, gone.files);
  EXPECT_EQ(volumes(*lake), numbers(0));
  EXPECT_FALSE(must(list_folder(root + "/archive/bars")).empty());
}

TEST_F(ObjectStore, APartThatIsGoneIsNamed) {
  make();
  ASSERT_OK(bring(*table, "a", 0, 20));
  const auto parts = must(table->snapshot()).parts;
  must(storage_of(root).remove(table->path() + "/" + parts[0].path));
  EXPECT_THAT(damage_of(*table), HasSubstr("1 part missing"));
  ScanRequest request;
  request.table = {Layer::bronze, "bars"};
  auto read = scan(*lake, request);
  EXPECT_EQ(exit_code(read.status()), 1);
  EXPECT_THAT(read.status().message(), HasSubstr("in the log but not"));
}

TEST_F(ObjectStore, WritersRaceAndEveryRowIsThereOnce) {
  constexpr int kWriters = 2, kUnits = 30, kRows = 3;
  std::vector<pid_t> children;
  for (int writer = 0; writer < kWriters; ++writer) {
    children.push_back(child([&] {
      make();  // both at once
      for (int unit = 0; unit < kUnits; ++unit) {
        const int number = writer * kUnits + unit;
        Status status = bring(*table, fmt::format("u{}", number), number * kRows, kRows);
        if (!status.ok()) return std::fprintf(stderr, "%s\n", status.ToString().c_str()), 1;
      }
      return 0;
    }));
  }
  for (pid_t pid : children) EXPECT_EQ(wait(pid), 0);
  EXPECT_EQ(volumes(*lake), numbers(kWriters * kUnits * kRows));
  EXPECT_EQ(must(table->version()), kWriters * kUnits);  // commit 0 made the table
}

TEST_F(ObjectStore, WritersOfTheSameUnitBringItOnce) {
  make();
  std::vector<pid_t> children;
  for (int writer = 0; writer < 4; ++writer)
    children.push_back(child([&] {
      for (int unit = 0; unit < 10; ++unit) {
        Status status = bring(*table, fmt::format("u{}", unit), unit * 5, 5);
        if (!status.ok() && !is_conflict(status)) return std::fprintf(stderr, "%s\n", status.ToString().c_str()), 1;
      }
      return 0;
    }));
  for (pid_t pid : children) EXPECT_EQ(wait(pid), 0);
  EXPECT_EQ(volumes(*lake), numbers(50));
}

TEST_F(ObjectStore, KilledWritersLoseNothingAndBringNothingTwice) {
  make();
  constexpr int kUnits = 6, kRows = 4;
  std::mt19937 random(20241028);
  const char* asked = std::getenv("TAPEMILL_KILLS");  // make torture: 500
  for (int round = 0, rounds = asked != nullptr ? static_cast<int>(leading_integer(asked)) : 50; round < rounds;
       ++round) {
    const pid_t pid = child([&] {
      for (int unit = 0; unit < kUnits; ++unit) {
        if (!bring(*table, fmt::format("u{}", unit), unit * kRows, kRows, std::to_string(round)).ok()) return 1;
      }
      return 0;
    });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
    ::kill(pid, SIGKILL);
    wait(pid);
    const auto there = volumes(*lake);  // it can be read, and each row of a unit that is in is there once
    EXPECT_EQ(there, numbers(static_cast<int>(there.size()))) << round;
    EXPECT_EQ(there.size() % kRows, 0u) << round;
  }
  for (int unit = 0; unit < kUnits; ++unit)
    ASSERT_OK(bring(*table, fmt::format("u{}", unit), unit * kRows, kRows, "last"));
  EXPECT_EQ(volumes(*lake), numbers(kUnits * kRows));
  EXPECT_EQ(damage_of(*table), "");
}

}  // namespace
}  // namespace tapemill::lake
