// Files that others made, with counts and values that others found (../shared/data).
#include "source_test.h"

namespace tapemill::sources {
namespace {

#define NEED(variable, name)                      \
  const std::string variable = shared_data(name); \
  if (variable.empty()) GTEST_SKIP() << "absent: " << name

std::int64_t nulls(const Drained& d, const std::string& column) { return d.column(column)->null_count(); }

TEST(GoldenFiles, Sp500HasEveryLine) {
  NEED(path, "us_daily_sp500_5yr/all_stocks_5yr.csv.gz");
  Drained d = drain(dataset("sp500"), path);
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.info.form, "csv");
  EXPECT_FALSE(d.info.session.has_value());
  EXPECT_EQ(d.info.unit, "all_stocks_5yr");
  EXPECT_EQ(d.rows_in, 619'040);
  EXPECT_EQ(d.rows, 619'040);  // nulls are for the checks to refuse
  EXPECT_EQ(nulls(d, "open"), 11);
  EXPECT_EQ(nulls(d, "high"), 8);
  EXPECT_EQ(nulls(d, "low"), 8);
  EXPECT_EQ(nulls(d, "close"), 0);
  EXPECT_EQ(d.at("instrument_id", 0), "US:AAL");
  EXPECT_EQ(d.at("session", 0), "2013-02-08");
  EXPECT_EQ(d.at("open", 0), "15.0700");
  EXPECT_EQ(d.at("volume", 0), "8407500");
  EXPECT_EQ(d.at("available_at", 0), "2013-02-08 21:00:00.000000Z");
  EXPECT_EQ(d.batches.back().lines.back(), 619'041);
  EXPECT_EQ(d.batches.back().raw(d.batches.back().lines.size() - 1), "2018-02-07,72.7,75.0,72.69,73.86,4534912,ZTS");
}

TEST(GoldenFiles, NseCash2024HasEveryLine) {
  NEED(folder, "nse_cash_2024");
  Dataset nse = dataset("nse_cash");
  auto paths = expand_paths({folder});
  ASSERT_TRUE(paths.ok());
  ASSERT_EQ(paths->size(), 249u);
  std::int64_t rows = 0, refused = 0;
  for (const std::string& path : *paths) {
    Drained d = drain(nse, path);
    ASSERT_TRUE(d.status.ok()) << d.status.ToString();
    EXPECT_EQ(d.info.form, "nse_full");
    ASSERT_TRUE(d.info.session.has_value());
    EXPECT_EQ(d.info.session->str(), std::filesystem::path(path).filename().string().substr(0, 10));
    rows += d.rows, refused += static_cast<std::int64_t>(d.refused.size());
  }
  EXPECT_EQ(rows, 467'396);
  EXPECT_EQ(refused, 0);
}

TEST(GoldenFiles, NseCashRow) {
  NEED(path, "nse_cash_2024/2024-01-02.csv.gz");
  Drained d = drain(dataset("nse_cash"), path);
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.info.unit, "2024-01-02");
  EXPECT_EQ(d.at("instrument_id", 0), "NSE:20MICRONS:EQ");
  EXPECT_EQ(d.at("series", 0), "EQ");
  EXPECT_EQ(d.at("last", 0), "171.50");
  EXPECT_EQ(d.at("turnover", 0), "55180000.00");  // 551.8 lakhs
  EXPECT_EQ(d.at("deliverable", 0), "153090");
  EXPECT_EQ(d.at("deliverable_percent", 0), "47.58");
  EXPECT_EQ(d.at("isin", 0), "null");
  EXPECT_EQ(d.at("available_at", 0), "2024-01-02 10:00:00.000000Z");  // 15:30 IST
}

TEST(GoldenFiles, NseUdiffDerivatives) {
  NEED(first, "nse_fo_udiff/BhavCopy_NSE_FO_20250101.csv.gz");
  NEED(second, "nse_fo_udiff/BhavCopy_NSE_FO_20250102.csv.gz");
  Dataset fo = dataset("nse_fo");
  Drained a = drain(fo, first), b = drain(fo, second);
  ASSERT_TRUE(a.status.ok()) << a.status.ToString();
  ASSERT_TRUE(b.status.ok()) << b.status.ToString();
  EXPECT_EQ(a.rows, 32'804);
  EXPECT_EQ(b.rows, 33'341);
  EXPECT_TRUE(a.refused.empty() && b.refused.empty());
  EXPECT_EQ(b.info.session->str(), "2025-01-02");
  EXPECT_EQ(b.info.form, "nse_udiff");
  EXPECT_EQ(nulls(a, "strike") + nulls(b, "strike"), 1336);  // the futures
  EXPECT_EQ(nulls(a, "option_type") + nulls(b, "option_type"), 1336);
  // AARTIIND25JAN410CE: 757 lots of 1000, notional 320,671,100
  EXPECT_EQ(b.at("instrument_id", 0), "NSE:57876");
  EXPECT_EQ(b.at("contract", 0), "AARTIIND25JAN410CE");
  EXPECT_EQ(b.at("contracts", 0), "757");
  EXPECT_EQ(b.at("volume", 0), "757000");
  EXPECT_EQ(b.at("turnover", 0), "320671100.00");
  EXPECT_EQ(b.at("expiry", 0), "2025-01-30");
  EXPECT_EQ(b.at("open", 1), "0.00");  // untraded: bronze says what the file says
}

TEST(GoldenFiles, DocumentedRows) {
  NEED(minute, "feeds/polygon_flatfile_minute_aggs_doc_rows.csv");
  Drained d = drain(dataset("stocks_minute"), minute);
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.info.form, "polygon_flat");
  EXPECT_EQ(d.info.session->str(), "2025-04-16");  // no date in the name: from the rows
  EXPECT_EQ(d.rows, 2);
  EXPECT_EQ(d.at("instrument_id", 0), "US:AAPL");
  EXPECT_EQ(d.at("open", 0), "200.2900");
  EXPECT_EQ(d.at("close", 0), "200.5000");
  EXPECT_EQ(d.at("high", 0), "200.6300");
  EXPECT_EQ(d.at("time", 0), "2025-04-16 08:35:00.000000Z");
  EXPECT_EQ(d.at("available_at", 0), "2025-04-16 08:36:00.000000Z");

  NEED(option, "feeds/polygon_flatfile_options_day_1row_20240102.csv");
  d = drain(dataset("options_daily"), option);
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  ASSERT_EQ(d.rows, 1);
  EXPECT_EQ(d.at("instrument_id", 0), "O:SPY240119C00450000");
  EXPECT_EQ(d.at("underlying", 0), "SPY");
  EXPECT_EQ(d.at("expiry", 0), "2024-01-19");
  EXPECT_EQ(d.at("option_type", 0), "C");
  EXPECT_EQ(d.at("strike", 0), "450.0000");
  EXPECT_EQ(d.at("available_at", 0), "2024-01-02 21:00:00.000000Z");

  NEED(legacy, "feeds/nse_legacy_cm_1row_20231016.csv");
  d = drain(dataset("nse_cash"), legacy);
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.info.form, "nse_legacy");
  EXPECT_EQ(d.info.session->str(), "2023-10-16");
  EXPECT_EQ(d.at("instrument_id", 0), "NSE:182D160224:TB");
  EXPECT_EQ(d.at("isin", 0), "IN002023Y219");
  EXPECT_EQ(d.at("prev_close", 0), "97.00");
  EXPECT_EQ(d.at("turnover", 0), "19510.00");
  EXPECT_EQ(d.at("trades", 0), "1");

  NEED(udiff, "feeds/nse_udiff_cm_2rows_20241015.csv");
  d = drain(dataset("nse_cash"), udiff);
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.info.form, "nse_udiff");
  EXPECT_EQ(d.rows, 2);
  EXPECT_EQ(d.at("instrument_id", 1), "NSE:GAYAHWS:BE");
  EXPECT_EQ(d.at("isin", 0), "INE00Y201027");
  EXPECT_EQ(d.at("volume", 0), "34968");
  EXPECT_EQ(d.at("turnover", 0), "10365770.00");
  EXPECT_EQ(d.at("deliverable", 0), "null");
}

}  // namespace
}  // namespace tapemill::sources
