// A spec whose columns changed: what is allowed evolves the table in place, what is forbidden says what to do.
#include "lake/compact.h"
#include "lake/evolve.h"
#include "lake/sql.h"
#include "pipeline/rebuild.h"
#include "pipeline_test.h"

namespace tapemill::pipeline {
namespace {
using namespace test;

struct Evolve : ::testing::Test {
  Folder folder;
  std::string lake = folder / "lake";
  MemoryBudget budget{0};
  static constexpr const char* kRows = "symbol,session,close,trades\nA,2024-01-03,1.5,7\n";
  /// Bars of a CSV; `more` are columns that came later.
  static std::string spec(const std::string& more = {}, const std::string& version = {}) {
    return (version.empty() ? "" : "schema_version: " + version + "\n") +
           "table: bars\nsource: csv\ncalendar: nyse\nexchange: US\nsession: {from: column, column: session}\n"
           "key: [symbol, session]\npartitions: [year]\ncolumns:\n  symbol: {type: string, null: refuse}\n"
           "  session: {type: date, null: refuse}\n  close: {type: \"decimal(18,2)\", unit: USD}\n"
           "  trades: {type: int32}\n" +
           more + "csv: {columns: {symbol: {from: symbol}, session: {from: session, format: \"%Y-%m-%d\"}}}\n";
  }
  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  }
  lake::Table bars(lake::Layer layer = lake::Layer::bronze) { return opened(lake).table(layer, "bars"); }
  Status take(const std::string& text, const std::string& name, const std::string& rows) {
    auto dataset = parse_dataset(text, "bars.yaml");
    ARROW_RETURN_NOT_OK(dataset.status());
    ARROW_ASSIGN_OR_RAISE(auto opened, lake::Lake::open(lake, true));
    ARROW_ASSIGN_OR_RAISE(auto report, ingest(opened, *dataset, {folder.write("in/" + name, rows)}, Instant{kArrived},
                                              Workers(1), budget));
    return report.refused.empty() ? Status::OK() : data_error(report.refused.front().error);
  }
  Status first(const std::string& text) {
    return take(text, "one.csv", "symbol,session,close,trades\nA,2024-01-02,1.5,7\nB,2024-01-02,2.5,\n");
  }
  std::string error_of(const std::string& text) {
    const auto before = must(bars().version());
    Status status = take(text, "two.csv", kRows);
    EXPECT_EQ(exit_code(status), 1) << status.ToString();
    EXPECT_EQ(must(bars().version()), before);
    return render(status, false);
  }
  std::string sql(const std::string& text, const std::string& column, std::int64_t row = 0) {
    return at(*must(lake::query(opened(lake), text)), column, row);
  }
};

TEST_F(Evolve, AFurtherColumnThatMayBeNullComesInAndOldRowsHaveNone) {
  ASSERT_TRUE(first(spec()).ok());
  const std::string more = spec("  vwap: {type: double}\n");
  const std::string rows = "symbol,session,close,trades,vwap\nA,2024-01-03,2.5,8,2.25\n";
  ASSERT_TRUE(take(more, "two.csv", rows).ok());
  auto table = rows_of(lake, "bars");
  ASSERT_EQ(table->num_rows(), 3);
  EXPECT_EQ(at(*table, "vwap", 0), "null");
  EXPECT_EQ(at(*table, "vwap", 1), "2.25");
  EXPECT_EQ(sql("select session, vwap, close from bars order by symbol, session", "vwap", 0), "null");
  EXPECT_EQ(sql("select session, vwap, close from bars order by symbol, session", "vwap", 1), "2.25");
  EXPECT_EQ(sql("select session, vwap, close from bars order by symbol, session", "close", 0), "1.50");
  auto history = must(bars().history());
  EXPECT_EQ(history[1].operation, "EVOLVE");
  EXPECT_EQ(must(bars().snapshot()).configuration.at(lake::kSchemaNumber), "1");
  ASSERT_TRUE(take(more, "two.csv", rows).ok());
  EXPECT_EQ(must(bars().history()).size(), history.size());  // once
}

TEST_F(Evolve, TimeTravelHasTheColumnsOfThen) {
  ASSERT_TRUE(first(spec()).ok());
  const auto then = must(bars().version());
  ASSERT_TRUE(
      take(spec("  vwap: {type: double}\n"), "two.csv", "symbol,session,close,trades,vwap\nA,2024-01-03,2.5,8,2.25\n")
          .ok());
  auto rows = rows_of(lake, "bars", then);
  EXPECT_EQ(rows->num_rows(), 2);
  EXPECT_EQ(rows->GetColumnByName("vwap"), nullptr);
  EXPECT_FALSE(lake::query(opened(lake), fmt::format("select vwap from bars at (version => {})", then)).ok());
  EXPECT_EQ(sql(fmt::format("select count(*) n from bars at (version => {})", then), "n"), "2");
}

TEST_F(Evolve, BeforeAnyRowHasTheColumnSqlKnowsIt) {
  ASSERT_TRUE(first(spec()).ok());
  ASSERT_TRUE(lake::create_or_evolve(bars(), must(parse_dataset(spec("  vwap: {type: double}\n"), "bars.yaml")),
                                     Workers(1), budget)
                  .ok());
  EXPECT_EQ(sql("select count(*) n, count(vwap) v from bars", "v"), "0");
}

TEST_F(Evolve, ADefaultIsWhatRowsOfBeforeGetForEveryReader) {
  ASSERT_TRUE(first(spec()).ok());
  const auto then = must(bars().version());
  const std::string more = spec(
      "  venue: {type: string, null: refuse, default: XNYS}\n"
      "  fee: {type: \"decimal(18,4)\", default: 0.0010}\n");
  ASSERT_TRUE(take(more, "two.csv", "symbol,session,close,trades,venue\nA,2024-01-03,2.5,8,XNAS\n").ok());
  auto rows = rows_of(lake, "bars");
  EXPECT_EQ(at(*rows, "venue", 0), "XNYS");
  EXPECT_EQ(at(*rows, "venue", 1), "XNAS");
  EXPECT_EQ(at(*rows, "fee", 0), "0.0010");
  EXPECT_EQ(at(*rows, "fee", 1), "0.0010");  // the new file lacks the column: its default
  EXPECT_EQ(sql("select count(*) n from bars where venue = 'XNYS'", "n"), "2");
  EXPECT_EQ(rows_of(lake, "bars", then)->GetColumnByName("venue"), nullptr);
  for (const auto& part : must(bars().snapshot()).parts) EXPECT_NE(part.stats.find("venue"), std::string::npos);
  // Units are those of before: the same file again changes nothing.
  const auto version = must(bars().version());
  ASSERT_TRUE(first(more).ok());
  EXPECT_EQ(must(bars().version()), version);
}

TEST_F(Evolve, ADefaultThatIsNoneOfTheTypeIsAnErrorOfTheSpec) {
  for (auto [type, text] : {std::pair{"int32", "many"},
                            {"\"decimal(18,2)\"", "0.001"},
                            {"date", "yesterday"},
                            {"boolean", "maybe"},
                            {"double", "nan"},
                            {"timestamp", "noon"}}) {
    auto parsed = parse_dataset(spec(fmt::format("  more: {{type: {}, default: {}}}\n", type, text)), "bars.yaml");
    ASSERT_EQ(exit_code(parsed.status()), 2) << type;
    EXPECT_NE(parsed.status().message().find("bars.yaml:"), std::string::npos) << parsed.status().message();
    EXPECT_NE(parsed.status().message().find("the default \"" + std::string(text)), std::string::npos);
  }
  EXPECT_EQ(exit_code(parse_dataset(spec("  more: {type: int32, null: refuse, default: null}\n"), "b.yaml").status()),
            2);
}

TEST_F(Evolve, AnIntegerMayBecomeALong) {
  ASSERT_TRUE(first(spec()).ok());
  const auto then = must(bars().version());
  ASSERT_TRUE(take(replaced(spec(), "trades: {type: int32}", "trades: {type: int64}"), "two.csv",
                   "symbol,session,close,trades\nA,2024-01-03,1.5,7000000000\n")
                  .ok());
  auto rows = rows_of(lake, "bars");
  EXPECT_EQ(rows->GetColumnByName("trades")->type()->id(), arrow::Type::INT64);
  EXPECT_EQ(at(*rows, "trades", 0), "7");
  EXPECT_EQ(at(*rows, "trades", 1), "7000000000");
  EXPECT_EQ(at(*rows, "trades", 2), "null");
  EXPECT_EQ(rows_of(lake, "bars", then)->GetColumnByName("trades")->type()->id(), arrow::Type::INT32);
  EXPECT_EQ(sql("select sum(trades)::bigint s from bars", "s"), "7000000007");
}

TEST_F(Evolve, AUnitMayComeAndIsInForceThen) {
  ASSERT_TRUE(first(replaced(spec(), ", unit: USD", "")).ok());
  const Dataset later = must(parse_dataset(spec(), "bars.yaml"));
  const auto evolution = must(lake::evolution_of(bars(), must(bars().snapshot()), later));
  ASSERT_EQ(evolution.changes.size(), 1u);
  EXPECT_TRUE(evolution.changes[0].allowed);
  EXPECT_EQ(evolution.changes[0].what, "close is said to be in USD now");
  ASSERT_TRUE(take(spec(), "two.csv", kRows).ok());
  EXPECT_EQ(rows_of(lake, "bars")->num_rows(), 3);
  EXPECT_NE(error_of(replaced(spec(), "unit: USD", "unit: cents")).find("is in USD in the table"), std::string::npos);
}

TEST_F(Evolve, AnAliasOfTwoColumnsIsAnErrorOfTheSpec) {
  const std::string text =
      replaced(spec(), "  trades: {type: int32}\n",
               "  b: {type: int32, aliases: [trades]}\n  c: {type: int32, aliases: [other, trades]}\n");
  auto dataset = parse_dataset(text, "bars.yaml");
  EXPECT_EQ(exit_code(dataset.status()), 2);
  const std::string error = render(dataset.status(), false);
  EXPECT_NE(error.find("bars.yaml:13:"), std::string::npos) << error;
  EXPECT_NE(error.find("\"trades\" is an alias of \"b\" and of \"c\""), std::string::npos) << error;
}

TEST_F(Evolve, AnAliasIsTheNameOfBefore) {
  ASSERT_TRUE(first(spec()).ok());
  std::string text = replaced(spec(), "trades: {type: int32}", "transactions: {type: int32, aliases: [count, trades]}");
  text =
      replaced(text, "symbol: {type: string, null: refuse}", "ticker: {type: string, null: refuse, aliases: [symbol]}");
  text = replaced(text, "key: [symbol, session]", "key: [ticker, session]");
  text = replaced(text, "symbol: {from: symbol}, ", "");
  ASSERT_TRUE(take(text, "two.csv", kRows).ok());  // files may still have the old names
  ASSERT_TRUE(take(text, "three.csv", "ticker,session,close,transactions\nC,2024-01-04,1.5,9\n").ok());
  auto rows = rows_of(lake, "bars");
  ASSERT_EQ(rows->num_rows(), 4);
  EXPECT_EQ(rows->GetColumnByName("trades"), nullptr);
  EXPECT_EQ(at(*rows, "ticker", 0), "A");
  EXPECT_EQ(at(*rows, "transactions", 0), "7");
  EXPECT_EQ(at(*rows, "transactions", 3), "9");
  const auto snapshot = must(bars().snapshot());
  EXPECT_EQ(snapshot.configuration.at(lake::kSort), "ticker,session");
  EXPECT_EQ(snapshot.configuration.at(lake::kKey), "ticker,session");
  EXPECT_EQ(sql("select sum(transactions)::bigint s from bars where ticker = 'A'", "s"), "14");
  Status neither = take(text, "four.csv", "ticker,session,close\nD,2024-01-05,1\n");
  EXPECT_NE(neither.message().find("neither it nor what it was called: count, trades"), std::string::npos)
      << neither.message();
}

TEST_F(Evolve, ARuleAboutNullsMayGoAndMayComeWhereNoneIsIn) {
  ASSERT_TRUE(first(spec()).ok());
  ASSERT_TRUE(take(replaced(spec(), "unit: USD}", "unit: USD, null: refuse}"), "two.csv", kRows).ok());
  EXPECT_FALSE(must(bars().snapshot()).schema->GetFieldByName("close")->nullable());
  const std::string error = error_of(replaced(spec(), "{type: int32}", "{type: int32, null: refuse}"));
  EXPECT_NE(error.find("column \"trades\" refuses nulls in the spec, and rows that are in have some"),
            std::string::npos)
      << error;
  ASSERT_TRUE(take(spec(), "three.csv", "symbol,session,close,trades\nC,2024-01-04,,1\n").ok());
  EXPECT_TRUE(must(bars().snapshot()).schema->GetFieldByName("close")->nullable());
  EXPECT_EQ(sql("select count(*) n from bars where close is null", "n"), "1");
}

TEST_F(Evolve, ForbiddenChangesNameColumnTypesAndWhatToDo) {
  ASSERT_TRUE(first(spec()).ok());
  auto expect = [&](const std::string& text, const std::vector<std::string>& said) {
    const std::string error = error_of(text);
    for (const std::string& one : said) EXPECT_NE(error.find(one), std::string::npos) << one << "\n" << error;
  };
  expect(spec("  vwap: {type: double, null: refuse}\n"),
         {"the new column \"vwap\" (double) refuses nulls", "the 2 rows that are in", "give it a default:"});
  expect(replaced(spec(), "  trades: {type: int32}\n", ""),
         {"bronze.bars has the column \"trades\"", "a column may not go", "tapemill rebuild bars"});
  expect(replaced(spec(), "decimal(18,2)", "decimal(18,4)"),
         {"column \"close\" is decimal(18,2) in the table and decimal(18,4) in the spec", "a scale may not change",
          "table: bars_v2"});
  expect(replaced(spec(), "type: int32", "type: string"),
         {"column \"trades\" is integer in the table and string in the spec", "a type may not change"});
  expect(replaced(spec(), "unit: USD", "unit: cents"),
         {"column \"close\" is in USD in the table and in cents in the spec", "change of meaning"});
  expect(replaced(spec(), ", unit: USD", ""),
         {"column \"close\" is in USD in the table and has no unit in the spec", "keep unit: USD"});
  expect(replaced(spec(), "partitions: [year]", "partitions: [year, month]"),
         {"is partitioned by year, the spec says year, month"});
  expect(replaced(spec(), "symbol: {type: string, null: refuse}", "symbol: {type: string, null: refuse, symbols: [A]}"),
         {"column \"symbol\" has any text in the table", "none may go"});
}

TEST_F(Evolve, RebuildTakesWhatEvolutionForbids) {
  ASSERT_TRUE(first(spec()).ok());
  const std::string other = replaced(spec(), "decimal(18,2)", "decimal(18,4)");
  EXPECT_NE(error_of(other).find(bars().path()), std::string::npos);
  fs::remove_all(bars().path());  // as the message says
  auto report = must(rebuild(opened(lake), must(parse_dataset(other, "bars.yaml")), Workers(1), budget));
  EXPECT_EQ(report.bronze.quality.rows_kept, 2);
  EXPECT_EQ(at(*rows_of(lake, "bars"), "close", 0), "1.5000");
}

TEST_F(Evolve, RebuildReadsFilesOfBeforeTheColumnByItsDefault) {
  ASSERT_TRUE(first(spec()).ok());
  const std::string more = spec("  venue: {type: string, default: XNYS}\n  vwap: {type: double, default: null}\n");
  ASSERT_TRUE(take(more, "two.csv", "symbol,session,close,trades,venue,vwap\nA,2024-01-03,2.5,8,XNAS,1\n").ok());
  auto report = must(rebuild(opened(lake), must(parse_dataset(more, "bars.yaml")), Workers(1), budget));
  ASSERT_TRUE(report.bronze.refused.empty()) << report.bronze.refused.front().error;
  auto rows = rows_of(lake, "bars");
  EXPECT_EQ(at(*rows, "venue", 0), "XNYS");
  EXPECT_EQ(at(*rows, "vwap", 0), "null");
  EXPECT_EQ(at(*rows, "venue", 1), "XNAS");
}

TEST_F(Evolve, SymbolsMayBeAddedAndRowsWithOthersAreQuarantined) {
  const std::string side = "  side: {type: string, symbols: [BUY, SELL]}\n";
  ASSERT_TRUE(
      take(spec(side), "one.csv", "symbol,session,close,trades,side\nA,2024-01-02,1,1,BUY\nB,2024-01-02,1,1,SHORT\n")
          .ok());
  EXPECT_EQ(rows_of(lake, "bars")->num_rows(), 1);
  auto refused = must(quarantined(opened(lake), "bars", {"symbols", "", 0}));
  ASSERT_EQ(refused->num_rows(), 1);
  EXPECT_NE(at(*refused, "reason", 0).find("\"SHORT\" is none of BUY, SELL"), std::string::npos);
  ASSERT_TRUE(take(spec("  side: {type: string, symbols: [BUY, SELL, SHORT]}\n"), "two.csv",
                   "symbol,session,close,trades,side\nB,2024-01-03,1,1,SHORT\n")
                  .ok());
  EXPECT_EQ(rows_of(lake, "bars")->num_rows(), 2);
  const std::string error = error_of(spec("  side: {type: string, symbols: [BUY, SHORT]}\n"));
  EXPECT_NE(error.find("the symbols BUY,SELL,SHORT in the table and only the symbols BUY,SHORT"), std::string::npos)
      << error;
}

TEST_F(Evolve, EveryRowSaysItsVersionAndVersionsRise) {
  ASSERT_TRUE(first(spec({}, "v1.0.0")).ok());
  std::string error = error_of(spec("  vwap: {type: double}\n", "v1.0.0"));
  EXPECT_NE(error.find("say schema_version: 1.1.0"), std::string::npos) << error;
  error = error_of(spec("  vwap: {type: double}\n", "2.0.0"));
  EXPECT_NE(error.find("table: bars_v2"), std::string::npos) << error;
  error = error_of(spec({}, "0.9.0"));
  EXPECT_NE(error.find("older than the table"), std::string::npos) << error;
  error = error_of(spec());
  EXPECT_NE(error.find("the spec has none"), std::string::npos) << error;
  ASSERT_TRUE(take(spec("  vwap: {type: double}\n", "v1.1.0"), "two.csv",
                   "symbol,session,close,trades,vwap\nA,2024-01-03,2.5,8,2.25\n")
                  .ok());
  auto rows = rows_of(lake, "bars");
  EXPECT_EQ(at(*rows, "schema_version", 0), "v1.0.0");
  EXPECT_EQ(at(*rows, "schema_version", 1), "v1.1.0");
  EXPECT_EQ(exit_code(take(spec({}, "1.1"), "three.csv", kRows)), 2);
}

TEST_F(Evolve, ATableWithoutVersionsCanGetThem) {
  ASSERT_TRUE(first(spec()).ok());
  ASSERT_TRUE(take(spec({}, "1.0.0"), "two.csv", kRows).ok());
  auto rows = rows_of(lake, "bars");
  EXPECT_EQ(at(*rows, "schema_version", 0), "null");
  EXPECT_EQ(at(*rows, "schema_version", 1), "1.0.0");
}

TEST_F(Evolve, SilverThatIsACopyFollows) {
  const std::string copy = "silver: copy\nsilver_nulls: [{columns: [close], when: \"trades == 0\"}]\n";
  ASSERT_TRUE(first(copy + spec()).ok());
  const std::string more =
      copy + replaced(spec("  venue: {type: string, default: XNYS}\n"), "type: int32", "type: int64");
  ASSERT_TRUE(take(more, "two.csv", "symbol,session,close,trades,venue\nA,2024-01-03,2.5,0,XNAS\n").ok());
  auto rows = rows_of(lake, "silver.bars");
  ASSERT_EQ(rows->num_rows(), 3);
  EXPECT_EQ(at(*rows, "venue", 0), "XNYS");
  EXPECT_EQ(at(*rows, "close", 0), "1.50");
  EXPECT_EQ(at(*rows, "close", 1), "null");
  EXPECT_TRUE(
      must(bars(lake::Layer::silver).snapshot()).schema->GetFieldByName("trades")->type()->Equals(arrow::int64()));
}

TEST_F(Evolve, PartsOfBothShapesAreCompactedIntoOne) {
  ASSERT_TRUE(first(spec({}, "1.0.0")).ok());
  ASSERT_TRUE(take(spec("  vwap: {type: double}\n", "1.1.0"), "two.csv",
                   "symbol,session,close,trades,vwap\nA,2024-01-03,2.5,8,2.25\n")
                  .ok());
  auto before = rows_of(lake, "bars");
  auto snapshot = must(bars().snapshot());
  auto report = must(lake::compact(bars(), lake::layout_of(snapshot), {}, Workers(1), budget));
  EXPECT_EQ(report.files_after, 1);
  auto after = rows_of(lake, "bars");
  EXPECT_TRUE(after->Equals(*before)) << after->ToString();
  EXPECT_EQ(sql("select count(vwap) v, count(*) n from bars", "v"), "1");
  // A compacted part of several units can be widened too, and its units are known still.
  ASSERT_TRUE(take(replaced(spec("  vwap: {type: double}\n", "1.2.0"), "type: int32", "type: int64"), "two.csv",
                   "symbol,session,close,trades,vwap\nA,2024-01-03,2.5,8,2.25\n")
                  .ok());
  EXPECT_EQ(rows_of(lake, "bars")->num_rows(), 3);
  EXPECT_EQ(must(bars().history()).front().operation, "EVOLVE");
}

TEST_F(Evolve, ANewerProcessDoesNotHaveItsColumnsMixedByAnOlderOne) {
  ASSERT_TRUE(first(spec("  vwap: {type: double, default: null}\n")).ok());
  EXPECT_EQ(exit_code(take(spec(), "two.csv", kRows)), 1);  // the spec of before: "a column may not go"
  EXPECT_EQ(rows_of(lake, "bars")->num_rows(), 2);
}

}  // namespace
}  // namespace tapemill::pipeline
