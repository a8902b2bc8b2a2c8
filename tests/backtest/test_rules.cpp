#include "backtest/rules.h"

#include <gtest/gtest.h>

#include "core/build_info.h"

namespace tapemill::backtest {
namespace {

Rules shipped(const std::string& name) {
  auto rules = Rules::load(std::string(source_dir()) + "/rules/" + name + ".yaml");
  if (!rules.ok()) throw std::runtime_error(rules.status().ToString());
  return *rules;
}

struct Lot {
  const char* symbol;
  Date traded, expiry;
  std::int64_t lot;
};
// Lots follow the contract, not the trade date (conventions 5): on one day NIFTY has 75 and 25.
TEST(Rules, LotsFollowTheContract) {
  Rules rules = shipped("nse_fo");
  Date day = Date::of(2025, 1, 1);
  const Lot lots[] = {{"NIFTY", day, Date::of(2025, 1, 9), 75},
                      {"NIFTY", day, Date::of(2025, 1, 30), 25},
                      {"BANKNIFTY", day, Date::of(2025, 1, 30), 15},
                      {"BANKNIFTY", day, Date::of(2025, 2, 27), 30},
                      {"BANKNIFTY", Date::of(2020, 7, 20), Date::of(2020, 7, 23), 20},
                      {"BANKNIFTY", Date::of(2020, 7, 20), Date::of(2020, 7, 30), 25}};
  for (const Lot& lot : lots) {
    auto found = rules.find({"lot_size", lot.symbol, lot.traded, lot.expiry, {}}, 0);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(*found, lot.lot) << lot.symbol << " " << lot.expiry.str();
  }
}

TEST(Rules, TaxesChangeByTradeDate) {
  Rules rules = shipped("nse_fo");
  auto stt = [&](Date date) { return *rules.find({"stt_option_sale", "NIFTY", date, {}, {}}, 8); };
  EXPECT_EQ(stt(Date::of(2024, 9, 30)), 62'500);   // 6.25 bps
  EXPECT_EQ(stt(Date::of(2024, 10, 1)), 100'000);  // 10 bps
}

TEST(Rules, WhatNoRowSaysIsAnErrorNeverADefault) {
  Rules rules = shipped("nse_fo");
  auto missing = rules.find({"lot_size", "BANKNIFTY", Date::of(2018, 6, 1), Date::of(2018, 6, 28), {}});
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.status().message().find("says nothing of lot_size of BANKNIFTY, expiry 2018-06-28"),
            std::string::npos)
      << missing.status();
  EXPECT_FALSE(rules.find({"lot_size", "NOSUCH", Date::of(2025, 1, 1), Date::of(2025, 1, 30), {}}).ok());
  EXPECT_FALSE(
      rules.find({"lot_size", "NIFTY", Date::of(2025, 1, 1), {}, {}}).ok());  // without the contract there is no lot
}

TEST(Rules, MalformedFilesNameThePlace) {
  std::string head = "rules: x\ncalendar: nse\ncurrency: INR\nrows:\n";
  for (std::string row :
       {"  - {what: a, by: exipry, from: 2020-01-01, value: 1, source: s}",
        "  - {what: a, by: expiry, value: 1, source: s}",
        "  - {what: a, by: expiry, from: 2020-13-01, value: 1, source: s}",
        "  - {what: a, by: expiry, from: 2020-01-01, value: 1}",
        "  - {what: a, by: trade_date, from: 2020-01-01, traded_to: 2021-01-01, value: 1, source: s}"}) {
    auto rules = Rules::parse(head + row, "r.yaml");
    ASSERT_FALSE(rules.ok()) << row;
    EXPECT_NE(rules.status().message().find("r.yaml:5:"), std::string::npos) << rules.status();
  }
  auto twice = Rules::parse(head +
                                "  - {what: a, by: trade_date, from: 2020-01-01, value: 1, source: s}\n  - {what: a, "
                                "by: trade_date, from: 2020-01-05, value: 2, source: s}\n",
                            "r.yaml");
  ASSERT_TRUE(twice.ok());
  EXPECT_TRUE(twice->find({"a", "", Date::of(2020, 1, 2), {}, {}}).ok());
  EXPECT_FALSE(twice->find({"a", "", Date::of(2020, 1, 6), {}, {}}).ok());
}

}  // namespace
}  // namespace tapemill::backtest
