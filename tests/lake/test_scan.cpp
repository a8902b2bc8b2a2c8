#include <gmock/gmock.h>

#include <cmath>

#include "lake/scan.h"
#include "lake/watermark.h"
#include "lake/writer.h"
#include "lake_test.h"

namespace tapemill::lake {
namespace {
using namespace test;
using testing::HasSubstr;

class ScanTest : public testing::Test {
 protected:
  Folder folder;
  Lake lake = must(Lake::open(folder.path() + "/lake", true));
  Table table = lake.table(Layer::bronze, "bars");
  Layout layout{bars_schema(), {"year", "month"}, {"instrument_id", "session"}};

  void SetUp() override { must(table.create(bars_schema(), {"year", "month"}, {{kSort, "instrument_id,session"}})); }
  std::int64_t add(const std::string& unit, const std::vector<Bar>& bars, const std::string& sha,
                   std::int64_t ordinal = 0, std::vector<std::string> removes = {}) {
    MemoryBudget budget;
    auto writer =
        must(write_parts(table, layout, Provenance{sha, unit, "csv", ordinal, {{"file", unit + ".csv"}}}, budget));
    must(writer->write(batch_of(bars)));
    Transaction one;
    one.read_version = must(table.version());
    one.adds = must(writer->finish());
    one.removes = std::move(removes);
    one.touches = {unit};
    return must(table.commit(one));
  }
  ScanRequest request(const std::string& name = "bars") {
    return {must(TableName::parse(name)), {}, {}, {}, {}, {}, {}};
  }
  const Date monday = Date::of(2024, 1, 29);
};

TEST_F(ScanTest, SilverViewsAreReadThroughAndSessionsAreInterleaved) {
  add("2024-01-29", {{"A", monday, 10000, 1}, {"B", monday, 20000, 2}}, "s1");
  add("2024-02-01", {{"A", monday + 3, 10100, 3}, {"B", monday + 3, 20200, 4}}, "s2");
  ScanResult result = must(scan(lake, request(), Workers(2)));
  EXPECT_EQ(result.rows->num_rows(), 4);
  EXPECT_EQ(result.rows->schema()->field_names(), bars_schema()->field_names());  // without year and month
  EXPECT_TRUE(result.rows->schema()->field(2)->type()->Equals(arrow::decimal64(18, 4)));
  EXPECT_EQ(must(doubles(*result.rows, "close")), (std::vector<double>{1.0, 1.01, 2.0, 2.02}));
  auto instruments = must(spans(*result.rows));
  ASSERT_EQ(instruments.size(), 2u);
  EXPECT_EQ(instruments[1].instrument, "B");
  EXPECT_EQ(instruments[1].first, 2);
  EXPECT_EQ(instruments[1].last, 4);
}

TEST_F(ScanTest, DerivedPartitionsCanBeAskedFor) {
  add("2024-01-29", {{"A", monday, 10000, 1}}, "s1");
  auto asked = request();
  asked.columns = {"month", "close", "year"};
  auto rows = must(scan(lake, asked)).rows;
  EXPECT_EQ(rows->schema()->field_names(), asked.columns);
  EXPECT_EQ(must(doubles(*rows, "month")), std::vector<double>{1});
  EXPECT_EQ(must(doubles(*rows, "year")), std::vector<double>{2024});
}

TEST_F(ScanTest, FilesAndRowGroupsAreSkippedByTheirBounds) {
  layout.row_group_rows = 10;
  std::vector<Bar> bars;
  for (int symbol = 0; symbol < 10; ++symbol) {
    for (int day = 0; day < 10; ++day)
      bars.push_back({fmt::format("S{}", symbol), Date::of(2024, 1, 1) + day, day, symbol});
  }
  add("january", bars, "s1");
  for (Bar& bar : bars) bar.session = bar.session + 31;
  add("february", bars, "s2");
  auto asked = request();
  asked.start = Date::of(2024, 2, 3);
  asked.symbols = {"S4"};
  ScanResult result = must(scan(lake, asked));
  EXPECT_EQ(result.rows->num_rows(), 8);
  EXPECT_EQ(result.files_total, 2);
  EXPECT_EQ(result.files_read, 1);
  EXPECT_EQ(result.row_groups_total, 10);
  EXPECT_EQ(result.row_groups_read, 1);
  EXPECT_GT(result.bytes_read, 0);
  asked.symbols = {"S99"};
  result = must(scan(lake, asked));
  EXPECT_EQ(result.rows->num_rows(), 0);
  EXPECT_EQ(result.files_read, 0);
  EXPECT_EQ(result.rows->schema()->field_names(), bars_schema()->field_names());
}

TEST_F(ScanTest, ARestatedDayIsReplacedAndTheOldVersionStays) {
  add("2024-01-29", {{"A", monday, 10000, 1}}, "s1");
  auto before = must(units(must(table.snapshot())));
  ASSERT_EQ(before.size(), 1u);
  EXPECT_EQ(before[0].sha256, "s1");
  EXPECT_EQ(before[0].source, "2024-01-29.csv");
  add("2024-01-29", {{"A", monday, 11111, 1}, {"B", monday, 5, 1}}, "s2", before[0].ordinal + 1, before[0].paths);
  auto after = must(units(must(table.snapshot())));
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].sha256, "s2");
  EXPECT_EQ(after[0].ordinal, 1);
  EXPECT_EQ(after[0].rows, 2);
  // An earlier hash returns: another path, for the ordinal is part of the name.
  add("2024-01-29", {{"A", monday, 10000, 1}}, "s1", after[0].ordinal + 1, after[0].paths);
  auto asked = request();
  for (auto [version, close] : {std::pair{1, 1.0}, {2, 1.1111}, {3, 1.0}}) {
    asked.version = version;
    EXPECT_EQ(must(doubles(*must(scan(lake, asked)).rows, "close"))[0], close) << version;
  }
  EXPECT_NE(must(table.snapshot(1)).parts[0].path, must(table.snapshot(3)).parts[0].path);
  asked.version = 9;
  EXPECT_EQ(exit_code(scan(lake, asked).status()), 2);
}

TEST_F(ScanTest, WatermarkComesFromTheLog) {
  EXPECT_FALSE(must(watermark(must(table.snapshot()))).last.has_value());
  add("2024-01-29", {{"A", monday, 10000, 1}}, "s1");
  add("2024-02-01", {{"A", monday + 3, 10100, 3}, {"B", monday + 3, 20200, 4}}, "s2");
  Watermark mark = must(watermark(must(table.snapshot())));
  EXPECT_EQ(mark.first->str(), "2024-01-29");
  EXPECT_EQ(mark.last->str(), "2024-02-01");
  EXPECT_EQ(mark.units, 2);
  EXPECT_EQ(mark.rows, 3);
  EXPECT_EQ(mark.version, 2);
}

TEST_F(ScanTest, KnownAtHidesWhatCameLater) {
  add("2024-01-29", {{"A", monday, 10000, 1, 0, 1'000'000}, {"B", monday, 1, 1, 0, 2'000'001}}, "s1");
  auto asked = request();
  asked.known_at = Instant{2'000'000};
  EXPECT_EQ(must(scan(lake, asked)).rows->num_rows(), 1);
  asked.known_at = Instant{999'999};
  ScanResult none = must(scan(lake, asked));
  EXPECT_EQ(none.rows->num_rows(), 0);
  EXPECT_EQ(none.files_read, 0);
}

TEST_F(ScanTest, MistakesAreNamedWithTheNearest) {
  add("2024-01-29", {{"A", monday, 10000, 1}}, "s1");
  Status status = scan(lake, request("barz")).status();
  EXPECT_EQ(exit_code(status), 2);
  EXPECT_THAT(render(status, false), HasSubstr("did you mean bars?"));
  auto asked = request();
  asked.columns = {"clsoe"};
  status = scan(lake, asked).status();
  EXPECT_EQ(exit_code(status), 2);
  EXPECT_THAT(render(status, false), HasSubstr("did you mean \"close\"?"));
  asked = request();
  asked.start = monday;
  asked.end = monday - 1;
  EXPECT_EQ(exit_code(scan(lake, asked).status()), 2);
  EXPECT_EQ(exit_code(doubles(*must(scan(lake, request())).rows, "instrument_id").status()), 2);
}

TEST_F(ScanTest, ADamagedOrLostPartIsNamed) {
  add("2024-01-29", {{"A", monday, 10000, 1}}, "s1");
  const std::string path = table.path() + "/" + must(table.snapshot()).parts[0].path;
  const std::string bytes = read_text(path);
  for (std::size_t cut : {std::size_t{0}, std::size_t{3}, bytes.size() / 2, bytes.size() - 1}) {
    write_text(path, bytes.substr(0, cut));
    Status status = scan(lake, request()).status();
    EXPECT_EQ(exit_code(status), 1) << cut;
    EXPECT_THAT(status.message(), HasSubstr(path)) << cut;
  }
  for (std::size_t at = 4; at < bytes.size(); at += 7) {  // any flipped byte: an error or rows, never a crash
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x55);
    write_text(path, flipped);
    ARROW_UNUSED(scan(lake, request()));
  }
  std::filesystem::remove(path);
  EXPECT_THAT(scan(lake, request()).status().message(), HasSubstr("not on the disk"));
}

TEST_F(ScanTest, TheMemoryCeilingIsAnErrorAndNeverPassed) {
  std::vector<Bar> bars;
  for (int i = 0; i < 50'000; ++i) bars.push_back({fmt::format("S{}", i), monday, i, i});
  add("2024-01-29", bars, "s1");
  int refused = 0;
  for (std::int64_t ceiling = 1 << 14; ceiling <= 1 << 26; ceiling *= 2) {
    MemoryBudget budget(ceiling);
    auto asked = request();
    asked.symbols = {"S7"};
    Status some = scan(lake, asked, Workers(2), budget.pool()).status();
    EXPECT_TRUE(some.ok() || exit_code(some) == 3) << some.ToString();
    auto result = scan(lake, request(), Workers(ceiling % 3 == 1 ? 1 : 2), budget.pool());
    EXPECT_LE(budget.peak(), ceiling);
    if (result.ok()) continue;
    ++refused;
    EXPECT_EQ(exit_code(result.status()), 3) << result.status().ToString();
    EXPECT_THAT(render(result.status(), false), HasSubstr("--memory")) << ceiling;
  }
  EXPECT_GT(refused, 3);
  EXPECT_LT(refused, 13);
  for (std::int64_t ceiling = 1 << 14; ceiling <= 1 << 22;
       ceiling *= 2) {  // a writer too: an error or parts, nothing else
    MemoryBudget budget(ceiling);
    auto writer = must(write_parts(table, layout, Provenance{"s", "u", "f", 0, {}}, budget));
    Status status;
    for (int i = 0; i < 5 && status.ok(); ++i)
      status = writer->write(batch_of({bars.begin() + i * 10'000, bars.begin() + (i + 1) * 10'000}));
    if (status.ok()) status = writer->finish().status();
    EXPECT_LE(budget.peak(), ceiling);
    EXPECT_TRUE(status.ok() || status.IsOutOfMemory()) << status.ToString();
  }
}

TEST_F(ScanTest, PricesComeBackAsTheyWereAndNullsAsNaN) {
  const std::int64_t most = 999'999'999'999'999'999;
  add("2024-01-29", {{"A", monday, most, 1}, {"B", monday, -most, 2}, {"C", monday, 0, 3, NAN}}, "s1");
  auto rows = must(must(scan(lake, request())).rows->CombineChunks());
  const auto* close = rows->GetColumnByName("close")->chunk(0)->data()->GetValues<std::int64_t>(1);
  EXPECT_EQ(close[0], most);
  EXPECT_EQ(close[1], -most);
  EXPECT_TRUE(std::isnan(must(doubles(*rows, "weight"))[2]));
}

}  // namespace
}  // namespace tapemill::lake
