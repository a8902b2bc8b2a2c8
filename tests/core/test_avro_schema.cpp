// Avro schemas as the columns of a data set: what maps to what, and what is refused with its place.
#include <arrow/type.h>
#include <gtest/gtest.h>

#include "core/avro_schema.h"
#include "support/folder.h"

namespace tapemill {
namespace {
using test::Folder;
using test::must;

Result<std::vector<Column>> columns(const std::string& fields) {
  ARROW_ASSIGN_OR_RAISE(
      auto document,
      Document::parse_json(R"({"type": "record", "name": "ohlc", "fields": [)" + fields + "]}", "x.avsc"));
  ARROW_ASSIGN_OR_RAISE(auto type, read_avro(document.root()));
  return columns_of_avro(type);
}
AvroMapping mapping(const std::string& type) {
  auto document = must(Document::parse_json(type, "x.avsc"));
  return mapping_of(must(read_avro(document.root())));
}
std::string error_of(const std::string& fields) {
  auto found = columns(fields);
  EXPECT_FALSE(found.ok()) << fields;
  EXPECT_EQ(exit_code(found.status()), 2);
  EXPECT_NE(found.status().message().find("x.avsc:1:"), std::string::npos) << found.status().message();
  return render(found.status(), false);
}

TEST(AvroSchema, EveryTypeOfTheSpecificationMaps) {
  struct Row {
    const char *avro, *parquet, *arrow;
  };
  for (const Row& row : {
           Row{R"("boolean")", "BOOLEAN", "bool"},
           {R"("int")", "INT32", "int32"},
           {R"("long")", "INT64", "int64"},
           {R"("float")", "FLOAT", "float"},
           {R"("double")", "DOUBLE", "double"},
           {R"("string")", "BYTE_ARRAY STRING", "utf8"},
           {R"("bytes")", "BYTE_ARRAY", "binary"},
           {R"({"type": "fixed", "name": "f", "size": 5})", "FIXED_LEN_BYTE_ARRAY(5)", "fixed_size_binary[5]"},
           {R"({"type": "int", "logicalType": "date"})", "INT32 DATE", "date32"},
           {R"({"type": "long", "logicalType": "timestamp-millis"})", "INT64 TIMESTAMP(UTC)", "timestamp[ms, UTC]"},
           {R"({"type": "long", "logicalType": "timestamp-micros"})", "INT64 TIMESTAMP(UTC)", "timestamp[us, UTC]"},
           {R"({"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4})", "DECIMAL(18,4)",
            "decimal64(18, 4)"},
           {R"({"type": "fixed", "name": "d", "size": 16, "logicalType": "decimal", "precision": 38, "scale": 2})",
            "DECIMAL(38,2)", "decimal128(38, 2)"},
           {R"({"type": "enum", "name": "e", "symbols": ["A", "B"]})", "BYTE_ARRAY ENUM", "dictionary<utf8>"},
           {R"({"type": "array", "items": "long"})", "LIST", "list<int64>"},
           {R"({"type": "map", "values": "double"})", "MAP", "map<utf8, double>"},
           {R"({"type": "record", "name": "r", "fields": [{"name": "a", "type": "int"}]})", "GROUP",
            "struct<a: int32>"},
           {R"(["int", "string"])", "", ""},
       }) {
    EXPECT_EQ(mapping(row.avro).parquet, row.parquet) << row.avro;
    EXPECT_EQ(mapping(row.avro).arrow, row.arrow) << row.avro;
    EXPECT_FALSE(mapping(row.avro).nullable);
  }
  EXPECT_TRUE(mapping(R"(["null", "long"])").nullable);
  EXPECT_EQ(mapping(R"(["long", "null"])").arrow, "int64");
}

TEST(AvroSchema, FieldsAreColumns) {
  auto found = must(columns(R"(
    {"name": "symbol", "type": "string", "doc": "the ticker", "aliases": ["sym"]},
    {"name": "day", "type": {"type": "int", "logicalType": "date"}, "default": 19724},
    {"name": "close", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}],
     "default": null, "unit": "INR"},
    {"name": "tick", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, "default": "\u0000\u00ff"},
    {"name": "side", "type": {"type": "enum", "name": "side", "symbols": ["BUY", "SELL"]}, "default": "BUY"},
    {"name": "other", "type": ["null", "side"]},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 1704171600000},
    {"name": "trades", "type": "int"}, {"name": "volume", "type": "long"}, {"name": "ratio", "type": "float"},
    {"name": "halted", "type": "boolean", "default": false})"));
  auto type = [&](std::size_t i) { return found[i].type()->ToString(); };
  ASSERT_EQ(found.size(), 11u);
  EXPECT_EQ(found[0].help, "the ticker");
  EXPECT_EQ(found[0].aliases, std::vector<std::string>{"sym"});
  EXPECT_TRUE(found[0].null_refused);
  EXPECT_EQ(type(1), "date32[day]");
  EXPECT_EQ(found[1].fallback, "2024-01-02");
  EXPECT_EQ(type(2), "decimal64(18, 2)");
  EXPECT_FALSE(found[2].null_refused);
  EXPECT_TRUE(found[2].has_default);
  EXPECT_EQ(found[2].fallback, std::nullopt);
  EXPECT_EQ(found[2].unit, "INR");
  EXPECT_EQ(found[3].fallback, "2.55");
  EXPECT_EQ(found[4].symbols, (std::vector<std::string>{"BUY", "SELL"}));
  EXPECT_EQ(found[5].symbols, found[4].symbols);  // by its name
  EXPECT_EQ(type(6), "timestamp[us, tz=UTC]");
  EXPECT_EQ(found[6].fallback, "2024-01-02T05:00:00Z");
  EXPECT_EQ(type(7), "int32");
  EXPECT_EQ(type(8), "int64");
  EXPECT_EQ(type(9), "double");
  EXPECT_EQ(found[10].fallback, "false");
}

TEST(AvroSchema, WhatNoTableHoldsSaysWhatToDo) {
  auto expect = [](const std::string& type, const std::string& said) {
    const std::string error = error_of(R"({"name": "x", "type": )" + type + "}");
    EXPECT_NE(error.find("field \"x\" is"), std::string::npos) << error;
    EXPECT_NE(error.find(said), std::string::npos) << error;
  };
  expect(R"(["int", "string"])", "split it into columns, or keep JSON in a string");
  expect(R"(["null", "int", "string"])", "split it into columns");
  expect(R"("bytes")", "declare a string");
  expect(R"({"type": "array", "items": "int"})", "declare a column an item");
  expect(R"({"type": "map", "values": "int"})", "JSON in a string");
  expect(R"({"type": "record", "name": "r", "fields": []})", "columns of their own");
  expect(R"({"type": "fixed", "name": "d", "size": 12, "logicalType": "duration"})", "x_months, x_days, x_millis");
  expect(R"({"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2})", "18 digits at most");
  expect(R"({"type": "int", "logicalType": "time-millis"})", "timestamp-micros");
  expect(R"({"type": "long", "logicalType": "local-timestamp-micros"})", "without a zone");
}

TEST(AvroSchema, WhatAvroForbidsIsToldWithItsPlace) {
  auto expect = [](const std::string& fields, const std::string& said) {
    const std::string error = error_of(fields);
    EXPECT_NE(error.find(said), std::string::npos) << error;
  };
  expect(R"({"name": "x", "type": "strin"})", "did you mean \"string\"?");
  expect(R"({"name": "x"})", "type");
  expect(R"({"name": "x y", "type": "int"})", "no name of Avro's");
  expect(R"({"name": "x", "type": "int"}, {"name": "x", "type": "int"})", "stands twice");
  expect(R"({"name": "x", "type": "ohlc"})", "holds itself");
  expect(R"({"name": "x", "type": {"type": "enum", "name": "e", "symbols": ["A", "A"]}})", "stands twice");
  expect(R"({"name": "x", "type": {"type": "enum", "name": "e", "symbols": []}})", "a symbol at least");
  expect(R"({"name": "x", "type": "int", "default": "many"})", "is no int32");
  expect(R"({"name": "x", "type": "int", "default": null})", "its type is not");
  expect(R"({"name": "x", "type": "long", "logicalType": "timestamp-millis"})", "where Avro ignores it");
  expect(R"({"name": "x", "type": {"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 4}})",
         "a scale from 0");
  std::string deep = R"("int")";
  for (int i = 0; i < 40; ++i) deep = R"({"type": "array", "items": )" + deep + "}";
  expect(R"({"name": "x", "type": )" + deep + "}", "nested past 32");
  auto document = must(Document::parse_json("\"int\"", "x.avsc"));
  EXPECT_FALSE(columns_of_avro(must(read_avro(document.root()))).ok());
}

// 27 records, each naming the one before beside itself: 2.6 KB that stand for 2^27 types. Flat fields count too.
TEST(AvroSchema, ASchemaThatUnfoldsWithoutEndIsRefusedAtOnce) {
  std::string inner = R"({"type": "record", "name": "r0", "fields": [{"name": "a", "type": "int"}]})";
  for (int i = 1; i < 27; ++i)
    inner = fmt::format(R"({{"type": "record", "name": "r{}", "fields": [{{"name": "a", "type": {}}}, )"
                        R"({{"name": "b", "type": "r{}"}}]}})",
                        i, inner, i - 1);
  EXPECT_NE(error_of(R"({"name": "x", "type": )" + inner + "}").find("over 10,000 types"), std::string::npos);
  auto many = [](int count) {
    std::string fields = R"({"name": "c0", "type": "int"})";
    for (int i = 1; i < count; ++i) fields += fmt::format(R"(, {{"name": "c{}", "type": "int"}})", i);
    return fields;
  };
  EXPECT_EQ(must(columns(many(2000))).size(), 2000u);
  EXPECT_NE(error_of(many(50'000)).find("over 10,000 types"), std::string::npos);
}

struct AvroSpec : ::testing::Test {
  Folder folder;
  std::string schema = R"({"type": "record", "name": "bars", "schema_version": "1.0.0", "fields": [
  {"name": "symbol", "type": "string"},
  {"name": "session", "type": {"type": "int", "logicalType": "date"}},
  {"name": "close", "type": ["null", "double"], "default": null}
]})";
  std::string spec =
      "table: bars\nsource: csv\ncalendar: nyse\nkey: [symbol, session]\nschema: bars_v1.avsc\n"
      "csv: {columns: {session: {from: session, format: \"%Y-%m-%d\"}}}\n";
};

TEST_F(AvroSpec, ASpecTakesItsColumnsFromAFile) {
  folder.write("bars_v1.avsc", schema);
  const Dataset dataset = must(load_dataset(folder.write("bars.yaml", spec)));
  ASSERT_EQ(dataset.columns.size(), 3u);
  EXPECT_EQ(dataset.schema_version, "1.0.0");
  EXPECT_TRUE(dataset.columns[0].null_refused);
  EXPECT_EQ(dataset.columns[1].kind, Kind::date);
  // What a lake keeps of it needs no other file.
  EXPECT_EQ(dataset.text.find("bars_v1.avsc"), std::string::npos);
  const Dataset kept = must(parse_dataset(dataset.text, "the lake"));
  EXPECT_TRUE(kept.schema()->Equals(*dataset.schema()));
  EXPECT_EQ(kept.text, dataset.text);
  EXPECT_EQ(kept.schema_version, "1.0.0");
}

TEST_F(AvroSpec, FurtherColumnsStandBesideTheSchema) {
  folder.write("bars_v1.avsc", schema);
  const Dataset dataset = must(load_dataset(folder.write("bars.yaml", spec + "columns: {venue: {type: string}}\n")));
  EXPECT_EQ(dataset.columns.back().name, "venue");
  auto twice = load_dataset(folder.write("bars.yaml", spec + "columns: {close: {type: double}}\n"));
  EXPECT_NE(twice.status().message().find("the schema has a column \"close\" already"), std::string::npos);
}

TEST_F(AvroSpec, AMissingOrBrokenFileIsToldWithItsName) {
  auto missing = load_dataset(folder.write("bars.yaml", spec));
  EXPECT_EQ(exit_code(missing.status()), 2);
  EXPECT_NE(missing.status().message().find("bars_v1.avsc"), std::string::npos) << missing.status().message();
  folder.write("bars_v1.avsc", "{\"type\": ");
  auto broken = load_dataset(folder / "bars.yaml");
  EXPECT_NE(broken.status().message().find("bars_v1.avsc"), std::string::npos) << broken.status().message();
}

}  // namespace
}  // namespace tapemill
