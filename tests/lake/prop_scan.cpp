// Scanning with pruning gives what reading everything and filtering gives: nothing lost, nothing twice, in order.
#include <gmock/gmock.h>

#include <random>

#include "lake/scan_batches.h"
#include "lake/writer.h"
#include "lake_test.h"

namespace tapemill::lake {
namespace {
using namespace test;

struct Row {
  std::optional<std::string> symbol;
  std::string instrument;
  std::optional<Date> session;
  std::optional<std::int64_t> known;
  std::int64_t number = 0;
};

std::shared_ptr<arrow::Schema> schema() {
  return arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("instrument_id", arrow::utf8()),
                        arrow::field("session", arrow::date32()), arrow::field("number", arrow::int64()),
                        arrow::field("available_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"))});
}

std::shared_ptr<arrow::RecordBatch> batch(const std::vector<Row>& rows) {
  arrow::StringBuilder symbol, instrument;
  arrow::Date32Builder session;
  arrow::Int64Builder number;
  arrow::TimestampBuilder known(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), arrow::default_memory_pool());
  for (const Row& row : rows) {
    must(row.symbol ? symbol.Append(*row.symbol) : symbol.AppendNull());
    must(instrument.Append(row.instrument));
    must(row.session ? session.Append(row.session->days) : session.AppendNull());
    must(number.Append(row.number));
    must(row.known ? known.Append(*row.known) : known.AppendNull());
  }
  return arrow::RecordBatch::Make(schema(), static_cast<std::int64_t>(rows.size()),
                                  {must(symbol.Finish()), must(instrument.Finish()), must(session.Finish()),
                                   must(number.Finish()), must(known.Finish())});
}

class ScanProperty : public testing::TestWithParam<int> {};

TEST_P(ScanProperty, PruningLosesNothing) {
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const std::vector<std::string> symbols{"A", "AA", "B", "Z\xC3\xA9", std::string(40, 'q'), std::string(40, 'q') + "z",
                                         "",  "M&M"};
  Folder folder;
  Lake lake = must(Lake::open(folder.path(), true));
  Table table = lake.table(Layer::bronze, "t");
  const std::vector<std::vector<std::string>> layouts{{"year", "month"}, {}, {"date"}, {"year"}, {"symbol"}};
  Layout layout{schema(), layouts[static_cast<std::size_t>(GetParam()) % layouts.size()], {"instrument_id", "session"}};
  layout.row_group_rows = 1 + below(40);
  layout.part_rows = layout.row_group_rows * (1 + below(4));
  must(table.create(layout.schema, layout.partitions, {{kSort, "instrument_id,session"}}));
  const Date start = Date::of(2023, 11, 20);
  std::vector<Row> all;
  for (int source = 0; source < 6; ++source) {
    std::vector<Row> rows;
    const Date unit = start + below(120);
    for (int i = below(200); i > 0; --i) {
      Row row;
      if (below(20) > 0) row.symbol = symbols[static_cast<std::size_t>(below(8))];
      row.instrument = "X:" + symbols[static_cast<std::size_t>(below(8))];
      // Days that follow each other, days that reach into each other, and unknown ones: three ways to the order.
      const int kind = GetParam() % 3;
      if (kind > 0 || below(20) > 0) row.session = kind == 2 || below(3) > 0 ? unit : unit + below(50);
      if (below(20) > 0) row.known = (start.days + below(200)) * kDay + below(2'000'000);
      row.number = static_cast<std::int64_t>(all.size() + rows.size());
      rows.push_back(row);
    }
    MemoryBudget budget;
    auto writer = must(
        write_parts(table, layout, Provenance{std::to_string(source), std::to_string(source), "f", 0, {}}, budget));
    must(writer->write(batch(rows)));
    Transaction one;
    one.read_version = source;
    one.adds = must(writer->finish());
    must(table.commit(one));
    all.insert(all.end(), rows.begin(), rows.end());
  }

  for (int question = 0; question < 30; ++question) {
    ScanRequest request;
    request.table = table.name();
    if (below(2) == 0) {
      for (int i = 1 + below(2); i > 0; --i)
        request.symbols.push_back((below(2) == 0 ? "X:" : "") + symbols[static_cast<std::size_t>(below(8))]);
    }
    if (below(2) == 0) request.start = start + below(150);
    if (below(2) == 0) request.end = (request.start ? *request.start : start) + below(60);
    if (below(3) == 0) request.known_at = Instant{(start.days + below(200)) * kDay + below(2'000'000)};
    if (below(3) == 0) request.columns = {"number"};
    std::multiset<std::int64_t> expected;
    for (const Row& row : all) {
      auto wanted = [&](const std::string& text) {
        return std::count(request.symbols.begin(), request.symbols.end(), text) > 0;
      };
      // An empty text in a partition column comes back as null: Delta knows no other.
      const bool own_partition = layout.partitions == std::vector<std::string>{"symbol"};
      const bool symbol_known = row.symbol && !(own_partition && row.symbol->empty());
      if (!request.symbols.empty() && !(symbol_known && wanted(*row.symbol)) && !wanted(row.instrument)) continue;
      if (request.start && (!row.session || *row.session < *request.start)) continue;
      if (request.end && (!row.session || *row.session > *request.end)) continue;
      if (request.known_at && (!row.known || *row.known > request.known_at->us)) continue;
      expected.insert(row.number);
    }
    ScanResult result = must(scan(lake, request, Workers(1 + below(3))));
    std::multiset<std::int64_t> found;
    auto rows = must(result.rows->CombineChunks());
    if (rows->num_rows() > 0) {
      auto numbers = std::static_pointer_cast<arrow::Int64Array>(rows->GetColumnByName("number")->chunk(0));
      for (std::int64_t i = 0; i < rows->num_rows(); ++i) found.insert(numbers->Value(i));
    }
    ASSERT_EQ(found, expected) << "question " << question;
    auto numbers_of = [](const arrow::Table& table) {
      std::multiset<std::int64_t> numbers;
      for (const auto& chunk : table.GetColumnByName("number")->chunks())
        for (std::int64_t i = 0; i < chunk->length(); ++i)
          numbers.insert(static_cast<const arrow::Int64Array&>(*chunk).Value(i));
      return numbers;
    };
    std::multiset<std::int64_t> streamed, blocked;  // the ways of one who has no room for them all
    must(scan_batches(lake, request, 1 + below(50), arrow::default_memory_pool(),
                      [&](const std::shared_ptr<arrow::RecordBatch>& some) -> Status {
                        EXPECT_EQ(some->num_columns(), rows->num_columns());
                        ARROW_ASSIGN_OR_RAISE(auto table_of, arrow::Table::FromRecordBatches({some}));
                        streamed.merge(numbers_of(*table_of));
                        return Status::OK();
                      }));
    ASSERT_EQ(streamed, expected) << "question " << question;
    ASSERT_GE(must(rows_at_most(lake, request)), static_cast<std::int64_t>(expected.size()));
    if (request.symbols.empty()) {
      for (const auto& names : must(instrument_blocks(lake, request, 1 + below(300), arrow::default_memory_pool()))) {
        ScanRequest some = request;
        some.symbols = names;
        blocked.merge(numbers_of(*must(scan(lake, some)).rows));
      }
      ASSERT_EQ(blocked, expected) << "question " << question;
    }
    if (!request.columns.empty()) {
      EXPECT_EQ(rows->num_columns(), 1);
    } else if (rows->num_rows() > 0) {
      auto ids = std::static_pointer_cast<arrow::StringArray>(rows->GetColumnByName("instrument_id")->chunk(0));
      auto sessions = std::static_pointer_cast<arrow::Date32Array>(rows->GetColumnByName("session")->chunk(0));
      for (std::int64_t i = 1; i < rows->num_rows(); ++i) {
        auto key = [&](std::int64_t row) {
          return std::pair(ids->GetString(row), sessions->IsNull(row) ? INT32_MIN : sessions->Value(row));
        };
        ASSERT_LE(key(i - 1), key(i)) << "row " << i;
      }
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, ScanProperty, testing::Range(0, 30));

}  // namespace
}  // namespace tapemill::lake
