// Declared preprocessing: what every step does, fitted on a range and applied after it, the same bits however the rows are cut.
#include "analytics/preprocess.h"

#include <cmath>

#include "pipeline_test.h"

namespace tapemill::pipeline::test {
namespace {

using analytics::PreprocessReport;

constexpr const char* kSpec =
    "table: prep\ntitle: t\nsource: csv\ncalendar: nyse\ncurrency: USD\nexchange: US\n"
    "session: {from: column, column: session}\nkey: [instrument_id, session]\npartitions: [year]\n"
    "sort: [instrument_id, session]\nlanding: copy\nsilver: view\ncolumns:\n"
    "  instrument_id: {type: string, null: refuse}\n  symbol: {type: string, null: refuse}\n"
    "  session: {type: date, null: refuse}\n  close: {type: \"decimal(18,2)\"}\n  volume: {type: int64}\n"
    "  sector: {type: string}\n"
    "csv:\n  columns:\n    instrument_id: {template: \"{exchange}:{symbol}\"}\n    session: {from: session, format: "
    "\"%Y-%m-%d\"}\n"
    "checks:\n  - unique_key: quarantine\n";

class Preprocess : public testing::Test {
 protected:
  /// Rows of symbols, a value a session: "A: 1,2,,4" is null on the third. Volumes are 10 times the row's number.
  void store(const std::vector<std::pair<std::string, std::string>>& closes, const std::string& sector = "Energy") {
    std::string text = "symbol,session,close,volume,sector\n";
    for (const auto& [symbol, values] : closes) {
      std::size_t day = 0, at = 0;
      while (at <= values.size()) {
        const std::size_t end = std::min(values.find(',', at), values.size());
        text += fmt::format("{},{},{},{},{}\n", symbol, sessions(40)[day].str(), values.substr(at, end - at),
                            (day + 1) * 10,
                            sector.find('|') == std::string::npos
                                ? sector
                                : sector.substr(day % 2 == 0 ? 0 : sector.find('|') + 1, sector.find('|')));
        ++day, at = end + 1;
      }
    }
    auto report = must(ingest_into(lake_, folder_.write("prep.yaml", kSpec), {folder_.write("rows.csv", text)}));
    ASSERT_TRUE(report.refused.empty());
  }
  Result<PreprocessReport> run(const std::string& steps, const std::string& more = "", std::int64_t memory = 0,
                               int threads = 2, analytics::PreprocessOptions options = {}) {
    options.document =
        folder_.write("steps.yaml", "preprocess: ready\nversion: 1.0.0\nfrom: {table: prep, columns: " + columns_ +
                                        "}\n" + more + "steps:\n" + steps);
    MemoryBudget budget(memory);
    return analytics::preprocess(opened(lake_), options, Workers(threads), budget);
  }
  std::shared_ptr<arrow::Table> made(const std::string& table = "gold.prepared_ready") { return rows_of(lake_, table); }
  std::string column(const std::string& name) {
    auto rows = made();
    std::string text;
    for (std::int64_t i = 0; i < rows->num_rows(); ++i) text += (i > 0 ? "," : "") + at(*rows, name, i);
    return text;
  }
  std::string refusal(const std::string& steps, const std::string& more = "") {
    auto done = run(steps, more);
    EXPECT_EQ(exit_code(done.status()), 2);
    return done.ok() ? "" : render(done.status(), false);
  }
  std::string columns_ = "[close, volume]";
  Folder folder_;
  std::string lake_ = folder_ / "lake";
};

/// The first `n` sessions, and what is applied after them.
std::string fit(std::size_t n) {
  return fmt::format("fit: {{start: {}, end: {}}}\n", sessions(n).front().str(), sessions(n).back().str());
}

TEST_F(Preprocess, StatisticsAreOfTheFitRangeAndAppliedAfterIt) {
  store({{"A", "1,3,8,100"}, {"B", "10,30,50,-7"}});
  auto report = must(run("  - normalize: {method: standard, columns: [close]}\n", fit(2)));
  EXPECT_EQ(column("close"), "6,98,3,-2.7") << "A: mean 2, deviation 1; B: 20 and 10";
  EXPECT_EQ(column("volume"), "30,40,30,40");
  EXPECT_EQ(report.fit_rows, 4);
  EXPECT_EQ(report.rows, 4);
  EXPECT_TRUE(report.lookahead.empty());
  EXPECT_FALSE(report.unchanged);
  EXPECT_TRUE(must(run("  - normalize: {method: standard, columns: [close]}\n", fit(2))).unchanged);
  must(run("  - normalize: {method: minmax, columns: [close], by: all}\n", fit(2)));
  EXPECT_EQ(at(*made(), "close", 1), fmt::format("{}", (100.0 - 1) / 29));
  must(run("  - normalize: {method: robust, columns: [close], by: all}\n", fit(2)));
  EXPECT_EQ(at(*made(), "close", 0), fmt::format("{}", (8 - 6.5) / 12.5)) << "1, 3, 10, 30: quartiles 2.5, 6.5, 15";
}

TEST_F(Preprocess, EachMethodForWhatIsMissing) {
  store({{"A", ",1,,2,,"}, {"B", "5,,7,,,9"}});
  auto filled = [&](const std::string& method, const std::string& more = "") {
    must(run("  - clean_data: {handle_missing_values: {close: " + method + "}}\n", more));
    return column("close");
  };
  EXPECT_EQ(filled("ffill"), "null,1,1,2,2,2,5,5,7,7,7,9");
  EXPECT_EQ(filled("zero"), "0,1,0,2,0,0,5,0,7,0,0,9");
  EXPECT_EQ(filled("drop"), "1,2,5,7,9");
  const std::string all = fit(4) + fmt::format("apply: {{start: {}}}\nallow_lookahead: true\n", sessions(1)[0].str());
  EXPECT_EQ(filled("mean", all), "1.5,1,1.5,2,1.5,1.5,5,6,7,6,6,9");
  EXPECT_EQ(filled("median", all), "1.5,1,1.5,2,1.5,1.5,5,6,7,6,6,9");
  EXPECT_EQ(filled("bfill", "allow_lookahead: true\n"), "1,1,2,2,null,null,5,7,7,9,9,9");
  EXPECT_EQ(filled("interpolate", "allow_lookahead: true\n"),
            fmt::format("null,1,1.5,2,2,2,5,6,7,{},{},9", 7 + 2 * 1 / 3.0, 7 + 2 * 2 / 3.0));
  auto report = must(run("  - clean_data: {handle_missing_values: ffill}\n"));
  EXPECT_EQ(report.steps.at(0).second.at("close filled"), 6);
  EXPECT_EQ(report.steps.at(0).second.at("close left null"), 1);
}

TEST_F(Preprocess, WhatLooksAheadIsRefusedOrSaid) {
  store({{"A", "1,,3,4"}});
  EXPECT_NE(refusal("  - clean_data: {handle_missing_values: bfill}\n").find("looks ahead"), std::string::npos);
  EXPECT_NE(refusal("  - clean_data: {handle_missing_values: interpolate}\n").find("allow_lookahead"),
            std::string::npos);
  EXPECT_NE(refusal("  - normalize: {columns: [close]}\n").find("nothing says of which sessions"), std::string::npos);
  const std::string inside = fit(3) + fmt::format("apply: {{start: {}}}\n", sessions(3).back().str());
  EXPECT_NE(refusal("  - normalize: {columns: [close]}\n", inside).find("statistics of sessions until"),
            std::string::npos);
  auto report = must(run("  - clean_data: {handle_missing_values: bfill}\n", "allow_lookahead: true\n"));
  ASSERT_EQ(report.lookahead.size(), 1u);
  // A value that was taken from a later row is known when that row is; the row before it is not held up.
  auto rows = made();
  EXPECT_EQ(at(*rows, "available_at", 1), at(*rows, "available_at", 2));
  EXPECT_NE(at(*rows, "available_at", 0), at(*rows, "available_at", 1));
  report = must(run("  - normalize: {columns: [close]}\n", inside + "allow_lookahead: true\n"));
  EXPECT_EQ(report.lookahead.size(), 1u);
  rows = made();
  EXPECT_EQ(rows->num_rows(), 2);
  // In the fit range a value is known when the last row is that it was fitted on.
  must(run("  - normalize: {columns: [close]}\n",
           fit(3) + fmt::format("apply: {{start: {}}}\nallow_lookahead: true\n", sessions(1)[0].str())));
  rows = made();
  EXPECT_EQ(at(*rows, "available_at", 0), at(*rows, "available_at", 2));
  EXPECT_NE(at(*rows, "available_at", 2), at(*rows, "available_at", 3));
}

TEST_F(Preprocess, Outliers) {
  store({{"A", "1,2,3,4,5,100,-100,3"}});
  auto judged = [&](const std::string& how) {
    auto report = must(run("  - clean_data: {outlier_detection: {columns: [close], " + how + "}}\n", fit(5)));
    return column("close");
  };
  // Mean 3, sample deviation 1.5811; quartiles 2 and 4; median 3, median distance 1.
  EXPECT_EQ(judged("method: zscore"), "null,null,3");
  EXPECT_EQ(judged("method: iqr, otherwise: clip"), "7,-1,3");
  EXPECT_EQ(judged("method: mad, otherwise: drop"), "3");
  EXPECT_EQ(judged("method: zscore, over: 100"), "100,-100,3");
  EXPECT_NE(judged("method: mad, over: 0.6745, otherwise: clip").find("4,2,3"), std::string::npos);
}

TEST_F(Preprocess, LagsTimesAndIndicators) {
  store({{"A", "1,2,3,4"}, {"B", "5,6,7,8"}});
  must(run(
      "  - engineer_features:\n      time_features: [day_of_week, week_of_year, quarter, day_of_year, calendar_year]\n"
      "      create_lag_features: [close]\n      lag_periods: [1, 3]\n"
      "      create_technical_indicators: {mean_2: \"mean(close, 2)\"}\n"));
  EXPECT_EQ(column("close_lag_1"), "null,1,2,3,null,5,6,7");
  EXPECT_EQ(column("close_lag_3"), "null,null,null,1,null,null,null,5");
  EXPECT_EQ(column("mean_2"), "null,1.5,2.5,3.5,null,5.5,6.5,7.5");
  EXPECT_EQ(column("day_of_week"), "1,2,3,4,1,2,3,4") << "2024-01-02 is a Tuesday, Monday 0";
  EXPECT_EQ(column("week_of_year"), "1,1,1,1,1,1,1,1");
  EXPECT_EQ(column("day_of_year"), "2,3,4,5,2,3,4,5");
  EXPECT_NE(refusal("  - engineer_features: {time_features: [hour_of_day]}\n").find("no time of day"),
            std::string::npos);
  EXPECT_NE(refusal("  - engineer_features: {create_lag_features: [close], lag_periods: [-1]}\n").find("a lag of -1"),
            std::string::npos);
  EXPECT_NE(
      refusal("  - engineer_features: {create_technical_indicators: {year: close}}\n").find("name of tables' folders"),
      std::string::npos);
  must(run("  - engineer_features: {create_lag_features: true}\n"));
  EXPECT_NE(made()->GetColumnByName("close_lag_20"), nullptr);
}

TEST_F(Preprocess, CategoriesOfTheFitRange) {
  store({{"A", "1,2,3,4"}}, "Energy|Health");
  columns_ = "[close, sector]";
  must(run("  - encode: {method: one_hot, columns: [sector]}\n", fit(2)));
  EXPECT_EQ(column("sector_Energy"), "1,0");
  EXPECT_EQ(column("sector_Health"), "0,1");
  EXPECT_EQ(made()->GetColumnByName("sector"), nullptr);
  auto report = must(run("  - encode: {method: ordinal, columns: [sector]}\n", fit(1)));
  EXPECT_EQ(column("sector"), "null,0,null") << "Health was not there to fit on";
  EXPECT_EQ(report.steps.at(0).second.at("sector of no known category"), 2);
  EXPECT_NE(refusal("  - encode: {columns: [close]}\n", fit(2)).find("no column close of texts"), std::string::npos);
}

TEST_F(Preprocess, NarrowTypesHoldEveryValue) {
  store({{"A", "1.50,2.25,3.10,4"}});
  auto report =
      must(run("  - engineer_features: {create_lag_features: [volume], lag_periods: [1]}\n  - optimize_types\n"));
  EXPECT_EQ(made()->GetColumnByName("volume")->type()->id(), arrow::Type::INT8);
  EXPECT_EQ(made()->GetColumnByName("close")->type()->id(), arrow::Type::DOUBLE) << "3.1 is no float32";
  EXPECT_EQ(column("volume_lag_1"), "null,10,20,30");
  EXPECT_EQ(report.narrowed,
            (std::vector<std::pair<std::string, std::string>>{{"volume", "int8"}, {"volume_lag_1", "int8"}}));
  must(run("  - optimize_types: {floats: float32}\n"));
  EXPECT_EQ(made()->GetColumnByName("close")->type()->id(), arrow::Type::FLOAT);
  EXPECT_NE(refusal("  - optimize_types\n  - normalize\n", fit(2)).find("nothing comes after"), std::string::npos);
}

TEST_F(Preprocess, TheSameBitsWhateverTheBlocksAndThreads) {
  std::vector<std::pair<std::string, std::string>> symbols;
  for (int s = 0; s < 200; ++s) {
    std::string closes;
    for (int i = 0; i < 40; ++i)
      closes += (i > 0 ? "," : "") +
                ((s * 7 + i) % 9 == 0 ? "" : fmt::format("{:.2f}", 20 + 3.7 * (s % 50) + std::sin(i + s) * 5));
    symbols.emplace_back(fmt::format("S{:03}", s), closes);
  }
  store(symbols);
  const std::string steps =
      "  - clean_data: {handle_missing_values: {close: median}, outlier_detection: {method: mad, by: all, otherwise: "
      "clip}}\n"
      "  - engineer_features: {create_lag_features: [close], create_technical_indicators: {rsi: \"rsi(close, 5)\"}}\n"
      "  - normalize: {method: standard, by: all}\n";
  auto once = must(run(steps, fit(20)));
  auto whole = made();
  auto kept = made("gold.prepared_ready_fitted");
  EXPECT_GT(kept->num_rows(), 20);
  // Something else in between, or the second run would have nothing to do.
  must(run("  - clean_data: {handle_missing_values: zero}\n"));
  EXPECT_FALSE(made()->Equals(*whole));
  must(run(steps, fit(20), 6 << 20, 1));
  EXPECT_TRUE(made()->Equals(*whole));
  EXPECT_TRUE(made("gold.prepared_ready_fitted")->Equals(*kept));
}

TEST_F(Preprocess, WhatWasFittedIsAppliedByAnother) {
  store({{"A", "1,3,8,100,5"}, {"B", "10,30,,-7,20"}}, "Energy|Health");
  columns_ = "[close, sector]";
  const std::string steps =
      "  - clean_data: {handle_missing_values: {close: mean}, outlier_detection: {method: iqr, over: 3, columns: "
      "[close]}}\n"
      "  - encode: {columns: [sector]}\n  - normalize: {method: robust, columns: [close]}\n";
  const std::string json = folder_ / "fitted.json";
  must(run(steps, fit(2), 0, 2, {"", json, ""}));
  auto whole = made();
  must(run("  - clean_data: {handle_missing_values: zero}\n"));
  auto again = must(run(steps, fit(2), 0, 2, {"", "", json}));
  EXPECT_EQ(again.fit_rows, 4);
  EXPECT_TRUE(made()->Equals(*whole));
  auto other = run("  - normalize: {columns: [close]}\n", fit(2), 0, 2, {"", "", json});
  ASSERT_FALSE(other.ok());
  EXPECT_NE(render(other.status(), false).find("fitted to other steps"), std::string::npos);
}

TEST_F(Preprocess, DuplicatesByColumns) {
  store({{"A", "1,1,2,1"}, {"B", "1,2,2,3"}});
  auto report = must(run("  - clean_data: {remove_duplicates: [close]}\n"));
  EXPECT_EQ(column("close"), "1,2,1,2,3");
  EXPECT_EQ(report.steps.at(0).second.at("rows dropped"), 3);
  EXPECT_EQ(must(run("  - clean_data: {remove_duplicates: true}\n")).rows, 8) << "the key is unique in bronze";
}

TEST_F(Preprocess, WhatIsWrongIsSaidWithItsPlace) {
  store({{"A", "1,2"}});
  EXPECT_NE(refusal("  - clean_dta\n").find("did you mean clean_data?"), std::string::npos);
  EXPECT_NE(refusal("  - normalize: {columns: [clos]}\n", fit(1)).find("did you mean close?"), std::string::npos);
  EXPECT_NE(refusal("  - clean_data: {handle_missing_values: meen}\n").find("did you mean mean?"), std::string::npos);
  EXPECT_NE(refusal("  - normalize\n", "fit: {start: 2015-01-02, end: 2015-02-02}\n").find("has no rows from 2015"),
            std::string::npos);
}

}  // namespace
}  // namespace tapemill::pipeline::test
