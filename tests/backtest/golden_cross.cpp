// strategies/index_cross.yaml trade by trade against backtesting.py over the real index (scripts/golden_cross.py).
#include <sstream>

#include "backtest/backtest.h"
#include "core/build_info.h"
#include "core/decimal.h"
#include "core/json.h"
#include "core/paths.h"
#include "lake_of_tests.h"

namespace tapemill::backtest {
namespace {

TEST(GoldenCross, EqualsBacktestingPyTradeByTrade) {
  std::string source = source_dir(), file = source + "/.deps/data/sp500-2000.csv";
  auto text = read_file(file);
  if (!text.ok()) GTEST_SKIP() << "not here: " << file << " (scripts/install fetches it)";
  auto calendar = must(Calendar::load("nyse"));
  Rows rows;
  std::istringstream lines(*text);
  std::string line;
  for (std::getline(lines, line); std::getline(lines, line);) {
    std::istringstream cells(line);
    std::string cell;
    std::getline(cells, cell, ',');
    Date date = must(Date::parse(cell));
    Row row{{"session", date.days}, {"volume", 1}, {"available_at", must(calendar->session(date)).close().us}};
    for (const char* column : {"open", "high", "low", "close"}) {
      std::getline(cells, cell, ',');
      ASSERT_EQ(parse_decimal(cell, 6, row[column]), DecimalParse::ok) << line;
    }
    rows.numbers.push_back(std::move(row));
    rows.texts.push_back({{"instrument_id", "US:SPX"}, {"symbol", "SPX"}});
  }
  Folder folder;
  auto lake = must(lake::Lake::open(folder.path() + "/lake", true));
  store(lake, "sp500_index", "all", rows);
  RunResult r = must(run(lake, source + "/strategies/index_cross.yaml"));

  Json golden = Json::parse(must(read_file(source + "/tests/backtest/golden_cross.json")));
  EXPECT_NEAR(figure(r.metrics, "Equity Final [$]"), golden["equity_final"].get<double>(), 1e-3);
  ASSERT_EQ(r.trades->num_rows(), static_cast<std::int64_t>(golden["trades"].size()));
  for (std::int64_t i = 0; i < r.trades->num_rows(); ++i) {
    const Json& theirs = golden["trades"][static_cast<std::size_t>(i)];
    auto cell = [&](const char* column) { return must(r.trades->GetColumnByName(column)->GetScalar(i))->ToString(); };
    EXPECT_EQ(cell("EntryTime").substr(0, 10), theirs["entry"].get<std::string>());
    EXPECT_EQ(cell("ExitTime").substr(0, 10), theirs["exit"].get<std::string>());
    EXPECT_EQ(cell("Size"), std::to_string(theirs["size"].get<int>()));
    EXPECT_NEAR(std::stod(cell("EntryPrice")), theirs["entry_price"].get<double>(), 1e-9);
    EXPECT_NEAR(std::stod(cell("ExitPrice")), theirs["exit_price"].get<double>(), 1e-9);
    EXPECT_NEAR(std::stod(cell("PnL")), theirs["pnl"].get<double>(), 1e-4);
  }
}

}  // namespace
}  // namespace tapemill::backtest
