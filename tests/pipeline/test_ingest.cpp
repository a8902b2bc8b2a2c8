// Files into the lake: every row accounted for, running again changes nothing, a restated day is one event.
#include "pipeline/status.h"
#include "pipeline_test.h"

namespace tapemill::pipeline {
namespace {
using namespace test;

std::int64_t available(const arrow::Table& rows, std::int64_t row) {
  return std::static_pointer_cast<arrow::TimestampScalar>(must(rows.GetColumnByName("available_at")->GetScalar(row)))
      ->value;
}

struct Ingest : ::testing::Test {
  Folder folder;
  std::string lake = folder / "lake";
  std::int64_t version() { return must(opened(lake).table(lake::Layer::bronze, "stocks_daily").version()); }
};

TEST_F(Ingest, RowsInAreRowsStoredAndRowsQuarantined) {
  auto report = must(ingest_into(lake, "stocks_daily", write_days(folder, "in", 3, 10, 2)));
  EXPECT_EQ(report.files, 3);
  EXPECT_EQ(report.quality.rows_in, 36);
  EXPECT_EQ(report.quality.rows_kept, 30);
  EXPECT_EQ(report.quality.rows_quarantined, 6);
  EXPECT_EQ(report.quarantine, (std::map<std::string, std::int64_t>{{"ohlc_order", 6}}));
  EXPECT_EQ(report.version, 1);
  EXPECT_EQ(complaint(lake, 10, 2), "");
  auto rows = must(quarantined(opened(lake), "stocks_daily", {}));
  ASSERT_EQ(rows->num_rows(), 6);
  EXPECT_EQ(at(*rows, "file", 0), "2024-01-02.csv");
  EXPECT_EQ(at(*rows, "line", 0), "12");  // header, ten good rows
  EXPECT_EQ(at(*rows, "reason", 0), "high 9 below low 11");
  std::string text = slurp(folder / "in/2024-01-02.csv"), raw = at(*rows, "raw", 0);
  EXPECT_EQ(text.substr(static_cast<std::size_t>(std::stoll(at(*rows, "byte", 0))), raw.size()), raw);
  EXPECT_EQ(raw.substr(0, 5), "X000,");
}

TEST_F(Ingest, RunningAgainChangesNothing) {
  auto paths = write_days(folder, "in", 3, 10, 2);
  must(ingest_into(lake, "stocks_daily", paths));
  std::map<std::string, fs::file_time_type> before;
  for (const auto& entry : fs::recursive_directory_iterator(lake))
    before[entry.path()] = entry.is_regular_file() ? entry.last_write_time() : fs::file_time_type{};
  auto again = must(ingest_into(lake, "stocks_daily", paths, kArrived + kDay));
  EXPECT_EQ(again.files_unchanged, 3);
  EXPECT_EQ(again.quality.rows_in, 0);
  EXPECT_EQ(again.version, 1);
  std::map<std::string, fs::file_time_type> after;
  for (const auto& entry : fs::recursive_directory_iterator(lake))
    after[entry.path()] = entry.is_regular_file() ? entry.last_write_time() : fs::file_time_type{};
  EXPECT_EQ(before, after);  // not a file more, not a byte touched
}

TEST_F(Ingest, WhatAnotherEngineDeletedComesBackUnderNewNames) {
  auto paths = write_days(folder, "in", 3, 10, 2);
  must(ingest_into(lake, "stocks_daily", paths));
  for (int round = 0; round < 2; ++round) {
    for (const std::string name : {"stocks_daily", "stocks_daily_quarantine"}) {
      auto table = opened(lake).table(lake::Layer::bronze, name);
      auto snapshot = must(table.snapshot());
      lake::Transaction deletion;
      deletion.read_version = snapshot.version;
      deletion.operation = "DELETE";
      for (const auto& part : snapshot.parts) deletion.removes.push_back(part.path);
      must(table.commit(deletion));
    }
    EXPECT_EQ(rows_of(lake, "stocks_daily")->num_rows(), 0);
    auto again = must(ingest_into(lake, "stocks_daily", paths));
    EXPECT_EQ(again.quality.rows_kept, 30);
    EXPECT_EQ(complaint(lake, 10, 2), "");
    EXPECT_EQ(must(quarantined(opened(lake), "stocks_daily", {}))->num_rows(), 6);
  }
}

TEST_F(Ingest, ARestatedDayIsOneCommitAndTheOldRowsStayInTimeTravel) {
  auto paths = write_days(folder, "in", 3, 10, 2);
  must(ingest_into(lake, "stocks_daily", paths, kArrived));
  std::string old_bytes = slurp(paths[1]);
  Date day = sessions(3)[1];
  folder.write("in/" + day.str() + ".csv", day_file(day, 8, 1, 5));
  auto report = must(ingest_into(lake, "stocks_daily", paths, kArrived + kDay));
  EXPECT_EQ(report.files_unchanged, 2);
  ASSERT_EQ(report.restated.size(), 1u);
  EXPECT_EQ(report.restated[0].unit, day.str());
  EXPECT_EQ(version(), 2);
  auto history = must(opened(lake).table(lake::Layer::bronze, "stocks_daily").history());
  EXPECT_EQ(history.front().operation, "RESTATE");
  auto now = rows_of(lake, "bronze.stocks_daily");
  EXPECT_EQ(now->num_rows(), 28);
  EXPECT_EQ(rows_of(lake, "bronze.stocks_daily", 1)->num_rows(), 30);
  EXPECT_EQ(quarantined_rows(lake, "stocks_daily"), 5);  // 2 + 1 + 2: of what is in
  for (std::int64_t i = 0; i < now->num_rows(); ++i) {
    bool restated = at(*now, "session", i) == day.str();
    EXPECT_EQ(at(*now, "close", i), restated ? "16.2500" : "11.2500");
    auto known = available(*now, i);
    EXPECT_TRUE(restated ? known == kArrived + kDay : known < kArrived) << known;
  }
  // The earlier bytes come back: another restatement, under paths that were never used.
  std::set<std::string> used;
  for (std::int64_t v = 1; v <= 2; ++v)
    for (const auto& part : must(opened(lake).table(lake::Layer::bronze, "stocks_daily").snapshot(v)).parts)
      used.insert(part.path);
  std::ofstream(paths[1], std::ios::binary) << old_bytes;
  auto back = must(ingest_into(lake, "stocks_daily", paths, kArrived + 2 * kDay));
  EXPECT_EQ(back.restated.size(), 1u);
  EXPECT_EQ(version(), 3);
  EXPECT_EQ(rows_of(lake, "bronze.stocks_daily")->num_rows(), 30);
  EXPECT_EQ(quarantined_rows(lake, "stocks_daily"), 6);
  int fresh = 0;
  for (const auto& part : must(opened(lake).table(lake::Layer::bronze, "stocks_daily").snapshot(3)).parts)
    fresh += !used.contains(part.path);
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(complaint(lake, 10, 2), "");
  // They arrived anew: who looks from before that sees the rows as they were restated, not as they came first.
  now = rows_of(lake, "bronze.stocks_daily");
  for (std::int64_t i = 0; i < now->num_rows(); ++i) {
    if (at(*now, "session", i) == day.str()) { EXPECT_EQ(available(*now, i), kArrived + 2 * kDay); }
  }
  EXPECT_EQ(rows_of(lake, "landing.stocks_daily")->num_rows(), 5);  // a row an arrival, the bytes once
  EXPECT_EQ(std::distance(fs::directory_iterator(lake + "/landing/stocks_daily/files"), fs::directory_iterator()), 4);
  must(ingest_into(lake, "stocks_daily", paths, kArrived + 3 * kDay));
  EXPECT_EQ(version(), 3);
  EXPECT_EQ(must(opened(lake).table(lake::Layer::landing, "stocks_daily").version()), 3);
}

TEST_F(Ingest, TwoContentsForOneSessionInOneCommandAreWrongUse) {
  Date day = sessions(1)[0];
  folder.write("in/a/" + day.str() + ".csv", day_file(day, 5, 0));
  folder.write("in/b/" + day.str() + ".csv", day_file(day, 5, 0, 1));
  auto report = ingest_into(lake, "stocks_daily", {folder / "in"});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(exit_code(report.status()), 2) << report.status().ToString();
  EXPECT_NE(report.status().message().find("a/2024-01-02.csv"), std::string::npos);
  EXPECT_NE(report.status().message().find("b/2024-01-02.csv"), std::string::npos);
  EXPECT_FALSE(opened(lake).table(lake::Layer::bronze, "stocks_daily").exists());
}

TEST_F(Ingest, TheSameBytesTwiceAreOneFile) {
  Date day = sessions(1)[0];
  folder.write("in/a/" + day.str() + ".csv", day_file(day, 5, 1));
  folder.write("in/b/" + day.str() + ".csv", day_file(day, 5, 1));
  auto report = must(ingest_into(lake, "stocks_daily", {folder / "in"}));
  EXPECT_EQ(report.files, 2);
  EXPECT_EQ(report.files_unchanged, 1);
  EXPECT_EQ(complaint(lake, 5, 1), "");
  EXPECT_EQ(rows_of(lake, "bronze.stocks_daily")->num_rows(), 5);
}

/// A file of many sessions is known by its name; a copy of it under another name must not bring its rows again.
TEST_F(Ingest, ACopyUnderAnotherNameIsTheSameFile) {
  const std::string text = "date,open,high,low,close,volume,Name\n2014-01-02,1,1,1,1,1,A\n2014-01-03,1,1,1,1,1,A\n";
  folder.write("in/all.csv", text), folder.write("in/copy.csv", text);
  auto both = must(ingest_into(lake, "sp500", {folder / "in"}));
  EXPECT_EQ(both.files_unchanged, 1);
  EXPECT_EQ(rows_of(lake, "sp500")->num_rows(), 2);
  auto later = must(ingest_into(lake, "sp500", {folder.write("late/third.csv", text)}));
  EXPECT_EQ(later.files_unchanged, 1);
  EXPECT_EQ(rows_of(lake, "sp500")->num_rows(), 2);
}

TEST_F(Ingest, AFileWhoseEveryRowIsRefusedIsKnownTheNextTime) {
  Date day = sessions(1)[0];
  auto path = folder.write("in/" + day.str() + ".csv", day_file(day, 0, 4));
  auto report = must(ingest_into(lake, "stocks_daily", {path}));
  EXPECT_EQ(report.quality.rows_kept, 0);
  EXPECT_EQ(report.quality.rows_quarantined, 4);
  EXPECT_EQ(rows_of(lake, "bronze.stocks_daily")->num_rows(), 0);
  EXPECT_EQ(quarantined_rows(lake, "stocks_daily"), 4);
  auto again = must(ingest_into(lake, "stocks_daily", {path}));
  EXPECT_EQ(again.files_unchanged, 1);
  EXPECT_EQ(again.version, report.version);
  auto status = must(status_of(opened(lake)));
  ASSERT_EQ(status.size(), 1u);
  EXPECT_EQ(status[0].rows, 0);
  EXPECT_EQ(status[0].quarantined, 4);
}

TEST_F(Ingest, AStopCheckRefusesTheFileAndTheOthersGoOn) {
  std::string spec = slurp(share_folder() + "/datasets/stocks_daily.yaml");
  spec.replace(spec.find("- ohlc_order: quarantine"), 24, "- ohlc_order: stop      ");
  auto path = folder.write("strict.yaml", spec);
  auto days = sessions(2);
  auto bad = folder.write("in/" + days[0].str() + ".csv", day_file(days[0], 5, 1)),
       good = folder.write("in/" + days[1].str() + ".csv", day_file(days[1], 5, 0));
  auto report = must(ingest_into(lake, path, {bad, good}));
  ASSERT_EQ(report.refused.size(), 1u);
  EXPECT_EQ(report.refused[0].path, bad);
  EXPECT_NE(report.refused[0].error.find("ohlc_order (1 row): line 7: high 9 below low 11 says stop"),
            std::string::npos)
      << report.refused[0].error;
  EXPECT_TRUE(report.stopped);
  EXPECT_EQ(report.quality.rows_in, 5);  // of what is in
  EXPECT_EQ(complaint(lake, 5, 0), "");
  EXPECT_EQ(rows_of(lake, "bronze.stocks_daily")->num_rows(), 5);
}

TEST_F(Ingest, SilverIsAViewWhereTheSpecSaysSo) {
  must(ingest_into(lake, "stocks_daily", write_days(folder, "in", 2, 3, 0)));
  EXPECT_FALSE(fs::exists(lake + "/silver/stocks_daily"));
  EXPECT_EQ(rows_of(lake, "stocks_daily")->num_rows(), 6);
}

TEST_F(Ingest, StatusNamesTheSessionsThatAreMissing) {
  auto days = sessions(5);
  for (int i : {0, 1, 4})
    folder.write("in/" + days[static_cast<std::size_t>(i)].str() + ".csv",
                 day_file(days[static_cast<std::size_t>(i)], 2, 1));
  must(ingest_into(lake, "stocks_daily", {folder / "in"}));
  auto status = must(status_of(opened(lake)));
  ASSERT_EQ(status.size(), 1u);
  EXPECT_EQ(status[0].units, 3);
  EXPECT_EQ(status[0].rows, 6);
  EXPECT_EQ(status[0].quarantined, 3);
  EXPECT_EQ(status[0].missing, (std::vector<Date>{days[2], days[3]}));
  EXPECT_EQ(status[0].first, days[0]);
  EXPECT_EQ(status[0].last, days[4]);
}

/// The parts of a lake: path -> bytes, logs left out (they say when).
std::map<std::string, std::string> parts(const std::string& lake, const std::string& layer) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(lake + "/" + layer))
    if (entry.path().extension() == ".parquet" && entry.path().string().find("_delta_log") == std::string::npos)
      out[fs::relative(entry.path(), lake)] = slurp(entry.path());
  return out;
}

TEST_F(Ingest, TheBytesDoNotDependOnThreadsOrMemory) {
  auto paths = write_days(folder, "in", 40, 200, 3);  // two commits
  must(ingest_into(folder / "one", "stocks_daily", paths, kArrived, 1));
  must(ingest_into(folder / "two", "stocks_daily", paths, kArrived, 2));
  must(ingest_into(folder / "small", "stocks_daily", paths, kArrived, 2, 64 << 20));
  auto one = parts(folder / "one", "bronze");
  EXPECT_EQ(one.size(), 80u);  // 40 days, and what was refused of each
  EXPECT_TRUE(one == parts(folder / "two", "bronze"));
  EXPECT_TRUE(one == parts(folder / "small", "bronze"));
  for (const char* lake : {"one", "two", "small"}) {
    EXPECT_EQ(complaint(folder / lake, 200, 3), "");
    EXPECT_EQ(must(opened(folder / lake).table(lake::Layer::bronze, "stocks_daily").version()), 2);
  }
}

const std::string kUdiff =
    "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,FininstrmActlXpryDt,StrkPric,OptnTp,"
    "FinInstrmNm,OpnPric,HghPric,LwPric,ClsPric,LastPric,"
    "PrvsClsgPric,UndrlygPric,SttlmPric,OpnIntrst,ChngInOpnIntrst,TtlTradgVol,TtlTrfVal,TtlNbOfTxsExctd,SsnId,"
    "NewBrdLotQty,Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4\n"
    "2024-10-15,2024-10-15,CM,NSE,STK,2885,INE002A01018,RELIANCE,EQ,,,,,RELIANCE INDUSTRIES "
    "LTD,2700.00,2710.00,2690.00,2705.00,2705.00,2745.20,,2705.00,,,100,270500.00,10,F1,1,,,,,\n";
const std::string kFull =
    "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE, AVG_PRICE, "
    "TTL_TRD_QNTY, TURNOVER_LACS, NO_OF_TRADES, DELIV_QTY, DELIV_PER\n"
    "RELIANCE, EQ, 15-Oct-2024, 2745.20, 2700.00, 2710.00, 2690.00, 2705.00, 2705.00, 2705.00, 100, 2.71, 10, 50, "
    "50.00\n";

TEST_F(Ingest, UdiffWinsOverTheFullForm) {
  auto full = folder.write("full.csv", kFull), udiff = folder.write("udiff.csv", kUdiff);
  auto first = must(ingest_into(lake, "nse_cash", {full}));
  ASSERT_EQ(first.refused.size(), 0u) << first.refused[0].error;
  EXPECT_EQ(at(*rows_of(lake, "nse_cash"), "isin", 0), "null");
  EXPECT_LT(available(*rows_of(lake, "nse_cash"), 0), kArrived);
  auto second = must(ingest_into(lake, "nse_cash", {udiff}, kArrived + kDay));
  auto rows = rows_of(lake, "nse_cash");
  ASSERT_EQ(rows->num_rows(), 1);
  EXPECT_EQ(at(*rows, "isin", 0), "INE002A01018");
  // A restatement as any other: an event, and nothing of it known before it arrived.
  ASSERT_EQ(second.restated.size(), 1u);
  EXPECT_EQ(second.restated[0].form, "nse_udiff");
  EXPECT_NE(second.restated[0].before, second.restated[0].after);
  EXPECT_EQ(must(opened(lake).table(lake::Layer::bronze, "nse_cash").history()).front().operation, "RESTATE");
  EXPECT_EQ(available(*rows, 0), kArrived + kDay);
  auto late = must(ingest_into(lake, "nse_cash", {full}));
  EXPECT_EQ(late.files_superseded, 1);
  EXPECT_EQ(late.version, 2);
  EXPECT_EQ(rows_of(lake, "landing.nse_cash")->num_rows(), 2);  // the bytes are kept all the same
  auto together = must(ingest_into(folder / "other", "nse_cash", {full, udiff}));
  EXPECT_EQ(together.files_superseded, 1);
  EXPECT_EQ(at(*rows_of(folder / "other", "nse_cash"), "isin", 0), "INE002A01018");
}

}  // namespace
}  // namespace tapemill::pipeline
