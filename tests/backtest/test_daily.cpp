#include "backtest_test.h"

namespace tapemill::backtest {
namespace {

// Signal on day 1's close fills at day 2's open: 10,000.00 at 100.00 with 10 bps a side.
TEST(Daily, SignalAtCloseFillsNextOpenWithExactMoney) {
  DailyStrategy plan = daily_plan();
  plan.commission = 10 * kRateScale;
  auto market = market_of({{9000, 9500, 8900, 9100},
                           {9100, 9200, 9000, 9150, true, false},
                           {10000, 10500, 9900, 10400},
                           {10400, 11000, 10300, 10900, false, true},
                           {11000, 11100, 10800, 10900}});
  DailyResult r = must(run_daily(plan, market));
  ASSERT_EQ(r.trades.size(), 1u);
  const DailyTrade& t = r.trades[0];
  EXPECT_EQ(t.entry_session, day(2));
  EXPECT_EQ(t.exit_session, day(4));
  EXPECT_EQ(t.size, 99);  // 99 * 100.00 + 9.90 = 9,909.90; 100 would cost 10,010.00
  EXPECT_EQ(t.entry_price, 10000);
  EXPECT_EQ(t.exit_price, 11000);
  EXPECT_EQ(t.commission, 990 + 1089);
  EXPECT_EQ(t.pnl, 99 * 1000 - 990 - 1089);
  EXPECT_EQ(t.tag, "signal");
  EXPECT_EQ(t.entry_time, market.sessions[2].open());
  EXPECT_EQ(r.equity[2].equity, 1'000'000 - 990 + 99 * 400);
  EXPECT_EQ(r.equity.back().equity, 1'000'000 + t.pnl);
  EXPECT_EQ(r.equity.size(), 5u);
}

TEST(Daily, SameMarketWithoutSignalsHoldsCash) {
  DailyResult r = must(run_daily(daily_plan(), market_of({{100, 110, 90, 105}, {105, 120, 100, 110}})));
  EXPECT_TRUE(r.trades.empty());
  EXPECT_EQ(r.equity.back().equity, 1'000'000);
  EXPECT_DOUBLE_EQ(r.buy_and_hold, 110.0 / 100 - 1);
  ASSERT_EQ(r.equity.size(), 2u);
  EXPECT_DOUBLE_EQ(r.equity[0].held, 10'000 * 1.05) << "what the line of buying and holding is drawn from";
  EXPECT_DOUBLE_EQ(r.equity[1].held, 10'000 * 1.10);
}

// 1:1 bonus on day 3: the price halves, the stop takes the loss, and the result says that it may be none.
TEST(Daily, JumpsOfUnadjustedPricesAreCounted) {
  DailyStrategy plan = daily_plan();
  plan.stop = 500;
  auto market = market_of(
      {{100, 101, 99, 100, true, false}, {100, 101, 99, 100}, {50, 51, 49, 50}, {50, 51, 49, 50}, {100, 101, 99, 100}});
  DailyResult r = must(run_daily(plan, market));
  EXPECT_EQ(r.jumps, 2);
  EXPECT_EQ(r.jumps_held, 1);
  EXPECT_EQ(r.first_jump, "X " + day(2).str() + " −50.0 %");
}

TEST(Daily, AStopIsHitWhereOnlyTheOpenIsUnknown) {
  DailyStrategy plan = daily_plan();
  plan.stop = 500;  // 5 %
  auto market = market_of({{1000, 1010, 990, 1000, true, false}, {1000, 1010, 990, 1000}, {1000, 1000, 900, 950}});
  market.instruments[0].open[2] = kNullPrice;
  DailyResult r = must(run_daily(plan, market));
  ASSERT_EQ(r.trades.size(), 1u);
  EXPECT_EQ(r.trades[0].tag, "stop");
  EXPECT_EQ(r.trades[0].exit_price, 950);
}

// A row that became known only after the open it would trade at is refused, even where its signal is false.
TEST(Daily, PlantedLookAheadIsRefused) {
  auto market = market_of({{100, 110, 90, 105}, {105, 120, 100, 110}, {110, 120, 100, 115}});
  market.instruments[0].available_at[0] = market.sessions[1].open();
  auto result = run_daily(daily_plan(), market);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(exit_code(result.status()), 1);
  EXPECT_NE(result.status().message().find("look-ahead: X of 2024-01-01"), std::string::npos) << result.status();
  market.instruments[0].available_at[0].us -= 1;
  EXPECT_TRUE(run_daily(daily_plan(), market).ok());
}

// A restated bar stays refused for the decisions after it: indicators have read it.
TEST(Daily, LateRestatementPoisonsLaterDecisionsToo) {
  auto market = market_of({{100, 110, 90, 105}, {105, 120, 100, 110}, {110, 120, 100, 115}, {110, 120, 100, 115}});
  market.instruments[0].available_at[0] = market.sessions[3].close();
  DailyStrategy plan = daily_plan();
  plan.start = day(3);
  auto result = run_daily(plan, market);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.status().message().find("look-ahead"), std::string::npos);
}

TEST(Daily, EntryExpiresWhereTheInstrumentDoesNotTradeAndExitWaits) {
  auto market = market_of({{100, 110, 90, 100, true, false},
                           {},
                           {100, 110, 90, 100, true, false},
                           {100, 110, 90, 100, false, true},
                           {},
                           {80, 90, 70, 85}});
  for (std::size_t gone : {4u, 1u}) {  // halted: no bar
    Bars& b = market.instruments[0];
    for (auto* column : {&b.open, &b.high, &b.low, &b.close}) column->erase(column->begin() + static_cast<long>(gone));
    b.session.erase(b.session.begin() + static_cast<long>(gone));
    b.available_at.erase(b.available_at.begin() + static_cast<long>(gone));
    b.enter.erase(b.enter.begin() + static_cast<long>(gone));
    b.leave.erase(b.leave.begin() + static_cast<long>(gone));
  }
  DailyResult r = must(run_daily(daily_plan(), market));
  EXPECT_EQ(r.entries_expired, 1);
  ASSERT_EQ(r.trades.size(), 1u);
  EXPECT_EQ(r.trades[0].entry_session, day(3));
  EXPECT_EQ(r.trades[0].exit_session, day(5));  // not the far-future price by stealth: it says so
  EXPECT_EQ(r.trades[0].tag, "signal_delayed");
}

TEST(Daily, StopsAndTargetsFillWithinTheSession) {
  DailyStrategy plan = daily_plan();
  plan.stop = 500, plan.target = 1000;
  auto entry = Bar{100, 100, 100, 100, true, false};
  auto stopped = must(run_daily(plan, market_of({entry, {10000, 10200, 9400, 9600}})));
  ASSERT_EQ(stopped.trades.size(), 1u);
  EXPECT_EQ(stopped.trades[0].exit_price, 9500);
  EXPECT_EQ(stopped.trades[0].tag, "stop");
  auto both = must(run_daily(plan, market_of({entry, {10000, 11500, 9400, 9600}})));
  EXPECT_EQ(both.trades[0].tag, "stop");  // both touched: the worse one
  auto target = must(run_daily(plan, market_of({entry, {10000, 11500, 9900, 11000}})));
  EXPECT_EQ(target.trades[0].exit_price, 11000);
  auto gap = must(run_daily(plan, market_of({entry, {10000, 10100, 9900, 10000}, {9000, 9100, 8900, 9000}})));
  EXPECT_EQ(gap.trades[0].exit_price, 9000);  // opened below the stop: the open, not the stop
}

TEST(Daily, OpenPositionIsSoldAtTheLastCloseAndSaysSo) {
  DailyResult r = must(run_daily(daily_plan(), market_of({{100, 100, 100, 100, true, false}, {100, 130, 90, 120}})));
  ASSERT_EQ(r.trades.size(), 1u);
  EXPECT_EQ(r.trades[0].tag, "end_of_data");
  EXPECT_EQ(r.equity.back().equity, 1'000'000 + r.trades[0].pnl);
  EXPECT_EQ(r.equity.back().holdings, 0);
}

TEST(Daily, TheDateRangeTradesInsideOnlyAndUsesEarlierBarsForSignals) {
  DailyStrategy plan = daily_plan();
  plan.start = day(1), plan.end = day(2);
  auto market = market_of(
      {{100, 110, 90, 100, true, false}, {100, 110, 90, 100}, {100, 110, 90, 100, false, true}, {100, 110, 90, 100}});
  DailyResult r = must(run_daily(plan, market));
  EXPECT_EQ(r.equity.size(), 2u);
  ASSERT_EQ(r.trades.size(), 1u);
  EXPECT_EQ(r.trades[0].entry_session, day(1));
  EXPECT_EQ(r.trades[0].tag, "end_of_data");
  plan.start = day(30), plan.end = day(40);
  EXPECT_FALSE(run_daily(plan, market).ok());
}

TEST(Money, RoundsToTheNearestAndNeverWraps) {
  EXPECT_EQ(must(scaled(15, 1, 10)), 2);
  EXPECT_EQ(must(scaled(-15, 1, 10)), -2);
  EXPECT_EQ(must(scaled(14, 1, 10)), 1);
  EXPECT_EQ(must(of_basis_points(1'000'000, 36'000)), 360);  // 3.6 bps
  EXPECT_EQ(must(scaled(INT64_MAX, 10, 10)), INT64_MAX);
  EXPECT_FALSE(scaled(INT64_MAX, 11, 10).ok());
  EXPECT_FALSE(times(INT64_MAX / 2, 3).ok());
  for (const char* bad : {"", "-5 USD", "ten", "5 dollars", "nan", "0 USD", "1e400"})
    EXPECT_FALSE(parse_amount(bad).ok()) << bad;
  for (const char* bad : {"", "5", "0 %", "101 %", "-1 %", "x %", "0.001 %"})
    EXPECT_FALSE(parse_percent(bad).ok()) << bad;
  EXPECT_EQ(must(parse_percent("12.5%")), 1250);
}

}  // namespace
}  // namespace tapemill::backtest
