// A scan of some hours gives what reading all rows and asking each one gives, by our decoder and by Arrow's.
#include <random>
#include <set>

#include "lake/scan.h"
#include "lake/writer.h"
#include "lake_test.h"

namespace tapemill::lake {
namespace {
using namespace test;

struct Row {
  std::string instrument;
  Date session;
  std::int64_t time = 0, number = 0;
};
const auto kInstant = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");

std::shared_ptr<arrow::Schema> schema() {
  return arrow::schema({arrow::field("instrument_id", arrow::utf8()), arrow::field("session", arrow::date32()),
                        arrow::field("time", kInstant), arrow::field("number", arrow::int64())});
}
std::shared_ptr<arrow::RecordBatch> batch(const std::vector<Row>& rows) {
  arrow::StringBuilder instrument;
  arrow::Date32Builder session;
  arrow::TimestampBuilder time(kInstant, arrow::default_memory_pool());
  arrow::Int64Builder number;
  for (const Row& row : rows) {
    must(instrument.Append(row.instrument));
    must(session.Append(row.session.days));
    must(time.Append(row.time));
    must(number.Append(row.number));
  }
  return arrow::RecordBatch::Make(
      schema(), static_cast<std::int64_t>(rows.size()),
      {must(instrument.Finish()), must(session.Finish()), must(time.Finish()), must(number.Finish())});
}

class HoursProperty : public testing::TestWithParam<int> {
 protected:
  Folder folder;
  Lake lake = must(Lake::open(folder.path(), true));
  std::vector<Row> all;
  std::mt19937 random{static_cast<unsigned>(GetParam())};
  int below(int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

  /// Some sessions around Thanksgiving of 2023, minutes of the whole day. `foreign`: as if another engine had written them.
  void fill(const std::string& name, std::vector<std::string> partitions, bool foreign) {
    Table table = lake.table(Layer::bronze, name);
    Layout layout{schema(), std::move(partitions), {"instrument_id", "time"}};
    layout.row_group_rows = 20 + below(200);
    must(table.create(layout.schema, layout.partitions, {{kSort, "instrument_id,time"}}));
    const auto nyse = must(Calendar::load("nyse"));
    std::int64_t version = 0;
    for (Date date : nyse->sessions(Date::of(2023, 11, 20), Date::of(2023, 11, 27))) {
      std::vector<Row> rows;
      const bool quiet = below(3) == 0;  // nothing but the regular session
      for (const char* id : {"US:A", "US:B", "US:C"})
        for (int i = below(120); i > 0; --i) {
          const int minute = quiet ? 570 + below(200) : below(1440);
          rows.push_back({id, date, nyse->zone().at(date, minute * kMinute).us,
                          static_cast<std::int64_t>(all.size() + rows.size())});
        }
      MemoryBudget budget;
      auto writer = must(write_parts(table, layout, Provenance{date.str(), date.str(), "f", 0, {}}, budget));
      must(writer->write(batch(rows)));
      Transaction one;
      one.read_version = version++;
      one.adds = must(writer->finish());
      if (foreign)
        for (Part& part : one.adds) part.tags.clear();
      must(table.commit(one));
      all.insert(all.end(), rows.begin(), rows.end());
    }
  }
};

TEST_P(HoursProperty, LeavesOutWhatLiesOutside) {
  const bool foreign = GetParam() % 3 == 0;
  fill("stocks_minute", GetParam() % 2 == 0 ? std::vector<std::string>{"year", "month"} : std::vector<std::string>{},
       foreign);
  const auto nyse = must(Calendar::load("nyse"));
  for (int question = 0; question < 20; ++question) {
    ScanRequest request;
    request.table = {below(2) == 0 ? Layer::silver : Layer::bronze, "stocks_minute"};
    request.hours = static_cast<SessionHours>(below(3));
    if (below(2) == 0) request.symbols = {"US:B"};
    if (below(2) == 0) request.start = Date::of(2023, 11, 20) + below(6);
    if (below(2) == 0) request.end = request.start.value_or(Date::of(2023, 11, 21)) + below(5);
    if (below(2) == 0) request.columns = {"number"};
    std::multiset<std::int64_t> expected, found;
    std::int64_t outside = 0;
    for (const Row& row : all) {
      if (!request.symbols.empty() && row.instrument != "US:B") continue;
      if ((request.start && row.session < *request.start) || (request.end && row.session > *request.end)) continue;
      const Session session = must(nyse->session(row.session));
      const Interval open = request.hours == SessionHours::extended ? nyse->extended(session) : session.intervals[0];
      const bool in = request.hours == SessionHours::all || (row.time >= open.open.us && row.time < open.close.us);
      if (in) expected.insert(row.number);
      outside += in ? 0 : 1;
    }
    ScanResult result = must(scan(lake, request, Workers(1 + below(3))));
    for (double number : must(doubles(*result.rows, "number"))) found.insert(static_cast<std::int64_t>(number));
    ASSERT_EQ(found, expected) << "question " << question;
    EXPECT_EQ(result.outside_hours, outside) << "question " << question;
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, HoursProperty, testing::Range(0, 12));

class Hours : public HoursProperty {};
// One-second quotes of NSE (a calendar without extended hours), a table that no data set declares: whole.
TEST_P(Hours, OtherTablesAreWhole) {
  for (const char* name : {"snapshots", "somebody_elses"}) {
    all.clear();
    fill(name, {}, false);
    for (SessionHours hours : {SessionHours::regular, SessionHours::extended}) {
      ScanRequest request;
      request.table = {Layer::bronze, name};
      request.hours = hours;
      ScanResult result = must(scan(lake, request));
      EXPECT_EQ(result.rows->num_rows(), static_cast<std::int64_t>(all.size())) << name;
      EXPECT_EQ(result.outside_hours, 0);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(One, Hours, testing::Values(1));

}  // namespace
}  // namespace tapemill::lake
