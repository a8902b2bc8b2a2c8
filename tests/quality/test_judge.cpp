// Severities, counts, and what a spec's author reads when a check is declared wrongly.
#include "core/json.h"
#include "quality_test.h"

namespace tapemill::quality {
namespace {

const std::vector<Bar> kTwoBad{
    {"A", "2024-01-02", 1, 1, 1, 1, 0}, {"A", "2024-01-03", 1, 1, 1, 1, 1}, {"A", "2024-01-04", 1, 1, 1, 1, 0}};

TEST(Severity, WarnKeepsTheRowsAndCountsThem) {
  auto out = judge_bars("  - zero_volume: warn\n", kTwoBad);
  EXPECT_EQ(out.report.rows_kept, 3);
  ASSERT_NE(out.finding("zero_volume"), nullptr);
  EXPECT_EQ(out.finding("zero_volume")->count, 2);
  EXPECT_EQ(out.finding("zero_volume")->severity, CheckSpec::Severity::warn);
  EXPECT_FALSE(out.report.stopped);
}

TEST(Severity, QuarantineTakesThemOut) {
  auto out = judge_bars("  - zero_volume: quarantine\n", kTwoBad);
  EXPECT_EQ(out.report.rows_kept, 1);
  EXPECT_EQ(out.report.rows_quarantined, 2);
  EXPECT_EQ(out.finding("zero_volume")->count, 2);
  EXPECT_FALSE(out.report.stopped);
}

TEST(Severity, StopSaysSo) {
  auto out = judge_bars("  - zero_volume: stop\n", kTwoBad);
  EXPECT_TRUE(out.report.stopped);
  EXPECT_EQ(out.finding("zero_volume")->severity, CheckSpec::Severity::stop);
  EXPECT_EQ(out.finding("zero_volume")->examples.front(), "line 2: volume is 0");
  EXPECT_FALSE(judge_bars("  - zero_volume: stop\n", {kTwoBad[1]}).report.stopped);
  EXPECT_TRUE(judge_bars("  - missing_sessions: stop\n", {kTwoBad[0], kTwoBad[2]})
                  .report.stopped);  // found at the end of the file
}

TEST(Severity, AStopDoesNotSpeakOfRowsRefusedBefore) {
  auto out = judge_bars("  - positive: {columns: [close], otherwise: quarantine}\n  - ohlc_order: stop\n",
                        {{"A", "2024-01-02", 1, 1, 1, 0, 1}});
  EXPECT_FALSE(out.report.stopped);
}

TEST(Severity, AWarningCountsOverRefusedRowsToo) {
  auto out = judge_bars("  - ohlc_order: quarantine\n  - zero_volume: warn\n",
                        {{"A", "2024-01-02", 9, 1, 1, 1, 0}, {"A", "2024-01-03", 1, 1, 1, 1, 0}});
  EXPECT_EQ(out.report.rows_quarantined, 1);
  EXPECT_EQ(out.finding("zero_volume")->count, 2);
}

TEST(Severity, TheFirstCheckThatRefusesGivesTheReason) {
  auto out = judge_bars("  - positive: {columns: [close], otherwise: quarantine}\n  - zero_volume: quarantine\n",
                        {{"A", "2024-01-02", 1, 1, 1, 0, 0}});
  EXPECT_EQ(out.reasons(), (std::vector<std::string>{"2: positive: close is 0, not above 0"}));
  EXPECT_EQ(out.finding("zero_volume"), nullptr);
}

TEST(Report, KeepsTenExamplesAndCountsAll) {
  std::vector<Bar> bars(25, {"A", "2024-01-02", 1, 1, 1, 1, 0});
  auto out = judge_bars("  - zero_volume: warn\n", bars);
  EXPECT_EQ(out.finding("zero_volume")->count, 25);
  EXPECT_EQ(out.finding("zero_volume")->examples.size(), 20u);
  Report sum = out.report;
  sum.merge(out.report);
  EXPECT_EQ(sum.rows_in, 50);
  EXPECT_EQ(sum.findings.size(), 1u);
  EXPECT_EQ(sum.findings.front().count, 50);
  EXPECT_EQ(sum.findings.front().examples.size(), 20u);
  EXPECT_EQ(sum.json()["findings"][0]["severity"], "warn");
  EXPECT_EQ(sum.json()["rows_kept"], 50);
}

TEST(Judge, WhatTheParserRefusedIsCountedAndStandsInOrder) {
  auto dataset = dataset_with("  - zero_volume: quarantine\n");
  ASSERT_TRUE(dataset.ok());
  SourceBatch batch = batch_of({{"A", "2024-01-02", 1, 1, 1, 1, 1}, {"A", "2024-01-03", 1, 1, 1, 1, 0}}, 10);
  batch.refused.push_back({15, 99, "x,y", "parse", "open is no number"});
  batch.refused.push_back({3, 9, "z", "columns", "2 columns"});
  batch.rows_in += 2;
  auto out = judge_file(*dataset, {batch});
  EXPECT_EQ(out.reasons(), (std::vector<std::string>{"3: columns: 2 columns", "11: zero_volume: volume is 0",
                                                     "15: parse: open is no number"}));
  EXPECT_EQ(out.report.rows_in, 4);
  EXPECT_EQ(out.report.rows_quarantined, 3);
}

/// The error of a spec with these checks, as a person reads it.
std::string error_of(const std::string& checks) {
  auto dataset = dataset_with(checks);
  Status status = dataset.ok() ? make_checks(*dataset).status() : dataset.status();
  EXPECT_FALSE(status.ok()) << checks;
  EXPECT_EQ(exit_code(status), 2) << checks;
  return render(status, false);
}

TEST(MakeChecks, UnknownCheckNamesThePlaceAndTheNearest) {
  std::string error = error_of("  - unique_key: quarantine\n  - ohlc_ordr: quarantine\n");
  EXPECT_NE(error.find("bars.yaml:33:5"), std::string::npos) << error;
  EXPECT_NE(error.find("unknown check \"ohlc_ordr\""), std::string::npos) << error;
  EXPECT_NE(error.find("did you mean \"ohlc_order\"?"), std::string::npos) << error;
}

TEST(MakeChecks, UnknownColumnNamesTheNearest) {
  std::string error = error_of("  - positive: {columns: [clos], otherwise: quarantine}\n");
  EXPECT_NE(error.find("bars.yaml:32"), std::string::npos) << error;
  EXPECT_NE(error.find("\"clos\""), std::string::npos) << error;
  EXPECT_NE(error.find("did you mean \"close\"?"), std::string::npos) << error;
}

TEST(MakeChecks, WhatADeclarationLacksIsSaid) {
  EXPECT_NE(error_of("  - positive: quarantine\n").find("names no columns"), std::string::npos);
  EXPECT_NE(error_of("  - range: quarantine\n").find("names no columns"), std::string::npos);
  EXPECT_NE(error_of("  - expression: quarantine\n").find("has no rule"), std::string::npos);
  EXPECT_NE(error_of("  - ohlc_order: quarantin\n").find("warn, quarantine or stop"), std::string::npos);
  EXPECT_NE(error_of("  - positive: {columns: [close]}\n").find("otherwise"), std::string::npos);
  EXPECT_NE(error_of("  - positive: {column: [close], otherwise: warn}\n").find("columns"), std::string::npos);
}

TEST(MakeChecks, ARuleThatDoesNotParseShowsWhere) {
  std::string error = error_of("  - expression: {rule: \"volume >= \", otherwise: quarantine}\n");
  EXPECT_NE(error.find("bars.yaml:32"), std::string::npos) << error;
  error = error_of("  - expression: {rule: \"volum >= 0\", otherwise: quarantine}\n");
  EXPECT_NE(error.find("volum"), std::string::npos) << error;
  EXPECT_NE(error.find("volume"), std::string::npos) << error;
}

/// A check over numbers cannot be asked of a text column: it would never object to anything.
TEST(MakeChecks, NumbersAreAskedOfNumbers) {
  std::string error = error_of("  - positive: {columns: [instrument_id], otherwise: quarantine}\n");
  EXPECT_NE(error.find("instrument_id"), std::string::npos) << error;
}
/// A range without bounds, a move without threshold: they would refuse nothing, or everything.
TEST(MakeChecks, AnEmptyRangeAndAMoveWithoutThresholdAreErrors) {
  EXPECT_NE(error_of("  - range: {columns: [close], otherwise: quarantine}\n").find("least"), std::string::npos);
  EXPECT_NE(error_of("  - move: warn\n").find("over"), std::string::npos);
}

}  // namespace
}  // namespace tapemill::quality
