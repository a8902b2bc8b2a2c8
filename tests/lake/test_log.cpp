#include <gmock/gmock.h>

#include "lake/actions.h"
#include "lake/log.h"
#include "lake/schema.h"
#include "lake_test.h"

namespace tapemill::lake {
namespace {
using namespace test;
using testing::HasSubstr;

class LogTest : public testing::Test {
 protected:
  Folder folder;
  Lake lake = must(Lake::open(folder.path() + "/lake", true));
  Table table = lake.table(Layer::bronze, "bars");

  void make() { must(table.create(bars_schema(), {"year", "month"}, {{kSort, "instrument_id,session"}})); }
  std::string log_file(std::int64_t version) { return log_folder(table.path()) + "/" + commit_name(version); }
};

TEST_F(LogTest, ATableThatIsNotThereHasVersionMinusOne) {
  EXPECT_FALSE(table.exists());
  EXPECT_EQ(must(table.version()), -1);
  EXPECT_EQ(must(table.snapshot()).version, -1);
  EXPECT_FALSE(table.snapshot(3).ok());
}

TEST_F(LogTest, CreatedTableSaysItsSchemaPartitionsAndConfiguration) {
  make();
  Snapshot snapshot = must(table.snapshot());
  EXPECT_EQ(snapshot.version, 0);
  EXPECT_EQ(snapshot.schema->num_fields(), bars_schema()->num_fields() + 2);
  EXPECT_TRUE(snapshot.schema->field(2)->type()->Equals(arrow::decimal64(18, 4)));
  EXPECT_EQ(snapshot.partitions, (std::vector<std::string>{"year", "month"}));
  EXPECT_EQ(snapshot.list(kSort), (std::vector<std::string>{"instrument_id", "session"}));
  EXPECT_TRUE(snapshot.derived("year"));
  EXPECT_FALSE(snapshot.derived("session"));
  EXPECT_OK(table.create(bars_schema(), {"year", "month"}, {}));  // again: nothing
  EXPECT_EQ(must(table.version()), 0);
}

TEST_F(LogTest, AnotherSchemaIsADataErrorThatNamesTheColumn) {
  make();
  auto fields = bars_schema()->fields();
  fields[2] = arrow::field("close", arrow::decimal64(18, 2));
  Status status = table.create(arrow::schema(fields), {"year", "month"}, {});
  EXPECT_EQ(exit_code(status), 1);
  EXPECT_THAT(status.message(),
              HasSubstr("column \"close\" is decimal(18,4) in the table and decimal(18,2) in the spec"));
}

TEST_F(LogTest, AddsRemovesTransactionsAndTimeTravel) {
  make();
  Transaction first;
  first.read_version = 0;
  first.adds = {fake_part(table, "a.parquet", 10, "2024-01-02"), fake_part(table, "b.parquet", 20, "2024-01-03")};
  first.adds[0].partition = {{"year", "2024"}, {"month", ""}};
  first.adds[0].tags["source"] = "file \xff name";  // no UTF-8: must not break the log
  first.txn = {{"silver", 7}};
  first.counts = {{"rows_in", 31}, {"rows_quarantined", 1}};
  first.parameters = {{"mode", "Append"}, {"files", "2"}};
  EXPECT_EQ(must(table.commit(first)), 1);

  Transaction second;
  second.read_version = 1;
  second.removes = {"a.parquet"};
  second.adds = {fake_part(table, "c.parquet", 11, "2024-01-02")};
  second.operation = "REPLACE";
  EXPECT_EQ(must(table.commit(second)), 2);

  Snapshot now = must(table.snapshot());
  EXPECT_EQ(now.rows(), 31);
  ASSERT_EQ(now.parts.size(), 2u);
  EXPECT_EQ(now.parts[0].path, "b.parquet");
  EXPECT_EQ(now.txns.at("silver"), 7);
  Snapshot then = must(table.snapshot(1));
  EXPECT_EQ(then.rows(), 30);
  EXPECT_EQ(then.parts[0].path, "a.parquet");
  EXPECT_EQ(then.parts[0].partition.at("month"), "");
  EXPECT_EQ(then.parts[0].tags.at("unit"), "2024-01-02");
  EXPECT_GT(now.timestamp_ms, then.timestamp_ms);

  auto history = must(table.history());
  ASSERT_EQ(history.size(), 3u);
  EXPECT_EQ(history[0].operation, "REPLACE");
  EXPECT_EQ(history[1].info->at("tapemill").at("counts").at("rows_in"), 31);
  EXPECT_EQ(history[1].info->at("operationParameters").at("files"), "2");
  EXPECT_EQ(history[2].operation, "CREATE TABLE");
}

TEST_F(LogTest, AVersionThatIsNotThereNamesThoseThatAre) {
  make();
  Status status = table.snapshot(5).status();
  EXPECT_EQ(exit_code(status), 2);
  EXPECT_THAT(render(status, false), HasSubstr("versions 0 to 0 are there"));
}

TEST_F(LogTest, CheckpointsEveryTenCommitsGiveTheSameStateAsTheCommits) {
  make();
  std::string removed;
  for (int i = 1; i <= 25; ++i) {
    Transaction one;
    one.read_version = i - 1;
    std::filesystem::create_directories(table.path() + "/year=2024");
    one.adds = {fake_part(table, fmt::format("year=2024/p{} %:x.parquet", i), i, fmt::format("u{}", i))};
    one.adds[0].partition = {{"year", i % 2 == 0 ? "" : "2024"}, {"month", "1"}};
    if (!removed.empty() && i % 3 == 0) one.removes = {removed};
    one.txn = {{"app", i}};
    removed = one.adds[0].path;
    ASSERT_EQ(must(table.commit(one)), i);
  }
  const LogFiles files = must(list_log(table.path()));
  EXPECT_EQ(files.checkpoints, (std::vector<std::int64_t>{10, 20}));
  const auto whole = must(replay(table.path(), 20));
  LogState from_checkpoint = must(read_checkpoint(table.path(), 20));
  EXPECT_EQ(from_checkpoint.parts.size(), whole->parts.size());
  for (const auto& [path, part] : whole->parts) {
    ASSERT_TRUE(from_checkpoint.parts.contains(path)) << path;
    EXPECT_EQ(line(*from_checkpoint.parts.at(path), true), line(*part, true));
  }
  EXPECT_EQ(from_checkpoint.tombstones.size(), whole->tombstones.size());
  EXPECT_EQ(line(*from_checkpoint.metadata), line(*whole->metadata));
  EXPECT_EQ(from_checkpoint.txns.at("app").version, 20);

  // The commits below a checkpoint may go: newer versions are still read, older ones are refused clearly.
  for (int i = 0; i < 10; ++i) std::filesystem::remove(log_file(i));
  const std::string moved = folder.path() + "/moved";  // another folder: nothing of it is remembered in memory
  std::filesystem::rename(table.path(), moved);
  Table other(moved, table.name());
  EXPECT_EQ(must(other.snapshot()).version, 25);
  EXPECT_EQ(must(other.snapshot(12)).version, 12);
  EXPECT_GT(must(other.snapshot(10)).timestamp_ms, 0);
  Status status = other.snapshot(4).status();
  EXPECT_EQ(exit_code(status), 2);
  EXPECT_THAT(render(status, false), HasSubstr("versions 10 to 25 are there"));
}

TEST_F(LogTest, ABrokenCheckpointDoesNoHarmWhileTheCommitsAreThere) {
  make();
  for (int i = 1; i <= 10; ++i) {
    Transaction one;
    one.read_version = i - 1;
    one.adds = {fake_part(table, fmt::format("p{}.parquet", i), i)};
    ASSERT_EQ(must(table.commit(one)), i);
  }
  write_text(log_folder(table.path()) + "/" + checkpoint_name(10), "PAR1 no");
  const std::string moved = folder.path() + "/moved";
  std::filesystem::rename(table.path(), moved);
  EXPECT_EQ(must(Table(moved, table.name()).snapshot()).rows(), 55);
  for (int i = 0; i < 10; ++i) std::filesystem::remove(moved + "/_delta_log/" + commit_name(i));
  std::filesystem::rename(moved, moved + "2");
  Status status = Table(moved + "2", table.name()).snapshot().status();
  EXPECT_THAT(status.message(), HasSubstr("00000000000000000010.checkpoint.parquet"));
}

TEST_F(LogTest, TheLogIsReadAnewWhenTheFolderIsAnother) {
  make();
  Transaction one;
  one.read_version = 0;
  one.adds = {fake_part(table, "a.parquet", 3)};
  must(table.commit(one));
  EXPECT_EQ(must(table.snapshot()).rows(), 3);
  std::filesystem::remove_all(table.path());
  make();
  one.adds = {fake_part(table, "b.parquet", 4)};
  must(table.commit(one));
  EXPECT_EQ(must(table.snapshot()).rows(), 4);
}

TEST_F(LogTest, ADamagedLineIsNamedByFileLineAndColumn) {
  make();
  Transaction one;
  one.read_version = 0;
  one.adds = {fake_part(table, "a.parquet", 3)};
  must(table.commit(one));
  for (const char* damage : {"{\"add\":{\"path\":\"a", "not json", "[1,2]", "{\"add\":{\"size\":3}}", "{\"add\":7}",
                             "{\"txn\":{\"appId\":\"x\",\"version\":\"y\"}}"}) {
    std::filesystem::remove(log_file(2));
    write_text(log_file(2), std::string("{\"commitInfo\":{\"timestamp\":1}}\n") + damage + "\n");
    Status status = table.snapshot().status();
    EXPECT_EQ(exit_code(status), 1) << damage;
    EXPECT_THAT(status.message(), HasSubstr(log_file(2) + ":2")) << damage;
    EXPECT_EQ(must(table.snapshot(1)).rows(), 3);
  }
}

TEST_F(LogTest, NoDamageToALineEndsInMoreThanAnError) {
  make();
  Transaction one;
  one.read_version = 0;
  one.txn = {{"a", 1}};
  one.adds = {fake_part(table, "a.parquet", 3, "u")};
  must(table.commit(one));
  const std::string good = read_text(log_file(0)) + read_text(log_file(1));
  unsigned random = 1;
  auto next = [&random] { return random = random * 1664525u + 1013904223u, random >> 8; };
  for (int i = 0; i < 5000; ++i) {
    std::string damaged = good;
    for (unsigned changes = 1 + next() % 4; changes > 0; --changes) {
      const std::size_t at = next() % damaged.size();
      if (next() % 3 == 0) damaged.erase(at, next() % 20);
      else if (next() % 2 == 0) damaged.insert(at, damaged.substr(next() % damaged.size(), next() % 20));
      else damaged[at] = static_cast<char>(next());
    }
    auto actions = parse_actions(damaged, "log");
    EXPECT_EQ(exit_code(actions.status()), actions.ok() ? 0 : 1) << actions.status().ToString();
    if (actions.ok() && actions->metadata) ARROW_UNUSED(arrow_schema(actions->metadata->schema));
  }
}

TEST_F(LogTest, AMissingCommitIsSaid) {
  make();
  for (int i = 1; i <= 3; ++i) {
    Transaction one;
    one.read_version = i - 1;
    one.adds = {fake_part(table, fmt::format("p{}.parquet", i), i)};
    must(table.commit(one));
  }
  std::filesystem::remove(log_file(2));
  const std::string moved = folder.path() + "/moved";
  std::filesystem::rename(table.path(), moved);
  EXPECT_THAT(Table(moved, table.name()).snapshot().status().message(), HasSubstr("commit 2 is missing"));
}

TEST_F(LogTest, UnknownProtocolsAndFeaturesAreRefused) {
  make();
  write_text(
      log_file(1),
      R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}})");
  EXPECT_THAT(table.snapshot().status().message(), HasSubstr("reader version 3 (deletionVectors)"));
  write_text(
      log_file(1),
      R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"deletionVector":{"storageType":"u"}}})");
  EXPECT_THAT(table.snapshot().status().message(), HasSubstr("deletion vectors"));
  write_text(log_file(1), R"({"protocol":{"minReaderVersion":1,"minWriterVersion":5}})");
  EXPECT_OK(table.snapshot());  // readable ...
  Transaction one;
  one.read_version = 1;
  one.adds = {fake_part(table, "a.parquet", 3)};
  EXPECT_THAT(table.commit(one).status().message(), HasSubstr("writer version 5"));  // ... but not ours to write
}

TEST_F(LogTest, UnknownActionsAndFieldsArePassedOver) {
  make();
  write_text(log_file(1),
             "{\"future\":{\"x\":1}}\n\n{\"add\":{\"path\":\"a%20b\",\"size\":1,\"modificationTime\":1,\"dataChange\":"
             "true,\"x\":[1],"
             "\"stats\":\"{\\\"minValues\\\":{},\\\"numRecords\\\":9}\"}}\n");
  Snapshot snapshot = must(table.snapshot());
  ASSERT_EQ(snapshot.parts.size(), 1u);
  EXPECT_EQ(snapshot.parts[0].path, "a b");
  EXPECT_EQ(snapshot.parts[0].rows, 9);
}

TEST_F(LogTest, APathThatLeavesTheTableIsRefused) {
  make();
  for (const char* path : {"/etc/passwd", "../x", "a/../../x", "file:///etc/passwd", "a%2f..%2f..%2fx", "%zz", "a%2"}) {
    write_text(
        log_file(1),
        fmt::format("{{\"add\":{{\"path\":\"{}\",\"size\":1,\"modificationTime\":1,\"dataChange\":true}}}}\n", path));
    EXPECT_FALSE(table.snapshot().ok()) << path;
  }
}

TEST_F(LogTest, CommitRefusesWhatMakesNoSense) {
  make();
  Transaction one;
  one.read_version = 0;
  one.adds = {fake_part(table, "a.parquet", 1)};
  one.removes = {"a.parquet"};
  EXPECT_EQ(exit_code(table.commit(one).status()), 2);
  one.removes = {"never.parquet"};
  EXPECT_TRUE(is_conflict(table.commit(one).status()));
  one.removes.clear();
  one.adds[0].path = "nowhere.parquet";
  EXPECT_EQ(exit_code(table.commit(one).status()), 3);
  EXPECT_EQ(must(table.version()), 0);
  one.adds = {fake_part(table, "a.parquet", 1)};
  must(table.commit(one));
  EXPECT_TRUE(is_conflict(table.commit(one).status()));  // a path is never reused
  Transaction gone;
  gone.read_version = 1;
  gone.removes = {"a.parquet"};
  must(table.commit(gone));
  EXPECT_TRUE(is_conflict(table.commit(one).status()));
}

TEST(SchemaTest, EveryDeltaTypeComesBack) {
  auto schema = arrow::schema(
      {arrow::field("a", arrow::boolean()), arrow::field("b", arrow::int8()), arrow::field("c", arrow::int16()),
       arrow::field("d", arrow::int32()), arrow::field("e", arrow::int64(), false), arrow::field("f", arrow::float32()),
       arrow::field("g", arrow::float64()), arrow::field("h", arrow::utf8()), arrow::field("i", arrow::binary()),
       arrow::field("j", arrow::date32()), arrow::field("k", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
       arrow::field("l", arrow::decimal64(18, 4)), arrow::field("m", arrow::decimal128(38, 0))});
  auto back = must(arrow_schema(must(delta_schema(*schema))));
  EXPECT_TRUE(back->Equals(*schema)) << back->ToString();
  for (const auto& type :
       {arrow::uint64(), arrow::timestamp(arrow::TimeUnit::NANO, "UTC"), arrow::timestamp(arrow::TimeUnit::MICRO),
        arrow::dictionary(arrow::int32(), arrow::utf8())}) {
    EXPECT_EQ(exit_code(delta_schema(*arrow::schema({arrow::field("x", type)})).status()), 2) << type->ToString();
  }
  EXPECT_FALSE(arrow_schema("{\"type\":\"struct\",\"fields\":[{\"name\":\"x\",\"type\":{\"type\":\"array\"}}]}").ok());
  EXPECT_FALSE(arrow_schema("{").ok());
}

TEST(TableNameTest, LayersAliasesAndNonsense) {
  EXPECT_EQ(must(TableName::parse("sp500")).str(), "silver.sp500");
  EXPECT_EQ(must(TableName::parse("raw.sp500")).str(), "bronze.sp500");
  EXPECT_EQ(must(TableName::parse("features.momentum")).str(), "gold.momentum");
  for (const char* bad : {"", "a.b", "bronze.", "bronze./etc", "..", "bronze.a.b", "a b", "x/y"}) {
    EXPECT_EQ(exit_code(TableName::parse(bad).status()), 2) << bad;
  }
}

TEST_F(LogTest, TablesAndSilverViews) {
  EXPECT_TRUE(must(lake.tables()).empty());
  make();
  must(lake.table(Layer::gold, "rsi").create(bars_schema(), {}, {}));
  std::vector<std::string> names;
  for (const auto& one : must(lake.tables())) names.push_back(one.str());
  EXPECT_EQ(names, (std::vector<std::string>{"bronze.bars", "silver.bars", "gold.rsi"}));
  EXPECT_TRUE(lake.silver_is_view("bars"));
  must(lake.table(Layer::silver, "bars").create(bars_schema(), {}, {}));
  EXPECT_FALSE(lake.silver_is_view("bars"));
  EXPECT_EQ(must(lake.tables()).size(), 3u);
  EXPECT_EQ(exit_code(Lake::open(folder.path() + "/nowhere", false).status()), 2);
}

}  // namespace
}  // namespace tapemill::lake
