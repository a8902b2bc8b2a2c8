// Rows that are put aside come back in the order, and with the values, of those that are in memory.
#include "graph/connectors/event_sorter.h"

#include <arrow/api.h>

#include "graph/connectors/table_source.h"
#include "graph_test.h"

namespace tapemill::graph {
namespace {
using namespace test;

const Schema kSchema{{{"ticker", Kind::string, 0},
                      {"time", Kind::timestamp, 0},
                      {"n", Kind::int64, 0},
                      {"x", Kind::float64, 0},
                      {"p", Kind::decimal, 2},
                      {"day", Kind::date, 0},
                      {"up", Kind::boolean, 0}}};

/// Rows in no order, with nulls everywhere, and many at one time.
std::shared_ptr<arrow::RecordBatch> rows_of(std::uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  arrow::FieldVector fields;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders;
  for (const Field& field : kSchema.fields) {
    fields.push_back(arrow::field(field.name, arrow_type(field)));
    builders.push_back(must(arrow::MakeBuilder(fields.back()->type())));
  }
  auto each = [&](std::size_t c, auto append) {
    if (random() % 20 == 0) must(builders[c]->AppendNull());
    else must(append());
  };
  for (int i = 0; i < count; ++i) {
    const auto r = static_cast<std::int64_t>(random() % 1000);
    each(0, [&] {
      return static_cast<arrow::StringBuilder&>(*builders[0]).Append(r % 7 == 0 ? "" : fmt::format("T{}", r % 9));
    });
    each(1, [&] { return static_cast<arrow::TimestampBuilder&>(*builders[1]).Append(r % 50 - 5); });
    each(2, [&] { return static_cast<arrow::Int64Builder&>(*builders[2]).Append(i); });
    each(3, [&] { return static_cast<arrow::DoubleBuilder&>(*builders[3]).Append(static_cast<double>(r) / 7); });
    each(4, [&] { return static_cast<arrow::Decimal64Builder&>(*builders[4]).Append(arrow::Decimal64(r)); });
    each(5, [&] { return static_cast<arrow::Date32Builder&>(*builders[5]).Append(static_cast<std::int32_t>(r)); });
    each(6, [&] { return static_cast<arrow::BooleanBuilder&>(*builders[6]).Append(r % 2 == 0); });
  }
  arrow::ArrayVector arrays;
  for (auto& builder : builders) arrays.push_back(must(builder->Finish()));
  return arrow::RecordBatch::Make(arrow::schema(fields), count, arrays);
}

std::string text_of(Source& source, std::size_t at_once) {
  std::string out;
  Block block(kSchema);
  for (;;) {
    block.clear();
    const std::size_t count = must(source.read(block, at_once));
    if (count == 0) return out;
    for (std::size_t row = 0; row < count; ++row) {
      out += fmt::format("{}", block.time[row]);
      for (const Column& column : block.columns) {
        if (column.null(row)) out += " -";
        else if (column.kind() == Kind::string) out += fmt::format(" '{}'", column.text(row));
        else out += fmt::format(" {}", column.number(row));
      }
      out += "\n";
    }
  }
}

TEST(EventSorter, RunsInFilesAreTheTableInMemory) {
  Folder folder;
  for (const int time : {1, 5, -1}) {
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    for (int i = 0; i < 90; ++i) batches.push_back(rows_of(static_cast<std::uint64_t>(i + 1), 700));
    auto table = must(arrow::Table::FromRecordBatches(batches));
    auto wanted = must(table_source(table, kSchema, time, 0, "v", {}, arrow::default_memory_pool()));
    MemoryBudget budget(8 << 20);
    EventSorter sorter(kSchema, time, 0, {}, folder.path(), budget);
    for (const auto& batch : batches) must(sorter.add(batch));
    auto source = must(sorter.finish("v", {}));
    EXPECT_EQ(source->rows(), wanted->rows());
    const std::string text = text_of(*wanted, 16'384);
    EXPECT_TRUE(text_of(*source, 1000) == text) << "time column " << time;
    for (const std::int64_t row : {std::int64_t{0}, std::int64_t{12'345}, source->rows()}) {
      must(source->seek(row));
      must(wanted->seek(row));
      EXPECT_TRUE(text_of(*source, 77) == text_of(*wanted, 77)) << row;
    }
    EXPECT_FALSE(source->seek(source->rows() + 1).ok());
  }
}

TEST(EventSorter, WhatFitsStaysInMemory) {
  Folder folder;
  MemoryBudget budget(64 << 20);
  EventSorter sorter(kSchema, 1, 0, {2}, folder.path() + "/none", budget);
  must(sorter.add(rows_of(1, 500)));
  auto source = must(sorter.finish("v", {}));
  EXPECT_EQ(source->rows(), 500);
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/none"));
  MemoryBudget small(8 << 20);
  EventSorter none(kSchema, 1, 0, {}, folder.path(), small);
  EXPECT_EQ(must(none.finish("v", {}))->rows(), 0);
}

}  // namespace
}  // namespace tapemill::graph
