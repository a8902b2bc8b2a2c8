// Avro containers: values of every type a column may have, schemas that do not fit, dead letters, and files that lie.
#include <arrow/util/compression.h>

#include <random>

#include "avro_file.h"
#include "source_test.h"

namespace tapemill::sources {
namespace {

const std::string kFields = R"(
  {"name": "symbol", "type": "string"},
  {"name": "day", "type": {"type": "int", "logicalType": "date"}},
  {"name": "quote", "type": {"type": "record", "name": "quote", "fields": [
    {"name": "bid", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}]},
    {"name": "note", "type": "string"}]}},
  {"name": "levels", "type": {"type": "array", "items": "double"}},
  {"name": "volume", "type": "int"})";
const std::string kSchema = R"({"type": "record", "name": "tick", "fields": [)" + kFields + "]}";

std::string record(const std::string& symbol, int day, const std::string& bid, int volume) {
  const std::string levels = zigzag(2) + avro_real(1.5) + avro_real(2.5) + zigzag(0);
  return avro_text(symbol) + zigzag(day) + (bid.empty() ? zigzag(0) : zigzag(1) + avro_text(bid)) + avro_text("n") +
         levels + zigzag(volume);
}
constexpr int kDay = 19724;  // 2024-01-02

struct AvroFile : ::testing::Test {
  Folder folder;
  std::string columns =
      "  symbol: {type: string, null: refuse}\n  session: {type: date, null: refuse}\n"
      "  bid: {type: \"decimal(18,4)\"}\n  volume: {type: int64}\n";
  std::string mapping = "field_mapping: {session: day, bid: quote.bid}\n";
  Dataset spec() const {
    return must(parse_dataset(
        "table: ticks\nsource: avro\ncalendar: nyse\nkey: [symbol, session]\ncolumns:\n" + columns + mapping,
        "ticks.yaml"));
  }
  Drained read(const std::string& bytes) { return drain(spec(), folder.write("t.avro", bytes)); }
  std::string refusal(const std::string& bytes) {
    auto drained = read(bytes);
    EXPECT_EQ(exit_code(drained.status), 1) << drained.status.ToString();
    return render(drained.status, false);
  }
};

TEST_F(AvroFile, RecordsAreRows) {
  auto drained =
      read(avro_file(kSchema, {record("A", kDay, std::string("\x01\x86", 2), 7), record("B", kDay, "", -3)}));
  ASSERT_TRUE(drained.status.ok()) << drained.status.ToString();
  EXPECT_EQ(drained.info.form, "avro");
  ASSERT_EQ(drained.rows, 2);
  EXPECT_EQ(drained.at("symbol", 0), "A");
  EXPECT_EQ(drained.at("session", 0), "2024-01-02");
  EXPECT_EQ(drained.at("bid", 0), "3.9000");  // 390 at scale 2, in a column of 4
  EXPECT_EQ(drained.at("bid", 1), "null");
  EXPECT_EQ(drained.at("volume", 1), "-3");  // int read as long
}

TEST_F(AvroFile, TextsAreKeptToTheByte) {
  const std::vector<std::string> texts{" B ",
                                       "C\nD",
                                       "line\r\nend\n",
                                       "",
                                       "NULL",
                                       "-",
                                       "\t\t",
                                       "back\\slash\\n",
                                       "\"q\", , x",
                                       "=",
                                       "\\",
                                       "x \\",
                                       "#",
                                       "\xc3\xa9\xe2\x80\xaf",
                                       "a,b",
                                       " \"both\" "};
  columns = "  symbol: {type: string}\n  session: {type: date, null: refuse}\n  note: {type: string}\n";
  const std::string schema = R"({"type": "record", "name": "t", "fields": [{"name": "symbol", "type": "string"},
    {"name": "day", "type": "string"}, {"name": "note", "type": ["null", "string"]}]})";
  mapping = "field_mapping: {session: day}\n";
  auto one = [](const std::string& symbol, const std::string& note) {
    return avro_text(symbol) + avro_text(" 2024-01-02") + note;
  };
  std::vector<std::string> records, plain;
  for (const std::string& text : texts) records.push_back(one(text, zigzag(1) + avro_text(text)));
  records.push_back(one("last", zigzag(0)));
  for (const char* text : {"A", "B ", "", "B", " B"}) plain.push_back(one(text, zigzag(0)));  // no escape in any
  auto drained = read(avro_file(schema, records));
  ASSERT_TRUE(drained.status.ok()) << drained.status.ToString();
  ASSERT_EQ(drained.rows, static_cast<std::int64_t>(records.size()));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(drained.at("symbol", static_cast<std::int64_t>(i)), texts[i]) << i;
    EXPECT_EQ(drained.at("note", static_cast<std::int64_t>(i)), texts[i]) << i;
    EXPECT_EQ(drained.at("session", static_cast<std::int64_t>(i)), "2024-01-02") << i;
  }
  EXPECT_EQ(drained.at("note", static_cast<std::int64_t>(texts.size())), "null");
  auto alike = read(avro_file(schema, {plain[0], plain[3], plain[2], plain[4]}));
  ASSERT_EQ(alike.rows, 4) << alike.status.ToString();
  EXPECT_EQ(alike.at("symbol", 1), "B");
  EXPECT_EQ(alike.at("symbol", 2), "");
  EXPECT_EQ(alike.at("symbol", 3), " B");
  EXPECT_EQ(alike.at("note", 0), "null");
  EXPECT_EQ(alike.at("session", 3), "2024-01-02");
}

TEST_F(AvroFile, ARowKnowsItsNumberAndItsBytes) {
  const std::string first = record("A", kDay, "", 7), second = record("B", kDay, "", 8);
  const std::string bytes = avro_file(kSchema, {first, second});
  auto drained = read(bytes);
  ASSERT_EQ(drained.batches.size(), 1u);
  const SourceBatch& batch = drained.batches[0];
  EXPECT_EQ(batch.lines, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(batch.raw(1), second);
  EXPECT_EQ(bytes.substr(static_cast<std::size_t>(batch.bytes[1]), second.size()), second);  // of the file itself
}

TEST_F(AvroFile, ALargeBlockComesInSlicesAndIsCountedWhole) {
  std::vector<std::string> records;
  for (int i = 0; i < 100'000; ++i) records.push_back(record("S" + std::to_string(i), kDay, "", i));
  records[70'000] = record("S", 9'000'000, "", 1);  // no date
  const std::string bytes = avro_file(kSchema, records);
  ASSERT_GT(bytes.size(), 3u << 20);
  auto drained = read(bytes);
  ASSERT_TRUE(drained.status.ok()) << drained.status.ToString();
  EXPECT_EQ(drained.rows, 99'999);
  ASSERT_EQ(drained.refused.size(), 1u);
  EXPECT_EQ(drained.refused[0].line, 70'001);
  std::int64_t line = 0;
  for (const SourceBatch& batch : drained.batches) {
    EXPECT_LE(batch.rows->num_rows(), 40'000);
    for (std::size_t i = 0; i < batch.lines.size(); ++i) {
      line += ++line == 70'001;
      ASSERT_EQ(batch.lines[i], line);
      ASSERT_EQ(batch.raw(i), records[static_cast<std::size_t>(line - 1)]);
    }
  }
  drained = drain(spec(), folder.write("t.avro", bytes), 2 << 20);
  EXPECT_TRUE(drained.status.IsOutOfMemory()) << drained.status.ToString();
  EXPECT_NE(drained.status.message().find("the block at byte"), std::string::npos) << drained.status.message();
  EXPECT_EQ(exit_code(drained.status), 3);
}

TEST_F(AvroFile, EveryCodecGivesTheSame) {
  using arrow::Compression;
  const std::string data = record("A", kDay, "\x64", 7) + record("B", kDay, "\x65", 8);
  for (const auto& [name, type] : {std::pair{"deflate", Compression::GZIP},
                                   {"snappy", Compression::SNAPPY},
                                   {"zstandard", Compression::ZSTD},
                                   {"bzip2", Compression::BZ2}}) {
    arrow::util::GZipCodecOptions raw;
    raw.gzip_format = arrow::util::GZipFormat::DEFLATE;
    auto codec =
        must(std::string(name) == "deflate" ? arrow::util::Codec::Create(type, raw) : arrow::util::Codec::Create(type));
    std::string packed;
    const auto* in = reinterpret_cast<const std::uint8_t*>(data.data());
    const auto size = static_cast<std::int64_t>(data.size());
    packed.resize(static_cast<std::size_t>(codec->MaxCompressedLen(size, in)));
    if (type == Compression::BZ2) {  // only as a stream
      auto compressor = must(codec->MakeCompressor());
      packed.resize(4096);
      auto* to = reinterpret_cast<std::uint8_t*>(packed.data());
      auto done = must(compressor->Compress(size, in, 4096, to));
      auto end = must(compressor->End(4096 - done.bytes_written, to + done.bytes_written));
      packed.resize(static_cast<std::size_t>(done.bytes_written + end.bytes_written));
    } else {
      packed.resize(static_cast<std::size_t>(must(codec->Compress(size, in, static_cast<std::int64_t>(packed.size()),
                                                                  reinterpret_cast<std::uint8_t*>(packed.data())))));
    }
    if (type == Compression::SNAPPY) {  // CRC-32 of what is unpacked, the highest byte first
      std::uint32_t crc = ~0u;
      for (char c : data) {
        crc ^= static_cast<unsigned char>(c);
        for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (0xedb88320u & (0 - (crc & 1)));
      }
      crc = ~crc;
      for (int shift = 24; shift >= 0; shift -= 8) packed += static_cast<char>(crc >> shift);
    }
    const std::string bytes = avro_head(kSchema, name) + avro_block(2, packed);
    auto drained = read(bytes);
    ASSERT_TRUE(drained.status.ok()) << name << ": " << drained.status.ToString();
    EXPECT_EQ(drained.rows, 2) << name;
    EXPECT_EQ(drained.at("bid", 1), "1.0100") << name;
    std::string broken = bytes;
    broken[broken.size() - 18] ^= 0x55;  // in the packed bytes or their checksum
    auto other = read(broken);
    if (type == Compression::SNAPPY) {
      EXPECT_NE(other.status.message().find("checksum"), std::string::npos) << other.status.ToString();
    }
  }
  EXPECT_NE(refusal(avro_file(kSchema, {}, "lzma2")).find("its codec is \"lzma2\""), std::string::npos);
}

TEST_F(AvroFile, DefaultsAndAliasesAreForFieldsThatTheFileHasNot) {
  columns +=
      "  venue: {type: string, default: XNYS}\n  count: {type: int32, default: null}\n"
      "  size: {type: int64, aliases: [quantity, volume]}\n";
  auto drained = read(avro_file(kSchema, {record("A", kDay, "", 7)}));
  ASSERT_TRUE(drained.status.ok()) << drained.status.ToString();
  EXPECT_EQ(drained.at("venue", 0), "XNYS");
  EXPECT_EQ(drained.at("count", 0), "null");
  EXPECT_EQ(drained.at("size", 0), "7");
}

TEST_F(AvroFile, ASchemaThatDoesNotFitNamesFieldAndTypes) {
  const std::string bytes = avro_file(kSchema, {record("A", kDay, "", 7)});
  auto expect = [&](const std::string& more, const std::string& map, const std::string& said) {
    const std::string before_columns = columns, before_mapping = mapping;
    columns += more, mapping = map;
    const std::string error = refusal(bytes);
    EXPECT_NE(error.find(said), std::string::npos) << error;
    columns = before_columns, mapping = before_mapping;
  };
  expect("  venue: {type: string}\n", mapping,
         "its schema has no field \"venue\", and column \"venue\" has no default");
  expect("  volumes: {type: int64}\n", mapping, "did you mean volume?");
  expect("  other: {type: string}\n", "field_mapping: {session: day, bid: quote.bid, other: volume}\n",
         "field \"volume\" is int in the file, and column \"other\" is string");
  expect("  other: {type: \"decimal(18,1)\"}\n", "field_mapping: {session: day, bid: quote.bid, other: quote.bid}\n",
         "needs a scale that holds the file's");
  expect("  other: {type: double}\n", "field_mapping: {session: day, bid: quote.bid, other: levels}\n",
         "field \"levels\" is array");
  expect("  time: {type: timestamp}\n", "field_mapping: {session: day, bid: quote.bid, time: volume}\n",
         "format: epoch_ms");
}

TEST_F(AvroFile, WhatDoesNotFitIsADeadLetterWithItsBytes) {
  const std::string wide = record("A", kDay, "\x7f" + std::string(11, '\xff'), 1),
                    far = record("B", 2'000'000'000, "", 1);
  const std::string good = record("C", kDay, "", 1);
  auto drained = read(avro_file(kSchema, {wide, far, good}));
  ASSERT_TRUE(drained.status.ok()) << drained.status.ToString();
  EXPECT_EQ(drained.rows, 1);
  ASSERT_EQ(drained.refused.size(), 2u);
  EXPECT_EQ(drained.refused[0].raw, wide);
  EXPECT_EQ(drained.refused[0].line, 1);
  EXPECT_EQ(drained.refused[0].reason, "a decimal past 18 digits");
  EXPECT_EQ(drained.refused[1].raw, far);
  EXPECT_EQ(drained.refused[1].reason, "a date that is no plausible one");
}

TEST_F(AvroFile, ARecordThatCannotBeReadTakesItsBlockWithItAndTheNextGoesOn) {
  const std::string good = record("A", kDay, "", 1), bad = avro_text("B") + zigzag(kDay) + zigzag(7);
  const std::string bytes = avro_head(kSchema) + avro_block(3, good + bad + good) + avro_block(1, good);
  auto drained = read(bytes);
  ASSERT_TRUE(drained.status.ok()) << drained.status.ToString();
  EXPECT_EQ(drained.rows, 2);
  ASSERT_EQ(drained.refused.size(), 2u);
  EXPECT_EQ(drained.rows_in, 4);
  EXPECT_EQ(drained.refused[0].check, "avro");
  EXPECT_NE(drained.refused[0].reason.find("a branch that its union has not"), std::string::npos);
  EXPECT_EQ(static_cast<std::size_t>(drained.refused[0].byte), bytes.find(bad));
  EXPECT_NE(drained.refused[1].reason.find("behind record 2"), std::string::npos);
}

TEST_F(AvroFile, FilesThatAreNoneOrLie) {
  EXPECT_NE(refusal("symbol,day\nA,1\n").find("no Avro container file"), std::string::npos);
  EXPECT_NE(refusal(avro_head("\"string\"") + avro_block(1, avro_text("A"))).find("no record"), std::string::npos);
  EXPECT_NE(refusal(avro_head("{\"type\": \"recor")).find("its schema"), std::string::npos);
  EXPECT_NE(refusal(avro_head(kSchema) + avro_block(1'000'000'000'000, "abc")).find("records in 3 bytes"),
            std::string::npos);
  EXPECT_NE(refusal(avro_head(kSchema) + zigzag(1) + zigzag(INT64_MAX) + "abc").find("64 MB are the most"),
            std::string::npos);
  std::string other = avro_file(kSchema, {record("A", kDay, "", 1)});
  other.back() = 'x';
  EXPECT_NE(refusal(other).find("sync marker"), std::string::npos);
  EXPECT_NE(refusal(avro_head(kSchema) + avro_block(1, record("A", kDay, "", 1) + "rest")).find("4 bytes behind"),
            std::string::npos);
  // Lists that say they have more items than there are bytes
  const std::string list = avro_text("A") + zigzag(kDay) + zigzag(0) + avro_text("n") + zigzag(1LL << 60);
  auto drained = read(avro_head(kSchema) + avro_block(1, list));
  EXPECT_EQ(drained.refused.size(), 1u) << drained.status.ToString();
}

TEST_F(AvroFile, CutAnywhereItIsRefusedWholeOrEndsBetweenBlocks) {
  const std::string block = avro_block(1, record("A", kDay, "\x64", 1)), head = avro_head(kSchema);
  const std::string bytes = head + block + block;
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    auto drained = read(bytes.substr(0, size));
    const bool between = size == head.size() || size == head.size() + block.size();
    EXPECT_EQ(drained.status.ok(), between) << size << ": " << drained.status.ToString();
  }
}

TEST_F(AvroFile, BytesThatWereChangedNeverLoseARowInSilence) {
  std::string good = avro_head(kSchema);
  for (int i = 0; i < 3; ++i)
    good += avro_block(2, record("A" + std::to_string(i), kDay, "\x64", i) + record("B", kDay + i, "", i));
  std::mt19937 random(7);
  int refused = 0, errors = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = good;
    for (int n = 0; n < 1 + i % 4; ++n) bytes[random() % bytes.size()] = static_cast<char>(random());
    auto drained = read(bytes);  // its checks: rows in = rows and refused rows, valid arrays
    errors += !drained.status.ok();
    refused += !drained.refused.empty();
    if (drained.status.ok()) {
      EXPECT_EQ(drained.rows_in, drained.rows + static_cast<std::int64_t>(drained.refused.size()));
    }
  }
  EXPECT_GT(errors, 100);
  EXPECT_GT(refused, 50);
}

}  // namespace
}  // namespace tapemill::sources
