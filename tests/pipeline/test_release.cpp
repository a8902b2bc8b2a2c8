// Rows that a person lets in against a check: accounted for, noted, once; and whole tables made again from landing.
#include "core/hash.h"
#include "core/json.h"
#include "pipeline/group.h"
#include "pipeline/rebuild.h"
#include "pipeline/release.h"
#include "pipeline_test.h"

namespace tapemill::pipeline {
namespace {
using namespace test;

struct Released : ::testing::Test {
  Folder folder;
  std::string lake = folder / "lake";
  Dataset dataset = must(load_dataset("stocks_daily"));
  MemoryBudget budget{0};
  lake::Table bronze() { return opened(lake).table(lake::Layer::bronze, "stocks_daily"); }
  Result<ReleaseReport> let_in(const Release& what) { return release(opened(lake), dataset, what, Workers(2), budget); }
  RebuildReport again() { return must(rebuild(opened(lake), dataset, Workers(2), budget)); }
  /// What the newest commit counted.
  Json counts() { return must(bronze().history()).front().info->at("tapemill").at("counts"); }
  /// Hashes of the parts' bytes, sorted.
  std::vector<std::string> bytes() {
    std::vector<std::string> all;
    for (const auto& part : must(bronze().snapshot()).parts)
      all.push_back(sha256(slurp(bronze().path() + "/" + part.path)));
    std::sort(all.begin(), all.end());
    return all;
  }
};

TEST(Lines, AreRangesInText) {
  const std::set<std::int64_t> lines{2, 12, 15, 16, 17, 900};
  EXPECT_EQ(text_of_lines(lines), "2,12,15-17,900");
  EXPECT_EQ(lines_of_text("2,12,15-17,900"), lines);
  EXPECT_TRUE(lines_of_text("").empty());
  EXPECT_TRUE(lines_of_text("x").empty());
}

TEST_F(Released, RowsGoInOnceWithWhoAndWhyAndTheAccountsStillHold) {
  auto paths = write_days(folder, "in", 3, 10, 2);
  must(ingest_into(lake, "stocks_daily", paths));
  auto report = must(let_in({"", "2024-01-02.csv", 12, "as printed by the exchange", "ann"}));
  EXPECT_EQ(report.rows, 1);
  EXPECT_EQ(report.files, 1);
  EXPECT_EQ(report.version, 2);
  EXPECT_EQ(rows_of(lake, "stocks_daily")->num_rows(), 31);
  EXPECT_EQ(quarantined_rows(lake, "stocks_daily"), 5);
  auto commit = must(bronze().history()).front();
  EXPECT_EQ(commit.operation, "RELEASE");
  EXPECT_NE(commit.info->dump().find("as printed by the exchange"), std::string::npos) << commit.info->dump();
  EXPECT_NE(commit.info->dump().find("ann"), std::string::npos);
  EXPECT_EQ(counts()["rows_in"], 12);
  EXPECT_EQ(counts()["rows_stored"], 11);
  EXPECT_EQ(counts()["rows_quarantined"], 1);
  // the same once more, and the files once more: nothing changes
  EXPECT_EQ(must(let_in({"", "2024-01-02.csv", 12, "once more", "ann"})).rows, 0);
  EXPECT_EQ(must(ingest_into(lake, "stocks_daily", paths)).files_unchanged, 3);
  EXPECT_EQ(must(bronze().version()), 2);
  // all that is left, in one commit; what was let in before stays
  EXPECT_EQ(must(let_in({"ohlc_order", "", 0, "all of them", "bob"})).rows, 5);
  EXPECT_EQ(must(bronze().version()), 3);
  EXPECT_EQ(rows_of(lake, "stocks_daily")->num_rows(), 36);
  EXPECT_EQ(quarantined_rows(lake, "stocks_daily"), 0);
  EXPECT_EQ(must(let_in({"ohlc_order", "", 0, "again", "bob"})).rows, 0);
  EXPECT_EQ(rows_of(lake, "stocks_daily", 1)->num_rows(), 30);  // time travel shows what was before
}

TEST_F(Released, ARestatedFileIsJudgedAnew) {
  auto paths = write_days(folder, "in", 1, 10, 2);
  must(ingest_into(lake, "stocks_daily", paths));
  EXPECT_EQ(must(let_in({"", "2024-01-02.csv", 12, "x", "ann"})).rows, 1);
  folder.write("in/2024-01-02.csv", day_file(sessions(1)[0], 10, 2, 1));
  must(ingest_into(lake, "stocks_daily", paths, kArrived + kDay));
  EXPECT_EQ(quarantined_rows(lake, "stocks_daily"), 2);  // other bytes, other lines: nobody has looked at them
  EXPECT_EQ(rows_of(lake, "stocks_daily")->num_rows(), 10);
}

TEST_F(Released, AKeyStaysUnique) {
  const Date day = sessions(1)[0];
  std::string text = day_file(day, 2, 0);
  const std::string start = text.substr(text.rfind(',', text.size() - 4) + 1, 19);
  text += "T001,5,10,10,9,11," + start + ",1\n";  // a bad row of a key that is in, and a bad row before a good one
  text += "X,5,10,10,9,11," + start + ",1\nX,5,10,10,11,9," + start + ",1\n";
  must(ingest_into(lake, "stocks_daily", {folder.write("in/" + day.str() + ".csv", text)}));
  ASSERT_EQ(rows_of(lake, "stocks_daily")->num_rows(), 3);
  for (std::int64_t line : {4, 5}) {
    auto report = must(let_in({"", day.str() + ".csv", line, "x", "ann"}));
    EXPECT_EQ(report.rows, 0);
    ASSERT_EQ(report.refused.size(), 1u);
    EXPECT_NE(report.refused[0].hint.find("keys stay unique"), std::string::npos) << report.refused[0].hint;
  }
  EXPECT_EQ(must(bronze().version()), 1);
  EXPECT_EQ(quarantined_rows(lake, "stocks_daily"), 2);
}

TEST_F(Released, WhatCannotBeLetInIsSaid) {
  const Date day = sessions(1)[0];
  must(ingest_into(lake, "stocks_daily",
                   {folder.write("in/" + day.str() + ".csv", day_file(day, 2, 1) + "Y,many,10,10,11,9,1,1\n")}));
  ASSERT_EQ(quarantined_rows(lake, "stocks_daily"), 2);
  auto report = must(let_in({"", day.str() + ".csv", 0, "x", "ann"}));
  EXPECT_EQ(report.rows, 1);
  EXPECT_EQ(report.kept, 1);
  EXPECT_EQ(report.kept_by.begin()->first, "session");  // of 1970: refused before any check
  EXPECT_EQ(exit_code(let_in({"", day.str() + ".csv", 0, "", "ann"}).status()), 2);   // no reason
  EXPECT_EQ(exit_code(let_in({"", day.str() + ".csv", 99, "x", "ann"}).status()), 2);  // no such line
}

TEST_F(Released, RebuildGivesTheSameRowsAndTheSameBytes) {
  auto paths = write_days(folder, "in", 3, 10, 2);
  must(ingest_into(lake, "stocks_daily", paths, kArrived));
  folder.write("in/2024-01-03.csv", day_file(sessions(3)[1], 10, 2, 1));  // a restated day: known since it arrived
  must(ingest_into(lake, "stocks_daily", paths, kArrived + kDay));
  must(let_in({"", "2024-01-04.csv", 12, "x", "ann"}));
  const auto before = rows_of(lake, "stocks_daily");
  const auto bytes_before = bytes();
  const std::int64_t version = must(bronze().version());
  for (int round = 1; round <= 2; ++round) {
    auto report = again();
    EXPECT_FALSE(report.anew);
    EXPECT_TRUE(report.bronze.refused.empty());
    EXPECT_EQ(report.bronze.quality.rows_in, 36);
    EXPECT_EQ(report.bronze.version, version + round);
    EXPECT_TRUE(rows_of(lake, "stocks_daily")->Equals(*before));
    EXPECT_EQ(bytes(), bytes_before);
    EXPECT_TRUE(rows_of(lake, "stocks_daily", version)->Equals(*before));  // the old files are still there
    EXPECT_EQ(quarantined_rows(lake, "stocks_daily"), 5);
  }
  EXPECT_EQ(must(ingest_into(lake, "stocks_daily", paths)).files_unchanged, 3);
}

TEST_F(Released, RebuildReplaysAllArrivalsWhereBronzeIsGone) {
  auto paths = write_days(folder, "in", 40, 10, 2);
  must(ingest_into(lake, "stocks_daily", paths, kArrived));
  folder.write("in/2024-01-03.csv", day_file(sessions(3)[1], 10, 2, 1));
  must(ingest_into(lake, "stocks_daily", paths, kArrived + kDay));
  const auto before = rows_of(lake, "stocks_daily");
  const auto bytes_before = bytes();
  fs::remove_all(bronze().path());
  fs::remove_all(bronze().path() + "_quarantine");
  ASSERT_FALSE(opened(lake).table(lake::Layer::bronze, "stocks_daily").exists());
  auto report = again();
  EXPECT_TRUE(report.anew);
  EXPECT_EQ(report.bronze.restated.size(), 1u);
  EXPECT_TRUE(rows_of(lake, "stocks_daily")->Equals(*before));
  EXPECT_EQ(bytes(), bytes_before);
  EXPECT_EQ(quarantined_rows(lake, "stocks_daily"), 80);
}

TEST_F(Released, RebuildLeavesAUnitWhoseBytesAreNotWhatArrived) {
  auto paths = write_days(folder, "in", 2, 10, 0);
  must(ingest_into(lake, "stocks_daily", paths));
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(lake + "/landing/stocks_daily/files"))
    if (files++ == 0) std::ofstream(entry.path(), std::ios::app) << "T999,1,1,1,1,1,1,1\n";
  auto report = again();
  ASSERT_EQ(report.bronze.refused.size(), 1u);
  EXPECT_NE(report.bronze.refused[0].error.find("other bytes"), std::string::npos) << report.bronze.refused[0].error;
  EXPECT_EQ(rows_of(lake, "stocks_daily")->num_rows(), 20);
}

}  // namespace
}  // namespace tapemill::pipeline
