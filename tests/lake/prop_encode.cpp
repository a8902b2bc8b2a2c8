// What encode.h writes is what decode.h reads, for values of every shape; whole parts are read by Arrow in test_writer.cpp.
#include <arrow/io/file.h>
#include <gtest/gtest.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <random>

#include "lake/decode.h"
#include "lake/encode.h"
#include "lake/writer.h"
#include "lake_test.h"

namespace tapemill::lake {
namespace {
using namespace test;

template <class T>
std::vector<T> values_of(int shape, std::size_t count, std::mt19937_64& random) {
  std::vector<T> out(count);
  T last = 0;
  for (std::size_t i = 0; i < count; ++i) {
    switch (shape) {
      case 0: out[i] = static_cast<T>(random()); break;  // anything
      case 1: out[i] = 42; break;  // all alike
      case 2: out[i] = last = static_cast<T>(last + static_cast<T>(random() % 21) * 100 - 1000); break;  // a price
      case 3: out[i] = i % 300 == 0 ? static_cast<T>(random() % 1'000'000) : static_cast<T>(out[i - 1] + 60); break;
      default:
        out[i] =
            random() % 2 ? std::numeric_limits<T>::max() : std::numeric_limits<T>::min();  // differences wrap round
    }
  }
  return out;
}

template <class T>
void delta_comes_back() {
  std::mt19937_64 random(7);
  for (int shape = 0; shape < 5; ++shape) {
    for (std::size_t count : {0, 1, 2, 31, 32, 33, 128, 129, 130, 1000, 4096, 9000}) {
      const auto values = values_of<T>(shape, count, random);
      for (Packing packing : {Packing::tight, Packing::bytes}) {
        std::vector<std::uint8_t> bytes(delta_room(count, sizeof(T)) + kEncodeSlack, 0xcd);
        const std::size_t size = encode_delta(values.data(), count, packing, bytes.data());
        ASSERT_LE(size, delta_room(count, sizeof(T)));
        std::vector<std::uint8_t> page(bytes.begin(), bytes.begin() + static_cast<long>(size));
        page.resize(size + kPadding);
        std::vector<T> back(count);
        must(decode_delta(Bytes(page.data(), size), static_cast<std::int64_t>(count), back.data()));
        ASSERT_EQ(back, values) << "shape " << shape << ", " << count << " values";
      }
    }
  }
}

TEST(EncodeProperty, DifferencesComeBack) {
  delta_comes_back<std::int32_t>();
  delta_comes_back<std::int64_t>();
}

TEST(EncodeProperty, SplitBytesComeBack) {
  std::mt19937_64 random(8);
  for (std::size_t count : {0, 1, 15, 16, 17, 100, 4096}) {
    std::vector<double> values(count), back(count);
    for (double& value : values) value = static_cast<double>(random()) / 3;
    std::vector<std::uint8_t> bytes(count * 8 + kPadding);
    ASSERT_EQ(encode_split(values.data(), count, 8, bytes.data()), count * 8);
    must(decode_split(Bytes(bytes.data(), count * 8), 0, static_cast<std::int64_t>(count), back.data()));
    EXPECT_EQ(back, values);
    std::vector<float> few(values.begin(), values.end()), again(count);
    encode_split(few.data(), count, 4, bytes.data());
    must(decode_split(Bytes(bytes.data(), count * 4), 0, static_cast<std::int64_t>(count), again.data()));
    EXPECT_EQ(again, few);
  }
}

TEST(EncodeProperty, IndicesComeBack) {
  std::mt19937_64 random(9);
  for (int width : {1, 2, 5, 8, 9, 17, 32}) {
    const std::uint64_t most = (1ULL << width) - 1;
    for (std::size_t longest : {1, 3, 9, 40, 1000}) {
      for (std::size_t count : {1, 7, 8, 9, 64, 1000, 4096}) {
        std::vector<std::uint32_t> values;
        while (values.size() < count)
          values.insert(values.end(), std::min(count - values.size(), 1 + random() % longest),
                        static_cast<std::uint32_t>(random() & most));
        std::vector<std::uint8_t> bytes(hybrid_room(count, width) + kEncodeSlack);
        const std::size_t size = encode_hybrid(values.data(), count, width, bytes.data());
        ASSERT_LE(size, hybrid_room(count, width));
        HybridReader reader(Bytes(bytes.data(), size), width);
        std::vector<std::uint32_t> back;
        while (back.size() < count) {
          HybridReader::Run run;
          must(reader.next(run));
          for (std::int64_t i = 0; i < run.count && back.size() < count; ++i)
            back.push_back(run.packed == nullptr ? run.value : reader.unpack(run, i));
        }
        ASSERT_EQ(back, values) << width << " bits, runs up to " << longest;
      }
    }
  }
}

// Prices in hundreds of their smallest unit: equal differences become equal bytes, which zstd packs better than bits.
TEST(EncodeProperty, PricesArePackedByBytesWhereThatIsSmaller) {
  Folder folder;
  Table table(folder.path() + "/t", {Layer::bronze, "t"});
  auto schema = arrow::schema({arrow::field("price", arrow::decimal64(18, 4), false)});
  std::mt19937_64 random(10);
  const auto prices = values_of<std::int64_t>(2, 100'000, random);
  arrow::Decimal64Builder builder(schema->field(0)->type());
  for (std::int64_t price : prices) must(builder.Append(arrow::Decimal64(price)));
  auto rows = arrow::RecordBatch::Make(schema, 100'000, {must(builder.Finish())});
  MemoryBudget budget;
  auto writer = must(write_parts(table, Layout{schema, {}, {}}, {"ab", "2024-01-31", "csv", 0, {}}, budget));
  must(writer->write(rows));
  const auto parts = must(writer->finish());
  EXPECT_LT(parts[0].size, 90'000);  // a difference has 11 bits, and an entropy of 4.4
  auto file = must(arrow::io::ReadableFile::Open(table.path() + "/" + parts[0].path));
  parquet::ArrowReaderProperties properties(false);
  properties.set_smallest_decimal_enabled(true);
  parquet::arrow::FileReaderBuilder reader;
  must(reader.Open(file));
  reader.properties(properties);
  auto back = must(must(must(reader.Build())->ReadTable())->CombineChunksToBatch());
  EXPECT_TRUE(back->column(0)->Equals(*rows->column(0)));
}

}  // namespace
}  // namespace tapemill::lake
