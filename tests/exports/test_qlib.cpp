// The Qlib store, read back byte by byte as its format says (docs/formats/qlib.md).
#include "exports/qlib.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "core/json.h"
#include "lake/writer.h"

namespace tapemill::exports {
namespace {
namespace fs = std::filesystem;

template <class T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(render(result.status(), false));
  return *std::move(result);
}
void must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(render(status, false));
}
std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::vector<float> floats(const fs::path& path) {
  std::string bytes = slurp(path);
  EXPECT_EQ(bytes.size() % 4, 0u) << path;
  std::vector<float> values(bytes.size() / 4);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

struct Bar {
  std::string symbol;
  Date session;
  double close, volume;
  std::int64_t time = 0;
};

/// Bars as rows of `dataset`: every price is the close.
std::shared_ptr<arrow::RecordBatch> batch_of(const Dataset& dataset, const std::vector<Bar>& bars,
                                             const std::string& exchange) {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  const auto schema = dataset.schema();
  for (const auto& field : schema->fields()) {
    std::unique_ptr<arrow::ArrayBuilder> builder;
    must(arrow::MakeBuilder(arrow::default_memory_pool(), field->type(), &builder));
    for (const Bar& bar : bars) {
      const std::string& name = field->name();
      if (name == "instrument_id")
        must(static_cast<arrow::StringBuilder&>(*builder).Append(exchange + ":" + bar.symbol));
      else if (name == "symbol") must(static_cast<arrow::StringBuilder&>(*builder).Append(bar.symbol));
      else if (name == "session") must(static_cast<arrow::Date32Builder&>(*builder).Append(bar.session.days));
      else if (name == "time" || name == "available_at")
        must(static_cast<arrow::TimestampBuilder&>(*builder).Append(bar.time));
      else if (field->type()->id() == arrow::Type::DECIMAL64)
        must(static_cast<arrow::Decimal64Builder&>(*builder).Append(
            arrow::Decimal64(static_cast<std::int64_t>(std::llround(bar.close * 1e4)))));
      else if (name == "volume" && field->type()->id() == arrow::Type::DOUBLE)
        must(static_cast<arrow::DoubleBuilder&>(*builder).Append(bar.volume));
      else if (name == "volume")
        must(static_cast<arrow::Int64Builder&>(*builder).Append(static_cast<std::int64_t>(bar.volume)));
      else must(builder->AppendNull());
    }
    columns.push_back(must(builder->Finish()));
  }
  return arrow::RecordBatch::Make(schema, static_cast<std::int64_t>(bars.size()), columns);
}

struct Qlib : ::testing::Test {
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "tapemill_qlib_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root = name;
  }
  void TearDown() override { fs::remove_all(root); }
  lake::Lake store(const std::string& table, const std::vector<Bar>& bars, const std::string& exchange = "US") {
    auto lake = must(lake::Lake::open(root + "/lake", true));
    auto dataset = must(load_dataset(table));
    auto bronze = lake.table(lake::Layer::bronze, table);
    must(bronze.create(dataset));
    MemoryBudget budget;
    std::string unit = "unit" + std::to_string(must(bronze.version()));
    auto writer = must(lake::write_parts(bronze, lake::layout_of(dataset), {unit, unit, "csv", 0, {}}, budget));
    must(writer->write(batch_of(dataset, bars, exchange)));
    lake::Transaction transaction;
    transaction.read_version = must(bronze.version());
    transaction.adds = must(writer->finish());
    must(bronze.commit(transaction).status());
    return lake;
  }
  QlibOptions options(const std::string& table) const {
    QlibOptions one;
    one.table = table;
    one.out = root + "/store";
    return one;
  }
  std::string root;
};

const Date kDay2 = Date::of(2014, 1, 2), kDay3 = Date::of(2014, 1, 3), kDay6 = Date::of(2014, 1, 6),
           kDay7 = Date::of(2014, 1, 7);

TEST_F(Qlib, ByBlocksOfInstrumentsIsTheSameStore) {
  std::vector<Bar> bars;
  const auto days = must(load_dataset("sp500")).calendar->sessions(Date::of(2014, 1, 2), Date::of(2014, 6, 30));
  for (int i = 0; i < 90; ++i)  // one of them is called as another's instrument
    for (std::size_t d = static_cast<std::size_t>(i) % 7; d < days.size(); ++d)
      bars.push_back({i == 3 ? "US:S050" : fmt::format("S{:03}", i), days[d], 10 + i + 0.25 * static_cast<double>(d),
                      1e7 + 1e6 * i + static_cast<double>(d)});
  auto lake = store("sp500", bars);
  auto contents = [&](const QlibOptions& where, MemoryBudget* budget) {
    auto report = must(export_qlib(lake, where, Workers(2), budget));
    EXPECT_EQ(report.instruments, 90);
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(where.out))
      if (entry.is_regular_file()) files[fs::relative(entry.path(), where.out).string()] = slurp(entry.path());
    return files;
  };
  QlibOptions whole = options("sp500"), parts = whole;
  parts.out = root + "/parts";
  MemoryBudget budget(3 << 20);
  const auto wanted = contents(whole, nullptr);
  EXPECT_TRUE(contents(parts, &budget) == wanted);
  EXPECT_GT(budget.peak(), 0);
  EXPECT_GT(must(read_back_qlib(lake, parts, Workers(1), &budget)).values, 0);
}

TEST_F(Qlib, EveryByteOfADailyStore) {
  auto lake = store("sp500", {{"AAA", kDay2, 10.5, 100},
                              {"AAA", kDay3, 11, 200},
                              {"AAA", kDay7, 12.25, 16777217},
                              {"BbB", kDay3, 7, 1},
                              {"CON", kDay6, 3, 5}});
  auto report = must(export_qlib(lake, options("sp500"), Workers(2)));
  EXPECT_EQ(report.instruments, 3);
  EXPECT_EQ(report.sessions, 4);
  EXPECT_EQ(report.rows, 5);
  EXPECT_EQ(report.inexact_volumes, 1);  // 2^24 + 1
  fs::path at = report.folder;
  EXPECT_EQ(slurp(at / "calendars/day.txt"), "2014-01-02\n2014-01-03\n2014-01-06\n2014-01-07\n");
  EXPECT_EQ(slurp(at / "instruments/all.txt"),
            "AAA\t2014-01-02\t2014-01-07\nBBB\t2014-01-03\t2014-01-03\nCON\t2014-01-06\t2014-01-06\n");
  auto close = floats(at / "features/aaa/close.day.bin");
  ASSERT_EQ(close.size(), 5u);
  EXPECT_EQ(close[0], 0.0f);  // index of its first slot
  EXPECT_EQ(close[1], 10.5f);
  EXPECT_EQ(close[2], 11.0f);
  EXPECT_TRUE(std::isnan(close[3]));  // no bar on the 6th
  EXPECT_EQ(close[4], 12.25f);
  EXPECT_EQ(floats(at / "features/bbb/close.day.bin"), (std::vector<float>{1, 7}));
  EXPECT_EQ(floats(at / "features/_qlib_con/volume.day.bin"), (std::vector<float>{2, 5}));
  EXPECT_EQ(floats(at / "features/bbb/factor.day.bin"), (std::vector<float>{1, 1}));
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(at / "features/aaa")) files += entry.is_regular_file();
  EXPECT_EQ(files, 6u);
}

TEST_F(Qlib, MinutesAreSlotsOfTheRegularSession) {
  const Date day = Date::of(2024, 1, 2);
  const std::int64_t open = day.days * kDay + 14 * kHour + 30 * kMinute;  // 09:30 in New York
  auto lake = store("stocks_minute", {{"AAA", day, 9, 1, open - kMinute},
                                      {"AAA", day, 10, 2, open},
                                      {"AAA", day, 11, 3, open + 2 * kMinute},
                                      {"AAA", day, 12, 4, open + 389 * kMinute},
                                      {"AAA", day, 13, 5, open + 390 * kMinute},
                                      {"EARLY", day, 9, 1, open - kMinute}});
  auto report = must(export_qlib(lake, options("stocks_minute"), Workers(1)));
  EXPECT_EQ(report.rows, 3);
  EXPECT_EQ(report.rows_left_out, 3);
  EXPECT_EQ(report.instruments, 1);
  EXPECT_EQ(report.instruments_left_out, 1);
  EXPECT_FALSE(fs::exists(fs::path(report.folder) / "features/early"));
  auto manifest = Json::parse(slurp(fs::path(report.folder) / "tapemill.json"));
  EXPECT_EQ(manifest["rows"], 3);
  EXPECT_EQ(manifest["rows_left_out"], 3);
  EXPECT_EQ(manifest["instruments_left_out"], 1);
  EXPECT_EQ(manifest["left_out_because"], "outside the regular session");
  auto again = must(export_qlib(lake, options("stocks_minute"), Workers(1)));
  EXPECT_TRUE(again.unchanged);
  EXPECT_EQ(again.rows_left_out, 3);
  EXPECT_EQ(again.instruments_left_out, 1);
  EXPECT_EQ(report.sessions, 390);
  auto close = floats(fs::path(report.folder) / "features/aaa/close.1min.bin");
  ASSERT_EQ(close.size(), 391u);
  EXPECT_EQ(close[0], 0.0f);
  EXPECT_EQ(close[1], 10.0f);
  EXPECT_TRUE(std::isnan(close[2]));
  EXPECT_EQ(close[3], 11.0f);
  EXPECT_EQ(close[390], 12.0f);
  std::string calendar = slurp(fs::path(report.folder) / "calendars/1min.txt");
  EXPECT_EQ(calendar.substr(0, 20), "2024-01-02 09:30:00\n");
}

TEST_F(Qlib, WhatIsGoneOrChangedIsFoundWhenItIsReadBack) {
  auto lake = store("sp500", {{"AAA", kDay2, 10, 1}, {"AAA", kDay3, 11, 2}, {"BBB", kDay3, 10, 1}});
  auto report = must(export_qlib(lake, options("sp500"), Workers(1)));
  auto back = must(read_back_qlib(lake, options("sp500"), Workers(2)));
  EXPECT_EQ(back.files, 12);
  EXPECT_EQ(back.values, 6 * 3);
  const fs::path file = fs::path(report.folder) / "features/aaa/close.day.bin";
  std::string bytes = slurp(file), other = bytes;
  other[6] = static_cast<char>(other[6] ^ 1);
  std::ofstream(file, std::ios::binary) << other;
  auto changed = read_back_qlib(lake, options("sp500"), Workers(1));
  EXPECT_NE(changed.status().message().find("close.day.bin has other bytes"), std::string::npos);
  fs::remove(file);
  auto gone = read_back_qlib(lake, options("sp500"), Workers(1));
  EXPECT_NE(gone.status().message().find("close.day.bin is not there"), std::string::npos);
  std::ofstream(file, std::ios::binary) << bytes;
  must(read_back_qlib(lake, options("sp500"), Workers(1)).status());
}

TEST_F(Qlib, TheSameVersionIsNotWrittenAgainAndANewOneReplacesTheStoreWhole) {
  auto lake = store("sp500", {{"AAA", kDay2, 10, 1}, {"OLD", kDay2, 10, 1}});
  auto first = must(export_qlib(lake, options("sp500"), Workers(1)));
  auto written = fs::last_write_time(fs::path(first.folder) / "tapemill.json");
  auto again = must(export_qlib(lake, options("sp500"), Workers(1)));
  EXPECT_TRUE(again.unchanged);
  EXPECT_EQ(again.rows, first.rows);
  EXPECT_EQ(fs::last_write_time(fs::path(first.folder) / "tapemill.json"), written);
  store("sp500", {{"AAA", kDay3, 11, 1}});
  std::ofstream(root + "/store/stale") << "of the old store";
  auto other = must(export_qlib(lake, options("sp500"), Workers(1)));
  EXPECT_FALSE(other.unchanged);
  EXPECT_EQ(other.rows, 3);
  EXPECT_FALSE(fs::exists(root + "/store/stale"));
  EXPECT_EQ(Json::parse(slurp(root + "/store/tapemill.json"))["identity"]["version"], other.version);
  int left = 0;
  for (const auto& entry : fs::directory_iterator(root))
    left += entry.path().filename() != "lake" && entry.path().filename() != "store";
  EXPECT_EQ(left, 0);
}

TEST_F(Qlib, TheBytesDoNotDependOnThreads) {
  std::vector<Bar> bars;
  for (int i = 0; i < 40; ++i)
    for (Date day : {kDay2, kDay3, kDay7}) bars.push_back({"S" + std::to_string(100 + i), day, 10.0 + i, 1.0 * i});
  auto lake = store("sp500", bars);
  std::map<std::string, std::string> one, four;
  for (auto* files : {&one, &four}) {
    auto options_here = options("sp500");
    options_here.out += files == &one ? "1" : "4";
    must(export_qlib(lake, options_here, Workers(files == &one ? 1 : 4)));
    for (const auto& entry : fs::recursive_directory_iterator(options_here.out))
      if (entry.is_regular_file()) (*files)[fs::relative(entry.path(), options_here.out)] = slurp(entry.path());
  }
  EXPECT_EQ(one.size(), 40u * 6 + 3);
  EXPECT_TRUE(one == four);
}

/// What is no store of ours would be replaced whole, a home folder among them.
TEST_F(Qlib, AFolderThatIsNoStoreIsLeftAlone) {
  auto lake = store("sp500", {{"AAA", kDay2, 10, 1}});
  fs::create_directories(root + "/store");
  std::ofstream(root + "/store/thesis.tex") << "years of work";
  for (const char* slash : {"", "/"}) {
    auto here = options("sp500");
    here.out += slash;
    auto report = export_qlib(lake, here, Workers(1));
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(exit_code(report.status()), 2);
    EXPECT_EQ(slurp(root + "/store/thesis.tex"), "years of work");
  }
  fs::remove_all(root + "/store");
  std::ofstream(root + "/store") << "a file";
  EXPECT_FALSE(export_qlib(lake, options("sp500"), Workers(1)).ok());
  EXPECT_EQ(slurp(root + "/store"), "a file");
  fs::remove(root + "/store");
  fs::create_directories(root + "/store");  // empty: ours to take
  auto here = options("sp500");
  here.out += "/";
  auto report = export_qlib(lake, here, Workers(1));
  ASSERT_TRUE(report.ok()) << render(report.status(), false);
  EXPECT_TRUE(fs::exists(root + "/store/tapemill.json"));
}

TEST_F(Qlib, WhatAStoreCannotHoldIsSaid) {
  auto lake = store("sp500", {{"a/b", kDay2, 10, 1}});
  auto slash = export_qlib(lake, options("sp500"), Workers(1));
  ASSERT_FALSE(slash.ok());
  EXPECT_NE(slash.status().message().find("a/b"), std::string::npos);
  EXPECT_FALSE(fs::exists(root + "/store"));
  auto twice = store("stocks_daily", {{"x", kDay2, 1, 1}, {"X", kDay2, 1, 1}});
  auto names = export_qlib(twice, options("stocks_daily"), Workers(1));
  ASSERT_FALSE(names.ok());
  EXPECT_NE(names.status().message().find("two instruments"), std::string::npos) << names.status().message();
  auto fields = options("stocks_daily");
  fields.fields = {"clos"};
  auto unknown = export_qlib(twice, fields, Workers(1));
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(exit_code(unknown.status()), 2);
  EXPECT_FALSE(export_qlib(twice, options("nowhere"), Workers(1)).ok());
}

}  // namespace
}  // namespace tapemill::exports
