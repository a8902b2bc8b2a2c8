// What ingest promises must hold after compaction too: again changes nothing, a restated day is replaced in one commit, refused
// rows go with the rows that are in.
#include "lake/compact.h"
#include "lake/watermark.h"
#include "pipeline/maintain.h"
#include "pipeline/status.h"
#include "pipeline_test.h"

#include <sys/resource.h>

namespace tapemill::pipeline {
namespace {
using namespace test;

lake::CompactReport compacted(const std::string& lake, const std::string& name, std::int64_t memory = 0) {
  auto tables = must(tables_of(opened(lake), {name}));
  auto layout = must(layout_for(opened(lake), tables[0], must(tables[0].snapshot())));
  MemoryBudget budget(memory);
  return must(lake::compact(tables[0], layout, {}, Workers(2), budget));
}
std::string text_of(const std::shared_ptr<arrow::Table>& rows) {
  return must(rows->CombineChunksToBatch())->ToString();
}

constexpr int kDays = 30, kGood = 6, kBad = 2;

struct Maintain : ::testing::Test {
  Folder folder;
  std::string lake = folder / "lake";
};

TEST_F(Maintain, IngestAgainChangesNothingAfterCompaction) {
  auto files = write_days(folder, "in", kDays, kGood, kBad);
  for (const auto& file : files) must(ingest_into(lake, "stocks_daily", {file}));  // a commit a day, as days come
  const std::string rows = text_of(rows_of(lake, "bronze.stocks_daily"));
  auto before = must(status_of(opened(lake)));
  EXPECT_EQ(compacted(lake, "stocks_daily").files_after, 2);
  EXPECT_EQ(compacted(lake, "bronze.stocks_daily_quarantine").files_after, 1);
  EXPECT_EQ(compacted(lake, "landing.stocks_daily").files_after, 1);
  EXPECT_EQ(text_of(rows_of(lake, "bronze.stocks_daily")), rows);
  EXPECT_EQ(complaint(lake, kGood, kBad), "");
  auto version = must(opened(lake).table(lake::Layer::bronze, "stocks_daily").version());
  auto again = must(ingest_into(lake, "stocks_daily", files));
  EXPECT_EQ(again.files_unchanged, kDays);
  EXPECT_EQ(again.version, version);
  auto after = must(status_of(opened(lake)));
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].units, before[0].units);
  EXPECT_EQ(after[0].first, before[0].first);
  EXPECT_EQ(after[0].last, before[0].last);
  EXPECT_EQ(after[0].missing, before[0].missing);
  EXPECT_EQ(after[0].quarantined, before[0].quarantined);
}

TEST_F(Maintain, ARestatedDayReplacesItsSessionInOneCommitAfterCompaction) {
  auto files = write_days(folder, "in", kDays, kGood, kBad);
  must(ingest_into(lake, "stocks_daily", files));
  compacted(lake, "stocks_daily");
  compacted(lake, "bronze.stocks_daily_quarantine");
  lake::Table bronze = opened(lake).table(lake::Layer::bronze, "stocks_daily");
  const auto version = must(bronze.version());
  auto restated =
      folder.write("again/" + sessions(kDays)[9].str() + ".csv", day_file(sessions(kDays)[9], kGood, kBad, 3));
  auto report = must(ingest_into(lake, "stocks_daily", {restated}));
  EXPECT_EQ(report.version, version + 1);
  ASSERT_EQ(report.restated.size(), 1u);
  EXPECT_EQ(complaint(lake, kGood, kBad), "");
  auto rows = rows_of(lake, "bronze.stocks_daily"), old_rows = rows_of(lake, "bronze.stocks_daily", version);
  std::int64_t fresh = 0, fresh_before = 0;
  for (std::int64_t i = 0; i < rows->num_rows(); ++i) {
    fresh += at(*rows, "close", i) == "14.2500";
    fresh_before += at(*old_rows, "close", i) == "14.2500";
    EXPECT_EQ(at(*rows, "close", i) == "14.2500", at(*rows, "session", i) == sessions(kDays)[9].str());
  }
  EXPECT_EQ(fresh, kGood);
  EXPECT_EQ(fresh_before, 0);
  compacted(lake, "stocks_daily");
  EXPECT_EQ(complaint(lake, kGood, kBad), "");
  EXPECT_EQ(must(ingest_into(lake, "stocks_daily", {restated})).files_unchanged, 1);
}

TEST_F(Maintain, SilverThatIsACopyFollowsBronzeAfterBothWereCompacted) {
  const fs::path real = shared_data() / "nse_fo_udiff";
  if (!fs::exists(real)) GTEST_SKIP() << "NO SHARED DATA at " << real;
  must(ingest_into(lake, "nse_fo", {real.string()}));
  const std::string rows = text_of(rows_of(lake, "nse_fo"));
  compacted(lake, "bronze.nse_fo");
  compacted(lake, "silver.nse_fo");
  EXPECT_EQ(text_of(rows_of(lake, "nse_fo")), rows);
  const auto silver = must(opened(lake).table(lake::Layer::silver, "nse_fo").version());
  MemoryBudget budget;
  must(refresh_silver(opened(lake), must(load_dataset("nse_fo")), Workers(2), budget));
  EXPECT_EQ(must(opened(lake).table(lake::Layer::silver, "nse_fo").version()), silver);
}

TEST_F(Maintain, RealFilesShrink) {
  const fs::path real = shared_data() / "nse_cash_2024";
  if (!fs::exists(real)) GTEST_SKIP() << "NO SHARED DATA at " << real;
  must(ingest_into(lake, "nse_cash", {real.string()}));
  auto before = rows_of(lake, "nse_cash");
  auto report = compacted(lake, "nse_cash", 256 << 20);
  EXPECT_EQ(report.files_after, 12);
  EXPECT_LT(report.bytes_after, report.bytes_before * 7 / 10);
  EXPECT_TRUE(rows_of(lake, "nse_cash")->Equals(*before));
  EXPECT_EQ(compacted(lake, "nse_cash").files_merged, 0);
}

/// Peak memory of a process of its own, as the kernel counts it.
TEST_F(Maintain, CompactionStaysWithinItsCeiling) {
  NEED_PROGRAM();
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer's own memory is counted too: the ceiling is NOT tested in this build";
#endif
  // 40 days of 30,000 bars, 1.2 million rows: some 130 MB as Arrow columns, in a month that becomes one part.
  for (Date date : sessions(40)) {
    std::string text = kHeader;
    std::int64_t start = (date.days * kDay + 5 * kHour) * 1000;
    for (int i = 0; i < 30'000; ++i)
      text += fmt::format("T{:05},{},10,{}.{:04},99999,1,{},7\n", i,
                          (i * 7919 + std::int64_t{date.days} * 104'729) % 1'000'003, 11 + i % 1000, i * 31 % 10'000,
                          start);
    must(ingest_into(lake, "stocks_daily", {folder.write("in/" + date.str() + ".csv", text)}));
  }
  auto peak = [&](const char* memory) {
    Child child =
        start(folder, {"compact", "stocks_daily", "--lake", lake, "--memory", memory, "--threads", "2", "--json"});
    int status = 0;
    rusage usage{};
    ::wait4(child.pid, &status, 0, &usage);
    EXPECT_EQ(WEXITSTATUS(status), 0) << slurp(child.err);
    return usage.ru_maxrss / 1024;  // MB
  };
  const auto before = must(opened(lake).table(lake::Layer::bronze, "stocks_daily").snapshot()).rows();
  const long used = peak("192MB");
  EXPECT_LE(used, 192 + 19);
  RecordProperty("peak_mb", static_cast<int>(used));
  auto snapshot = must(opened(lake).table(lake::Layer::bronze, "stocks_daily").snapshot());
  EXPECT_EQ(snapshot.rows(), before);
  EXPECT_EQ(snapshot.parts.size(), 2u);
}

TEST_F(Maintain, DurationsSayWhatTheyAre) {
  EXPECT_EQ(must(parse_duration("7d")), 7 * kDay);
  EXPECT_EQ(must(parse_duration("5y")), 5 * 365 * kDay);
  EXPECT_EQ(must(parse_duration("0s")), 0);
  for (const char* wrong : {"", "d", "7", "-1d", "1w", "1.5h", "99999999999999999999d"})
    EXPECT_EQ(exit_code(parse_duration(wrong).status()), 2) << wrong;
}

}  // namespace
}  // namespace tapemill::pipeline
