// Adjustment at read, over NSE's real files of October 2024 and by hand.
#include <cmath>

#include "lake/adjust.h"
#include "pipeline_test.h"

namespace tapemill::pipeline::test {
namespace {

const std::string kBonus =
    R"([{"symbol":"RELIANCE","series":"EQ","faceVal":"10","subject":"Bonus 1:1","exDate":"28-Oct-2024","recDate":"28-Oct-2024",
"comp":"Reliance Industries Limited","isin":"INE002A01018","caBroadcastDate":"16-Oct-2024"},
{"symbol":"TCS","series":"EQ","faceVal":"1","subject":"Interim Dividend - Rs 40.575 Per Share","exDate":"28-Oct-2024",
"recDate":"28-Oct-2024","comp":"TCS","isin":"INE467B01029","caBroadcastDate":null}])";

const std::string kFull =
    "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE, AVG_PRICE, "
    "TTL_TRD_QNTY, TURNOVER_LACS, NO_OF_TRADES, DELIV_QTY, DELIV_PER\n";

lake::AdjustedScan adjusted(const std::string& lake, const std::string& symbol, const std::string& known_at,
                            bool dividends = false, const std::string& table = "nse_cash") {
  lake::ScanRequest request;
  request.table = must(lake::TableName::parse(table));
  if (!symbol.empty()) request.symbols = {symbol};
  if (!known_at.empty()) request.known_at = must(Instant::parse(known_at));
  return must(lake::scan_adjusted(opened(lake), request, {dividends, {}}));
}

/// A lake with five real sessions around the bonus, and its announcement.
#define REAL_LAKE(folder, root)                                                                            \
  Folder folder;                                                                                           \
  const std::string root = folder / "lake";                                                                \
  if (!fs::exists(shared_data() / "nse_cash_2024")) GTEST_SKIP() << "no ../shared/data: NOT tested";       \
  {                                                                                                        \
    std::vector<std::string> files;                                                                        \
    for (const char* day : {"24", "25", "28", "29"})                                                       \
      files.push_back((shared_data() / "nse_cash_2024" / fmt::format("2024-10-{}.csv.gz", day)).string()); \
    must(ingest_into(root, "nse_cash", files));                                                            \
    must(ingest_into(root, "corporate_actions", {folder.write("CF-CA-2024-10.json", kBonus)}));            \
  }

TEST(Adjust, TheBonusOfReliance) {
  REAL_LAKE(folder, root);
  auto scan = adjusted(root, "RELIANCE", "");
  auto rows = must(scan.scan.rows->CombineChunks());
  ASSERT_EQ(rows->num_rows(), 4);
  EXPECT_EQ(at(*rows, "close", 0), "1339.8000");  // 2679.60 / 2
  EXPECT_EQ(at(*rows, "close", 1), "1327.8500");  // 2655.70 / 2
  EXPECT_EQ(at(*rows, "close", 2), "1334.3500");  // as traded
  EXPECT_EQ(at(*rows, "volume", 1), "18597496");  // 9,298,748 x 2
  EXPECT_EQ(at(*rows, "volume", 2), "10824350");
  EXPECT_EQ(at(*rows, "prev_close", 1), "1339.8000");
  EXPECT_EQ(at(*rows, "prev_close", 2), "1327.8500");  // the file's 2655.70 is of the session before
  EXPECT_EQ(at(*rows, "adjustment_factor", 1), "0.5");
  EXPECT_EQ(at(*rows, "adjustment", 1), "adjusted");
  EXPECT_TRUE(scan.unadjusted.empty());
  EXPECT_EQ(at(*rows_of(root, "nse_cash"), "session", 0), "2024-10-24");  // nothing was written
}

TEST(Adjust, KnowsNoBonusBeforeItsExDate) {
  REAL_LAKE(folder, root);
  auto scan = adjusted(root, "RELIANCE", "2024-10-27");
  auto rows = must(scan.scan.rows->CombineChunks());
  ASSERT_EQ(rows->num_rows(), 2);
  EXPECT_EQ(at(*rows, "close", 1), "2655.7000");
  EXPECT_EQ(at(*rows, "adjustment", 1), "unadjusted");
  EXPECT_EQ(scan.unadjusted, std::vector<std::string>{"RELIANCE"});
  // On the ex-date itself, and with the session's own row.
  auto later = must(adjusted(root, "RELIANCE", "2024-10-28T16:00:00+05:30").scan.rows->CombineChunks());
  ASSERT_EQ(later->num_rows(), 3);
  EXPECT_EQ(at(*later, "close", 1), "1327.8500");
}

TEST(Adjust, DividendsOnlyWhereTheyAreAskedFor) {
  REAL_LAKE(folder, root);
  auto without = adjusted(root, "TCS", "");
  EXPECT_EQ(at(*must(without.scan.rows->CombineChunks()), "close", 1), "4057.5500");
  EXPECT_EQ(without.unadjusted, std::vector<std::string>{"TCS"});
  auto with = must(adjusted(root, "TCS", "", true).scan.rows->CombineChunks());
  EXPECT_EQ(at(*with, "close", 1), "4016.9750");  // 4057.55 - 40.575
  EXPECT_EQ(at(*with, "close", 2), "4090.8500");
  EXPECT_EQ(at(*with, "volume", 1), "1759676");
  EXPECT_EQ(at(*with, "adjustment", 0), "adjusted");
}

TEST(Adjust, ARowOfTheWholeMarketIsLabelled) {
  REAL_LAKE(folder, root);
  auto scan = adjusted(root, "", "");
  EXPECT_EQ(scan.unadjusted.size() + 1, static_cast<std::size_t>(scan.symbols));
  auto rows = must(scan.scan.rows->CombineChunks());
  std::int64_t labelled = 0;
  for (std::int64_t i = 0; i < rows->num_rows(); ++i) labelled += at(*rows, "adjustment", i) == "adjusted";
  EXPECT_EQ(labelled, 4);
}

/// Bars of one symbol: a session each, close and volume as given.
void bars(const Folder& folder, const std::string& root, const std::vector<std::array<std::string, 3>>& days) {
  for (const auto& [day, close, volume] : days) {
    const auto date = must(Date::parse(day));
    const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    must(ingest_into(
        root, "nse_cash",
        {folder.write(day + ".csv", kFull + fmt::format("X, EQ, {:02}-{}-{}, {}, {}, {}, {}, {}, {}, {}, {}, 1, "
                                                        "1, 1, 100\n",
                                                        date.day(), months[date.month() - 1], date.year(), close, close,
                                                        close, close, close, close, close, volume))}));
  }
}
std::string action(const std::string& subject, const std::string& ex, const std::string& announced = "") {
  return fmt::format(
      R"({{"symbol":"X","series":"EQ","faceVal":"10","subject":"{}","exDate":"{}","recDate":"-","comp":"X","caBroadcastDate":{}}})",
      subject, ex, announced.empty() ? "null" : "\"" + announced + "\"");
}

TEST(Adjust, FactorsMultiplyAndEachValueIsRoundedOnce) {
  Folder folder;
  const std::string root = folder / "lake";
  bars(folder, root, {{"2024-01-01", "100.00", "7"}, {"2024-01-02", "33.35", "21"}, {"2024-01-03", "40.00", "50"}});
  must(ingest_into(root, "corporate_actions",
                   {folder.write("a.json", "[" + action("Bonus 2:1", "02-Jan-2024") + "," +
                                               action("Consolidation From Re 1/- To Rs 7/-", "03-Jan-2024") + "]")}));
  auto rows = must(adjusted(root, "X", "").scan.rows->CombineChunks());
  EXPECT_EQ(at(*rows, "close", 0), "233.3333");  // 100 x 1/3 x 7
  EXPECT_EQ(at(*rows, "close", 1), "233.4500");
  EXPECT_EQ(at(*rows, "volume", 0), "3");        // 7 x 3 / 7
  auto then = must(adjusted(root, "X", "2024-01-02T18:00:00+05:30").scan.rows->CombineChunks());
  ASSERT_EQ(then->num_rows(), 2);
  EXPECT_EQ(at(*then, "close", 0), "33.3333");   // the consolidation of the 3rd is not in effect
}

TEST(Adjust, RightsAndSplitAndDividendTogether) {
  Folder folder;
  const std::string root = folder / "lake";
  bars(folder, root, {{"2024-01-01", "100.00", "7"}, {"2024-01-02", "90.00", "21"}});
  must(ingest_into(root, "corporate_actions",
                   {folder.write("a.json", "[" + action("Rights 1:4 @ Premium Rs 40/-", "02-Jan-2024") + "]")}));
  auto rows = must(adjusted(root, "X", "").scan.rows->CombineChunks());
  EXPECT_EQ(at(*rows, "close", 0), "90.0000");  // (4 x 100 + 1 x 50) / 5
  EXPECT_EQ(at(*rows, "volume", 0), "7");
}

TEST(Adjust, AnActionByTwoDeliveriesCountsOnceAndDisagreementsAreNamed) {
  Folder folder;
  const std::string root = folder / "lake";
  bars(folder, root, {{"2024-01-01", "100.00", "7"}, {"2024-01-02", "50.00", "21"}});
  must(ingest_into(root, "corporate_actions",
                   {folder.write("a.json", "[" + action("Bonus 1:1", "02-Jan-2024") + "]"),
                    folder.write("b.json", "[" + action("Bonus 1:1", "02-Jan-2024") + "]")}));
  EXPECT_EQ(at(*must(adjusted(root, "X", "").scan.rows->CombineChunks()), "close", 0), "50.0000");
  must(
      ingest_into(root, "corporate_actions", {folder.write("c.json", "[" + action("Bonus 2:1", "02-Jan-2024") + "]")}));
  lake::ScanRequest request;
  request.table = must(lake::TableName::parse("nse_cash"));
  auto failed = lake::scan_adjusted(opened(root), request, {});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(exit_code(failed.status()), 1);
  EXPECT_EQ(failed.status().message(), "bonus of X on 2024-01-02: a and c disagree");
}

TEST(Adjust, AnExplainedJumpIsNoAnomaly) {
  Folder folder;
  const std::string root = folder / "lake";
  auto moves = [&](const std::string& day, const std::string& close, const std::string& previous) {
    const auto date = must(Date::parse(day));
    auto report = must(ingest_into(
        root, "nse_cash",
        {folder.write(day + ".csv",
                      kFull + fmt::format("X, EQ, {:02}-Jan-2024, {}, {}, {}, {}, {}, {}, {}, 7, 1, 1, 1, 100\n",
                                          date.day(), previous, close, close, close, close, close, close))}));
    for (const auto& finding : report.quality.findings)
      if (finding.check == "move") return finding.count;
    return std::int64_t{0};
  };
  EXPECT_EQ(moves("2024-01-02", "50.00", "100.00"), 1);  // no actions are known
  must(ingest_into(root, "corporate_actions",
                   {folder.write("a.json", "[" + action("Bonus 1:1", "03-Jan-2024") + "," +
                                               action("Bonus 1:1", "04-Jan-2024") + "]")}));
  EXPECT_EQ(moves("2024-01-03", "26.00", "50.00"), 0);  // the bonus, and four percent
  EXPECT_EQ(moves("2024-01-04", "26.00", "26.00"), 0);  // a price that did not move is no anomaly here
  EXPECT_EQ(moves("2024-01-05", "13.00", "26.00"), 1);  // no bonus that day
}

TEST(Adjust, WhatCannotBeAdjustedSaysSo) {
  Folder folder;
  const std::string root = folder / "lake";
  bars(folder, root, {{"2024-01-01", "100.00", "7"}});
  lake::ScanRequest request;
  request.table = must(lake::TableName::parse("nse_cash"));
  auto none = lake::scan_adjusted(opened(root), request, {});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(exit_code(none.status()), 2);
  EXPECT_NE(none.status().message().find("no corporate actions of exchange NSE"), std::string::npos);
}

}  // namespace
}  // namespace tapemill::pipeline::test
