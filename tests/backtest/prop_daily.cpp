#include <random>

#include "analytics/series.h"
#include "backtest_test.h"

namespace tapemill::backtest {
namespace {

/// Random walks of three instruments with holes; signals from a real moving-average cross over their closes.
DailyMarket random_market(unsigned seed, int sessions, int shuffle_after = -1) {
  std::mt19937 random(seed), other(seed + 1000);
  DailyMarket market;
  for (int s = 0; s <= sessions; ++s) market.sessions.push_back(session(day(s)));
  auto series = must(analytics::Series::compile({{"e", "crosses_above(sma(close, 3), sma(close, 8))", "test"},
                                                 {"x", "crosses_below(sma(close, 3), sma(close, 8))", "test"}},
                                                {"close"}));
  for (int i = 0; i < 3; ++i) {
    Bars bars;
    bars.instrument = "US:" + std::to_string(i), bars.symbol = std::to_string(i);
    std::int64_t price = 5000 + 1000 * i;
    std::vector<std::array<std::int64_t, 4>> rows;
    std::vector<int> days;
    for (int s = 0; s < sessions; ++s) {
      auto draw = [&](int most) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(most)); };
      std::int64_t open = std::max<std::int64_t>(100, price + draw(401) - 200),
                   close = std::max<std::int64_t>(100, open + draw(401) - 200);
      std::int64_t high = std::max(open, close) + draw(50),
                   low = std::max<std::int64_t>(1, std::min(open, close) - draw(50));
      price = close;
      if (random() % 13 == 0) continue;
      rows.push_back({open, high, low, close});
      days.push_back(s);
    }
    if (shuffle_after >= 0) {
      auto first = static_cast<long>(std::lower_bound(days.begin(), days.end(), shuffle_after) - days.begin());
      std::shuffle(rows.begin() + first, rows.end(), other);
    }
    auto tick = series.tick();
    for (std::size_t k = 0; k < rows.size(); ++k) {
      double close = static_cast<double>(rows[k][3]) / 100, signal[2];
      tick->update(&close, days[k], signal);
      bars.session.push_back(day(days[k]));
      bars.open.push_back(rows[k][0]), bars.high.push_back(rows[k][1]), bars.low.push_back(rows[k][2]),
          bars.close.push_back(rows[k][3]);
      bars.available_at.push_back(market.sessions[static_cast<std::size_t>(days[k])].close());
      bars.enter.push_back(!std::isnan(signal[0]) && signal[0] != 0),
          bars.leave.push_back(!std::isnan(signal[1]) && signal[1] != 0);
    }
    market.instruments.push_back(std::move(bars));
  }
  return market;
}

DailyStrategy random_plan(unsigned seed) {
  DailyStrategy plan = daily_plan("100000.37 USD");
  plan.commission = static_cast<std::int64_t>(seed % 30) * kRateScale + 123;
  plan.size = 2000 + seed % 8000;
  if (seed % 2 == 0) plan.stop = 300;
  if (seed % 3 == 0) plan.target = 450;
  return plan;
}

TEST(DailyProperty, SumOfTradesIsTheChangeOfEquityToTheUnit) {
  std::size_t trades = 0;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    DailyResult r = must(run_daily(random_plan(seed), random_market(seed, 120)));
    std::int64_t sum = 0;
    for (const DailyTrade& t : r.trades) sum += t.pnl;
    ASSERT_EQ(r.equity.back().equity, r.capital + sum) << seed;
    for (const EquityRow& row : r.equity) ASSERT_GE(row.cash, 0) << seed;  // never on credit
    trades += r.trades.size();
  }
  EXPECT_GT(trades, 200u);
}

TEST(DailyProperty, ShufflingTheFutureChangesNothingBeforeIt) {
  std::size_t compared = 0;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    int cut = 60;
    DailyResult a = must(run_daily(random_plan(seed), random_market(seed, 120)));
    DailyResult b = must(run_daily(random_plan(seed), random_market(seed, 120, cut)));
    for (int s = 0; s < cut; ++s)
      ASSERT_EQ(a.equity[static_cast<std::size_t>(s)].equity, b.equity[static_cast<std::size_t>(s)].equity)
          << seed << " day " << s;
    for (std::size_t i = 0; i < a.trades.size() && a.trades[i].exit_session < day(cut); ++i) {
      ASSERT_LT(i, b.trades.size());
      ASSERT_EQ(a.trades[i].pnl, b.trades[i].pnl);
      ASSERT_EQ(a.trades[i].exit_time, b.trades[i].exit_time);
      ++compared;
    }
  }
  EXPECT_GT(compared, 100u);
}

}  // namespace
}  // namespace tapemill::backtest
