#include <gmock/gmock.h>

#include <thread>

#include "lake/scan.h"
#include "lake/sql.h"
#include "lake/sql_tokens.h"
#include "lake/writer.h"
#include "lake_test.h"

namespace tapemill::lake {
namespace {
using namespace test;
using testing::HasSubstr;
using testing::Not;

class SqlTest : public testing::Test {
 protected:
  Folder folder;
  Lake lake = must(Lake::open(folder.path() + "/lake", true));
  Table table = lake.table(Layer::bronze, "bars");
  const Date monday = Date::of(2024, 1, 29);

  void SetUp() override {
    if (Status available = sql_available(); !available.ok()) GTEST_SKIP() << "NO DUCKDB: " << available.ToString();
    must(table.create(bars_schema(), {"year", "month"}, {{kSort, "instrument_id,session"}}));
    add("2024-01-29", {{"A", monday, 10000, 1}, {"it's", monday, 20001, 2}});
    add("2024-02-01", {{"A", monday + 3, 10100, 3}});
  }
  void add(const std::string& unit, const std::vector<Bar>& bars) {
    MemoryBudget budget;
    auto writer = must(write_parts(table, Layout{bars_schema(), {"year", "month"}, {"instrument_id", "session"}},
                                   Provenance{unit, unit, "csv", 0, {}}, budget));
    must(writer->write(batch_of(bars)));
    Transaction one;
    one.read_version = must(table.version());
    one.adds = must(writer->finish());
    must(table.commit(one));
  }
  std::int64_t number(const std::string& sql) {
    auto rows = must(query(lake, sql));
    return std::stoll(must(rows->column(0)->GetScalar(0))->ToString());
  }
};

TEST_F(SqlTest, TablesByBareNameLayerAndAlias) {
  EXPECT_EQ(number("select count(*) from bars"), 3);
  EXPECT_EQ(number("select count(*) from silver.bars"), 3);
  EXPECT_EQ(number("SELECT count(*) FROM Bronze.BARS"), 3);
  EXPECT_EQ(number("select count(*) from raw.bars"), 3);
  EXPECT_EQ(number("select count(*) from \"bars\" where year = 2024 and month = 2"), 1);
  EXPECT_EQ(number("with bars as (select 7 as x) select x from bars"), 7);
}

TEST_F(SqlTest, TypesComeBackAsTheyAreEverywhere) {
  auto rows = must(
      query(lake, "select instrument_id, session, close, volume, weight, available_at from bars order by close desc"));
  ASSERT_EQ(rows->num_rows(), 3);
  for (int i = 0; i < 6; ++i)
    EXPECT_TRUE(rows->field(i)->type()->Equals(bars_schema()->field(i)->type())) << rows->field(i)->ToString();
  EXPECT_EQ(must(doubles(*rows, "close"))[0], 2.0001);
  EXPECT_EQ(must(doubles(*must(query(lake, "select sum(close) s from bars")), "s"))[0], 4.0101);
}

TEST_F(SqlTest, TimeTravelByVersionAndTime) {
  EXPECT_EQ(number("select count(*) from bars at (version => 1)"), 2);
  EXPECT_EQ(number("select count(*) from bronze.bars AT (VERSION=>0)"), 0);
  EXPECT_EQ(number("select count(*) from bars AT /* here */ (VERSION => 1) where bars.close > 2"), 1);
  EXPECT_EQ(number("select count(*) from bars now join bars at (version => 1) old using (instrument_id, session)"), 2);
  EXPECT_EQ(number("select count(*) from bars where 'bars at (version => 0)' <> ''  -- bars at (version => 0)"), 3);
  SqlOptions options;
  options.versions["bars"] = 1;
  EXPECT_EQ(must(query(lake, "select * from bars", options))->num_rows(), 2);
  const auto history = must(table.history());
  const std::string then = Instant{history[1].timestamp_ms * 1000}.str();
  EXPECT_EQ(number("select count(*) from bars at (timestamp => '" + then + "')"), 2);
  EXPECT_EQ(exit_code(query(lake, "select * from bars at (timestamp => '2001-01-01')").status()), 1);
  Status status = query(lake, "select * from bars at (version => 9)").status();
  EXPECT_EQ(exit_code(status), 2);
  EXPECT_THAT(render(status, false), HasSubstr("versions 0 to 2"));
}

TEST_F(SqlTest, NothingButTheTablesCanBeReadAndNothingWritten) {
  const std::string outside = folder.path() + "/secret.csv";
  write_text(outside, "secret\n1\n");
  write_text(table.path() + "/stray.csv", "x\n1\n");
  for (const std::string& sql : {std::string("select * from read_csv('/etc/passwd')"),
                                 "select * from read_text('" + outside + "')",
                                 "select * from '" + outside + "'",
                                 "select * from read_csv('" + table.path() + "/stray.csv')",
                                 std::string("select * from glob('/etc/*')"),
                                 "copy (select 1) to '" + folder.path() + "/out.csv'",
                                 "explain analyze copy (select 1) to '" + folder.path() + "/out.csv'",
                                 std::string("explain analyze create table t as select 1"),
                                 std::string("explain create table t as select 1"),
                                 std::string("explain (analyze) delete from bars"),
                                 std::string("explain analyze with a as (select 1) insert into bars select * from a"),
                                 std::string("explain"),
                                 "attach '" + folder.path() + "/x.db'",
                                 std::string("install httpfs"),
                                 std::string("load httpfs"),
                                 std::string("pragma threads = 1"),
                                 std::string("pragma enable_profiling"),
                                 std::string("set threads = 1"),
                                 std::string("create table t (x int)"),
                                 std::string("drop view bars"),
                                 std::string("insert into bars values (1)"),
                                 std::string("reset enable_external_access"),
                                 std::string("call pragma_version()"),
                                 "export database '" + folder.path() + "/x'",
                                 std::string("select 1; select 2"),
                                 std::string(""),
                                 std::string("-- nothing")}) {
    Status status = query(lake, sql).status();
    EXPECT_FALSE(status.ok()) << sql;
    EXPECT_NE(exit_code(status), 0) << sql;
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/out.csv"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/x.db"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/x"));
}

TEST_F(SqlTest, MistakesSayWhatAndWhere) {
  Status status = query(lake, "select * from barz").status();
  EXPECT_EQ(exit_code(status), 2);
  EXPECT_THAT(render(status, false), HasSubstr("bars"));
  status = query(lake, "select clsoe from bars").status();
  EXPECT_EQ(exit_code(status), 2);
  EXPECT_THAT(render(status, false), HasSubstr("^"));
  EXPECT_EQ(exit_code(query(lake, "selec 1").status()), 2);
  status = query(lake, "select clsoe from bars at (version => 1)").status();
  EXPECT_THAT(render(status, false), Not(HasSubstr("silver@"))) << "a line that nobody wrote";
}

TEST_F(SqlTest, ExplainsSelects) {
  for (const char* sql : {"explain select * from bars", "explain analyze select * from bars where year = 2024",
                          "EXPLAIN (FORMAT json) WITH a AS (SELECT 1) SELECT * FROM a"})
    EXPECT_GE(must(query(lake, sql))->num_rows(), 1) << sql;
}

TEST_F(SqlTest, FoldersAboveTheTableAreNoPartitions) {
  const std::string above = folder.path() + "/year=1999/month=11/lake";
  std::filesystem::create_directories(above + "/bronze");
  std::filesystem::copy(table.path(), above + "/bronze/bars", std::filesystem::copy_options::recursive);
  const Lake moved = must(Lake::open(above, false));
  auto of = [&](const std::string& sql) { return must(must(query(moved, sql))->column(0)->GetScalar(0))->ToString(); };
  EXPECT_EQ(of("select min(year) * 100 + max(month) from bars"), "202402");
  EXPECT_EQ(of("select count(*) from bars where year = 2024 and month = 1"), "2");
  EXPECT_EQ(of("select count(*) from bars where year = 1999"), "0");
  EXPECT_EQ(of("select count(*) from bars at (version => 1) where year = 2024"), "2");
  EXPECT_EQ(of("select typeof(month) from bars limit 1"), "INTEGER");
}

TEST_F(SqlTest, FilesAreLeftOutByTheirPartition) {
  auto plan = must(query(lake, "explain analyze select count(*) from bars where year = 2024 and month = 2"));
  const std::string text = must(plan->column(1)->GetScalar(0))->ToString();
  EXPECT_THAT(text, HasSubstr("Total Files Read: 1")) << text;
}

TEST_F(SqlTest, APartThatIsDamagedOrGoneIsTheDatasFaultAsInAScan) {
  const std::string part = table.path() + "/" + must(table.snapshot()).parts.back().path;
  const auto size = std::filesystem::file_size(part);
  const auto same_as_scan = [&](const char* what) {
    Status status = query(lake, "select * from bars").status();
    ScanRequest request{table.name(), {}, {}, {}, {}, {}, {}};
    EXPECT_EQ(exit_code(status), 1) << status.ToString();
    EXPECT_EQ(exit_code(scan(lake, request).status()), 1);
    const std::string text = render(status, false);
    EXPECT_THAT(text, HasSubstr(part));
    EXPECT_THAT(text, HasSubstr(what));
    EXPECT_THAT(text, HasSubstr("restore it from a backup"));
    EXPECT_THAT(text, Not(HasSubstr("read_parquet")));
  };
  std::string bytes(size, 'x');
  std::ifstream(part).read(bytes.data(), static_cast<std::streamsize>(size));
  for (std::size_t i = 4; i < 60 && i < bytes.size(); ++i) bytes[i] = static_cast<char>(0xff);  // the first page
  write_text(part, bytes);
  same_as_scan("damaged");
  std::filesystem::resize_file(part, size / 2);  // no footer
  same_as_scan("is damaged");
  std::filesystem::resize_file(part, 0);
  same_as_scan("is damaged");
  std::filesystem::remove(part);
  same_as_scan("is in the log but not on the disk");
}

TEST_F(SqlTest, ListsShowEveryTable) {
  must(lake.table(Layer::gold, "rsi").create(bars_schema(), {}, {}));
  EXPECT_EQ(number("select count(*) from information_schema.tables where table_schema in ('bronze', 'silver', 'gold')"),
            3);
  EXPECT_GE(must(query(lake, "show all tables"))->num_rows(), 3);
  EXPECT_EQ(must(query(lake, "describe bars"))->num_rows(), 8);
  EXPECT_EQ(must(query(lake, "select * from gold.rsi"))->num_rows(), 0);
}

TEST_F(SqlTest, EscapedFoldersAndNullPartitionsAreReadRight) {
  Table own = lake.table(Layer::gold, "by_symbol");
  auto schema = arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("x", arrow::int64())});
  must(own.create(schema, {"symbol"}, {}));
  arrow::StringBuilder symbols;
  arrow::Int64Builder xs;
  const std::vector<std::string> texts{"B/C", "A=1 %", "M&M", "it's", "007", "Zé"};
  for (std::size_t i = 0; i < texts.size(); ++i)
    must(symbols.Append(texts[i])), must(xs.Append(static_cast<std::int64_t>(i)));
  must(symbols.AppendNull());
  must(xs.Append(99));
  MemoryBudget budget;
  auto writer = must(write_parts(own, Layout{schema, {"symbol"}, {"x"}}, Provenance{"s", "u", "", 0, {}}, budget));
  must(writer->write(arrow::RecordBatch::Make(schema, 7, {must(symbols.Finish()), must(xs.Finish())})));
  Transaction one;
  one.read_version = 0;
  one.adds = must(writer->finish());
  must(own.commit(one));
  auto rows = must(query(lake, "select symbol from gold.by_symbol order by x"));
  auto column = std::static_pointer_cast<arrow::StringArray>(rows->column(0)->chunk(0));
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(column->GetString(static_cast<std::int64_t>(i)), texts[i]);
  EXPECT_TRUE(column->IsNull(6));
  ScanRequest request{own.name(), {}, {"007"}, {}, {}, {}, {}};
  EXPECT_EQ(must(scan(lake, request)).rows->num_rows(), 1);
}

TEST_F(SqlTest, AQueryCanBeInterrupted) {
  std::stop_source source;
  SqlOptions options;
  options.stop = source.get_token();
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    source.request_stop();
  });
  const auto start = std::chrono::steady_clock::now();
  Status status = query(lake, "select count(*) from range(100000000000) a", options).status();
  EXPECT_TRUE(status.IsCancelled()) << status.ToString();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_EQ(exit_code(status), 130);
}

TEST_F(SqlTest, ItSpillsWithinItsMemory) {
  SqlOptions options;
  options.memory = 64 << 20;
  options.threads = 1;
  auto rows = must(
      query(lake, "select count(*) from (select x, row_number() over (order by hash(x)) n from range(3000000) t(x))",
            options));
  EXPECT_EQ(must(rows->column(0)->GetScalar(0))->ToString(), "3000000");
}

TEST(SqlTokensTest, TextsCommentsAndNames) {
  auto tokens = sql_tokens("select 'it''s' -- x\n, \"a\"\"b\" /* /* n */ 'c' */ e'\\'q' $t$ x ' $t$ 1.5e3 =>");
  std::vector<std::string> values;
  for (const auto& token : tokens) values.push_back(token.value);
  EXPECT_EQ(values, (std::vector<std::string>{"select", "it's", ",", "a\"b", "'q", " x ' ", "1.5e3", "=>"}));
  for (const char* open : {"'abc", "\"abc", "/* abc", "$a$ abc", "e'\\", "$", "--"})
    sql_tokens(open);  // unfinished: no crash
}

}  // namespace
}  // namespace tapemill::lake
