#include "backtest_test.h"
#include "core/build_info.h"
#include "core/paths.h"

namespace tapemill::backtest {
namespace {

std::string shipped(const std::string& name) { return std::string(source_dir()) + "/strategies/" + name; }

TEST(StrategyDocument, ShippedOnesAreRead) {
  Strategy cross = must(read_strategy(shipped("index_cross.yaml")));
  ASSERT_NE(cross.daily(), nullptr);
  EXPECT_EQ(cross.daily()->table, "sp500_index");
  EXPECT_EQ(cross.daily()->commission, 10 * kRateScale);
  Strategy straddle = must(read_strategy(shipped("opening_straddle.yaml")));
  ASSERT_NE(straddle.option(), nullptr);
  EXPECT_EQ(straddle.option()->windows[0].start, (9 * 60 + 20) * kMinute);
  EXPECT_EQ(straddle.option()->per_lot, 2000);
  EXPECT_TRUE(straddle.option()->stt);
  Strategy hourly = must(read_strategy(shipped("atm_hourly.json")));
  EXPECT_EQ(hourly.option()->rebalance, kHour);
}

// The same strategy in both dialects: one canonical form, one hash.
TEST(StrategyDocument, BothDialectsAreOneStrategy) {
  Strategy yaml = must(parse_strategy(R"(
name: s
universe: {symbol: NIFTY, expiries: nearest}
when: {date_range: [2024-01-01, 2024-12-31], days: [Fri, Mon], time_window: {start: "09:15:00", end: "09:20"}}
timezone: Asia/Kolkata
entry: {selector: ATM, rebalance: 1h, legs: [{cp: C, qty: -1}, {cp: PE, qty: 2, distance: 3}], when: {gt: [SPOT, 100]}}
exit: {at: "15:25"}
costs: {brokerage_per_lot: 20, taxes_bps: 3.6}
slippage: {ticks: 1}
sampling: {save_first_trades: 7}
)",
                                      "a.yaml"));
  Strategy json = must(parse_strategy(R"({"sampling": {"first_trades": 7}, "slippage": {"base": 1.0},
"costs": {"taxes_bps": 3.60, "per_lot": 20.00}, "exit": {"at": "15:25:00"}, "name": "s",
"entry": {"when": {"gt": [{"metric": "SPOT"}, 100.0]}, "legs": [{"cp": "CE", "qty": -1, "distance": 0}, {"distance": 3, "cp": "P", "qty": 2}], "rebalance": "60m", "selector": "ATM"},
"time": {"start": "2024-01-01", "end": "2024-12-31", "days": ["Mon", "Fri"], "windows": ["09:15-09:20"], "timezone": "Asia/Kolkata"},
"universe": {"symbol": "NIFTY", "expiries": ["nearest"]}})",
                                      "a.json"));
  EXPECT_EQ(yaml.canonical.dump(), json.canonical.dump());
  EXPECT_EQ(yaml.hash, json.hash);
  EXPECT_EQ(yaml.hash.size(), 64u);
}

TEST(StrategyDocument, WhatChangesTheResultChangesTheHashAndComments) {
  std::string text = must(read_file(shipped("index_cross.yaml")));
  std::string hash = must(parse_strategy(text, "a.yaml")).hash;
  EXPECT_EQ(must(parse_strategy("# a remark\n" + text, "b.yaml")).hash, hash);
  std::string other = text;
  other.replace(other.find("200))\", at"), 3, "201");
  EXPECT_NE(must(parse_strategy(other, "a.yaml")).hash, hash);
}

TEST(StrategyDocument, TheRegularSessionUnlessItSaysOtherwise) {
  const std::string text = must(read_file(shipped("opening_straddle.yaml")));
  const Strategy plain = must(parse_strategy(text, "a.yaml"));
  EXPECT_EQ(plain.option()->session, SessionHours::regular);
  auto with = [&](const std::string& session) {
    std::string other = text;
    const auto at = other.find("universe: {") + 11;
    return parse_strategy(other.insert(at, "session: " + session + ", "), "a.yaml");
  };
  EXPECT_EQ(must(with("regular")).hash, plain.hash);
  EXPECT_EQ(must(with("all")).option()->session, SessionHours::all);
  EXPECT_NE(must(with("all")).hash, plain.hash);
  const std::string wrong = render(with("evening").status(), false);
  EXPECT_NE(wrong.find("regular|extended|all"), std::string::npos) << wrong;
}

struct Bad {
  const char* find;
  const char* put;
  const char* message;
  const char* hint;
};
class StrategyErrors : public testing::TestWithParam<Bad> {};
TEST_P(StrategyErrors, NamePlaceAndRemedy) {
  const Bad& bad = GetParam();
  for (const char* file : {"index_cross.yaml", "opening_straddle.yaml"}) {
    std::string text = must(read_file(shipped(file)));
    auto found = text.find(bad.find);
    if (found == std::string::npos) continue;
    text.replace(found, std::string(bad.find).size(), bad.put);
    auto result = parse_strategy(text, "mine.yaml");
    ASSERT_FALSE(result.ok()) << bad.put;
    EXPECT_EQ(exit_code(result.status()), 2);
    std::string rendered = render(result.status(), false);
    EXPECT_NE(rendered.find("mine.yaml:"), std::string::npos) << rendered;
    EXPECT_NE(rendered.find(bad.message), std::string::npos) << rendered;
    EXPECT_NE(rendered.find(bad.hint), std::string::npos) << rendered;
    return;
  }
  FAIL() << "no document has " << bad.find;
}
INSTANTIATE_TEST_SUITE_P(
    Table, StrategyErrors,
    testing::Values(
        Bad{"capital:", "capitol:", "unknown key \"capitol\"", "did you mean \"capital\"?"},
        Bad{"crosses_above(sma(close, 50)", "crosses_above(smaa(close, 50)", "smaa", "sma"},
        Bad{"sma(close, 50), sma(close, 200))\", size", "ref(close, -1), sma(close, 200))\", size", "look", ""},
        Bad{"1000000 USD", "a lot", "is no amount of money", "1000000 USD"},
        Bad{"100 %", "150 %", "is no share", "up to 100"},
        Bad{"at: next_open}\nexit", "at: this_close}\nexit", "\"this_close\" is none of next_open", ""},
        Bad{"commission_bps: 10", "commission_bps: -1", "-1 is outside", ""},
        Bad{"table: sp500_index, ", "", "neither a table nor a symbol", "sp500_index"},
        Bad{"nearest, table", "neerest, table", "is no expiry", "did you mean \"nearest\"?"},
        Bad{"\"15:25:00\"", "\"09:20:00\"", "is empty", "half-open"},
        Bad{"\"15:25:00\"", "\"25:25:00\"", "mine.yaml:6", ""},
        Bad{"cp: CE", "cp: CALL", "\"CALL\" is none of CE|PE|C|P", ""},
        Bad{"qty: -1, distance: 0}\n    - {cp: PE", "qty: 0, distance: 0}\n    - {cp: PE", "0 lots trades nothing", ""},
        Bad{"Asia/Kolkata", "Asia/Kolkatta", "Asia/Kolkatta", "Asia/Kolkata"},
        Bad{"exit: {at: \"15:25\"}", "exit: {when: {gt: [LTPP, 3]}}", "unknown metric \"LTPP\"",
            "did you mean \"LTP\"?"},
        Bad{"exit: {at: \"15:25\"}", "exit: {when: {gt: [{metric: EMA, args: {n: 5}}, 3]}}", "needs n and bar",
            "of which bars"},
        Bad{"exit: {at: \"15:25\"}", "exit: {when: {gt: [{metric: LTP, args: {leg: 2}}, 3]}}", "there is no leg 2",
            "0 to 1"},
        Bad{"exit: {at: \"15:25\"}", "exit: {when: {gt: [1]}}", "compares two sides", ""},
        Bad{"rebalance: none", "rebalance: none\n  when: {gt: [PnL, 3]}", "belong to an open position", "exit.when"},
        Bad{"sampling:", "sweep: {A: [1]}\nsampling:", "a sweep is a set of strategies", ""},
        Bad{"slippage: {ticks: 1}", "slippage: {ticks: 1, base: 1}", "base and ticks are one thing", ""},
        Bad{"slippage: {ticks: 1}", "fill: {latency: 0s}", "fills in the next one", "1s"}));

// spec D5: the original's own example can never hold; it is said, not refused.
TEST(StrategyDocument, NestedVolumeSumsAreWarnedOf) {
  std::string text = must(read_file(shipped("opening_straddle.yaml")));
  std::string other = text;
  other.replace(other.find("rebalance: none"), 15, "when: {all: [{gt: [VOL_1M, VOL_2M]}]}");
  Strategy s = must(parse_strategy(other, "a.yaml"));
  ASSERT_EQ(s.warnings.size(), 1u);
  EXPECT_NE(s.warnings[0].find("can never hold"), std::string::npos);
  other = text;
  other.replace(other.find("rebalance: none"), 15, "when: {all: [{gt: [VOL_1M_RATE, VOL_2M_RATE]}]}");
  EXPECT_TRUE(must(parse_strategy(other, "a.yaml")).warnings.empty());
}

TEST(StrategyDocument, SchemaNamesEveryKey) {
  std::string schema = strategy_schema().dump();
  for (const char* key :
       {"universe", "expiries", "brokerage_per_lot", "alpha_spread", "commission_bps", "time_window"}) {
    EXPECT_NE(schema.find(std::string("\"") + key + "\""), std::string::npos) << key;
  }
}

TEST(StrategyDocument, GarbageIsAnErrorNotACrash) {
  for (const char* text : {"", "[]", "- 1", "name: x", "universe: 3", "universe: {symbol: X}\nentry: 4",
                           "universe: {table: [1, 2]}", "\x01\xff", "universe: {symbol: X}\nentry: {legs: {cp: CE}}"}) {
    EXPECT_FALSE(parse_strategy(text, "x.yaml").ok()) << text;
    EXPECT_FALSE(parse_strategy(text, "x.json").ok()) << text;
  }
}

}  // namespace
}  // namespace tapemill::backtest
