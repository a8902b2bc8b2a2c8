// Values nobody here computed: scripts/golden_metrics.py ran quantstats, empyrical and backtesting.py on one series.
#include <gtest/gtest.h>

#include <cmath>

#include "backtest/metrics.h"
#include "core/build_info.h"
#include "core/json.h"
#include "core/paths.h"

namespace tapemill::backtest {
namespace {

TEST(GoldenMetrics, EqualQuantstatsEmpyricalAndBacktestingPy) {
  auto text = read_file(std::string(source_dir()) + "/tests/backtest/golden_metrics.json");
  ASSERT_TRUE(text.ok()) << text.status();
  Json golden = Json::parse(*text);
  Performance p;
  p.capital = golden["capital"];
  p.equity = golden["equity"].get<std::vector<double>>();
  for (const auto& date : golden["dates"]) p.sessions.push_back(*Date::parse(date.get<std::string>()));
  p.exposed.assign(p.equity.size(), 1);
  for (const auto& trade : golden["trades"]) {
    p.trade_pnl.push_back(trade["pnl"]);
    p.trade_return.push_back(trade["return"]);
    p.trade_seconds.push_back(1);
  }
  auto ours = figures(p);
  int compared = 0;
  for (const auto& [name, values] : golden["expected"].items()) {
    for (double expected : values) {
      double got = figure(ours, name);
      EXPECT_NEAR(got, expected, 1e-11 * std::max(1.0, std::abs(expected))) << name;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 20);
}

}  // namespace
}  // namespace tapemill::backtest
