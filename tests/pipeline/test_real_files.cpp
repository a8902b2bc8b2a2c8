// Other people's real files, whole, into a lake: the numbers of issue 3, section 2.
#include "pipeline_test.h"

namespace tapemill::pipeline {
namespace {
using namespace test;

#define INGEST_OR_SKIP(report, lake, name, under)                                 \
  Folder folder;                                                                  \
  fs::path source = shared_data() / (under);                                      \
  if (!fs::exists(source)) GTEST_SKIP() << source << " is not there: NOT tested"; \
  std::string lake = folder / "lake";                                             \
  auto report = must(ingest_into(lake, name, {source.string()}));                 \
  EXPECT_EQ(report.refused.size(), 0u);                                           \
  auto again = must(ingest_into(lake, name, {source.string()}));                  \
  EXPECT_EQ(again.files_unchanged, report.files);                                 \
  EXPECT_EQ(again.version, report.version)

TEST(RealFiles, Sp500) {
  INGEST_OR_SKIP(report, lake, "sp500", "us_daily_sp500_5yr");
  EXPECT_EQ(report.quality.rows_in, 619'040);
  EXPECT_EQ(report.quality.rows_kept, 619'017);
  EXPECT_EQ(report.quarantine, (std::map<std::string, std::int64_t>{{"null", 11}, {"ohlc_order", 12}}));
  EXPECT_EQ(rows_of(lake, "sp500")->num_rows(), 619'017);
  EXPECT_EQ(quarantined_rows(lake, "sp500"), 23);
}

TEST(RealFiles, NseCash) {
  INGEST_OR_SKIP(report, lake, "nse_cash", "nse_cash_2024");
  EXPECT_EQ(report.quality.rows_in, 467'396);
  EXPECT_EQ(report.quality.rows_kept, 467'396);
  EXPECT_TRUE(report.quarantine.empty());
  EXPECT_EQ(rows_of(lake, "nse_cash")->num_rows(), 467'396);
}

TEST(RealFiles, NseDerivativesHaveNoPriceWhereNothingTraded) {
  INGEST_OR_SKIP(report, lake, "nse_fo", "nse_fo_udiff");
  EXPECT_EQ(report.quality.rows_in, 66'145);
  EXPECT_EQ(report.quality.rows_kept, 66'145);
  EXPECT_TRUE(report.quarantine.empty());
  auto bronze = rows_of(lake, "bronze.nse_fo"), silver = rows_of(lake, "silver.nse_fo");
  ASSERT_EQ(bronze->num_rows(), 66'145);
  ASSERT_EQ(silver->num_rows(), 66'145);
  auto volume = must(lake::doubles(*silver, "volume")), close = must(lake::doubles(*silver, "close"));
  for (const char* name : {"open", "high", "low"}) {
    auto before = must(lake::doubles(*bronze, name)), after = must(lake::doubles(*silver, name));
    std::int64_t nulls = 0;
    for (std::size_t i = 0; i < after.size(); ++i) {
      ASSERT_EQ(std::isnan(after[i]), volume[i] == 0) << name << " row " << i;
      ASSERT_GT(close[i], 0);
      nulls += std::isnan(after[i]);
      ASSERT_EQ(before[i], volume[i] != 0 ? after[i] : 0);  // bronze says what the file says
    }
    EXPECT_GT(nulls, 66'145 * 6 / 10);
  }
  auto history = must(opened(lake).table(lake::Layer::silver, "nse_fo").history());
  EXPECT_EQ(must(opened(lake).table(lake::Layer::silver, "nse_fo").snapshot()).txns.at("silver"), report.version);
  EXPECT_EQ(history.front().operation, "DERIVE");
}

}  // namespace
}  // namespace tapemill::pipeline
