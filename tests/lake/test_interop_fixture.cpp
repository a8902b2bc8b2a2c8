// Writes the lake that tests/interop/test_lake.py has other engines read: TAPEMILL_INTEROP_LAKE=DIR tests_lake
// --gtest_filter=InteropFixture.*. The values are formulas of a row's number, which that test knows too.
#include <cmath>

#include "lake/scan.h"
#include "lake/writer.h"
#include "lake_test.h"

namespace tapemill::lake {
namespace {
using namespace test;

std::shared_ptr<arrow::Schema> schema() {
  return arrow::schema({arrow::field("id", arrow::int64()), arrow::field("symbol", arrow::utf8()),
                        arrow::field("session", arrow::date32()),
                        arrow::field("at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                        arrow::field("price", arrow::decimal64(18, 4)), arrow::field("big", arrow::decimal64(18, 0)),
                        arrow::field("volume", arrow::int64()), arrow::field("trades", arrow::int32()),
                        arrow::field("ratio", arrow::float64()), arrow::field("halted", arrow::boolean()),
                        arrow::field("note", arrow::utf8()), arrow::field("raw", arrow::binary())});
}

Result<std::shared_ptr<arrow::RecordBatch>> rows(std::int64_t first, int count) {
  arrow::Int64Builder id, volume;
  arrow::StringBuilder symbol, note;
  arrow::Date32Builder session;
  arrow::TimestampBuilder at(schema()->field(3)->type(), arrow::default_memory_pool());
  arrow::Decimal64Builder price(arrow::decimal64(18, 4)), big(arrow::decimal64(18, 0));
  arrow::Int32Builder trades;
  arrow::DoubleBuilder ratio;
  arrow::BooleanBuilder halted;
  arrow::BinaryBuilder raw;
  const char* symbols[] = {"A", "B/C", "M&M", "Z\xC3\xA9 %"};
  for (std::int64_t n = first; n < first + count; ++n) {
    const Date day = Date::of(2023, 12, 20) + static_cast<int>(n % 40);
    must(id.Append(n));
    must(n % 41 == 0 ? symbol.AppendNull() : symbol.Append(symbols[n % 4]));
    must(session.Append(day.days));
    must(at.Append(day.days * kDay + 9 * kHour + 15 * kMinute + n * 1001));
    must(n % 7 == 0 ? price.AppendNull() : price.Append(arrow::Decimal64(n * 37 - 50'000)));
    must(big.Append(arrow::Decimal64((n - 1000) * 400'000'000'000'000 + 7)));
    must(volume.Append(n * n - 1000));
    must(trades.Append(static_cast<std::int32_t>(n % 100 - 50)));
    must(ratio.Append(n % 50 == 3 ? NAN : n % 50 == 4 ? INFINITY : static_cast<double>(n) / 7));
    must(halted.Append(n % 5 == 0));
    must(n % 3 == 0 ? note.AppendNull()
                    : note.Append(std::string(static_cast<std::size_t>(n % 60), 'q') + "\"\n" + std::to_string(n)));
    must(raw.Append(std::string(1, static_cast<char>(n % 256)) + "\xff"));
  }
  return arrow::RecordBatch::Make(
      schema(), count,
      {must(id.Finish()), must(symbol.Finish()), must(session.Finish()), must(at.Finish()), must(price.Finish()),
       must(big.Finish()), must(volume.Finish()), must(trades.Finish()), must(ratio.Finish()), must(halted.Finish()),
       must(note.Finish()), must(raw.Finish())});
}

TEST(InteropFixture, WriteALake) {
  const char* place = std::getenv("TAPEMILL_INTEROP_LAKE");
  if (place == nullptr)
    GTEST_SKIP() << "for tests/interop/test_lake.py, which names the folder in TAPEMILL_INTEROP_LAKE";
  Lake lake = must(Lake::open(place, true));
  for (const std::string& partition : {std::string("symbol"), std::string("year"), std::string()}) {
    Table table = lake.table(Layer::bronze, partition.empty() ? "plain" : "by_" + partition);
    Layout layout{schema(), {}, {"symbol", "session", "id"}};
    if (partition == "symbol") layout.partitions = {"symbol"};
    if (partition == "year") layout.partitions = {"year", "month"};
    layout.row_group_rows = 30;
    must(table.create(schema(), layout.partitions, {{kSort, "symbol,session,id"}}));
    std::vector<std::string> third;
    for (int commit = 1; commit <= 23; ++commit) {  // over two checkpoints
      MemoryBudget budget;
      const bool restates = commit == 15;
      const std::string unit = fmt::format("u{}", restates ? 3 : commit);
      auto writer =
          must(write_parts(table, layout, Provenance{fmt::format("{}", commit), unit, "f", restates, {}}, budget));
      must(writer->write(must(rows((restates ? 3 : commit) * 100, restates ? 60 : 100))));
      Transaction one;
      one.read_version = commit - 1;
      one.adds = must(writer->finish());
      one.operation = restates ? "REPLACE" : "WRITE";
      if (restates) one.removes = third;
      one.touches = {unit};
      one.txn = {{"fixture", commit}};
      ASSERT_EQ(must(table.commit(one)), commit);
      if (commit == 3) {
        for (const Part& part : one.adds) third.push_back(part.path);
      }
    }
    EXPECT_EQ(must(scan(lake, ScanRequest{table.name(), {}, {}, {}, {}, {}, {}})).rows->num_rows(), 22 * 100 - 40);
  }
}

}  // namespace
}  // namespace tapemill::lake
