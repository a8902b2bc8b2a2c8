// Columns of a reference table beside rows: as of the session, as known when the row was, nothing ahead, what is unknown counted.
#include "analytics/features.h"
#include "lake/about.h"
#include "lake/enrich.h"
#include "pipeline_test.h"

namespace tapemill::pipeline::test {
namespace {

constexpr const char* kReferenceHeader =
    "symbol,valid_from,valid_to,known_from,sector,industry,market_cap,float_shares\n";

class Enrich : public testing::Test {
 protected:
  void SetUp() override {
    must(ingest_into(lake_, "stocks_daily", write_days(folder_, "days", 5, 3, 0)));
    ASSERT_EQ(rows_of(lake_, "stocks_daily")->num_rows(), 15);
  }
  void reference(const std::string& rows, const std::string& name = "reference.csv") {
    const auto report =
        must(ingest_into(lake_, "us_instrument_reference", {folder_.write(name, kReferenceHeader + rows)}));
    ASSERT_TRUE(report.refused.empty());
  }
  /// Values of a column beside T000's rows (or another's), one a session, by commas.
  std::string beside(const std::string& column, const std::string& symbol = "T000",
                     std::optional<Instant> known_at = {}) {
    const lake::Lake lake = opened(lake_);
    lake::ScanRequest request;
    request.table = {lake::Layer::silver, "stocks_daily"};
    request.symbols = {symbol};
    request.known_at = known_at;
    auto rows = must(lake::scan(lake, request)).rows;
    auto by = must(lake::Enrichment::make(lake, must(lake::dataset_of(lake, "stocks_daily")),
                                          {{column}, "", {}, known_at}, Workers(1), arrow::default_memory_pool()));
    auto out = must(must(by.beside(rows, {"open"}, arrow::default_memory_pool()))->CombineChunks());
    EXPECT_EQ(out->GetColumnByName("open"), nullptr);
    std::string text;
    for (std::int64_t i = 0; i < out->num_rows(); ++i) text += (i > 0 ? "," : "") + at(*out, column, i);
    return text;
  }
  Folder folder_;
  std::string lake_ = folder_ / "lake";
};

// Sessions are 2024-01-02, 03, 04, 05, 08.
TEST_F(Enrich, ByValidityInterval) {
  reference(
      "T000,2020-01-01,2024-01-03,2020-01-02,Energy,Oil,1000.50,7\n"
      "T000,2024-01-04,,2023-12-01,Utilities,Gas,2000.00,8\n");
  EXPECT_EQ(beside("sector"), "Energy,Energy,Utilities,Utilities,Utilities");
  EXPECT_EQ(beside("market_cap"), "1000.50,1000.50,2000.00,2000.00,2000.00");
  EXPECT_EQ(beside("float_shares"), "7,7,8,8,8");
  EXPECT_EQ(beside("sector", "T001"), "null,null,null,null,null");
}

TEST_F(Enrich, NothingIsKnownBeforeItWasSaid) {
  reference(
      "T000,2020-01-01,,2020-01-02,Energy,,,\n"
      "T000,2024-01-02,,2024-01-05,Utilities,,,\n"  // held since the 2nd, told on the 5th
      "T000,2024-01-02,,2024-01-08,Industrials,,,\n");  // corrected on the 8th
  EXPECT_EQ(beside("sector"), "Energy,Energy,Energy,Utilities,Industrials");
  // As known on the 6th at midnight UTC: the sessions until the 5th, and what was known then.
  EXPECT_EQ(beside("sector", "T000", must(Instant::parse("2024-01-06"))), "Energy,Energy,Energy,Utilities");
  EXPECT_EQ(beside("sector", "T000", must(Instant::parse("2024-01-04"))), "Energy,Energy");
}

TEST_F(Enrich, AGapIsUnknownAndNotWhatWasBefore) {
  reference(
      "T000,2020-01-01,,2020-01-02,Energy,,,\n"
      "T000,2023-06-01,2024-01-03,2023-06-01,Utilities,,,\n"
      "T000,2024-01-08,,2024-01-02,Industrials,,,\n");
  EXPECT_EQ(beside("sector"), "Utilities,Utilities,null,null,Industrials");
}

TEST_F(Enrich, AnotherVersionOfAFileIsKnownFromItsArrival) {
  reference("T000,2020-01-01,,2020-01-02,Energy,,,\n");
  reference("T000,2020-01-01,,2020-01-02,Utilities,,,\n");  // restated in 2027
  EXPECT_EQ(beside("sector"), "null,null,null,null,null");
}

TEST_F(Enrich, WhatIsMissingIsSaid) {
  const lake::Lake lake = opened(lake_);
  const Dataset rows = must(lake::dataset_of(lake, "stocks_daily"));
  auto asked = [&](std::vector<std::string> columns, const std::string& table = "") {
    auto made = lake::Enrichment::make(lake, rows, {std::move(columns), table, {}, {}}, Workers(1),
                                       arrow::default_memory_pool());
    return made.ok() ? "fine" : render(made.status(), false);
  };
  EXPECT_NE(asked({"sector"}).find("no reference table of exchange US"), std::string::npos);
  reference("T000,2020-01-01,,2020-01-02,Energy,,,\n");
  EXPECT_EQ(asked({"sector"}), "fine");
  EXPECT_NE(asked({"sectr"}).find("did you mean sector?"), std::string::npos);
  EXPECT_NE(asked({"symbol"}).find("has a column symbol of its own"), std::string::npos);
  EXPECT_NE(asked({"sector"}, "stocks_daily").find("is no reference table"), std::string::npos);
}

TEST_F(Enrich, AFeatureGroupCarriesItAndFollowsTheReference) {
  reference("T000,2024-01-04,,2024-01-04,Energy,,5.00,\n");
  const std::string path = folder_.write("tiny.yaml",
                                         "features: tiny\nversion: 1.0.0\nfrom: {table: stocks_daily}\n"
                                         "enrich: {columns: [sector, market_cap]}\ncolumns:\n  gap: close - open\n");
  const lake::Lake lake = opened(lake_);
  const auto group = must(analytics::load_feature_group(path));
  MemoryBudget budget;
  auto build = [&] { return must(analytics::build_features(lake, group, "", Workers(2), budget)); };
  auto built = build();
  EXPECT_EQ(built.unknown, (std::vector<std::pair<std::string, std::int64_t>>{{"sector", 12}, {"market_cap", 12}}));
  auto rows = rows_of(lake_, "gold.features_tiny");
  EXPECT_EQ(at(*rows, "sector", 1), "null");
  EXPECT_EQ(at(*rows, "sector", 2), "Energy");
  EXPECT_EQ(at(*rows, "market_cap", 4), "5.00");
  EXPECT_EQ(must(analytics::read_back_features(lake, group, built, Workers(1), budget)).values, 15);
  built = build();
  EXPECT_TRUE(built.unchanged);
  EXPECT_EQ(built.unknown.front().second, 12);
  reference("T001,2024-01-02,,2024-01-02,Materials,,,\n", "more.csv");
  built = build();
  EXPECT_FALSE(built.unchanged);
  EXPECT_EQ(built.unknown.front().second, 7);
}

}  // namespace
}  // namespace tapemill::pipeline::test
