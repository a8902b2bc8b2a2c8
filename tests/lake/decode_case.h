// A Parquet file of random columns in random encodings under our writer's name: what our decoder must read as Arrow does.
#pragma once
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>

#include <random>

#include "lake/rows.h"
#include "lake_test.h"

namespace tapemill::lake::test {

class DecodeCase {
 public:
  explicit DecodeCase(unsigned seed) : random_(seed) {}
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  std::shared_ptr<arrow::Table> table(std::int64_t rows) {
    arrow::FieldVector fields;
    arrow::ArrayVector arrays;
    const auto utc = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    const std::vector<std::shared_ptr<arrow::DataType>> types{
        arrow::boolean(), arrow::int8(),           arrow::int16(),
        arrow::int32(),   arrow::int64(),          arrow::float32(),
        arrow::float64(), arrow::date32(),         utc,
        arrow::utf8(),    arrow::decimal64(18, 4), arrow::decimal64(7, 2)};
    for (std::size_t i = 0; i < types.size(); ++i) {
      const int null_percent = std::vector<int>{0, 0, 3, 50, 100}[static_cast<std::size_t>(below(5))];
      const bool nullable = null_percent > 0 || below(2) == 0;
      fields.push_back(arrow::field("c" + std::to_string(i), types[i], nullable));
      arrays.push_back(column(types[i], rows, null_percent));
    }
    return arrow::Table::Make(arrow::schema(fields), arrays, rows);
  }

  void write(const arrow::Table& table, const std::string& path) {
    parquet::WriterProperties::Builder builder;
    builder.created_by("tapemill version test")->version(parquet::ParquetVersion::PARQUET_2_6);
    builder.max_rows_per_page(1 + below(below(2) == 0 ? 20 : 3000))->write_batch_size(1 + below(100));
    builder.data_page_version(below(2) == 0 ? parquet::ParquetDataPageVersion::V1
                                            : parquet::ParquetDataPageVersion::V2);
    const parquet::Compression::type codecs[] = {parquet::Compression::ZSTD, parquet::Compression::UNCOMPRESSED,
                                                 parquet::Compression::SNAPPY};
    builder.compression(codecs[below(3)])->dictionary_pagesize_limit(below(2) == 0 ? 1 << 20 : 64);
    if (below(3) > 0) builder.enable_write_page_index();
    if (below(4) == 0) builder.disable_statistics();
    const bool whole_decimals = below(5) > 0;  // as our writer has them
    if (whole_decimals) builder.enable_store_decimal_as_integer();
    for (const auto& name : table.ColumnNames()) {
      const auto type = table.GetColumnByName(name)->type()->id();
      const bool real = type == arrow::Type::FLOAT || type == arrow::Type::DOUBLE;
      const bool text = type == arrow::Type::STRING, boolean = type == arrow::Type::BOOL;
      int choice = below(4);
      if (choice == 2 && type == arrow::Type::DECIMAL64 && !whole_decimals) choice = 1;
      if (choice == 0 && !boolean) continue;  // dictionary
      builder.disable_dictionary(name);
      if (boolean || choice == 1) builder.encoding(name, parquet::Encoding::PLAIN);
      else if (choice == 2 && (real || !text))
        builder.encoding(name, real ? parquet::Encoding::BYTE_STREAM_SPLIT : parquet::Encoding::DELTA_BINARY_PACKED);
      else if (choice == 3 && !text) builder.encoding(name, parquet::Encoding::BYTE_STREAM_SPLIT);
    }
    auto file = must(arrow::io::FileOutputStream::Open(path));
    must(parquet::arrow::WriteTable(table, arrow::default_memory_pool(), file,
                                    1 + below(static_cast<int>(table.num_rows()) + 10), builder.build()));
    must(file->Close());
  }

  /// Some rows of each group, with places that are a permutation of theirs; `rows` gets the row of the file at each place.
  std::vector<ChosenRows> choose(const std::vector<RowGroup>& groups, bool everything,
                                 std::vector<std::int64_t>& rows) {
    std::vector<ChosenRows> chosen;
    std::vector<Segment*> all;
    std::vector<std::int64_t> starts;
    std::int64_t start = 0;
    for (const RowGroup& group : groups) {
      const auto count = static_cast<int>(group.open->groups[static_cast<std::size_t>(group.index)].rows);
      ChosenRows one{&group, {}};
      for (int row = everything ? 0 : below(count); row < count;) {
        const int last = everything ? count : std::min(count, row + 1 + below(below(2) == 0 ? 5 : count));
        one.segments.push_back({static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(last), start});
        row = last + below(below(2) == 0 ? 3 : count);
      }
      start += count;
      if (!one.segments.empty()) chosen.push_back(std::move(one));
    }
    for (ChosenRows& one : chosen) {
      for (Segment& segment : one.segments) all.push_back(&segment);
    }
    if (!everything && below(2) == 0) std::shuffle(all.begin(), all.end(), random_);
    for (Segment* one : all) {
      const std::int64_t first_of_group = one->out;
      one->out = static_cast<std::int64_t>(rows.size());
      for (std::uint32_t row = one->first; row < one->last; ++row) rows.push_back(first_of_group + row);
    }
    return chosen;
  }

 private:
  std::shared_ptr<arrow::Array> column(const std::shared_ptr<arrow::DataType>& type, std::int64_t rows,
                                       int null_percent) {
    auto builder = must(arrow::MakeBuilder(type));
    const int kind = below(4), distinct = 1 + below(300);
    std::int64_t value = below(1000);
    for (std::int64_t row = 0; row < rows; ++row) {
      if (below(100) < null_percent) {
        must(builder->AppendNull());
        continue;
      }
      if (kind == 0) value = below(distinct);
      else if (kind == 1) value += below(5);
      else if (kind == 2) value = static_cast<std::int64_t>((std::uint64_t{random_()} << 32) ^ random_());
      must(append(*builder, *type, value));
    }
    return must(builder->Finish());
  }
  static Status append(arrow::ArrayBuilder& builder, const arrow::DataType& type, std::int64_t value) {
    switch (type.id()) {
      case arrow::Type::BOOL: return static_cast<arrow::BooleanBuilder&>(builder).Append(value % 2 != 0);
      case arrow::Type::INT8: return static_cast<arrow::Int8Builder&>(builder).Append(static_cast<std::int8_t>(value));
      case arrow::Type::INT16:
        return static_cast<arrow::Int16Builder&>(builder).Append(static_cast<std::int16_t>(value));
      case arrow::Type::INT32:
        return static_cast<arrow::Int32Builder&>(builder).Append(static_cast<std::int32_t>(value));
      case arrow::Type::INT64: return static_cast<arrow::Int64Builder&>(builder).Append(value);
      case arrow::Type::FLOAT: return static_cast<arrow::FloatBuilder&>(builder).Append(static_cast<float>(value) / 8);
      case arrow::Type::DOUBLE:
        return static_cast<arrow::DoubleBuilder&>(builder).Append(static_cast<double>(value) / 8);
      case arrow::Type::DATE32:
        return static_cast<arrow::Date32Builder&>(builder).Append(static_cast<std::int32_t>(value));
      case arrow::Type::TIMESTAMP: return static_cast<arrow::TimestampBuilder&>(builder).Append(value);
      case arrow::Type::STRING: {
        std::string text = value % 7 == 0 ? "" : "text " + std::to_string(value);
        return static_cast<arrow::StringBuilder&>(builder).Append(text);
      }
      default: {
        const bool narrow = static_cast<const arrow::DecimalType&>(type).precision() < 18;
        return static_cast<arrow::Decimal64Builder&>(builder).Append(
            arrow::Decimal64(value % (narrow ? 9'999'999 : 999'999'999'999'999'999)));
      }
    }
  }
  std::mt19937 random_;
};

/// The row groups of a file that is no part of a table.
inline std::vector<RowGroup> groups_of(const std::string& path, const Part& part) {
  auto open = must(open_part(path));
  std::vector<RowGroup> groups;
  for (std::size_t i = 0; i < open->groups.size(); ++i) {
    if (open->groups[i].rows > 0) groups.push_back({&part, path, open->footer, static_cast<int>(i), open});
  }
  return groups;
}

}  // namespace tapemill::lake::test
