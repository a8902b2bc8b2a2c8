#include "sources/contract_symbol.h"

#include "source_test.h"

namespace tapemill::sources {
namespace {

TEST(Occ, ReadsTheDocumentedTicker) {
  OptionContract c;
  ASSERT_TRUE(parse_occ("O:SPY251219C00650000", c));
  EXPECT_EQ(c.root, "SPY");
  EXPECT_EQ(c.expiry.str(), "2025-12-19");
  EXPECT_TRUE(c.call);
  EXPECT_EQ(c.strike, 650'000);
  std::int64_t strike = 0;
  ASSERT_TRUE(c.strike_at(4, strike));
  EXPECT_EQ(strike, 6'500'000);
}

TEST(Occ, RefusesWhatIsNone) {
  OptionContract c;
  for (const char* text : {"SPY", "O:SPY", "O:SPY251219X00650000", "O:SPY251319C00650000", "O:SPY250230C00650000",
                           "O:251219C00650000", "O:SPY251219C0065000A"})
    EXPECT_FALSE(parse_occ(text, c)) << text;
  ASSERT_TRUE(parse_occ("O:BRKB1240119P00002500", c));  // an adjusted root ends with a digit
  EXPECT_EQ(c.root, "BRKB1");
  std::int64_t strike = 0;
  EXPECT_TRUE(c.strike_at(2, strike));
  ASSERT_TRUE(parse_occ("O:X240119P00002505", c));
  EXPECT_FALSE(c.strike_at(2, strike));  // 2.505
}

struct Case {
  const char* name;
  const char* underlying;
  NseRule rule;
  const char* expiry;
  double strike;
  bool call;
};

TEST(NseOption, ReadsBothForms) {
  // The first three stand in conventions.md 4; contract names and expiries of the others in the UDiFF files of 2025-01-01.
  const Case cases[] = {{"BANKNIFTY25AUG48000CE", "BANKNIFTY", NseRule::monthly, "2025-08-28", 48000, true},
                        {"BANKNIFTY1941128500CE", "BANKNIFTY", NseRule::weekly, "2019-04-11", 28500, true},
                        {"NIFTY28MAR2420800CE", "NIFTY", NseRule::dated, "2024-03-28", 20800, true},
                        {"banknifty25aug48000pe", "BANKNIFTY", NseRule::monthly, "2025-08-28", 48000, false},
                        {"NIFTY24O0325000PE", "NIFTY", NseRule::weekly, "2024-10-03", 25000, false},
                        {"NIFTY24D2624000CE", "NIFTY", NseRule::weekly, "2024-12-26", 24000, true},
                        {"AARTIIND25FEB410PE", "AARTIIND", NseRule::monthly, "2025-02-27", 410, false},
                        {"360ONE25JAN1240CE", "360ONE", NseRule::monthly, "2025-01-30", 1240, true},
                        {"NIFTYNXT5025JAN68000CE", "NIFTYNXT50", NseRule::monthly, "2025-01-30", 68000, true},
                        {"M&M25JAN2980PE", "M&M", NseRule::monthly, "2025-01-30", 2980, false},
                        {"BAJAJ-AUTO25JAN8800CE", "BAJAJ-AUTO", NseRule::monthly, "2025-01-30", 8800, true},
                        {"ONGC25JAN237.5CE", "ONGC", NseRule::monthly, "2025-01-30", 237.5, true},
                        {"BANKNIFTY24MAR47000CE", "BANKNIFTY", NseRule::monthly, "2024-03-27", 47000, true}};
  for (const Case& c : cases) {
    NseContract got;
    ASSERT_TRUE(parse_nse_option(c.name, std::nullopt, got)) << c.name;
    EXPECT_EQ(got.underlying, c.underlying) << c.name;
    EXPECT_EQ(got.rule, c.rule) << c.name;
    EXPECT_EQ(got.expiry.str(), c.expiry) << c.name;
    EXPECT_EQ(static_cast<double>(got.strike) / 1000, c.strike) << c.name;
    EXPECT_EQ(got.call, c.call) << c.name;
  }
  NseContract none;
  for (const char* name :
       {"BANKNIFTY", "NIFTY25AUGFUT", "SPY25CE", "25AUG48000CE", "NIFTY25AUG0CE", "NIFTY1943228500CE", ""})
    EXPECT_FALSE(parse_nse_option(name, std::nullopt, none)) << name;
}

TEST(NseOption, TheTradingDayDecidesBetweenTwoReadings) {
  NseContract got;
  ASSERT_TRUE(parse_nse_option("NIFTY25JAN24500CE", Date::of(2024, 1, 10), got));
  EXPECT_EQ(got.expiry.str(), "2025-01-30");
  EXPECT_EQ(got.rule, NseRule::monthly);
  ASSERT_TRUE(
      parse_nse_option("SBIN24JAN25500CE", Date::of(2024, 12, 10), got));  // January 2024 was over: 24 January 2025
  EXPECT_EQ(got.expiry.str(), "2025-01-24");
  EXPECT_EQ(got.strike, 500'000);
  EXPECT_EQ(got.rule, NseRule::dated);
}

/// Every option of two real sessions: name, underlying, strike and type agree with their own columns, and the expiry does
/// wherever the exchange moved no date.
TEST(NseOption, AgreesWithTheExchangesFiles) {
  for (const char* name :
       {"nse_fo_udiff/BhavCopy_NSE_FO_20250101.csv.gz", "nse_fo_udiff/BhavCopy_NSE_FO_20250102.csv.gz"}) {
    const std::string path = shared_data(name);
    if (path.empty()) GTEST_SKIP() << "absent: " << name;
    Drained d = drain(dataset("nse_fo"), path);
    ASSERT_TRUE(d.status.ok());
    std::int64_t options = 0, moved = 0;
    for (const SourceBatch& batch : d.batches) {
      auto text = [&](const char* column) {
        return std::static_pointer_cast<arrow::StringArray>(batch.rows->GetColumnByName(column));
      };
      auto contract = text("contract"), symbol = text("symbol"), type = text("option_type");
      auto strike = std::static_pointer_cast<arrow::Decimal64Array>(batch.rows->GetColumnByName("strike"));
      auto expiry = std::static_pointer_cast<arrow::Date32Array>(batch.rows->GetColumnByName("expiry"));
      for (std::int64_t i = 0; i < batch.rows->num_rows(); ++i) {
        if (type->IsNull(i)) continue;
        NseContract got;
        ASSERT_TRUE(parse_nse_option(contract->GetView(i), Date::of(2025, 1, 1), got)) << contract->GetView(i);
        EXPECT_EQ(got.underlying, symbol->GetView(i)) << contract->GetView(i);
        EXPECT_EQ(got.call ? "CE" : "PE", type->GetView(i));
        EXPECT_EQ(got.strike, reinterpret_cast<const std::int64_t*>(strike->data()->buffers[1]->data())[i] * 10)
            << contract->GetView(i);
        ++options;
        moved += got.expiry.days != expiry->Value(i);
      }
    }
    EXPECT_GT(options, 32'000);
    RecordProperty("options", static_cast<int>(options));
    RecordProperty("expiry_not_by_rule", static_cast<int>(moved));
    std::printf("%s: %ld options, %ld with another expiry than the rule's\n", name, static_cast<long>(options),
                static_cast<long>(moved));
    EXPECT_LT(moved, options / 10);
  }
}

}  // namespace
}  // namespace tapemill::sources
