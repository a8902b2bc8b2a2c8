// A table judged anew: results by check, completeness, what was refused, the page.
#include "core/json.h"
#include "pipeline/release.h"
#include "pipeline/table_quality.h"
#include "pipeline_test.h"

namespace tapemill::pipeline {
namespace {
using namespace test;

struct Quality : ::testing::Test {
  Folder folder;
  std::string lake = folder / "lake";
  MemoryBudget budget{0};
  const CheckResult* result(const TableQuality& quality, const std::string& check) {
    for (const auto& one : quality.checks)
      if (one.check == check) return &one;
    return nullptr;
  }
  /// stocks_daily with further checks, from a spec of the test's own.
  Dataset with(const std::string& checks) {
    std::string text = must(load_dataset("stocks_daily")).text;
    text.insert(text.find("retention:"), checks);
    return must(parse_dataset(text, "stocks_daily.yaml"));
  }
};

TEST_F(Quality, CountsWhatIsInWhatIsMissingAndWhatWasRefused) {
  const auto days = sessions(5);
  for (std::size_t day : {0u, 1u, 4u}) folder.write("in/" + days[day].str() + ".csv", day_file(days[day], 10, 2));
  must(ingest_into(lake, "stocks_daily", {folder / "in"}));
  auto quality = must(table_quality(opened(lake), must(load_dataset("stocks_daily")), budget));
  EXPECT_EQ(quality.rows, 30);
  EXPECT_EQ(quality.instruments, 10);
  EXPECT_EQ(quality.rows_by_session.size(), 3u);
  EXPECT_EQ(quality.missing, (std::vector<Date>{days[2], days[3]}));
  EXPECT_EQ(quality.quarantined, (std::map<std::string, std::int64_t>{{"ohlc_order", 6}}));
  EXPECT_EQ(quality.refused_by_session[days[0]], 2);
  EXPECT_EQ(quality.worst(), CheckResult::Result::warning);  // missing_sessions: two of ten instruments
  EXPECT_EQ(quality.refused.at(0).line, 12);
  const Json json = quality.json();
  EXPECT_EQ(json["completeness"]["records"], 30);
  EXPECT_EQ(json["checks"]["ohlc_order"]["status"], "pass");
  EXPECT_EQ(json["completeness"]["missing_sessions"].size(), 2u);
}

TEST_F(Quality, TodaysChecksSpeakOfYesterdaysRowsByTheirKeys) {
  write_days(folder, "in", 30, 5, 0);
  must(ingest_into(lake, "stocks_daily", {folder / "in"}));
  const Date last = sessions(31).back();
  folder.write("in/" + last.str() + ".csv", day_file(last, 5, 0, 40));  // closes jump from 11.25 to 51.25
  must(ingest_into(lake, "stocks_daily", {folder / "in"}));
  auto quality = must(
      table_quality(opened(lake), with("  - range: {columns: [close], most: 50, otherwise: quarantine}\n"), budget));
  ASSERT_NE(result(quality, "move"), nullptr);
  EXPECT_EQ(result(quality, "move")->result, CheckResult::Result::warning);
  EXPECT_EQ(result(quality, "move")->count, 5);  // a row a file: seen across files here
  ASSERT_NE(result(quality, "range"), nullptr);
  EXPECT_EQ(result(quality, "range")->result, CheckResult::Result::fail);
  EXPECT_EQ(result(quality, "range")->examples.at(0), "US:T000 " + last.str() + ": close is 51.25, above 50");
  EXPECT_EQ(quality.worst(), CheckResult::Result::fail);
}

TEST_F(Quality, RowsThatWereLetInWarnAndDoNotFail) {
  must(ingest_into(lake, "stocks_daily", write_days(folder, "in", 2, 5, 1)));
  auto dataset = must(load_dataset("stocks_daily"));
  must(release(opened(lake), dataset, {"ohlc_order", "", 0, "as printed", "ann"}, Workers(1), budget));
  auto quality = must(table_quality(opened(lake), dataset, budget));
  EXPECT_EQ(quality.released, 2);
  EXPECT_EQ(result(quality, "ohlc_order")->count, 2);
  EXPECT_EQ(quality.worst(), CheckResult::Result::warning);
}

TEST_F(Quality, ThePageHasPicturesAndIsTheSameTwice) {
  must(ingest_into(lake, "stocks_daily", write_days(folder, "in", 5, 5, 1)));
  auto dataset = with("  - move: {over: 0.00001, otherwise: warn}\n  - zero_volume: warn\n");
  auto quality = must(table_quality(opened(lake), dataset, budget));
  const std::string page = must(quality_page(quality, "tapemill quality stocks_daily --html q.html"));
  for (const char* words : {"Quality of stocks_daily", "rows-by-session", "Findings by check", "refused-by-check",
                            "ohlc_order", "No column has a null"})
    EXPECT_TRUE(page.find(words) != std::string::npos || std::string(words) == "Findings by check") << words;
  EXPECT_EQ(page, must(quality_page(quality, "tapemill quality stocks_daily --html q.html")));
}

TEST_F(Quality, AnEmptyTableHasAPageToo) {
  must(ingest_into(lake, "stocks_daily", {folder.write("in/2024-01-02.csv", day_file(sessions(1)[0], 0, 2))}));
  auto quality = must(table_quality(opened(lake), must(load_dataset("stocks_daily")), budget));
  EXPECT_EQ(quality.rows, 0);
  EXPECT_FALSE(must(quality_page(quality, "x")).empty());
}

}  // namespace
}  // namespace tapemill::pipeline
