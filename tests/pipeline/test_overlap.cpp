// The key makes a row unique in the table, not in its file alone; what a table lacks is told from its rows.
#include "core/json.h"
#include "lake/overlap.h"
#include "pipeline/status.h"
#include "pipeline_test.h"

namespace tapemill::pipeline {
namespace {
using namespace test;

const std::string kColumns = "date,open,high,low,close,volume,Name\n";
std::string row(Date date, const std::string& name, int price = 1) {
  return fmt::format("{0},{1},{1},{1},{1},10,{2}\n", date.str(), price, name);
}
/// `names` on the first `days` sessions of 2014.
std::string many(int days, const std::vector<std::string>& names, int price = 1, int from = 0) {
  std::string text = kColumns;
  auto all = must(Calendar::load("nyse"))->sessions(Date::of(2014, 1, 2), Date::of(2014, 12, 31));
  for (const auto& name : names)
    for (int i = from; i < days; ++i) text += row(all[static_cast<std::size_t>(i)], name, price);
  return text;
}

struct Overlaps : ::testing::Test {
  Folder folder;
  std::string lake = folder / "lake";
  IngestReport in(const std::vector<std::string>& paths) { return must(ingest_into(lake, "sp500", paths)); }
  std::int64_t rows() { return rows_of(lake, "sp500")->num_rows(); }
  std::size_t keys() {
    auto table = rows_of(lake, "sp500");
    std::set<std::string> all;
    for (std::int64_t i = 0; i < table->num_rows(); ++i)
      all.insert(at(*table, "instrument_id", i) + at(*table, "session", i));
    return all.size();
  }
};

TEST_F(Overlaps, ACorrectedCopyUnderAnotherNameIsRefusedWhole) {
  in({folder.write("comma.csv", many(60, {"A", "B"}))});
  auto other = folder.write("other.csv", many(60, {"C"}));
  auto report = in({folder.write("thou.csv", many(61, {"B"}, 2)), other});
  ASSERT_EQ(report.refused.size(), 1u);
  EXPECT_NE(report.refused[0].error.find("thou.csv: 60 rows with a key that bronze.sp500 has already; the first, "
                                         "instrument_id US:B, session 2014-01-02, came from comma.csv"),
            std::string::npos)
      << report.refused[0].error;
  EXPECT_NE(report.refused[0].hint.find("give this file its name"), std::string::npos);
  EXPECT_EQ(rows(), 180);  // the other file went in
  EXPECT_EQ(keys(), 180u);
  // As the hint says: by the first one's name it replaces it.
  auto mended = in({folder.write("new/comma.csv", many(61, {"A", "B"}, 2))});
  EXPECT_EQ(mended.refused.size(), 0u);
  EXPECT_EQ(mended.restated.size(), 1u);
  EXPECT_EQ(rows(), 182);
  EXPECT_EQ(keys(), 182u);
}

TEST_F(Overlaps, TwoFilesOfOneCommandAreHeldAgainstEachOther) {
  folder.write("in/a.csv", many(30, {"A"}));
  folder.write("in/b.csv", many(31, {"A"}, 1, 29));
  auto report = in({folder / "in"});
  ASSERT_EQ(report.refused.size(), 1u);
  EXPECT_NE(report.refused[0].error.find("b.csv: 1 row with a key"), std::string::npos) << report.refused[0].error;
  EXPECT_NE(report.refused[0].error.find("came from a.csv"), std::string::npos);
  EXPECT_EQ(rows(), 30);
}

TEST_F(Overlaps, FilesThatShareNoKeyGoInSideBySide) {
  in({folder.write("one.csv", many(30, {"A", "C"}))});
  auto report =
      in({folder.write("later.csv", many(60, {"A", "C"}, 1, 30)), folder.write("between.csv", many(60, {"B"}))});
  EXPECT_EQ(report.refused.size(), 0u);
  EXPECT_EQ(rows(), 180);
  EXPECT_EQ(keys(), 180u);
}

/// What a restated file leaves is free for another of the same command; not so where the restated file is itself refused.
TEST_F(Overlaps, KeysThatARestatedFileLeavesAreFree) {
  in({folder.write("a.csv", many(30, {"A", "B"})), folder.write("z.csv", many(30, {"Z"}))});
  auto a = folder.write("a.csv", many(30, {"A"})), b = folder.write("b.csv", many(30, {"B"}, 2));
  EXPECT_EQ(in({a, b}).refused.size(), 0u);
  EXPECT_EQ(rows(), 90);
  EXPECT_EQ(keys(), 90u);
  // b leaves B to c, but takes Z, which z has: b is refused and stays as it was, so c finds B taken.
  auto refused = in({folder.write("b.csv", many(30, {"Z"}, 3)), folder.write("c.csv", many(30, {"B"}, 3))}).refused;
  ASSERT_EQ(refused.size(), 2u);
  EXPECT_EQ(rows(), 90);
  EXPECT_EQ(keys(), 90u);
}

TEST_F(Overlaps, WhatCameMeanwhileIsJudgedAgain) {
  in({folder.write("a.csv", many(3, {"A"}))});
  auto table = opened(lake).table(lake::Layer::bronze, "sp500");
  const std::int64_t before = must(table.version());
  in({folder.write("b.csv", many(3, {"B"}))});
  lake::Transaction late;
  late.read_version = before;
  late.touches = {"c"};
  EXPECT_TRUE(table.commit(late).ok());  // of another unit: rebased
  late.touches = {"c", "*"};
  EXPECT_TRUE(lake::is_conflict(table.commit(late).status()));
  late.read_version = must(table.version());
  EXPECT_TRUE(table.commit(late).ok());
  EXPECT_EQ(must(table.history()).front().info->at("tapemill").at("touches"), Json::array({"c"}));
}

/// Both processes bring the same keys under different names: one lands, the other is refused, whoever is first.
TEST_F(Overlaps, TwoProcessesWithTheSameKeys) {
  NEED_PROGRAM();
  auto a = folder.write("a.csv", many(200, {"A", "B", "C"})), b = folder.write("b.csv", many(200, {"A", "B", "C"}, 2));
  for (int round = 0; round < 5; ++round) {
    const std::string both = folder / fmt::format("lake{}", round);
    Child one = start(folder, {"ingest", "sp500", a, "--lake", both}),
          two = start(folder, {"ingest", "sp500", b, "--lake", both});
    EXPECT_EQ(one.wait() + two.wait(), 1) << slurp(one.err) << slurp(two.err);
    EXPECT_EQ(rows_of(both, "sp500")->num_rows(), 600);
  }
}

TEST_F(Overlaps, StatusTellsSessionsThatNoRowHas) {
  auto all = must(Calendar::load("nyse"))->sessions(Date::of(2014, 1, 2), Date::of(2014, 1, 31));
  std::string text = kColumns;
  for (std::size_t i : {0u, 1u, 3u, 6u}) text += row(all[i], "A");
  text += row(all[0], "B") + row(all[4], "B");
  in({folder.write("desk.csv", text)});
  auto status = must(status_of(opened(lake)));
  ASSERT_EQ(status.size(), 1u);
  EXPECT_EQ(status[0].missing, (std::vector<Date>{all[2], all[5]}));
  EXPECT_EQ(status[0].first, all[0]);
  EXPECT_EQ(status[0].last, all[6]);
}

/// As delta-rs does: the rows in other files, whose tags say nothing.
TEST_F(Overlaps, ATableThatAnotherProgramRewroteTakesNoFile) {
  std::string text = many(3, {"A", "B"}) + "2014-01-08,5,1,5,5,10,A\n";  // high below low: quarantined
  auto path = folder.write("a.csv", text);
  in({path});
  EXPECT_EQ(quarantined_rows(lake, "sp500"), 1);
  auto table = opened(lake).table(lake::Layer::bronze, "sp500");
  auto snapshot = must(table.snapshot());
  lake::Transaction rewrite;
  rewrite.read_version = snapshot.version;
  rewrite.operation = "OPTIMIZE";
  for (lake::Part part : snapshot.parts) {
    rewrite.removes.push_back(part.path);
    fs::path to = fs::path(part.path).replace_filename("other.parquet");
    fs::copy_file(table.path() + "/" + part.path, table.path() + "/" + to.string());
    part.path = to.string();
    part.tags.clear();
    rewrite.adds.push_back(part);
  }
  must(table.commit(rewrite));
  auto again = ingest_into(lake, "sp500", {path});
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(exit_code(again.status()), 1);
  EXPECT_NE(again.status().message().find("another program rewrote bronze.sp500 in version 2 (OPTIMIZE"),
            std::string::npos)
      << again.status().message();
  EXPECT_EQ(rows(), 6);
  auto listed = quarantined(opened(lake), "sp500", {});
  ASSERT_FALSE(listed.ok());
  EXPECT_NE(listed.status().message().find("another program rewrote"), std::string::npos);
  auto status = must(status_of(opened(lake)));
  EXPECT_NE(status.at(0).untold.find("another program rewrote"), std::string::npos);
  EXPECT_EQ(status[0].rows, 6);
}

TEST_F(Overlaps, AFileOfWhichNothingIsInIsSaidLoudly) {
  auto report = in({folder.write("wrong.csv", kColumns + "01/02/2014,1,1,1,1,1,A\n01/03/2014,1,1,1,1,1,A\n")});
  EXPECT_EQ(report.quality.rows_kept, 0);
  ASSERT_EQ(report.empty.size(), 1u);
  EXPECT_EQ(report.empty[0].rows, 2);
  EXPECT_NE(report.empty[0].reason.find("line 2: session: \"01/02/2014\" is no date of the form %Y-%m-%d"),
            std::string::npos)
      << report.empty[0].reason;
}

TEST_F(Overlaps, WarningsNameTheirFiles) {
  folder.write("in/quiet.csv", many(3, {"Q"}));
  folder.write("in/wild.csv", many(3, {"W"}) + row(Date::of(2014, 1, 7), "W", 9));
  auto report = in({folder / "in"});
  std::string place;
  for (const auto& finding : report.quality.findings)
    if (finding.check == "move") place = finding.examples.at(0).substr(0, 11);
  EXPECT_EQ(place, "wild.csv:5:");
}

TEST_F(Overlaps, AnUnknownTableHasNoQuarantine) {
  in({folder.write("a.csv", many(3, {"A"}))});
  auto listed = quarantined(opened(lake), "sp50", {});
  ASSERT_FALSE(listed.ok());
  EXPECT_EQ(listed.status().message(), "there is no table sp50 in the lake " + lake);
  EXPECT_NE(render(listed.status(), false).find("did you mean sp500?"), std::string::npos);
}

}  // namespace
}  // namespace tapemill::pipeline
