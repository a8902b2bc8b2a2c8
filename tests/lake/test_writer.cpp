#include <arrow/io/file.h>
#include <gmock/gmock.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/statistics.h>

#include <random>

#include "core/json.h"
#include "lake/watermark.h"
#include "lake/writer.h"
#include "lake_test.h"

namespace tapemill::lake {
namespace {
using namespace test;
using testing::HasSubstr;

std::shared_ptr<arrow::Table> read_part(const std::string& path) {
  auto file = must(arrow::io::ReadableFile::Open(path));
  parquet::ArrowReaderProperties properties(false);
  properties.set_smallest_decimal_enabled(true);
  parquet::arrow::FileReaderBuilder builder;
  must(builder.Open(file));
  builder.properties(properties);
  return must(must(builder.Build())->ReadTable());
}

class WriterTest : public testing::Test {
 protected:
  Folder folder;
  Lake lake = must(Lake::open(folder.path() + "/lake", true));
  Table table = lake.table(Layer::bronze, "bars");
  Layout layout{bars_schema(), {"year", "month"}, {"instrument_id", "session"}};
  Provenance provenance{"ab12", "2024-01-31", "csv", 0, {{"file", "x.csv"}}};

  std::vector<Bar> bars(int count, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::vector<Bar> out;
    for (int i = 0; i < count; ++i) {
      out.push_back({fmt::format("S{:03}", random() % 50), Date::of(2024, 1, 20) + static_cast<int>(random() % 60),
                     static_cast<std::int64_t>(random() % 1'000'000), i, static_cast<double>(random()) / 7});
    }
    return out;
  }
  std::vector<Part> write(const std::vector<Bar>& rows, std::int64_t budget_bytes = 0, std::size_t batch = 1000) {
    MemoryBudget budget(budget_bytes);
    auto writer = must(write_parts(table, layout, provenance, budget));
    for (std::size_t at = 0; at < rows.size(); at += batch) {
      must(writer->write(batch_of(
          {rows.begin() + static_cast<long>(at), rows.begin() + static_cast<long>(std::min(at + batch, rows.size()))},
          budget.pool())));
    }
    auto parts = must(writer->finish());
    EXPECT_LE(budget.peak(), budget_bytes > 0 ? budget_bytes : budget.peak());
    return parts;
  }
};

TEST_F(WriterTest, PartsLieInHiveFoldersSortedAndTyped) {
  auto rows = bars(5000);
  auto parts = write(rows);
  ASSERT_EQ(parts.size(), 3u);  // January to March
  EXPECT_TRUE(parts[0].path.starts_with("year=2024/month=01/part-00000-")) << parts[0].path;
  EXPECT_EQ(parts[0].partition, (std::map<std::string, std::string>{{"year", "2024"}, {"month", "1"}}));
  EXPECT_EQ(parts[0].tags.at("unit"), "2024-01-31");
  EXPECT_EQ(parts[0].tags.at("file"), "x.csv");
  std::int64_t total = 0;
  std::multiset<std::int64_t> volumes;
  for (const Part& part : parts) {
    auto stored = read_part(table.path() + "/" + part.path);
    EXPECT_TRUE(stored->schema()->Equals(*bars_schema())) << stored->schema()->ToString();
    EXPECT_EQ(stored->num_rows(), part.rows);
    EXPECT_EQ(part.size, static_cast<std::int64_t>(std::filesystem::file_size(table.path() + "/" + part.path)));
    total += part.rows;
    auto whole = must(stored->CombineChunks());
    auto ids = std::static_pointer_cast<arrow::StringArray>(whole->column(0)->chunk(0));
    auto sessions = std::static_pointer_cast<arrow::Date32Array>(whole->column(1)->chunk(0));
    auto volume = std::static_pointer_cast<arrow::Int64Array>(whole->column(3)->chunk(0));
    for (std::int64_t i = 0; i < whole->num_rows(); ++i) {
      volumes.insert(volume->Value(i));
      EXPECT_EQ(Date{sessions->Value(i)}.month(), std::stoi(part.partition.at("month")));
      if (i == 0) continue;
      auto key = [&](std::int64_t row) {
        return std::tuple(ids->GetString(row), sessions->Value(row), volume->Value(row));
      };
      EXPECT_LT(key(i - 1), key(i));  // ties stay in the order of arrival, which volume counts
    }
  }
  EXPECT_EQ(total, 5000);
  EXPECT_EQ(std::set<std::int64_t>(volumes.begin(), volumes.end()).size(), 5000u);
}

TEST_F(WriterTest, EncodingsAndPhysicalTypesAreThoseDeclared) {
  layout.encodings["weight"] = "byte_stream_split";
  layout.row_group_rows = 1000;
  auto parts = write(bars(5000));
  auto file = parquet::ParquetFileReader::OpenFile(table.path() + "/" + parts[0].path);
  auto metadata = file->metadata();
  EXPECT_EQ(metadata->created_by(), "tapemill version 4 (build " ARROW_VERSION_STRING ")");
  EXPECT_EQ(metadata->num_row_groups(), (parts[0].rows + 999) / 1000);
  for (int group = 0; group + 1 < metadata->num_row_groups(); ++group)
    EXPECT_EQ(metadata->RowGroup(group)->num_rows(), 1000);
  auto encodings = [&](int column) { return metadata->RowGroup(0)->ColumnChunk(column)->encodings(); };
  EXPECT_THAT(encodings(0), testing::Contains(parquet::Encoding::RLE_DICTIONARY));
  for (int column : {1, 2, 3, 5})
    EXPECT_THAT(encodings(column), testing::Contains(parquet::Encoding::DELTA_BINARY_PACKED)) << column;
  EXPECT_THAT(encodings(4), testing::Contains(parquet::Encoding::BYTE_STREAM_SPLIT));
  EXPECT_EQ(metadata->schema()->Column(2)->physical_type(), parquet::Type::INT64);
  EXPECT_TRUE(metadata->schema()->Column(2)->logical_type()->is_decimal());
  EXPECT_EQ(metadata->schema()->Column(5)->physical_type(), parquet::Type::INT64);
  EXPECT_EQ(metadata->RowGroup(0)->ColumnChunk(0)->compression(), parquet::Compression::ZSTD);
  EXPECT_TRUE(metadata->RowGroup(0)->ColumnChunk(0)->GetColumnIndexLocation().has_value());
  layout.encodings["close"] = "byte_stream_split";
  MemoryBudget budget;
  auto writer = must(write_parts(table, layout, provenance, budget));
  must(writer->write(batch_of(bars(1))));
  EXPECT_EQ(exit_code(writer->finish().status()), 2);
}

TEST_F(WriterTest, BytesDependOnRowsAndLayoutAlone) {
  layout.row_group_rows = 7000;
  layout.part_rows = 20000;
  const auto rows = bars(60'000);
  std::vector<std::string> bytes, names;
  for (const Part& part : write(rows))
    names.push_back(part.path), bytes.push_back(read_text(table.path() + "/" + part.path));
  EXPECT_GT(names.size(), 3u);  // months cut further by part_rows
  int variant = 0;
  for (auto [budget, batch] :
       {std::pair<std::int64_t, std::size_t>{0, 60'000}, {0, 17}, {24 << 20, 1000}, {6 << 20, 333}}) {
    Table other(folder.path() + "/other" + std::to_string(variant++), table.name());
    std::swap(table, other);
    const auto parts = write(rows, budget, batch);
    ASSERT_EQ(parts.size(), names.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      EXPECT_EQ(parts[i].path, names[i]);
      EXPECT_TRUE(read_text(table.path() + "/" + parts[i].path) == bytes[i])
          << names[i] << " with a budget of " << budget;
    }
    std::swap(table, other);
  }
}

TEST_F(WriterTest, ACarriedPartHasTheBytesOfAWrittenOne) {
  layout.row_group_rows = 5000;  // no whole number of pages
  const auto rows = bars(30'000, 3);
  const auto from = write(rows);
  const Change change{{"weight"}, {"volume", "weight"}, [](const std::shared_ptr<arrow::RecordBatch>& batch) {
                        arrow::DoubleBuilder out;
                        const auto& weights = static_cast<const arrow::DoubleArray&>(*batch->GetColumnByName("weight"));
                        const auto& volumes = static_cast<const arrow::Int64Array&>(*batch->GetColumnByName("volume"));
                        for (std::int64_t i = 0; i < batch->num_rows(); ++i)
                          must(volumes.Value(i) % 3 == 0 ? out.AppendNull() : out.Append(weights.Value(i) * 2));
                        return batch->SetColumn(1, batch->schema()->field(1), must(out.Finish()));
                      }};
  Table carried(folder.path() + "/carried", {Layer::silver, "bars"}),
      written(folder.path() + "/written", carried.name());
  MemoryBudget budget;
  auto one = must(write_parts(carried, layout, provenance, budget)),
       other = must(write_parts(written, layout, provenance, budget));
  for (const Part& part : from) {
    ASSERT_TRUE(must(one->carry(table, *bars_schema(), part, change)));
    auto batch = must(read_part(table.path() + "/" + part.path)->CombineChunksToBatch());
    auto reads = arrow::RecordBatch::Make(arrow::schema({batch->schema()->field(3), batch->schema()->field(4)}),
                                          batch->num_rows(), {batch->column(3), batch->column(4)});
    must(other->write(must(batch->SetColumn(4, batch->schema()->field(4), must(change.derive(reads))->column(1)))));
  }
  const auto a = must(one->finish()), b = must(other->finish());
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].path, b[i].path);
    EXPECT_EQ(a[i].stats, b[i].stats);
    EXPECT_EQ(a[i].rows, b[i].rows);
    EXPECT_TRUE(read_text(carried.path() + "/" + a[i].path) == read_text(written.path() + "/" + b[i].path));
  }
  provenance.sha256 = "cd34";  // other rows, a spec that changed: what is there is nothing to start from
  EXPECT_FALSE(
      must(must(write_parts(carried, layout, provenance, budget))->carry(table, *bars_schema(), from[0], change)));
}

TEST_F(WriterTest, ManySpilledRunsAreMergedInSeveralPasses) {
  layout.row_group_rows = 5000;
  const auto rows = bars(800'000, 7);
  const auto calm = write(rows);
  std::vector<std::string> bytes;
  for (const Part& part : calm) bytes.push_back(read_text(table.path() + "/" + part.path));
  table = Table(folder.path() + "/tight", table.name());
  const auto tight = write(rows, 3 << 20, 500);  // 0.6 MiB a run, and 48 MB of rows: more than are merged at once
  ASSERT_EQ(tight.size(), calm.size());
  for (std::size_t i = 0; i < tight.size(); ++i) EXPECT_TRUE(read_text(table.path() + "/" + tight[i].path) == bytes[i]);
  for (const auto& entry : std::filesystem::directory_iterator(table.path())) {
    EXPECT_TRUE(entry.path().filename().string().starts_with("year=")) << entry.path();  // nothing spilled is left
  }
}

TEST_F(WriterTest, NamesHashEverythingThatMayDiffer) {
  std::set<std::string> names;
  auto name = [&] { return names.insert(write(bars(10))[0].path).second; };
  EXPECT_TRUE(name());
  EXPECT_FALSE(name());  // the same again: the same name, and the same bytes are found there
  provenance.sha256 = "ab13";
  EXPECT_TRUE(name());
  provenance.ordinal = 1;
  EXPECT_TRUE(name());
  provenance.unit = "2024-02-01";
  EXPECT_TRUE(name());
  provenance.form = "udiff";
  EXPECT_TRUE(name());
  layout.compression_level = 5;
  EXPECT_TRUE(name());
  table = Table(table.path(), {Layer::silver, "bars"});
  EXPECT_TRUE(name());
}

TEST_F(WriterTest, ADamagedPartUnderTheNameIsSaidAndNotOverwritten) {
  const auto parts = write(bars(10));
  write_text(table.path() + "/" + parts[0].path, "damage");
  MemoryBudget budget;
  auto writer = must(write_parts(table, layout, provenance, budget));
  must(writer->write(batch_of(bars(10))));
  Status status = writer->finish().status();
  EXPECT_THAT(status.message(), HasSubstr("is there with other bytes"));
  EXPECT_EQ(read_text(table.path() + "/" + parts[0].path), "damage");
}

TEST_F(WriterTest, ASourceWithoutRowsIsStillKnown) {
  must(table.create(bars_schema(), {"year", "month"}, {}));
  auto parts = write({});
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].rows, 0);
  EXPECT_TRUE(parts[0].path.starts_with("year=2024/month=01/"));
  Transaction one;
  one.read_version = 0;
  one.adds = parts;
  must(table.commit(one));
  auto known = must(units(must(table.snapshot())));
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].sha256, "ab12");
}

TEST_F(WriterTest, AbortLeavesNothing) {
  MemoryBudget budget(8 << 20);
  {
    auto writer = must(write_parts(table, layout, provenance, budget));
    for (int i = 0; i < 40; ++i) must(writer->write(batch_of(bars(1000), budget.pool())));
  }
  int files = 0;
  if (std::filesystem::exists(table.path())) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(table.path()))
      files += entry.is_regular_file();
  }
  EXPECT_EQ(files, 0);
  EXPECT_EQ(budget.used(), 0);
}

TEST_F(WriterTest, PartitionsByOwnColumnsEscapeAndKeepNulls) {
  auto schema = arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("x", arrow::int64())});
  arrow::StringBuilder symbols;
  arrow::Int64Builder xs;
  for (const char* symbol : {"B/C", "A=1 %", "M&M", "B/C"}) must(symbols.Append(symbol)), must(xs.Append(xs.length()));
  must(symbols.AppendNull());
  must(xs.Append(4));
  Layout own{schema, {"symbol"}, {"x"}};
  MemoryBudget budget;
  auto writer = must(write_parts(table, own, provenance, budget));
  must(writer->write(arrow::RecordBatch::Make(schema, 5, {must(symbols.Finish()), must(xs.Finish())})));
  auto parts = must(writer->finish());
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_TRUE(parts[0].path.starts_with("symbol=__HIVE_DEFAULT_PARTITION__/"));
  EXPECT_EQ(parts[0].partition.at("symbol"), "");
  EXPECT_TRUE(parts[1].path.starts_with("symbol=A%3D1 %25/")) << parts[1].path;
  EXPECT_TRUE(parts[2].path.starts_with("symbol=B%2FC/"));
  EXPECT_EQ(parts[2].rows, 2);
  EXPECT_EQ(read_part(table.path() + "/" + parts[2].path)->num_columns(), 1);
}

TEST_F(WriterTest, StatisticsAreSafe) {
  auto schema = arrow::schema({arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                               arrow::field("d", arrow::float64()), arrow::field("e", arrow::float64()),
                               arrow::field("f", arrow::float64()), arrow::field("s", arrow::utf8()),
                               arrow::field("p", arrow::decimal64(18, 2)), arrow::field("q", arrow::decimal64(18, 2)),
                               arrow::field("day", arrow::date32()), arrow::field("b", arrow::binary()),
                               arrow::field("n", arrow::int64()), arrow::field("u", arrow::utf8())});
  arrow::TimestampBuilder t(schema->field(0)->type(), arrow::default_memory_pool());
  arrow::DoubleBuilder d, e, f;
  arrow::StringBuilder s, u;
  arrow::Decimal64Builder p(arrow::decimal64(18, 2)), q(arrow::decimal64(18, 2));
  arrow::Date32Builder day;
  arrow::BinaryBuilder b;
  arrow::Int64Builder n;
  const std::string thirty_two(32, 'x'), top = thirty_two + "\xF4\x8F\xBF\xBF";
  for (int i = 0; i < 2; ++i) {
    must(t.Append(i == 0 ? -1'500'500 : 1'700'000'000'000'001));
    must(d.Append(i == 0 ? 0.0 : 2.5));
    must(e.Append(i == 0 ? 1.0 : NAN));
    must(f.Append(i == 0 ? -INFINITY : 3.0));
    must(s.Append(i == 0 ? thirty_two + "abc" : "a\"\n"));
    must(u.Append(i == 0 ? top : thirty_two));
    must(p.Append(arrow::Decimal64(i == 0 ? -150 : 1234567)));
    must(q.Append(arrow::Decimal64(i == 0 ? 5 : 99'999'999'999'999'999)));
    must(day.Append(i == 0 ? Date::of(1601, 1, 1).days : 3'000'000));
    must(b.Append("xyz"));
    must(n.AppendNull());
  }
  auto batch = arrow::RecordBatch::Make(
      schema, 2,
      {must(t.Finish()), must(d.Finish()), must(e.Finish()), must(f.Finish()), must(s.Finish()), must(p.Finish()),
       must(q.Finish()), must(day.Finish()), must(b.Finish()), must(n.Finish()), must(u.Finish())});
  MemoryBudget budget;
  auto writer = must(write_parts(table, Layout{schema, {}, {}}, provenance, budget));
  must(writer->write(batch));
  const std::string text = must(writer->finish())[0].stats;
  const Json stats = Json::parse(text);
  EXPECT_EQ(stats["numRecords"], 2);
  EXPECT_EQ(stats["minValues"]["t"], "1969-12-31T23:59:58.499Z");  // floor
  EXPECT_EQ(stats["maxValues"]["t"], "2023-11-14T22:13:20.001Z");  // ceiling
  EXPECT_THAT(text, HasSubstr("\"d\":-0.0"));                       // zero covers both zeros
  EXPECT_EQ(stats["maxValues"]["d"], 2.5);
  EXPECT_FALSE(stats["minValues"].contains("e") ||
               stats["maxValues"].contains("e"));  // NaN is neither inside nor outside
  EXPECT_EQ(stats["minValues"]["s"], "a\"\n");
  EXPECT_EQ(stats["maxValues"]["s"], top);  // cut, and still above
  EXPECT_THAT(text, HasSubstr("\"p\":-1.50"));
  EXPECT_THAT(text, HasSubstr("\"p\":12345.67"));
  EXPECT_EQ(stats["minValues"]["q"], 0.05);
  EXPECT_THAT(text, HasSubstr("\"q\":1000000000000000.43"));  // 999999999999999.99 and what a double could lose
  EXPECT_FALSE(stats["minValues"].contains("f"));  // JSON has no infinity
  EXPECT_EQ(stats["maxValues"]["f"], 3.0);
  EXPECT_FALSE(stats["maxValues"].contains("u"));  // nothing is above U+10FFFF
  EXPECT_EQ(stats["minValues"]["day"], "1601-01-01");
  EXPECT_FALSE(stats["maxValues"].contains("day"));  // the year 10183
  EXPECT_FALSE(stats["minValues"].contains("b") || stats["minValues"].contains("n"));
  EXPECT_EQ(stats["nullCount"]["n"], 2);
  EXPECT_EQ(stats["nullCount"]["t"], 0);
}

}  // namespace
}  // namespace tapemill::lake
