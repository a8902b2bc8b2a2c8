// Backfill over a range, stop or skip, what is missing and why, the watermarks other tools read.
#include "core/json.h"
#include "pipeline/status.h"
#include "pipeline_test.h"

namespace tapemill::pipeline {
namespace {
using namespace test;

struct Backfill : ::testing::Test {
  Folder folder;
  std::string lake = folder / "lake";
  Dataset dataset = must(load_dataset("stocks_daily"));
  std::vector<Date> days = sessions(8);
  Result<IngestReport> fill(const IngestPolicy& policy) {
    MemoryBudget budget(0);
    return ingest(must(lake::Lake::open(lake, true)), dataset, {folder / "in"}, Instant{kArrived}, Workers(2), budget,
                  policy);
  }
  void write(std::size_t day, int good = 3) {
    folder.write("in/" + days[day].str() + ".csv", day_file(days[day], good, 0));
  }
  std::int64_t rows() { return rows_of(lake, "stocks_daily")->num_rows(); }
};

TEST_F(Backfill, ARangeOfSessionsAndThenTheRest) {
  for (std::size_t day : {0u, 1u, 2u, 4u, 5u, 7u}) write(day);
  auto report = must(fill({days[1], days[5]}));
  EXPECT_EQ(report.files, 6);
  EXPECT_EQ(report.files_outside, 2);
  EXPECT_EQ(report.missing, (std::vector<Date>{days[3]}));  // 2024-01-06 and 07 are no sessions, and so no gap
  EXPECT_EQ(rows(), 12);
  report = must(fill({days[1], days[5]}));
  EXPECT_EQ(report.files_unchanged, 4);
  EXPECT_EQ(report.version, 1);
  write(3);  // the missing one comes: it alone goes in
  report = must(fill({days[1], days[5]}));
  EXPECT_EQ(report.files_unchanged, 4);
  EXPECT_EQ(report.quality.rows_in, 3);
  EXPECT_TRUE(report.missing.empty());
  EXPECT_EQ(must(fill({})).quality.rows_in, 6);
  EXPECT_EQ(rows(), 21);
}

TEST_F(Backfill, StopLeavesWhatComesAfterTheRefusedFileAndSkipDoesNot) {
  for (std::size_t day = 0; day < 6; ++day) write(day);
  folder.write("in/" + days[2].str() + ".csv", kHeader + "nothing,of,this,is,a,row,0,0\n");
  folder.write("in/" + days[2].str() + ".csv", kHeader);  // a header and no row: refused when it is read
  auto report = must(fill({.stop = true}));
  ASSERT_EQ(report.refused.size(), 1u);
  EXPECT_EQ(report.files_not_read, 3);
  EXPECT_EQ(rows(), 6);
  report = must(fill({.stop = true}));  // the same again: it stops at the same place
  EXPECT_EQ(report.files_unchanged, 2);
  EXPECT_EQ(rows(), 6);
  report = must(fill({}));
  EXPECT_EQ(report.refused.size(), 1u);
  EXPECT_EQ(report.files_not_read, 0);
  EXPECT_EQ(rows(), 15);
  write(2);
  EXPECT_TRUE(must(fill({.stop = true})).refused.empty());
  EXPECT_EQ(rows(), 18);
}

TEST_F(Backfill, AFileThatCannotBeToldStopsToo) {
  for (std::size_t day : {0u, 1u, 3u}) write(day);
  folder.write("in/" + days[2].str() + ".csv", "no,header,of,ours\n1,2,3,4\n");
  auto report = must(fill({.stop = true}));
  EXPECT_EQ(report.refused.size(), 1u);
  EXPECT_EQ(report.files_not_read, 1);
  EXPECT_EQ(rows(), 6);
}

TEST_F(Backfill, StatusSaysWhyASessionIsMissingAndHowFarBehind) {
  for (std::size_t day : {0u, 1u, 4u}) write(day);
  folder.write("in/" + days[2].str() + ".csv", kHeader);
  must(fill({}));
  const Session next = must(dataset.calendar->session(days[6]));
  auto status = must(status_of(opened(lake), Instant{next.close().us + kHour})).front();
  EXPECT_EQ(status.missing, (std::vector<Date>{days[2], days[3]}));
  EXPECT_EQ(status.why[days[2]], "its file was refused: " + days[2].str() + ".csv");
  EXPECT_EQ(status.why[days[3]], "no file has come");
  EXPECT_EQ(status.next, days[5]);
  EXPECT_EQ(status.behind, 2);
  EXPECT_EQ(must(status_of(opened(lake), Instant{next.close().us - kHour})).front().behind, 1);  // not closed yet
  EXPECT_EQ(must(status_of(opened(lake))).front().behind, 0);
}

TEST_F(Backfill, LandingKeepsTheEnvelopeOfEachFile) {
  for (std::size_t day : {0u, 1u}) write(day);
  must(fill({}));
  auto landed = rows_of(lake, "landing.stocks_daily");
  EXPECT_EQ(at(*landed, "source", 0), "polygon_flat");
  EXPECT_EQ(at(*landed, "entity_id", 0), "US");
  EXPECT_EQ(at(*landed, "event_time", 0).substr(0, 19), "2024-01-02 21:00:00");  // the close in New York
  EXPECT_EQ(at(*landed, "event_id", 0).size(), 32u);
  EXPECT_NE(at(*landed, "event_id", 0), at(*landed, "event_id", 1));
  MemoryBudget budget(0);
  const std::string other = folder / "other";
  must(ingest(must(lake::Lake::open(other, true)), dataset, {folder / "in"}, Instant{kArrived + kDay}, Workers(1),
              budget));
  EXPECT_EQ(at(*rows_of(other, "landing.stocks_daily"), "event_id", 0), at(*landed, "event_id", 0));  // no clock in it
}

TEST_F(Backfill, WatermarksAreWhatTheLogSays) {
  for (std::size_t day : {0u, 1u}) write(day);
  must(fill({}));
  must(fill({}));  // again: no row is counted twice
  const Json mark = watermark_json(must(status_of(opened(lake))).front(), "batch");
  EXPECT_EQ(mark["last_processed_date"], days[1].str());
  EXPECT_EQ(mark["total_records"], 6);
  EXPECT_EQ(mark["processing_mode"], "batch");
  EXPECT_TRUE(Instant::parse(mark["last_updated"].get<std::string>()).ok());
  EXPECT_EQ(watermark_json({}, "batch")["last_processed_date"], "2020-01-01");
}

}  // namespace
}  // namespace tapemill::pipeline
