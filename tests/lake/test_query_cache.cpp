// Kept answers: the same, never stale, within their size, by their policy, for the next process too.
#include "lake/query_cache.h"

#include <gmock/gmock.h>

#include <random>
#include <thread>

#include "lake/writer.h"
#include "lake_test.h"

namespace tapemill::lake {
namespace {
using namespace test;
using Tier = QueryCache::Tier;

class QueryCacheTest : public testing::Test {
 protected:
  Folder folder;
  Lake lake = must(Lake::open(folder.path() + "/lake", true));
  Layout layout{bars_schema(), {"year", "month"}, {"instrument_id", "session"}};
  const Date monday = Date::of(2024, 1, 29);
  const std::string sql = "select instrument_id, sum(volume) volume from bars group by all order by all";

  void create(Layer layer) {
    must(lake.table(layer, "bars").create(bars_schema(), {"year", "month"}, {{kSort, "instrument_id,session"}}));
  }
  void add(Layer layer, const std::string& unit, const std::vector<Bar>& bars) {
    const Table table = lake.table(layer, "bars");
    MemoryBudget budget;
    auto writer = must(write_parts(table, layout, Provenance{unit, unit, "csv", 0, {}}, budget));
    must(writer->write(batch_of(bars)));
    Transaction one;
    one.read_version = must(table.version());
    one.adds = must(writer->finish());
    must(table.commit(one));
  }
  // As if the folders had been there for long: only then a statement's tables need not be resolved anew.
  void settle() {
    for (const char* layer : {"bronze", "silver"}) {
      std::error_code ignored;
      std::filesystem::last_write_time(lake.root() + "/" + layer,
                                       std::filesystem::file_time_type::clock::now() - std::chrono::hours(1), ignored);
    }
  }
  std::string ask(QueryCache& cache, Tier expected, const std::string& statement) {
    Tier from = Tier::none;
    auto table = must(query_cached(lake, statement, {}, cache, &from));
    EXPECT_EQ(static_cast<int>(from), static_cast<int>(expected)) << statement;
    EXPECT_TRUE(table->Equals(*must(query(lake, statement))));  // never another answer than without the cache
    return table->ToString();
  }
};

TEST_F(QueryCacheTest, AnHitIsTheSameAnswerAndACommitEndsIt) {
  create(Layer::bronze);
  add(Layer::bronze, "2024-01-29", {{"A", monday, 1, 10}, {"B", monday, 1, 20}});
  for (bool settled : {false, true}) {
    if (settled) settle();
    auto cache = QueryCache::open(folder.path() + (settled ? "/one" : "/two"));
    const std::string first = ask(*cache, Tier::none, sql);
    EXPECT_EQ(ask(*cache, Tier::memory, sql), first);
    EXPECT_EQ(ask(*cache, Tier::memory, sql), first);
    add(Layer::bronze, settled ? "2024-01-30" : "2024-01-31", {{"A", monday + 1, 1, 5}});
    EXPECT_NE(ask(*cache, Tier::none, sql), first);
    ask(*cache, Tier::memory, sql);
    const CacheStats stats = cache->stats();
    EXPECT_EQ(stats.memory_hits, 3);
    EXPECT_EQ(stats.misses, 2);
    EXPECT_EQ(stats.stores, 2);
    EXPECT_DOUBLE_EQ(stats.hit_rate(), 0.6);
    EXPECT_EQ(stats.disk_entries, 2);
  }
}

TEST_F(QueryCacheTest, ATableThatTakesANameEndsIt) {
  create(Layer::bronze);
  add(Layer::bronze, "2024-01-29", {{"A", monday, 1, 10}});
  std::filesystem::create_directories(lake.root() + "/silver");
  settle();
  auto cache = QueryCache::open(folder.path() + "/cache");
  const std::string view = ask(*cache, Tier::none, sql);
  ask(*cache, Tier::memory, sql);
  create(Layer::silver);
  settle();  // even where the folder's time says nothing
  EXPECT_NE(ask(*cache, Tier::none, sql), view);
  add(Layer::silver, "2024-01-29", {{"C", monday, 1, 7}});
  EXPECT_THAT(ask(*cache, Tier::none, sql), testing::HasSubstr("\"C\""));
}

TEST_F(QueryCacheTest, WhatHangsOnMoreThanTheTablesIsNotKept) {
  create(Layer::bronze);
  add(Layer::bronze, "2024-01-29", {{"A", monday, 1, 10}});
  auto cache = QueryCache::open("");
  for (const char* statement :
       {"select now() >= timestamptz '2000-01-01' from bars", "select random() < 2 from bars", "show tables",
        "select count(*) > 0 from bars where current_date > date '2000-01-01'"}) {
    EXPECT_EQ(must(cache->key_of(lake, statement, {})), "") << statement;
    ask(*cache, Tier::none, statement);
    ask(*cache, Tier::none, statement);
  }
  EXPECT_EQ(must(cache->key_of(lake, "select DATE 'today' from bars", {})), "");
  EXPECT_EQ(cache->stats().stores, 0);
  EXPECT_NE(must(cache->key_of(lake, sql, {})), must(cache->key_of(lake, sql + " limit 1", {})));
  SqlOptions old;
  old.versions["bars"] = 0;
  EXPECT_NE(must(cache->key_of(lake, sql, {})), must(cache->key_of(lake, sql, old)));
  EXPECT_FALSE(query_cached(lake, "select nothing from bars", {}, *cache).ok());
}

TEST_F(QueryCacheTest, TheDiskServesTheNextProcess) {
  create(Layer::bronze);
  add(Layer::bronze, "2024-01-29", {{"A", monday, 12345, 10, 0.5}, {"B", monday, 1, 20}});
  const std::string all = "select * from bars order by all", kept = folder.path() + "/cache";
  const std::string first = ask(*QueryCache::open(kept), Tier::none, all);
  EXPECT_EQ(ask(*QueryCache::open(kept), Tier::disk, all), first);
  for (const auto& file : std::filesystem::directory_iterator(kept)) {  // a damaged file is a miss
    if (file.path().extension() == ".arrow") write_text(file.path(), read_text(file.path()).substr(0, 300));
  }
  EXPECT_EQ(ask(*QueryCache::open(kept), Tier::none, all), first);
  EXPECT_EQ(ask(*QueryCache::open(kept), Tier::disk, all), first);
  EXPECT_EQ(QueryCache::open(kept)->stats().disk_hits, 2);
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(kept + "/index.sqlite" + suffix);
  write_text(kept + "/index.sqlite", std::string(5000, 'x'));  // so is a damaged index
  EXPECT_EQ(ask(*QueryCache::open(kept), Tier::none, all), first);
  EXPECT_EQ(ask(*QueryCache::open(kept), Tier::disk, all), first);
  must(QueryCache::open(kept)->clear());
  EXPECT_EQ(QueryCache::open(kept)->stats().disk_entries, 0);
  EXPECT_EQ(ask(*QueryCache::open("/proc/no/such/folder"), Tier::none, all),
            first);  // a disk that fails costs no answer
}

std::shared_ptr<arrow::Table> numbers(std::int64_t seed, std::int64_t rows) {
  std::mt19937_64 random(static_cast<std::uint64_t>(seed));  // does not compress
  arrow::Int64Builder builder;
  for (std::int64_t i = 0; i < rows; ++i) must(builder.Append(static_cast<std::int64_t>(random())));
  return arrow::Table::Make(arrow::schema({arrow::field("n", arrow::int64())}), {must(builder.Finish())});
}

TEST_F(QueryCacheTest, WhatLeavesFirstIsThePolicys) {
  const std::int64_t entry = 8 * 10'000;
  for (CachePolicy policy : {CachePolicy::lru, CachePolicy::lfu, CachePolicy::ttl}) {
    CacheOptions options;
    options.policy = policy;
    options.disk_bytes = entry * 7 / 2;  // three
    options.ttl_seconds = 100;
    auto disk = must(CacheDisk::open(fmt::format("{}/{}", folder.path(), static_cast<int>(policy)), options));
    std::int64_t now = 1000;
    for (const char* key : {"a", "b", "c"}) must(disk->put(key, *numbers(now, 10'000), now)), ++now;
    EXPECT_NE(must(disk->get("a", ++now)), nullptr);
    EXPECT_NE(must(disk->get("a", ++now)), nullptr);
    EXPECT_NE(must(disk->get("c", ++now)), nullptr);
    EXPECT_NE(must(disk->get("b", ++now)), nullptr);
    EXPECT_NE(must(disk->get("b", ++now)), nullptr);
    must(disk->put("d", *numbers(9, 10'000), ++now));
    const std::string gone = policy == CachePolicy::lru ? "a" : policy == CachePolicy::lfu ? "c" : "a";
    for (const char* key : {"a", "b", "c", "d"}) {
      EXPECT_EQ(must(disk->get(key, now)) == nullptr, key == gone) << key << " policy " << static_cast<int>(policy);
    }
    const CacheStats stats = must(disk->stats());
    EXPECT_EQ(stats.evictions, 1);
    EXPECT_LE(stats.disk_bytes, options.disk_bytes);
    EXPECT_EQ(must(disk->get("d", now + 100)) == nullptr, policy == CachePolicy::ttl);
    must(disk->put("too large", *numbers(1, 100'000), now));
    EXPECT_EQ(must(disk->get("too large", now)), nullptr);
  }
}

TEST_F(QueryCacheTest, MemoryKeepsItsSize) {
  CacheOptions options;
  options.memory_bytes = 1 << 20;
  auto cache = QueryCache::open("", options);
  for (int i = 0; i < 50; ++i) {
    cache->put(std::to_string(i), numbers(i, 10'000));
    EXPECT_NE(cache->get("0"), nullptr);  // used all the time: it stays
    EXPECT_LE(cache->stats().memory_bytes, options.memory_bytes);
  }
  EXPECT_EQ(cache->get("1"), nullptr);
  EXPECT_GT(cache->stats().evictions, 30);
}

TEST_F(QueryCacheTest, ThreadsAskWhileCommitsComeIn) {
  create(Layer::bronze);
  add(Layer::bronze, "2024-01-01", {{"A", monday, 1, 1}});
  settle();
  auto cache = QueryCache::open(folder.path() + "/cache");
  const std::string count = "select count(*) n from bars";
  std::atomic<std::int64_t> committed = 1;
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const std::int64_t least = committed;
        auto table = query_cached(lake, count, {}, *cache);
        ASSERT_OK(table.status());
        auto n = std::static_pointer_cast<arrow::Int64Array>((*table)->column(0)->chunk(0))->Value(0);
        EXPECT_GE(n, least);  // never less than was there when it was asked
      }
    });
  }
  for (int i = 2; i < 12; ++i) {
    add(Layer::bronze, fmt::format("2024-01-{:02}", i), {{"A", monday + i, 1, 1}});
    committed = i;
  }
}

}  // namespace
}  // namespace tapemill::lake
