// Checks of quotes: the order of their times, their age, crossed spreads, numbers that are none, bars of a session.
#include "core/document.h"
#include "quality_test.h"

namespace tapemill::quality {
namespace {

using Texts = std::vector<std::string>;

struct Quote {
  std::string id, time, made;  // made: when the quote was; empty: null
  double bid, ask, ratio = 1;
};

Result<Dataset> quotes_with(const std::string& checks, const std::string& bar = "1s") {
  return parse_dataset(
      "table: quotes\nsource: csv\ncalendar: nyse\nkey: [instrument_id, time]\nbar: " + bar +
          "\navailable: bar_close\ncolumns:\n"
          "  instrument_id: {type: string}\n  session: {type: date}\n  time: {type: timestamp}\n"
          "  made: {type: timestamp}\n  bid: {type: \"decimal(18,2)\"}\n  ask: {type: \"decimal(18,2)\"}\n"
          "  ratio: {type: double}\ncsv: {columns: {bid: {from: bid}}}\nchecks:\n" +
          checks,
      "quotes.yaml");
}

SourceBatch quotes(const std::vector<Quote>& rows) {
  const auto instant = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const auto price = arrow::decimal64(18, 2);
  arrow::StringBuilder id;
  arrow::Date32Builder session;
  arrow::TimestampBuilder time(instant, arrow::default_memory_pool()), made(instant, arrow::default_memory_pool());
  arrow::Decimal64Builder bid(price), ask(price);
  arrow::DoubleBuilder ratio;
  auto text = std::make_shared<std::string>();
  SourceBatch batch;
  for (const Quote& row : rows) {
    EXPECT_TRUE(id.Append(row.id).ok());
    EXPECT_TRUE(session.Append(Date::parse(row.time.substr(0, 10))->days).ok());
    EXPECT_TRUE(time.Append(Instant::parse(row.time)->us).ok());
    EXPECT_TRUE((row.made.empty() ? made.AppendNull() : made.Append(Instant::parse(row.made)->us)).ok());
    EXPECT_TRUE(bid.Append(arrow::Decimal64(std::llround(row.bid * 100))).ok());
    EXPECT_TRUE(ask.Append(arrow::Decimal64(std::llround(row.ask * 100))).ok());
    EXPECT_TRUE(ratio.Append(row.ratio).ok());
    batch.lines.push_back(2 + static_cast<std::int64_t>(batch.lines.size()));
    batch.bytes.push_back(static_cast<std::int64_t>(text->size()));
    batch.lengths.push_back(1);
    *text += "r\n";
  }
  batch.rows = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("instrument_id", arrow::utf8()), arrow::field("session", arrow::date32()),
                     arrow::field("time", instant), arrow::field("made", instant), arrow::field("bid", price),
                     arrow::field("ask", price), arrow::field("ratio", arrow::float64())}),
      static_cast<std::int64_t>(rows.size()),
      {*id.Finish(), *session.Finish(), *time.Finish(), *made.Finish(), *bid.Finish(), *ask.Finish(), *ratio.Finish()});
  batch.text = text;
  batch.rows_in = static_cast<std::int64_t>(rows.size());
  return batch;
}

Outcome judge_quotes(const std::string& checks, const std::vector<Quote>& rows, const std::string& bar = "1s") {
  auto dataset = quotes_with(checks, bar);
  EXPECT_TRUE(dataset.ok()) << dataset.status().ToString();
  return dataset.ok() ? judge_file(*dataset, {quotes(rows)}) : Outcome{};
}

TEST(Quotes, TimeThatGoesBackIsObjectedTo) {
  const std::vector<Quote> rows{{"A", "2024-01-02T15:00:00Z", "", 1, 2},
                                {"B", "2024-01-02T14:59:00Z", "", 1, 2},
                                {"A", "2024-01-02T15:00:00Z", "", 1, 2},  // not decreasing is enough
                                {"A", "2024-01-02T14:59:59Z", "", 1, 2},
                                {"A", "2024-01-02T15:00:01Z", "", 1, 2}};
  EXPECT_EQ(judge_quotes("  - monotonic_time: quarantine\n", rows).reasons(),
            (Texts{"5: monotonic_time: A time 2024-01-02T14:59:59Z comes after 2024-01-02T15:00:00Z"}));
  EXPECT_EQ(judge_quotes("  - monotonic_time: {by: none, otherwise: quarantine}\n", rows).refused.size(), 2u);
}

TEST(Quotes, TimesOutsideAllTradingHoursAreWarnedOf) {
  const std::vector<Quote> rows{{"A", "2024-01-02T09:00:00Z", "", 1, 2},   // 04:00 in New York
                                {"A", "2024-01-02T08:59:59Z", "", 1, 2},   // before all hours
                                {"A", "2024-01-02T20:59:59Z", "", 1, 2},
                                {"A", "2024-07-03T20:59:00Z", "", 1, 2},   // 16:59 after an early close
                                {"A", "2024-07-03T21:00:00Z", "", 1, 2},
                                {"A", "2024-01-06T03:00:00Z", "", 1, 2}};  // no session: calendar_session speaks of it
  const Outcome out = judge_quotes("  - trading_hours: warn\n", rows);
  EXPECT_TRUE(out.refused.empty());
  ASSERT_NE(out.finding("trading_hours"), nullptr);
  EXPECT_EQ(out.finding("trading_hours")->count, 2);
  EXPECT_EQ(out.finding("trading_hours")->examples,
            (Texts{"line 3: 2024-01-02 03:59:59 EST lies outside 2024-01-02 04:00:00 to 2024-01-02 20:00:00",
                   "line 6: 2024-07-03 17:00:00 EDT lies outside 2024-07-03 04:00:00 to 2024-07-03 17:00:00"}));
  EXPECT_EQ(judge_quotes("  - trading_hours: warn\n", {rows[0], rows[2], rows[3]}).finding("trading_hours"), nullptr);
}

TEST(Quotes, AgeIsSinceTheQuoteWasMadeOrSinceTheRowBefore) {
  const std::vector<Quote> rows{{"A", "2024-01-02T15:00:00Z", "2024-01-02T14:59:59Z", 1, 2},
                                {"A", "2024-01-02T15:00:02Z", "2024-01-02T14:59:59Z", 1, 2},
                                {"A", "2024-01-02T15:00:09Z", "", 1, 2},
                                {"A", "2024-01-03T15:00:00Z", "2024-01-03T15:00:00Z", 1, 2}};  // another session
  EXPECT_EQ(judge_quotes("  - quote_age: {within: 2s, otherwise: quarantine}\n", rows).reasons(),
            (Texts{"4: quote_age: A at 2024-01-02T15:00:09Z the quote is 7 s old, over 2 s"}));
  EXPECT_EQ(judge_quotes("  - quote_age: {columns: [time, made], within: 2s, otherwise: quarantine}\n", rows).reasons(),
            (Texts{"3: quote_age: A at 2024-01-02T15:00:02Z the quote is 3 s old, over 2 s"}));
  auto dataset = quotes_with("  - quote_age: warn\n");
  ASSERT_TRUE(dataset.ok());
  EXPECT_NE(render(make_checks(*dataset).status(), false).find("add within: 2s"), std::string::npos);
}

TEST(Quotes, ACrossedSpreadNeedsBothSides) {
  EXPECT_EQ(judge_quotes("  - crossed_spread: {columns: [bid, ask], otherwise: quarantine}\n",
                         {{"A", "2024-01-02T15:00:00Z", "", 2.01, 2},
                          {"A", "2024-01-02T15:00:01Z", "", 2, 2},  // locked, not crossed
                          {"A", "2024-01-02T15:00:02Z", "", 2, 0}})
                .reasons(),
            (Texts{"2: crossed_spread: bid 2.01 above ask 2"}));
}

TEST(Quotes, WhatIsNoNumberIsFound) {
  EXPECT_EQ(judge_quotes("  - finite: {columns: [ratio], otherwise: quarantine}\n",
                         {{"A", "2024-01-02T15:00:00Z", "", 1, 2, NAN},
                          {"A", "2024-01-02T15:00:01Z", "", 1, 2, -INFINITY},
                          {"A", "2024-01-02T15:00:02Z", "", 1, 2, 5}})
                .refused.size(),
            2u);
}

TEST(Quotes, BarsOfASessionAreCountedAgainstItsRegularHours) {
  std::vector<Quote> rows;
  auto add = [&](const std::string& day, int from, int minutes) {  // minutes from 14:30 UTC on: the open in winter
    for (int m = from; m < from + minutes; ++m)
      rows.push_back({"A", fmt::format("{}T{:02}:{:02}:00Z", day, 14 + (30 + m) / 60, (30 + m) % 60), "", 1, 2});
  };
  add("2024-01-02", 0, 390);
  add("2024-01-03", -30, 400);  // thirty before the open, 370 of 390 inside
  add("2023-11-24", 0, 210);  // an early close
  auto out = judge_quotes("  - completeness: {least: 0.99, otherwise: warn}\n", rows, "1m");
  ASSERT_NE(out.finding("completeness"), nullptr);
  EXPECT_EQ(out.finding("completeness")->examples, (Texts{"A on 2024-01-03 has 370 of 390 bars"}));
}

}  // namespace
}  // namespace tapemill::quality
