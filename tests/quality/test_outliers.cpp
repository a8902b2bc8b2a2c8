// The statistical checks, and those of time and quotes: what each objects to, and that neither the size of batches nor
// what comes later in the file changes a verdict.
#include "quality_test.h"

namespace tapemill::quality {
namespace {

using Texts = std::vector<std::string>;

/// Bars of one instrument whose closes are these, a session after the other.
std::vector<Bar> closes(const std::vector<double>& values, const std::string& id = "A") {
  static const auto sessions = (*Calendar::load("nyse"))->sessions(Date::of(2015, 1, 2), Date::of(2023, 12, 29));
  std::vector<Bar> bars;
  for (std::size_t i = 0; i < values.size(); ++i)
    bars.push_back({id, sessions[i].str(), values[i], values[i] + 1, values[i] - 1, values[i], 100});
  return bars;
}
/// Forty quiet closes, 100 to 106, and then these.
std::vector<double> quiet_then(const std::vector<double>& more) {
  std::vector<double> values;
  for (int i = 0; i < 40; ++i) values.push_back(100 + i % 7);
  values.insert(values.end(), more.begin(), more.end());
  return values;
}

TEST(Outliers, EachStatisticObjectsToTheJumpAndNotToTheRest) {
  for (const char* check : {"iqr", "zscore", "mad"}) {
    auto out = judge_bars(fmt::format("  - {}: {{columns: [close], otherwise: quarantine}}\n", check),
                          closes(quiet_then({103, 180, 103})));
    ASSERT_EQ(out.refused.size(), 1u) << check;
    EXPECT_EQ(out.refused[0].line, 43) << check;
    EXPECT_EQ(out.refused[0].check, std::string(check) + ": close");
    EXPECT_NE(out.refused[0].reason.find("A close 180 "), std::string::npos) << out.refused[0].reason;
    EXPECT_NE(out.refused[0].reason.find("the 41 before"), std::string::npos) << out.refused[0].reason;
  }
}

TEST(Outliers, ThresholdsAreThoseOfTheField) {
  // 100 .. 106, forty of them: quartiles 101 and 104.25, so 1.5 times their distance reaches 96.125 .. 109.125
  auto out = judge_bars("  - iqr: {columns: [close], window: 40, after: 40, otherwise: quarantine}\n",
                        closes(quiet_then({109.13})));
  EXPECT_EQ(out.refused.size(), 1u);
  out = judge_bars("  - iqr: {columns: [close], window: 40, after: 40, otherwise: quarantine}\n",
                   closes(quiet_then({109.12})));
  EXPECT_EQ(out.refused.size(), 0u);
  out = judge_bars("  - iqr: {columns: [close], over: 3, otherwise: quarantine}\n", closes(quiet_then({109.13})));
  EXPECT_EQ(out.refused.size(), 0u);
}

TEST(Outliers, NothingIsSaidBeforeThereIsEnoughToSayItBy) {
  EXPECT_TRUE(judge_bars("  - zscore: {columns: [close], otherwise: quarantine}\n", closes({1, 2, 1, 2, 900, 1}))
                  .refused.empty());
  // a window without spread says nothing: the first other value would be infinitely far
  auto out = judge_bars("  - mad: {columns: [close], otherwise: quarantine}\n", closes(std::vector<double>(30, 5)));
  EXPECT_EQ(out.refused.size(), 0u);
}

TEST(Outliers, InstrumentsAreJudgedApartUnlessTheFileIsAsked) {
  auto low = closes(quiet_then({}), "A");
  auto high = closes({5000, 5001}, "B");
  low.insert(low.end(), high.begin(), high.end());
  EXPECT_EQ(judge_bars("  - mad: {columns: [close], otherwise: quarantine}\n", low).refused.size(), 0u);
  EXPECT_EQ(judge_bars("  - mad: {columns: [close], by: none, otherwise: quarantine}\n", low).refused.size(), 2u);
}

TEST(Outliers, ChangesAndExpressionsCanBeJudged) {
  std::vector<double> rising;  // a trend: each close is 1 % above the one before, but for one
  double close = 100;
  for (int i = 0; i < 60; ++i)
    rising.push_back(close = std::round(close * (i == 50 ? 1.3 : 1.01 + 0.001 * (i % 3)) * 100) / 100);
  auto out = judge_bars("  - mad: {columns: [close], change: true, otherwise: quarantine}\n", closes(rising));
  ASSERT_EQ(out.refused.size(), 1u);
  EXPECT_EQ(out.refused[0].line, 52);
  EXPECT_NE(out.refused[0].reason.find("changed by 0.3"), std::string::npos) << out.refused[0].reason;
  auto bars = closes(quiet_then({103}));
  for (std::size_t i = 0; i < bars.size(); ++i) bars[i].high = *bars[i].close + 1 + static_cast<double>(i % 3) / 10;
  bars.back().high = 300;
  out = judge_bars("  - zscore: {of: [\"log(high / close)\"], otherwise: warn}\n", bars);
  ASSERT_NE(out.finding("zscore: log(high / close)"), nullptr);
  EXPECT_EQ(out.finding("zscore: log(high / close)")->count, 1);
  EXPECT_EQ(out.report.rows_kept, 41);
}

const char* const kAll =
    "  - iqr: {columns: [close, volume], otherwise: quarantine}\n"
    "  - zscore: {columns: [close], change: true, otherwise: warn}\n"
    "  - mad: {of: [\"high - low\"], by: none, window: 50, otherwise: quarantine}\n"
    "  - isolation_forest: {of: [\"close / open\", \"high - low\", volume], window: 128, trees: 40, otherwise: "
    "quarantine}\n"
    "  - outlier_share: {over: 0.001, otherwise: warn}\n";

std::vector<Bar> noisy(std::size_t rows) {
  std::vector<Bar> bars = closes(std::vector<double>(rows, 0));
  std::uint64_t state = 5;
  for (std::size_t i = 0; i < rows; ++i) {
    auto draw = [&] {
      return static_cast<double>((state = 6364136223846793005ULL * state + 1442695040888963407ULL) >> 40) / (1 << 24);
    };
    Bar& bar = bars[i];
    bar.id = i % 3 == 0 ? "A" : "B";
    bar.open = 100 + 5 * draw(), bar.close = 100 + 5 * draw(), bar.high = 106 + draw(), bar.low = 99 - draw();
    bar.volume = 1000 + 500 * draw();
    if (i % 97 == 96) bar.close = 140, bar.volume = 90000;
  }
  return bars;
}
std::vector<std::string> told(const Outcome& out) {
  auto all = out.reasons();
  for (const auto& one : out.report.findings) {
    all.push_back(fmt::format("{} {}", one.check, one.count));
    all.insert(all.end(), one.examples.begin(), one.examples.end());
  }
  return all;
}

TEST(Outliers, TheSizeOfBatchesChangesNothing) {
  auto dataset = dataset_with(kAll);
  ASSERT_TRUE(dataset.ok()) << dataset.status().ToString();
  const auto bars = noisy(700);
  const auto whole = told(judge_file(*dataset, {batch_of(bars)}));
  EXPECT_GT(whole.size(), 10u);
  for (std::size_t size : {1u, 7u, 128u, 333u}) {
    std::vector<SourceBatch> batches;
    for (std::size_t at = 0; at < bars.size(); at += size)
      batches.push_back(batch_of({bars.begin() + static_cast<std::ptrdiff_t>(at),
                                  bars.begin() + static_cast<std::ptrdiff_t>(std::min(bars.size(), at + size))},
                                 2 + static_cast<std::int64_t>(at)));
    EXPECT_EQ(told(judge_file(*dataset, batches)), whole) << size;
  }
}

TEST(Outliers, WhatComesLaterChangesNoVerdictBefore) {
  auto dataset = dataset_with(kAll);
  ASSERT_TRUE(dataset.ok());
  auto bars = noisy(700);
  const auto whole = judge_file(*dataset, {batch_of(bars)}).reasons();
  for (std::size_t i = 500; i < bars.size(); ++i) bars[i].close = 5, bars[i].volume = 1;
  auto other = judge_file(*dataset, {batch_of(bars)}).reasons();
  auto before = [](std::vector<std::string> all) {
    std::erase_if(all, [](const std::string& one) { return std::stoi(one) >= 502; });
    return all;
  };
  EXPECT_EQ(before(other), before(whole));
  EXPECT_NE(other, whole);
  EXPECT_FALSE(before(whole).empty());
}

TEST(Outliers, AnIsolatedRowIsFoundByTheBlockBefore) {
  auto out = judge_bars(
      "  - isolation_forest: {columns: [close, volume], window: 200, over: 0.7, otherwise: quarantine}\n", noisy(450));
  ASSERT_FALSE(out.refused.empty());
  for (const auto& one : out.refused) {
    EXPECT_EQ((one.line - 2) % 97, 96) << one.reason;
    EXPECT_GE(one.line, 202);  // the first block judges nothing
  }
  EXPECT_NE(out.refused[0].reason.find("among the 200 rows before: close 140, volume 90000"), std::string::npos)
      << out.refused[0].reason;
}

TEST(Shares, LimitsOfTheWholeFile) {
  std::vector<Bar> bars = closes(std::vector<double>(20, 5));
  for (std::size_t i = 0; i < 3; ++i) bars[i].volume = std::nullopt;
  bars.push_back(bars.back());
  auto out = judge_bars(
      "  - unique_key: quarantine\n  - null_share: {columns: [volume, close], over: 0.1, otherwise: warn}\n"
      "  - duplicate_share: {over: 0.04, otherwise: stop}\n",
      bars);
  ASSERT_NE(out.finding("null_share"), nullptr);
  EXPECT_EQ(out.finding("null_share")->examples, (Texts{"3 rows without volume among 21: 14.29 %, over 10 %"}));
  ASSERT_NE(out.finding("duplicate_share"), nullptr);
  EXPECT_EQ(out.finding("duplicate_share")->examples, (Texts{"1 duplicates among 21: 4.76 %, over 4 %"}));
  EXPECT_TRUE(out.report.stopped);
  EXPECT_FALSE(judge_bars("  - null_share: {columns: [volume], over: 0.2, otherwise: stop}\n", bars).report.stopped);
}

TEST(Completeness, CountsTheCalendarsSessions) {
  auto bars = closes(std::vector<double>(20, 5));
  bars.erase(bars.begin() + 5, bars.begin() + 8);
  auto out = judge_bars("  - completeness: {least: 0.9, otherwise: warn}\n", bars);
  ASSERT_NE(out.finding("completeness"), nullptr);
  EXPECT_EQ(out.finding("completeness")->examples, (Texts{"A from 2015-01-02 to 2015-01-30 has 17 of 20 sessions"}));
  EXPECT_EQ(judge_bars("  - completeness: {least: 0.85, otherwise: warn}\n", bars).finding("completeness"), nullptr);
}

TEST(Prices, AnomaliesAreBarsThatMovedTooFar) {
  auto out = judge_bars("  - price_anomaly: warn\n", {{"A", "2024-01-02", 10, 20, 5, 15, 1},
                                                      {"A", "2024-01-03", 10, 20, 5, 15.01, 1},
                                                      {"A", "2024-01-04", 10, 20, 4, 4.99, 1},
                                                      {"A", "2024-01-05", 0, 20, 4, 4.99, 1}});
  ASSERT_NE(out.finding("price_anomaly"), nullptr);
  EXPECT_EQ(out.finding("price_anomaly")->examples, (Texts{"line 3: opened at 10 and closed at 15.01, +50.1 %",
                                                           "line 4: opened at 10 and closed at 4.99, -50.1 %"}));
}

std::string error_of(const std::string& checks) {
  auto dataset = dataset_with(checks);
  Status status = dataset.ok() ? make_checks(*dataset).status() : dataset.status();
  EXPECT_EQ(exit_code(status), 2) << checks;
  return render(status, false);
}

TEST(MakeChecks, AKeyThatACheckDoesNotTakeIsSaid) {
  std::string error = error_of("  - positive: {columns: [close], over: 3, otherwise: warn}\n");
  EXPECT_NE(error.find("positive has no \"over\""), std::string::npos) << error;
  EXPECT_NE(error_of("  - zscore: warn\n").find("does not say of what"), std::string::npos);
  EXPECT_NE(error_of("  - zscore: {of: [\"clos + 1\"], otherwise: warn}\n").find("close"), std::string::npos);
  EXPECT_NE(error_of("  - zscore: {columns: [close], window: 10, after: 20, otherwise: warn}\n").find("never reached"),
            std::string::npos);
  EXPECT_NE(error_of("  - zscore: {columns: [close], by: volume, otherwise: warn}\n").find("no text column"),
            std::string::npos);
  EXPECT_NE(error_of("  - completeness: {least: 0.9, otherwise: quarantine}\n").find("can quarantine no row"),
            std::string::npos);
  EXPECT_NE(error_of("  - completeness: warn\n").find("least: 0.95"), std::string::npos);
  EXPECT_NE(error_of("  - monotonic_time: warn\n").find("needs a timestamp"), std::string::npos);
  EXPECT_NE(error_of("  - crossed_spread: {columns: [low], otherwise: warn}\n").find("bid and the ask"),
            std::string::npos);
  EXPECT_NE(error_of("  - isolation_forest: {columns: [close], over: 3, otherwise: warn}\n").find("between 0 and 1"),
            std::string::npos);
  EXPECT_NE(error_of("  - iqr: {columns: [close], window: 0, otherwise: warn}\n").find("1 to 1,000,000"),
            std::string::npos);
}

}  // namespace
}  // namespace tapemill::quality
