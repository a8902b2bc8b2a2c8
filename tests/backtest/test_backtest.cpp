#include "backtest/backtest.h"

#include "backtest_test.h"
#include "core/build_info.h"
#include "core/decimal.h"
#include "core/json.h"
#include "core/paths.h"
#include "lake_of_tests.h"

namespace tapemill::backtest {
namespace {

const Date kThursday = Date::of(2024, 1, 4), kFriday = Date::of(2024, 1, 5);

class Backtest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new Folder();
    lake_ = new lake::Lake(must(lake::Lake::open(folder_->path() + "/lake", true)));
    store_index(*lake_, Date::of(2005, 1, 3), Date::of(2012, 12, 31));
    store_chain(*lake_, kThursday);
    store_chain(*lake_, kFriday);
  }
  static void TearDownTestSuite() {
    delete lake_;
    delete folder_;
  }
  void SetUp() override {
    std::error_code ignored;
    std::filesystem::remove_all(lake_->root() + "/runs", ignored);
  }
  static std::string shipped(const std::string& name) { return std::string(source_dir()) + "/strategies/" + name; }
  static std::string write(const std::string& name, const std::string& text) {
    std::string path = folder_->path() + "/" + name;
    must(write_file_atomically(path, text));
    return path;
  }
  static std::int64_t total(const arrow::Table& table, const char* column) {
    std::int64_t sum = 0;
    for (const auto& chunk : table.GetColumnByName(column)->chunks()) {
      const auto& values = static_cast<const arrow::Decimal64Array&>(*chunk);
      for (std::int64_t i = 0; i < values.length(); ++i) {
        std::int64_t value = 0;
        std::memcpy(&value, values.GetValue(i), 8);
        sum += value;
      }
    }
    return sum;
  }
  static Folder* folder_;
  static lake::Lake* lake_;
};
Folder* Backtest::folder_ = nullptr;
lake::Lake* Backtest::lake_ = nullptr;

TEST_F(Backtest, IndexCrossOverTheLake) {
  RunResult r = must(run(*lake_, shipped("index_cross.yaml")));
  EXPECT_EQ(r.form, "daily");
  EXPECT_EQ(r.currency, "USD");
  EXPECT_EQ(r.table, "bronze.sp500_index");
  EXPECT_GT(r.trades->num_rows(), 2);
  EXPECT_EQ(r.sessions, r.rows_scanned);
  EXPECT_EQ(r.equity->num_rows(), r.sessions);
  double final = figure(r.metrics, "Equity Final [$]");
  EXPECT_NEAR(final, 1e6 + static_cast<double>(total(*r.trades, "PnL")) / 1e6, 1e-6);
  EXPECT_EQ(figure(r.metrics, "# Trades"), static_cast<double>(r.trades->num_rows()));
  ASSERT_FALSE(r.resolved.empty());
  EXPECT_NE(r.resolved[0].find("sma"), std::string::npos);
  auto read = must(read_parquet(r.path + "/trades.parquet"));
  EXPECT_TRUE(read->Equals(*r.trades)) << read->schema()->ToString();
}

TEST_F(Backtest, OpeningStraddleOverTheLake) {
  RunResult r = must(run(*lake_, shipped("opening_straddle.yaml")));
  EXPECT_EQ(r.form, "option");
  EXPECT_EQ(r.sessions, 2);
  EXPECT_EQ(r.trades->num_rows(), 4);
  EXPECT_TRUE(r.refused.empty());
  EXPECT_NEAR(figure(r.metrics, "Equity Final [$]"),
              1e6 + static_cast<double>(total(*r.trades, "pnl_after_costs")) / 100, 1e-9);
  EXPECT_EQ(total(*r.equity, "pnl") - total(*r.equity, "fees"), total(*r.trades, "pnl_after_costs"));
  std::string samples = must(read_file(r.path + "/samples/first_trades.json"));
  EXPECT_NE(samples.find("\"ttl_ok\": true"), std::string::npos);
  EXPECT_EQ(Json::parse(must(read_file(r.path + "/samples/sample_2024-01-04.json"))).size(), 2u);
}

// Same inputs, same bytes: again, and with any number of threads.
TEST_F(Backtest, SameInputsGiveTheSameBytes) {
  for (const char* name : {"index_cross.yaml", "opening_straddle.yaml", "atm_hourly.json"}) {
    RunOptions one, four;
    four.workers = Workers(4);
    RunResult a = must(run(*lake_, shipped(name), one));
    EXPECT_FALSE(a.existed);
    RunResult b = must(run(*lake_, shipped(name), four));
    EXPECT_TRUE(b.existed) << name;
    EXPECT_EQ(a.run_id, b.run_id);
    EXPECT_EQ(a.ledger_hash, b.ledger_hash);
    std::filesystem::remove_all(a.path);
    RunResult c = must(run(*lake_, shipped(name), four));
    EXPECT_FALSE(c.existed);
    EXPECT_EQ(a.ledger_hash, c.ledger_hash);
  }
}

TEST_F(Backtest, LedgerIsListedLoadedVerifiedAndRerun) {
  RunResult a = must(run(*lake_, shipped("index_cross.yaml")));
  RunResult b = must(run(*lake_, shipped("opening_straddle.yaml")));
  auto all = must(runs(*lake_));
  ASSERT_EQ(all.size(), 2u);
  RunRecord record = must(load(*lake_, a.run_id.substr(0, 8)));
  EXPECT_EQ(record.run_id, a.run_id);
  EXPECT_EQ(record.ledger_hash, a.ledger_hash);
  EXPECT_EQ(record.source_hash, source_hash());
  EXPECT_EQ(record.metrics.size(), a.metrics.size());
  EXPECT_EQ(record.record["inputs"][0]["version"], a.version);
  EXPECT_FALSE(record.record.dump().find("host") != std::string::npos);  // host and times stay out of what is hashed
  EXPECT_TRUE(record.meta.contains("host") && record.meta.contains("started"));
  EXPECT_TRUE(verify(record).ok());
  RerunResult again = must(rerun(*lake_, b.run_id));
  EXPECT_TRUE(again.same);
  EXPECT_TRUE(again.changed.empty());
  must(write_file_atomically(record.path + "/trades.parquet", "tampered"));
  Status status = verify(record);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find("trades.parquet is not what the run wrote"), std::string::npos);
  // Nor is it "the same bytes again" for who runs it again.
  for (const Status& spoilt : {run(*lake_, shipped("index_cross.yaml")).status(), rerun(*lake_, a.run_id).status()}) {
    EXPECT_EQ(exit_code(spoilt), 1);
    EXPECT_NE(spoilt.message().find("trades.parquet"), std::string::npos) << spoilt.message();
  }
  EXPECT_EQ(exit_code(load(*lake_, "feedfeed").status()), 2);
}

TEST_F(Backtest, ARunThatWouldDifferIsRefused) {
  RunResult a = must(run(*lake_, shipped("index_cross.yaml")));
  Json record = must(load(*lake_, a.run_id)).record;
  Written same = must(write_run(*lake_, {{"run_id", "abc"}}, {{"x", "1"}}, {}, Json::object()));
  EXPECT_FALSE(same.existed);
  EXPECT_TRUE(must(write_run(*lake_, {{"run_id", "abc"}}, {{"x", "1"}}, {}, Json::object())).existed);
  auto other = write_run(*lake_, {{"run_id", "abc"}}, {{"x", "2"}}, {}, Json::object());
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.status().message().find("another result: x"), std::string::npos) << other.status();
}

// More data makes another run, and the old one can still be had over the version it read.
TEST_F(Backtest, VersionsOfTheTableAreApart) {
  Folder folder;
  auto lake = must(lake::Lake::open(folder.path() + "/lake", true));
  store_index(lake, Date::of(2005, 1, 3), Date::of(2009, 12, 31));
  RunResult a = must(run(lake, shipped("index_cross.yaml")));
  store_index(lake, Date::of(2010, 1, 4), Date::of(2012, 12, 31), 8);
  RunResult b = must(run(lake, shipped("index_cross.yaml")));
  EXPECT_NE(a.run_id, b.run_id);
  RerunResult again = must(rerun(lake, a.run_id));
  EXPECT_TRUE(again.same);
  EXPECT_EQ(again.run.version, a.version);
}

TEST_F(Backtest, DaysThatFailTheSanityGatesAreListedNotTraded) {
  Folder folder;
  auto lake = must(lake::Lake::open(folder.path() + "/lake", true));
  store_chain(lake, kThursday);
  store_chain(lake, kFriday, 1, true);
  RunResult r = must(run(lake, shipped("opening_straddle.yaml")));
  EXPECT_EQ(r.sessions, 1);
  ASSERT_EQ(r.refused.size(), 1u);
  EXPECT_EQ(r.refused[0].date, kFriday);
  EXPECT_NE(r.refused[0].failures.at(0).find("bid above the ask"), std::string::npos);
  EXPECT_NE(must(read_file(r.path + "/days.json")).find("bid above the ask"), std::string::npos);
}

// Planted in a table: a bar that became known after the open it would trade at.
TEST_F(Backtest, ALookAheadInTheTableIsRefused) {
  Folder folder;
  auto lake = must(lake::Lake::open(folder.path() + "/lake", true));
  Rows rows;
  for (int i = 0; i < 3; ++i) {
    Date date = Date::of(2024, 1, 3) + i;
    Session s = must(must(Calendar::load("nyse"))->session(date));
    rows.numbers.push_back({{"session", date.days},
                            {"open", 1000},
                            {"high", 1000},
                            {"low", 1000},
                            {"close", 1000},
                            {"volume", 1},
                            {"available_at", s.close().us + (i == 0 ? 2 * kDay : 0)}});
    rows.texts.push_back({{"instrument_id", "US:SPX"}, {"symbol", "SPX"}});
  }
  store(lake, "sp500_index", "x", rows);
  auto result = run(
      lake,
      write("cross.yaml",
            "name: x\nuniverse: {table: sp500_index, symbols: [SPX]}\ncapital: 1000\nentry: {when: \"close > 5\"}\n"));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(exit_code(result.status()), 1);
  EXPECT_NE(result.status().message().find("look-ahead: SPX of 2024-01-03"), std::string::npos) << result.status();
  EXPECT_TRUE(must(runs(lake)).empty());
}

TEST_F(Backtest, WhatIsNotThereIsSaid) {
  auto message = [&](const std::string& text) {
    auto result = run(*lake_, write("bad.yaml", text));
    return result.ok() ? std::string("it ran") : render(result.status(), false);
  };
  EXPECT_NE(message("name: x\nuniverse: {table: sp500, symbols: [A]}\ncapital: 1000\nentry: {when: \"close > 5\"}\n")
                .find("no table sp500"),
            std::string::npos);
  EXPECT_NE(
      message("name: x\nuniverse: {table: sp500_index, symbols: [SPY]}\ncapital: 1000\nentry: {when: \"close > 5\"}\n")
          .find("no rows of \"SPY\""),
      std::string::npos);
  EXPECT_NE(message("name: x\nuniverse: {table: sp500_index}\ncapital: 1000\nentry: {when: \"closs > 5\"}\n")
                .find("did you mean \"close\"?"),
            std::string::npos);
  EXPECT_NE(message("name: x\nuniverse: {table: sp500_index}\ncapital: 1000 EUR\nentry: {when: \"close > 5\"}\n")
                .find("in EUR"),
            std::string::npos);
  std::string straddle = must(read_file(shipped("opening_straddle.yaml")));
  std::string other = straddle;
  other.replace(other.find("symbol: TAPE"), 12, "symbol: TAPA");
  EXPECT_NE(message(other).find("no option contracts"), std::string::npos) << message(other);
  other = straddle;
  other.replace(other.find("rules: demo_options"), 19, "rules: nse_fo");
  EXPECT_NE(message(other).find("says nothing of lot_size of TAPE"), std::string::npos) << message(other);
  EXPECT_NE(message("name: x\nuniverse: {symbol: TAPE, table: sp500_index, rules: demo_options}\nwhen: {time_window: "
                    "{start: \"09:20\", end: \"10:00\"}}\nentry: {legs: [{cp: CE, qty: 1}]}\n")
                .find("not partitioned by date"),
            std::string::npos);
}

// Where nothing can be written the environment is to blame, and nothing half-written is left.
TEST_F(Backtest, AnUnwritableLedgerIsTheEnvironmentsFault) {
  Folder folder;
  auto lake = must(lake::Lake::open(folder.path() + "/lake", true));
  store_index(lake, Date::of(2005, 1, 3), Date::of(2006, 12, 29));
  must(write_file_atomically(lake.root() + "/runs", "a file where the folder should be"));
  auto result = run(lake, shipped("index_cross.yaml"));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(exit_code(result.status()), 3) << result.status();
  RunOptions dry;
  dry.write = false;
  EXPECT_TRUE(run(lake, shipped("index_cross.yaml"), dry).ok());
}

TEST_F(Backtest, CheckNeedsNoLake) {
  CheckReport report = must(check(shipped("index_cross.yaml")));
  EXPECT_EQ(report.form, "daily");
  EXPECT_FALSE(report.resolved.empty());
  EXPECT_EQ(must(check(shipped("opening_straddle.yaml"))).form, "option");
  EXPECT_FALSE(
      check(write("c.yaml", "name: x\nuniverse: {table: sp500_index}\ncapital: 1\nentry: {when: \"closs > 5\"}\n"))
          .ok());
}

}  // namespace
}  // namespace tapemill::backtest
