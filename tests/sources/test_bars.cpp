// Bars and ticks as JSON: documented messages of Polygon, Alpaca and Yahoo, and any other by a field_mapping.
#include <gtest/gtest.h>

#include "source_test.h"
#include "sources/feed.h"

namespace tapemill::sources {
namespace {

#define NEED(path, name)                      \
  const std::string path = shared_data(name); \
  if (path.empty()) GTEST_SKIP() << "no ../shared/data: " name " is NOT tested"

Dataset parsed(const std::string& text) {
  auto made = parse_dataset(text, "test.yaml");
  if (!made.ok()) ADD_FAILURE() << render(made.status(), false);
  return made.ok() ? *made : Dataset{};
}

TEST(JsonBars, PolygonAggregates) {
  NEED(path, "feeds/polygon_rest_aggs_AAPL_1day_20230101_20230110.json");
  // The sample is adjusted, and the data set takes prices as traded: that is no detail.
  Drained refused = drain(dataset("us_bars_daily"), path);
  ASSERT_TRUE(refused.status.ok()) << refused.status.ToString();
  EXPECT_EQ(refused.rows, 0);
  ASSERT_EQ(refused.refused.size(), 6u);
  EXPECT_EQ(refused.refused[0].check, "adjusted");
  EXPECT_TRUE(refused.refused[0].raw.starts_with("{\"v\":1.12117471e+08")) << refused.refused[0].raw;

  Folder folder;
  std::string text = slurp(path);
  text.replace(text.find("\"adjusted\":true"), 15, "\"adjusted\":false");
  Drained d = drain(dataset("us_bars_daily"), folder.write("AAPL.json", text));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.info.form, "polygon_json");
  ASSERT_EQ(d.rows, 6);
  EXPECT_EQ(d.at("instrument_id", 0), "US:AAPL");
  EXPECT_EQ(d.at("session", 0), "2023-01-03");
  EXPECT_EQ(d.at("open", 0), "130.2800");
  EXPECT_EQ(d.at("high", 5), "131.2636");
  EXPECT_EQ(d.at("volume", 0), "112117471");
  EXPECT_EQ(d.at("transactions", 0), "1021065");
  EXPECT_EQ(d.at("vwap", 2), "126.088300");
  EXPECT_EQ(d.at("source", 0), "polygon_json");
  EXPECT_EQ(d.info.begins->str(), "2023-01-03");
}

TEST(JsonBars, AlpacaStreamLeavesDeadLetters) {
  NEED(path, "feeds/alpaca_ws_v2_stocks.jsonl");
  Drained bars = drain(dataset("us_bars_minute"), path);
  ASSERT_TRUE(bars.status.ok()) << bars.status.ToString();
  EXPECT_EQ(bars.info.form, "alpaca_stream");
  ASSERT_EQ(bars.rows, 1);
  EXPECT_EQ(bars.at("symbol", 0), "SPY");
  EXPECT_EQ(bars.at("close", 0), "389.1200");
  EXPECT_EQ(bars.at("open", 0), "388.9850");
  EXPECT_EQ(bars.at("time", 0), "2021-02-22 19:15:00.000000Z");
  EXPECT_EQ(bars.at("available_at", 0), "2021-02-22 19:16:00.000000Z");
  EXPECT_EQ(bars.rows_in, 16);  // every message is a bar or a dead letter
  EXPECT_EQ(bars.refused[0].reason, "a message of type \"success\", no bar, trade or quote");
  EXPECT_EQ(bars.refused[0].raw, "{\"T\":\"success\",\"msg\":\"connected\"}");
  EXPECT_EQ(bars.refused[3].line, 4);

  Drained trades = drain(dataset("us_trades"), path);
  ASSERT_EQ(trades.rows, 4);
  EXPECT_EQ(trades.at("time", 0), "2023-04-06 11:54:26.838232Z");  // cut, not rounded
  EXPECT_EQ(trades.at("price", 2), "162.9100");
  EXPECT_EQ(trades.at("size", 2), "71");
  EXPECT_EQ(trades.at("id", 1), "75");
  Drained quotes = drain(dataset("us_quotes"), path);
  ASSERT_EQ(quotes.rows, 3);
  EXPECT_EQ(quotes.at("ask", 0), "91.9800");
}

TEST(JsonBars, AlpacaRestBySymbol) {
  Folder folder;
  const std::string row =
      R"({"t":"2022-01-03T05:00:00Z","o":178.26,"h":182.88,"l":177.71,"c":182.01,"v":104701220,"n":1,"vw":1.5})";
  for (const std::string& text : {R"({"bars":{"AAPL":[)" + row + R"(],"MSFT":[]},"next_page_token":null})",
                                  R"({"bars":[)" + row + R"(],"symbol":"AAPL"})"}) {
    Drained d = drain(dataset("us_bars_daily"), folder.write("a.json", text));
    ASSERT_TRUE(d.status.ok()) << d.status.ToString();
    ASSERT_EQ(d.rows, 1) << text;
    EXPECT_EQ(d.at("instrument_id", 0), "US:AAPL");
    EXPECT_EQ(d.at("session", 0), "2022-01-03");
    EXPECT_EQ(d.at("close", 0), "182.0100");
  }
}

TEST(JsonBars, YahooIsRoundedAndCounted) {
  NEED(path, "feeds/yahoo_chart_v8_AAPL_range1d.json");
  Drained d = drain(dataset("yahoo_daily"), path);
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  ASSERT_EQ(d.rows, 1);
  EXPECT_EQ(d.at("close", 0), "244.4700");
  EXPECT_EQ(d.at("high", 0), "245.1800");
  EXPECT_EQ(d.at("adj_close", 0), "244.4700");
  EXPECT_EQ(d.at("rounded", 0), "5");
  EXPECT_EQ(d.at("session", 0), "2025-02-18");
}

TEST(JsonBars, YahooNullsAreNeverZeroAndTheCloseStandsIn) {
  Folder folder;
  const std::string text =
      R"({"chart":{"result":[{"meta":{"symbol":"X"},"timestamp":[1739889000,
1739975400],"indicators":{"quote":[{"open":[1.0,null],"high":[2,null],"low":[1,null],"close":[1.5,null],"volume":[7,null]}]}}]}})";
  Drained d = drain(dataset("yahoo_daily"), folder.write("x.json", text));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  ASSERT_EQ(d.rows, 2);  // the parser keeps nulls; the data set's null: refuse makes a dead letter of them
  EXPECT_EQ(d.at("adj_close", 0), "1.5000");
  EXPECT_EQ(d.at("open", 1), "null");
  EXPECT_EQ(d.at("adj_close", 1), "null");
  EXPECT_EQ(d.batches[0].lines[1], 2);
  EXPECT_EQ(d.batches[0].raw(1), "1739975400");
}

const char* const kMapped = R"yaml(
table: mine
source: json
calendar: nyse
currency: USD
exchange: US
key: [symbol, time]
records: data.rows
field_mapping:
  symbol: sym
  time: {from: at, format: epoch_ms}
  open: quote.o
  high: quote.h
  low: quote.l
  close: quote.c
  instrument_id: {template: "{exchange}:{symbol}"}
available: bar_close
bar: 1m
columns:
  instrument_id: {type: string}
  symbol: {type: string}
  session: {type: date}
  time: {type: timestamp}
  open: {type: "decimal(18,4)"
}
  high: {type: "decimal(18,4)"}
  low: {type: "decimal(18,4)"}
  close: {type: "decimal(18,4)"}
  source: {type: string}
)yaml";

TEST(JsonMapping, AnyDocumentByItsSpec) {
  Folder folder;
  Drained d = drain(parsed(kMapped), folder.write("a.json", R"({"data":{"rows":[
{"sym":"A,B\"C","at":1672756200000,"quote":{"o":1.25,"h":2,"l":1,"c":1.5}},
{"sym":"D","at":1672756200000,"quote":{"o":1,"c":"x"}},
7]}})"));
  ASSERT_TRUE(d.status.ok()) << render(d.status, false);
  ASSERT_EQ(d.rows, 1);
  EXPECT_EQ(d.at("symbol", 0), "A,B\"C");
  EXPECT_EQ(d.at("instrument_id", 0), "US:A,B\"C");
  EXPECT_EQ(d.at("open", 0), "1.2500");
  EXPECT_EQ(d.at("time", 0), "2023-01-03 14:30:00.000000Z");
  EXPECT_EQ(d.at("session", 0), "2023-01-03");
  EXPECT_EQ(d.at("source", 0), "mine");
  ASSERT_EQ(d.refused.size(), 2u);
  EXPECT_EQ(d.refused[0].raw, "7");
  EXPECT_EQ(d.refused[1].reason, "close: \"x\" is not a number");
  EXPECT_EQ(d.refused[1].line, 3);
  EXPECT_TRUE(d.refused[1].raw.starts_with("{\"sym\":\"D\"")) << d.refused[1].raw;
}

TEST(JsonMapping, WhatADocumentHasNotIsItsAliasOrItsDefault) {
  Folder folder;
  std::string spec = kMapped;
  spec.insert(spec.find("columns:") + 9,
              "  venue: {type: string, default: XNYS}\n  trades: {type: int32, aliases: [count, n]}\n");
  Drained d = drain(parsed(spec), folder.write("a.json", R"({"data":{"rows":[
{"sym":"A","at":1672756200000,"n":7,"quote":{"o":1,"h":2,"l":1,"c":1.5}},
{"sym":"B","at":1672756200000,"venue":null,"trades":8,"n":1,"quote":{"o":1,"h":2,"l":1,"c":1}}]}})"));
  ASSERT_EQ(d.rows, 2) << render(d.status, false);
  EXPECT_EQ(d.at("venue", 0), "XNYS");
  EXPECT_EQ(d.at("venue", 1), "null");  // it is there, and null
  EXPECT_EQ(d.at("trades", 0), "7");
  EXPECT_EQ(d.at("trades", 1), "8");
}

TEST(JsonMapping, LinesOfJsonAndALineThatIsNone) {
  Folder folder;
  std::string spec = kMapped;
  spec.erase(spec.find("records:"), 19);
  std::string text;
  for (int i = 0; i < 50'000; ++i)
    text += fmt::format("{{\"sym\":\"S{}\",\"at\":{},\"quote\":{{\"o\":1,\"h\":1,\"l\":1,\"c\":1}}}}\n", i % 7,
                        1672756200000 + i * 60'000LL);
  text.insert(text.find('\n', 3'000'000) + 1, "{\"sym\": oops}\n\n");
  Drained d = drain(parsed(spec), folder.write("a.jsonl", text));
  ASSERT_TRUE(d.status.ok()) << render(d.status, false);
  EXPECT_EQ(d.rows, 50'000);
  ASSERT_EQ(d.refused.size(), 1u);
  EXPECT_EQ(d.refused[0].check, "parse");
  EXPECT_EQ(d.refused[0].raw, "{\"sym\": oops}");
  const SourceBatch& last = d.batches.back();
  EXPECT_EQ(last.lines.back(), 50'002);
  EXPECT_TRUE(last.raw(last.lines.size() - 1).starts_with("{\"sym\":\"S")) << last.raw(last.lines.size() - 1);
}

}  // namespace
}  // namespace tapemill::sources
