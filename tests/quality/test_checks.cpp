// Each check on rows written by hand: what it objects to, what it leaves alone, and where it says the row stands.
#include "quality_test.h"

namespace tapemill::quality {
namespace {

using Texts = std::vector<std::string>;
constexpr auto none = std::nullopt;

TEST(Checks, OhlcOrderNamesTheSideThatIsWrong) {
  auto out = judge_bars("  - ohlc_order: quarantine\n",
                        {{"A", "2024-01-02", 10, 12, 9, 11, 1},
                         {"A", "2024-01-03", 10, 8, 9, 8, 1},
                         {"A", "2024-01-04", 13, 12, 9, 11, 1},
                         {"A", "2024-01-05", 10, 12, 9, 12.01, 1},
                         {"A", "2024-01-08", 8.99, 12, 9, 11, 1},
                         {"A", "2024-01-09", 10, 12, 9, 8.5, 1},
                         {"A", "2024-01-10", 5, 5, 5, 5, 1},         // all equal is in order
                         {"A", "2024-01-11", none, 12, none, 11, 1},  // what is missing is not out of order
                         {"A", "2024-01-12", 12.01, 12, none, none, 1}});
  EXPECT_EQ(out.reasons(), (Texts{"3: ohlc_order: high 8 below low 9", "4: ohlc_order: high 12 below open 13",
                                  "5: ohlc_order: high 12 below close 12.01", "6: ohlc_order: low 9 above open 8.99",
                                  "7: ohlc_order: low 9 above close 8.5", "10: ohlc_order: high 12 below open 12.01"}));
  EXPECT_EQ(out.refused.front().raw, "row 3");
  EXPECT_EQ(out.refused.front().byte, 6);
}

TEST(Checks, PositiveRefusesZeroAndLessAndLeavesNullsAlone) {
  auto out = judge_bars("  - positive: {columns: [low, close], otherwise: quarantine}\n",
                        {{"A", "2024-01-02", 0, 1, 1, 1, 1},
                         {"A", "2024-01-03", 1, 1, 0, 1, 1},
                         {"A", "2024-01-04", 1, 1, 1, -0.01, 1},
                         {"A", "2024-01-05", 1, 1, none, none, 1}});
  EXPECT_EQ(out.reasons(), (Texts{"3: positive: low is 0, not above 0", "4: positive: close is -0.01, not above 0"}));
}

TEST(Checks, RangeIsInclusiveOnBothSides) {
  auto out = judge_bars("  - range: {columns: [close], least: 1, most: 3, otherwise: quarantine}\n",
                        {{"A", "2024-01-02", 1, 1, 1, 1, 1},
                         {"A", "2024-01-03", 1, 1, 1, 3, 1},
                         {"A", "2024-01-04", 1, 1, 1, 0.99, 1},
                         {"A", "2024-01-05", 1, 1, 1, 3.01, 1},
                         {"A", "2024-01-08", 1, 1, 1, none, 1}});
  EXPECT_EQ(out.reasons(), (Texts{"4: range: close is 0.99, below 1", "5: range: close is 3.01, above 3"}));
  auto half = judge_bars("  - range: {columns: [volume], least: 0, otherwise: quarantine}\n",
                         {{"A", "2024-01-02", 1, 1, 1, 1, 1e15}, {"A", "2024-01-03", 1, 1, 1, 1, -1}});
  EXPECT_EQ(half.reasons(), (Texts{"3: range: volume is -1, below 0"}));
}

TEST(Checks, ZeroVolume) {
  auto out = judge_bars(
      "  - zero_volume: quarantine\n",
      {{"A", "2024-01-02", 1, 1, 1, 1, 0}, {"A", "2024-01-03", 1, 1, 1, 1, 1}, {"A", "2024-01-04", 1, 1, 1, 1, none}});
  EXPECT_EQ(out.reasons(), (Texts{"2: zero_volume: volume is 0"}));
}

TEST(Checks, CloseInRangeSpeaksOnlyWhereThereWasTrade) {
  auto out = judge_bars("  - close_in_range: quarantine\n", {{"A", "2024-01-02", 2, 3, 1, 3, 1},
                                                             {"A", "2024-01-03", 2, 3, 1, 3.5, 1},
                                                             {"A", "2024-01-04", 2, 3, 1, 0.5, 1},
                                                             {"A", "2024-01-05", 0, 0, 0, 7, 0},
                                                             {"A", "2024-01-08", none, none, none, 7, 0}});
  EXPECT_EQ(out.reasons(), (Texts{"3: close_in_range: close 3.5 outside low 1 .. high 3",
                                  "4: close_in_range: close 0.5 outside low 1 .. high 3"}));
}

TEST(Checks, UniqueKeyKeepsTheFirstAndRemembersAcrossBatches) {
  auto dataset = dataset_with("  - unique_key: quarantine\n");
  ASSERT_TRUE(dataset.ok()) << dataset.status().ToString();
  auto out = judge_file(*dataset, {batch_of({{"A", "2024-01-02", 1, 1, 1, 1, 1},
                                             {"A", "2024-01-03", 1, 1, 1, 1, 1},
                                             {"AA", "2024-01-02", 1, 1, 1, 1, 1}}),
                                   batch_of({{"A", "2024-01-02", 9, 9, 9, 9, 9},
                                             {"", "2024-01-02", 1, 1, 1, 1, 1},
                                             {"B", "2024-01-02", 1, 1, 1, 1, 1},
                                             {"B", "2024-01-02", 1, 1, 1, 1, 1}},
                                            5)});
  ASSERT_EQ(out.refused.size(), 3u);
  EXPECT_EQ(out.reasons(), (Texts{"5: unique_key: a row with this instrument_id, session came before",
                                  "6: null: instrument_id is null",
                                  "8: unique_key: a row with this instrument_id, session came before"}));
}

TEST(Checks, ARowRefusedForAnotherReasonDoesNotTakeItsKey) {
  auto out = judge_bars("  - positive: {columns: [close], otherwise: quarantine}\n  - unique_key: quarantine\n",
                        {{"A", "2024-01-02", 1, 1, 1, 0, 1}, {"A", "2024-01-02", 1, 1, 1, 1, 1}});
  EXPECT_EQ(out.reasons(), (Texts{"2: positive: close is 0, not above 0"}));  // the good row stays
}

TEST(Checks, UniqueKeyTellsManyKeysApart) {
  std::vector<Bar> bars;
  auto calendar = *Calendar::load("nyse");
  auto sessions = calendar->sessions(Date::of(2020, 1, 1), Date::of(2023, 12, 31));
  for (int i = 0; i < 60; ++i)
    for (Date date : sessions) bars.push_back({"S" + std::to_string(i), date.str(), 1, 1, 1, 1, 1});
  auto out = judge_bars("  - unique_key: quarantine\n", bars);
  EXPECT_EQ(out.refused.size(), 0u);
  EXPECT_EQ(out.report.rows_kept, static_cast<std::int64_t>(60 * sessions.size()));
}

TEST(Checks, CalendarSessionSaysWhyThereWasNone) {
  auto out = judge_bars("  - calendar_session: quarantine\n", {{"A", "2024-01-02", 1, 1, 1, 1, 1},
                                                               {"A", "2024-01-06", 1, 1, 1, 1, 1},
                                                               {"A", "2024-07-04", 1, 1, 1, 1, 1},
                                                               {"A", "1601-01-01", 1, 1, 1, 1, 1},
                                                               {"A", "9999-12-31", 1, 1, 1, 1, 1}});
  ASSERT_EQ(out.refused.size(), 4u);
  EXPECT_NE(out.refused[0].reason.find("2024-01-06 is no session of nyse"), std::string::npos) << out.refused[0].reason;
  EXPECT_NE(out.refused[1].reason.find("Independence"), std::string::npos) << out.refused[1].reason;
  EXPECT_NE(out.refused[2].reason.find("the calendar holds from"), std::string::npos) << out.refused[2].reason;
  EXPECT_NE(out.refused[3].reason.find("the calendar holds from"), std::string::npos) << out.refused[3].reason;
}

TEST(Checks, MissingSessionsAreThoseBetweenAnInstrumentsFirstAndLast) {
  auto out = judge_bars("  - missing_sessions: warn\n", {{"A", "2024-01-02", 1, 1, 1, 1, 1},
                                                         {"A", "2024-01-05", 1, 1, 1, 1, 1},
                                                         {"B", "2024-01-09", 1, 1, 1, 1, 1},
                                                         {"B", "2024-01-08", 1, 1, 1, 1, 1},
                                                         {"C", "2024-01-03", 1, 1, 1, 1, 1}});
  const Finding* found = out.finding("missing_sessions");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->count, 2);
  EXPECT_EQ(found->examples, (Texts{"A has no row on 2024-01-03", "A has no row on 2024-01-04"}));
}

TEST(Checks, OneDateOfTheYear9999MakesNoSessionMissing) {
  auto out = judge_bars("  - calendar_session: quarantine\n  - missing_sessions: warn\n",
                        {{"A", "2024-01-02", 1, 1, 1, 1, 1},
                         {"A", "2024-01-03", 1, 1, 1, 1, 1},
                         {"A", "9999-12-31", 1, 1, 1, 1, 1},
                         {"A", "1601-01-01", 1, 1, 1, 1, 1}});
  EXPECT_EQ(out.refused.size(), 2u);
  EXPECT_EQ(out.finding("missing_sessions"), nullptr);
}

TEST(Checks, ASessionWhoseRowWasRefusedIsNotMissing) {
  auto out = judge_bars(
      "  - positive: {columns: [close], otherwise: quarantine}\n  - missing_sessions: warn\n",
      {{"A", "2024-01-02", 1, 1, 1, 1, 1}, {"A", "2024-01-03", 1, 1, 1, 0, 1}, {"A", "2024-01-04", 1, 1, 1, 1, 1}});
  EXPECT_EQ(out.refused.size(), 1u);
  EXPECT_EQ(out.finding("missing_sessions"), nullptr);
}

TEST(Checks, MoveComparesWithTheRowBefore) {
  auto out = judge_bars("  - move: {over: 0.3, otherwise: warn}\n", {{"A", "2024-01-02", 1, 1, 1, 10, 1},
                                                                     {"B", "2024-01-02", 1, 1, 1, 100, 1},
                                                                     {"A", "2024-01-03", 1, 1, 1, 12.9, 1},
                                                                     {"A", "2024-01-04", 1, 1, 1, 17, 1},
                                                                     {"A", "2024-01-05", 1, 1, 1, 11.8, 1},
                                                                     {"B", "2024-01-03", 1, 1, 1, none, 1},
                                                                     {"B", "2024-01-04", 1, 1, 1, 140, 1}});
  const Finding* found = out.finding("move");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->examples,
            (Texts{"line 5: A closed at 17 after 12.9, +31.8 %", "line 6: A closed at 11.8 after 17, -30.6 %",
                   "line 8: B closed at 140 after 100, +40.0 %"}));
  EXPECT_EQ(out.report.rows_kept, 7);
}

TEST(Checks, MoveReadsTheFilesOwnPreviousClose) {
  auto dataset = dataset_with("  - move: {over: 0.3, otherwise: quarantine}\n", "allow",
                              "  prev_close: {type: \"decimal(18,2)\"}\n");
  ASSERT_TRUE(dataset.ok()) << dataset.status().ToString();
  auto out = judge_file(*dataset, {batch_of({{"A", "2024-01-02", 1, 1, 1, 10, 1},
                                             {"A", "2024-01-03", 1, 1, 1, 20, 1},
                                             {"B", "2024-01-03", 1, 1, 1, 20, 1}},
                                            2, {5, 19, 0})});
  EXPECT_EQ(out.reasons(), (Texts{"2: move: A closed at 10 after 5, +100.0 %"}));  // 0: no previous close
}

TEST(Checks, AnExpressionThatIsNullSaysNothing) {
  auto out = judge_bars("  - expression: {rule: \"volume >= 0 and close <= high\", otherwise: quarantine}\n",
                        {{"A", "2024-01-02", 1, 1, 1, 1, 1},
                         {"A", "2024-01-03", 1, 1, 1, 1, -1},
                         {"A", "2024-01-04", 1, 1, 1, 2, 1},
                         {"A", "2024-01-05", 1, 1, 1, 1, none}});
  EXPECT_EQ(out.reasons(),
            (Texts{"3: expression: volume >= 0 and close <= high: volume >= 0 and close <= high does not hold",
                   "4: expression: volume >= 0 and close <= high: volume >= 0 and close <= high does not hold"}));
}

TEST(Checks, NullsAreRefusedBeforeAnyCheckAndNameTheFirstColumn) {
  auto out = judge_bars("  - ohlc_order: quarantine\n",
                        {{"A", "2024-01-02", none, none, 2, 1, 1},
                         {"A", "2024-01-03", 1, 1, 1, none, 1},
                         {"A", "", 1, 1, 1, 1, 1},
                         {"A", "2024-01-04", 1, 1, 1, 1, none}},
                        "refuse");
  EXPECT_EQ(out.reasons(), (Texts{"2: null: open is null", "3: null: close is null",
                                  "4: null: session is null"}));  // volume may be null
}

TEST(Checks, EveryRowRefusedLeavesAnEmptyBatch) {
  auto out = judge_bars("  - positive: {columns: [close], otherwise: quarantine}\n",
                        {{"A", "2024-01-02", 1, 1, 1, 0, 1}, {"A", "2024-01-03", 1, 1, 1, 0, 1}});
  EXPECT_EQ(out.kept, (std::vector<std::int64_t>{0}));
  EXPECT_EQ(out.report.rows_quarantined, 2);
}

}  // namespace
}  // namespace tapemill::quality
