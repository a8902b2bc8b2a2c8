// Backtests over adjusted bars: a bonus is no loss, and the actions are an input of the run.
#include "backtest/backtest.h"
#include "lake_of_tests.h"

namespace tapemill::backtest {
namespace {

/// Four sessions of nse_cash around RELIANCE's bonus, and the action where asked for.
void fill(const lake::Lake& lake, bool action) {
  Rows bars;
  const std::pair<const char*, std::int64_t> closes[] = {
      {"2024-10-24", 267960}, {"2024-10-25", 265570}, {"2024-10-28", 133435}, {"2024-10-29", 134000}};
  for (auto [day, close] : closes) {
    const auto date = Date::parse(day).ValueOrDie();
    bars.numbers.push_back({{"session", date.days},
                            {"open", close},
                            {"high", close},
                            {"low", close},
                            {"close", close},
                            {"volume", 1000},
                            {"available_at", (date.days * 24 + 10) * 3'600'000'000LL}});
    bars.texts.push_back({{"instrument_id", "NSE:RELIANCE:EQ"}, {"symbol", "RELIANCE"}, {"series", "EQ"}});
  }
  store(lake, "nse_cash", "all", bars);
  if (!action) return;
  Rows actions;
  const auto ex = Date::parse("2024-10-28").ValueOrDie();
  actions.numbers.push_back(
      {{"ex_date", ex.days}, {"number", 1}, {"shares_before", 1}, {"shares_after", 2}, {"available_at", 0}});
  actions.texts.push_back({{"exchange", "NSE"},
                           {"symbol", "RELIANCE"},
                           {"series", "EQ"},
                           {"kind", "bonus"},
                           {"feed", "nse_actions"},
                           {"delivery", "a"}});
  store(lake, "corporate_actions", "a", actions);
}

std::string strategy(const std::string& folder, bool adjusted) {
  const std::string path = folder + "/" + (adjusted ? "adjusted.yaml" : "traded.yaml");
  std::ofstream(path) << "name: hold\nuniverse: {table: nse_cash, symbols: [RELIANCE]"
                      << (adjusted ? ", adjusted: true" : "")
                      << "}\ncapital: 1000000 INR\nentry: {when: \"close > 0\", at: next_open}\n";
  return path;
}

double equity_end(const RunResult& run) {
  auto column = run.equity->GetColumnByName("equity");
  auto scalar = must(column->GetScalar(run.equity->num_rows() - 1));
  return std::stod(scalar->ToString());
}

TEST(AdjustedBacktest, ABonusIsNoLoss) {
  Folder folder;
  lake::Lake lake = must(lake::Lake::open(folder / "lake", true));
  fill(lake, true);
  auto traded = must(run(lake, strategy(folder / "", false)));
  auto adjusted = must(run(lake, strategy(folder / "", true)));
  const bool warned = std::any_of(traded.warnings.begin(), traded.warnings.end(), [](const std::string& warning) {
    return warning.find("as traded") != std::string::npos;
  });
  EXPECT_TRUE(warned);
  for (const auto& warning : adjusted.warnings) {
    EXPECT_EQ(warning.find("as traded"), std::string::npos) << warning;
    EXPECT_EQ(warning.find("no corporate action"), std::string::npos) << warning;  // the jump is explained
  }
  EXPECT_LT(equity_end(traded), 600'000);
  EXPECT_NEAR(equity_end(adjusted), 1'000'000.0 * 1340.00 / 1327.85, 2000);
  EXPECT_NE(traded.run_id, adjusted.run_id);
  auto again = must(rerun(lake, adjusted.run_id));
  EXPECT_TRUE(again.same);
}

TEST(AdjustedBacktest, WithoutActionsItIsWrongUse) {
  Folder folder;
  lake::Lake lake = must(lake::Lake::open(folder / "lake", true));
  fill(lake, false);
  auto refused = run(lake, strategy(folder / "", true));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(exit_code(refused.status()), 2);
}

}  // namespace
}  // namespace tapemill::backtest
