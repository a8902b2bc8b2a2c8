#include "backtest/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tapemill::backtest {
namespace {

Performance performance(std::vector<double> equity) {
  Performance p;
  p.capital = 100;
  p.equity = std::move(equity);
  for (std::size_t i = 0; i < p.equity.size(); ++i) p.sessions.push_back(Date::of(2023, 1, 2) + static_cast<int>(i));
  p.exposed.assign(p.equity.size(), 1);
  return p;
}

struct Row {
  const char* name;
  double expected;
};

// Four sessions by hand: 100 -> 110 -> 99 -> 99 -> 118.8; returns 0.1, -0.1, 0, 0.2.
TEST(Metrics, TableByHand) {
  Performance p = performance({110, 99, 99, 118.8});
  p.exposed = {1, 1, 0, 1};
  p.trade_pnl = {10, -11, 19.8};
  p.trade_return = {0.1, -0.1, 0.2};
  p.trade_seconds = {10, 30, 20};
  p.buy_and_hold = 0.05;
  double mean = 0.05, deviation = std::sqrt((0.0025 + 0.0225 + 0.0025 + 0.0225) / 3);
  double annual = std::pow(1.188, 252.0 / 4) - 1;
  double mean_pnl = 18.8 / 3,
         pnl_deviation =
             std::sqrt((std::pow(10 - mean_pnl, 2) + std::pow(-11 - mean_pnl, 2) + std::pow(19.8 - mean_pnl, 2)) / 2);
  const Row rows[] = {
      {"Exposure Time [%]", 75},
      {"Equity Final [$]", 118.8},
      {"Equity Peak [$]", 118.8},
      {"Return [%]", 18.8},
      {"Buy & Hold Return [%]", 5},
      {"Return (Ann.) [%]", annual * 100},
      {"Volatility (Ann.) [%]", deviation * std::sqrt(252) * 100},
      {"CAGR [%]", (std::pow(1.188, 365.25 / 3) - 1) * 100},
      {"Sharpe Ratio", mean / deviation * std::sqrt(252)},
      {"Sortino Ratio", mean / std::sqrt(0.01 / 4) * std::sqrt(252)},
      {"Calmar Ratio", annual / 0.1},
      {"Max. Drawdown [%]", -10},
      {"Max. Drawdown Duration [d]", 2},
      {"# Trades", 3},
      {"Win Rate [%]", 200.0 / 3},
      {"Best Trade [%]", 20},
      {"Worst Trade [%]", -10},
      {"Median Trade Duration [s]", 20},
      {"Profit Factor", 3},
      {"Expectancy [%]", 20.0 / 3},
      {"SQN", std::sqrt(3) * mean_pnl / pnl_deviation},
      {"Kelly Criterion", 2.0 / 3 - (1.0 / 3) / (14.9 / 11)},
  };
  auto got = figures(p);
  EXPECT_EQ(got.size(), std::size(rows));
  for (const Row& row : rows) {
    EXPECT_NEAR(figure(got, row.name), row.expected, 1e-9 * std::max(1.0, std::abs(row.expected))) << row.name;
  }
  for (const Figure& one : got) EXPECT_FALSE(one.formula.empty()) << one.name;
}

TEST(Metrics, LabelsNameTheCurrencyAndOneUnit) {
  EXPECT_EQ(label("Equity Final [$]", "1.00", "INR"), "Equity Final [INR]");
  EXPECT_EQ(label("Median Trade Duration [s]", "462.0 d", "INR"), "Median Trade Duration");
  EXPECT_EQ(label("Median Trade Duration [s]", "20", "INR"), "Median Trade Duration [s]");
  EXPECT_EQ(label("Return [%]", "1.00", "INR"), "Return [%]");
  EXPECT_TRUE(is_per_year("Sharpe Ratio"));
  EXPECT_FALSE(is_per_year("Return [%]"));
}

TEST(Metrics, UndefinedIsAnEnDashNeverZero) {
  auto none = figures(performance({100, 100}));
  for (const char* name : {"Sharpe Ratio", "Sortino Ratio", "Calmar Ratio", "Win Rate [%]", "Profit Factor",
                           "Expectancy [%]", "SQN", "Kelly Criterion"}) {
    EXPECT_TRUE(std::isnan(figure(none, name))) << name;
    for (const Figure& one : none) {
      if (one.name == name) { EXPECT_EQ(one.text, "–") << name; }
    }
  }
  EXPECT_EQ(figure(none, "Max. Drawdown [%]"), 0);
  EXPECT_EQ(figure(none, "# Trades"), 0);
}

TEST(Metrics, NegativeNumbersCarryATrueMinus) {
  auto got = figures(performance({90, 81}));
  for (const Figure& one : got) {
    if (one.name == "Return [%]" || one.name == "Max. Drawdown [%]") { EXPECT_EQ(one.text, "−19.00"); }
  }
}

TEST(Metrics, TheCapitalIsTheFirstMaximum) {
  EXPECT_NEAR(figure(figures(performance({80, 90})), "Max. Drawdown [%]"), -20, 1e-12);
}

}  // namespace
}  // namespace tapemill::backtest
