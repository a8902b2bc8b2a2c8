// Protobuf messages in a file: every type, presence, paths, dead letters, and files that lie. Descriptors are made by hand
// here; tests/interop/test_messages_of_others.py has Google's library make them.
#include <cstring>
#include <random>

#include "core/base64.h"
#include "source_test.h"

namespace tapemill::sources {
namespace {

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string number(std::uint32_t field, std::uint64_t value) { return varint(field << 3) + varint(value); }
std::string bytes(std::uint32_t field, const std::string& value) {
  return varint(field << 3 | 2) + varint(value.size()) + value;
}
std::string real(std::uint32_t field, double value) {
  std::string out(8, '\0');
  std::memcpy(out.data(), &value, 8);
  return varint(field << 3 | 1) + out;
}
std::string delimited(const std::string& message) { return varint(message.size()) + message; }

/// FieldDescriptorProto; label 1 optional, 2 required, 3 repeated.
std::string field(const std::string& name, std::uint32_t at, int type, int label = 1, const std::string& type_name = {},
                  bool optional = false) {
  std::string out = bytes(1, name) + number(3, at) + number(4, static_cast<std::uint64_t>(label)) +
                    number(5, static_cast<std::uint64_t>(type));
  if (!type_name.empty()) out += bytes(6, type_name);
  if (optional) out += number(9, 0) + number(17, 1);
  return bytes(2, out);
}
std::string descriptor(const std::string& syntax = "proto3") {
  const std::string quote = bytes(1, "Quote") + field("bid", 1, 1) + field("note", 2, 9);
  const std::string side =
      bytes(1, "Side") + bytes(2, bytes(1, "BUY") + number(2, 0)) + bytes(2, bytes(1, "SELL") + number(2, 1));
  const std::string tick = bytes(1, "Tick") + field("symbol", 1, 9) + field("at", 2, 3) +
                           field("quote", 3, 11, 1, ".feed.Quote") + field("volume", 4, 18) +
                           field("side", 5, 14, 1, ".feed.Side") + field("halted", 6, 8) +
                           field("last", 7, 1, 1, "", true) + field("levels", 8, 1, 3) +
                           field("seq", 9, 13, syntax == "proto2" ? 2 : 1) + field("self", 10, 11, 1, ".feed.Tick");
  const std::string file =
      bytes(1, "feed.proto") + bytes(2, "feed") + bytes(4, tick) + bytes(4, quote) + bytes(5, side) + bytes(12, syntax);
  return bytes(1, file);
}

/// Tick {symbol = 1; at = 2; Quote {bid, size} quote = 3; oneof {a = 5; b = 6; Quote c = 7; d = 8}}, proto3.
std::string nested_descriptor() {
  const auto member = [](const std::string& name, std::uint32_t at, int type, const std::string& type_name = {}) {
    std::string out = bytes(1, name) + number(3, at) + number(4, 1) + number(5, static_cast<std::uint64_t>(type));
    if (!type_name.empty()) out += bytes(6, type_name);
    return bytes(2, out + number(9, 0));
  };
  const std::string quote = bytes(1, "Quote") + field("bid", 1, 1) + field("size", 2, 3);
  const std::string tick = bytes(1, "Tick") + field("symbol", 1, 9) + field("at", 2, 3) +
                           field("quote", 3, 11, 1, ".feed.Quote") + member("a", 5, 3) + member("b", 6, 3) +
                           member("c", 7, 11, ".feed.Quote") + member("d", 8, 3);
  return bytes(1, bytes(1, "feed.proto") + bytes(2, "feed") + bytes(4, tick) + bytes(4, quote) + bytes(12, "proto3"));
}

constexpr std::uint64_t kTime = 1704205800000;  // 2024-01-02 09:30 in New York

std::string tick(const std::string& symbol, double bid) {
  return bytes(1, symbol) + number(2, kTime) + bytes(3, real(1, bid) + bytes(2, "n")) + number(4, 13) + number(5, 1) +
         number(6, 1) + real(7, 2.5) + real(99, 1) + bytes(10, bytes(1, "inner"));
}

std::string nested(const std::string& rest) { return delimited(bytes(1, "A") + number(2, kTime) + rest); }

struct Protobuf : ::testing::Test {
  Folder folder;
  std::string columns =
      "  symbol: {type: string, null: refuse}\n  session: {type: date}\n  time: {type: timestamp, null: refuse}\n"
      "  bid: {type: \"decimal(18,4)\"}\n  volume: {type: int64}\n  side: {type: string}\n  halted: {type: boolean}\n"
      "  last: {type: double}\n";
  std::string map = "field_mapping: {bid: quote.bid, time: {from: at, format: epoch_ms}}\n", message = "feed.Tick",
              schema = descriptor();
  Dataset spec() {
    folder.write("feed.desc", schema);
    return must(load_dataset(folder.write("ticks.yaml",
                                          "table: ticks\nsource: protobuf\ncalendar: nyse\nkey: [symbol, "
                                          "time]\nprotobuf: {descriptor: feed.desc, message: " +
                                              message + "}\ncolumns:\n" + columns + map)));
  }
  Drained read(const std::string& text) { return drain(spec(), folder.write("t.bin", text)); }
  std::string refusal(const std::string& text, int code = 1) {
    auto drained = read(text);
    EXPECT_EQ(exit_code(drained.status), code) << drained.status.ToString();
    return render(drained.status, false);
  }
};

TEST_F(Protobuf, MessagesAreRows) {
  auto drained = read(delimited(tick("A", 10.25)) + delimited(tick("B", 0.5)));
  ASSERT_TRUE(drained.status.ok()) << drained.status.ToString();
  ASSERT_EQ(drained.rows, 2);
  EXPECT_EQ(drained.at("symbol", 1), "B");
  EXPECT_EQ(drained.at("session", 0), "2024-01-02");
  EXPECT_EQ(drained.at("bid", 0), "10.2500");
  EXPECT_EQ(drained.at("volume", 0), "-7");  // zigzag
  EXPECT_EQ(drained.at("side", 0), "SELL");
  EXPECT_EQ(drained.at("halted", 0), "true");
  EXPECT_EQ(drained.at("last", 0), "2.5");
  EXPECT_EQ(drained.batches[0].lines, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(drained.batches[0].raw(1), tick("B", 0.5));
}

TEST_F(Protobuf, WhatIsAbsentIsNullWhereItsPresenceIsKeptAndZeroElsewhere) {
  columns += "  seq: {type: int64}\n";
  auto drained = read(delimited(bytes(1, "A") + number(2, kTime)));
  ASSERT_TRUE(drained.status.ok()) << drained.status.ToString();
  EXPECT_EQ(drained.at("last", 0), "null");  // optional
  EXPECT_EQ(drained.at("bid", 0), "null");  // in a message that is not there: never 0
  EXPECT_EQ(drained.at("volume", 0), "0");  // that is how proto3 writes 0
  EXPECT_EQ(drained.at("side", 0), "BUY");
  EXPECT_EQ(drained.at("halted", 0), "false");
}

TEST_F(Protobuf, ZeroInAMessageThatIsThereIsZero) {
  schema = nested_descriptor();
  columns =
      "  symbol: {type: string, null: refuse}\n  session: {type: date}\n  time: {type: timestamp, null: refuse}\n"
      "  bid: {type: \"decimal(18,4)\"}\n  volume: {type: int64}\n";
  map = "field_mapping: {bid: quote.bid, volume: quote.size, time: {from: at, format: epoch_ms}}\n";
  auto drained = read(nested(bytes(3, real(1, 1.5)) + number(5, 3))  // size: 0 is not written
                      + nested(bytes(3, number(2, 7)))  // bid: 0
                      + nested(bytes(3, ""))  // both
                      + nested("")  // no quote
                      + nested(bytes(3, real(1, 2.5)) + bytes(3, number(2, 9)))  // in two parts: one quote
  );
  ASSERT_TRUE(drained.status.ok()) << drained.status.ToString();
  ASSERT_EQ(drained.rows, 5);
  const std::vector<std::pair<std::string, std::string>> wanted{
      {"1.5000", "0"}, {"0.0000", "7"}, {"0.0000", "0"}, {"null", "null"}, {"2.5000", "9"}};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(drained.at("bid", i), wanted[static_cast<std::size_t>(i)].first) << i;
    EXPECT_EQ(drained.at("volume", i), wanted[static_cast<std::size_t>(i)].second) << i;
  }
}

TEST_F(Protobuf, TheLastMemberOfAOneofIsTheOnlyOne) {
  schema = nested_descriptor();
  columns =
      "  symbol: {type: string, null: refuse}\n  session: {type: date}\n  time: {type: timestamp, null: refuse}\n"
      "  a: {type: int64}\n  b: {type: int64}\n  inner: {type: int64}\n";
  map = "field_mapping: {time: {from: at, format: epoch_ms}, inner: c.size}\n";
  auto drained = read(nested(number(5, 5) + number(6, 6)) + nested(number(6, 6) + number(5, 5)) +
                      nested(bytes(7, number(2, 4)) + number(5, 0)) + nested(number(5, 1) + bytes(7, "")) +
                      nested(number(5, 1) + number(8, 1)));  // 8: of the oneof, and no column's
  ASSERT_TRUE(drained.status.ok()) << drained.status.ToString();
  ASSERT_EQ(drained.rows, 5);
  const std::vector<std::string> wanted{"null 6 null", "5 null null", "0 null null", "null null 0", "null null null"};
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(drained.at("a", i) + " " + drained.at("b", i) + " " + drained.at("inner", i),
              wanted[static_cast<std::size_t>(i)])
        << i;
}

TEST_F(Protobuf, TextsAreKeptToTheByte) {
  columns += "  note: {type: string}\n";
  map = "field_mapping: {bid: quote.bid, note: quote.note, time: {from: at, format: epoch_ms}}\n";
  auto one = [](const std::string& symbol, const std::string& note) {
    return delimited(bytes(1, symbol) + number(2, kTime) + bytes(3, note));
  };
  auto drained = read(one(" B ", bytes(2, "x\ny ")) + one("\\n", bytes(2, "a\r\n")) + one("C", ""));
  ASSERT_EQ(drained.rows, 3) << drained.status.ToString();
  EXPECT_EQ(drained.at("symbol", 0), " B ");
  EXPECT_EQ(drained.at("note", 0), "x\ny ");
  EXPECT_EQ(drained.at("symbol", 1), "\\n");
  EXPECT_EQ(drained.at("note", 1), "a\r\n");
  EXPECT_EQ(drained.at("note", 2), "null");  // absent or empty: proto3 says the same of both
}

TEST_F(Protobuf, AFileIsReadInSmallStretchesAndALongMessageWhole) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += delimited(tick("S" + std::to_string(i), i));
  const std::string large = bytes(1, "L") + number(2, kTime) + bytes(50, std::string(5 << 20, 'x'));
  const auto before = static_cast<std::int64_t>(text.size());
  text += delimited(large) + delimited(tick("Z", 1));
  auto drained = read(text);
  ASSERT_TRUE(drained.status.ok()) << drained.status.ToString();
  ASSERT_EQ(drained.rows, 60'002);
  EXPECT_LE(drained.batches[0].text->size(), 1u << 20);
  EXPECT_GE(drained.batches.size(), static_cast<std::size_t>(before >> 20));
  EXPECT_EQ(drained.at("symbol", 60'000), "L");
  EXPECT_EQ(drained.at("symbol", 60'001), "Z");
  EXPECT_EQ(drained.batches.back().lines.back(), 60'002);
}

TEST_F(Protobuf, TheSpecIsKeptWithTheDescriptorInIt) {
  const Dataset dataset = spec();
  EXPECT_EQ(dataset.text.find("feed.desc"), std::string::npos);
  const Dataset kept = must(parse_dataset(dataset.text, "the lake"));
  EXPECT_EQ(kept.text, dataset.text);
  auto drained = drain(kept, folder.write("t.bin", delimited(tick("A", 1))));
  EXPECT_EQ(drained.rows, 1) << drained.status.ToString();
}

TEST_F(Protobuf, WhatDoesNotFitIsADeadLetterAndTheNextGoesOn) {
  const std::string wrong = bytes(1, "A") + number(2, kTime) + real(4, 1.0),
                    cut = bytes(1, "B") + varint(3 << 3 | 2) + varint(100);
  const std::string group = bytes(1, "C") + varint(50 << 3 | 4);
  const std::string start = delimited(wrong) + delimited(cut);
  auto drained = read(start + delimited(group) + delimited(tick("D", 1)));
  ASSERT_TRUE(drained.status.ok()) << drained.status.ToString();
  EXPECT_EQ(drained.rows, 1);
  ASSERT_EQ(drained.refused.size(), 3u);
  EXPECT_EQ(drained.refused[0].check, "protobuf");
  EXPECT_EQ(drained.refused[0].raw, wrong);
  EXPECT_NE(drained.refused[0].reason.find("\"volume\" (4) has the wire type 1"), std::string::npos);
  EXPECT_NE(drained.refused[1].reason.find("past the end of its message"), std::string::npos);
  EXPECT_EQ(drained.refused[1].byte, static_cast<std::int64_t>(delimited(wrong).size() + 1));
  EXPECT_EQ(drained.refused[2].line, 3);
}

TEST_F(Protobuf, ARequiredFieldIsRequired) {
  schema = descriptor("proto2");
  auto drained = read(delimited(tick("A", 1)) + delimited(tick("B", 1) + number(9, 4)));
  EXPECT_EQ(drained.rows, 1) << drained.status.ToString();
  ASSERT_EQ(drained.refused.size(), 1u);
  EXPECT_EQ(drained.refused[0].reason, "the required field \"seq\" (9) is not there");
}

TEST_F(Protobuf, ASpecThatDoesNotFitSaysWhy) {
  const std::string good = delimited(tick("A", 1));
  message = "feed.Tik";
  EXPECT_NE(refusal(good, 2).find("did you mean feed.Tick?"), std::string::npos);
  message = "feed.Tick";
  columns += "  levels: {type: double}\n";
  EXPECT_NE(refusal(good).find("field \"levels\" is repeated"), std::string::npos);
  columns.replace(columns.find("levels"), 6, "missed");
  EXPECT_NE(refusal(good).find("no field \"missed\""), std::string::npos);
  columns.replace(columns.find("missed: {type: double}"), 22, "seq: {type: string}");
  EXPECT_NE(refusal(good).find("column \"seq\" is string"), std::string::npos);
  columns.replace(columns.find("  seq"), std::string::npos, "");
  schema = "no descriptor";
  EXPECT_NE(refusal(good).find("is no descriptor set"), std::string::npos);
  std::filesystem::remove(folder / "feed.desc");
  auto missing = load_dataset(folder / "ticks.yaml");
  EXPECT_EQ(exit_code(missing.status()), 2);
  EXPECT_NE(missing.status().message().find("feed.desc"), std::string::npos);
}

TEST_F(Protobuf, CutAnywhereItIsRefusedWholeOrEndsBetweenMessages) {
  const std::string one = delimited(tick("A", 1)), text = one + one;
  for (std::size_t size = 1; size < text.size(); ++size)
    EXPECT_EQ(read(text.substr(0, size)).status.ok(), size == one.size()) << size;
  EXPECT_NE(refusal(std::string(6, '\xff') + one).find("over 16 MB"), std::string::npos);
}

TEST_F(Protobuf, BytesThatWereChangedNeverLoseARowInSilence) {
  std::string good;
  for (int i = 0; i < 5; ++i) good += delimited(tick("A" + std::to_string(i), i));
  std::mt19937 random(11);
  const Dataset dataset = spec();
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string text = good;
    for (int n = 0; n < 1 + i % 4; ++n) text[random() % text.size()] = static_cast<char>(random());
    auto drained = drain(dataset, folder.write("t.bin", text));
    refused += !drained.refused.empty();
  }
  EXPECT_GT(refused, 300);
  // And of the descriptor.
  const std::string described = descriptor();
  for (int i = 0; i < 1000; ++i) {
    schema = described;
    for (int n = 0; n < 1 + i % 3; ++n) schema[random() % schema.size()] = static_cast<char>(random());
    read(good);
  }
}

}  // namespace
}  // namespace tapemill::sources
