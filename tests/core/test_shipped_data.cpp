// The files that users read and edit, as they are shipped: every calendar and every data set loads, and says what it should.
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "core/calendar.h"
#include "core/dataset.h"
#include "core/expression.h"
#include "core/paths.h"

namespace tapemill {
namespace {

std::shared_ptr<const Calendar> calendar(const std::string& name) {
  auto loaded = Calendar::load(name);
  EXPECT_TRUE(loaded.ok()) << render(loaded.status(), false);
  return loaded.ok() ? *loaded : nullptr;
}
Date day(const char* text) { return Date::parse(text).ValueOrDie(); }

/// "2024-03-02T03:45:00Z/..." would be hard to read: local times of day, "09:15-10:00 11:30-12:30"; or the error's first line.
std::string hours(const Calendar& calendar, const char* date) {
  auto session = calendar.session(day(date));
  if (!session.ok()) return "none";
  std::string out;
  for (const Interval& interval : session->intervals) {
    auto clock = [&](Instant t) {
      std::int64_t minutes = (t.us - calendar.zone().at(day(date), 0).us) / 60'000'000;
      return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
    };
    out += (out.empty() ? "" : " ") + clock(interval.open) + "-" + clock(interval.close);
  }
  return out;
}

TEST(ShippedCalendars, Nyse) {
  auto nyse = calendar("nyse");
  ASSERT_NE(nyse, nullptr);
  EXPECT_EQ(nyse->sessions(day("2013-02-08"), day("2018-02-07")).size(), 1259u);  // the sp500 files'
  EXPECT_EQ(nyse->sessions(day("2000-01-03"), day("2020-04-17")).size(), 5105u);  // the sp500_index file's
  EXPECT_EQ(hours(*nyse, "2024-11-29"), "09:30-13:00");
  EXPECT_EQ(hours(*nyse, "2024-07-05"), "09:30-16:00");
  EXPECT_EQ(hours(*nyse, "2002-09-11"), "12:00-16:00");
  for (const char* closed : {"2001-09-11", "2001-09-14", "2004-06-11", "2012-10-29", "2012-10-30", "2018-12-05",
                             "2025-01-09", "2024-12-25", "2024-06-19"})
    EXPECT_EQ(hours(*nyse, closed), "none") << closed;
  // Summer and winter time: 09:30 in New York is 13:30 and 14:30 in UTC.
  EXPECT_EQ(nyse->session(day("2024-07-01"))->open().us % 86'400'000'000, (13 * 60 + 30) * 60'000'000LL);
  EXPECT_EQ(nyse->session(day("2024-12-02"))->open().us % 86'400'000'000, (14 * 60 + 30) * 60'000'000LL);
}

TEST(ShippedCalendars, NseSpecialSessions) {
  for (const char* name : {"nse", "nse_fo"}) {
    auto nse = calendar(name);
    ASSERT_NE(nse, nullptr);
    EXPECT_EQ(nse->sessions(day("2024-01-01"), day("2024-12-31")).size(), 249u);
    EXPECT_EQ(hours(*nse, "2024-01-20"), "09:15-15:30");
    EXPECT_EQ(hours(*nse, "2024-03-02"), "09:15-10:00 11:30-12:30");
    EXPECT_EQ(hours(*nse, "2024-11-01"), "18:00-19:00");
    EXPECT_EQ(hours(*nse, "2025-10-21"), "13:45-14:45");
    EXPECT_EQ(hours(*nse, "2026-02-01"), "09:15-15:30");  // a Sunday
    EXPECT_EQ(hours(*nse, "2021-02-24"), "09:15-11:40 15:45-17:00");
    EXPECT_EQ(hours(*nse, "2024-01-22"), "none");
    EXPECT_EQ(hours(*nse, "2024-03-09"), "none");  // an ordinary Saturday
    EXPECT_EQ(nse->next(day("2024-01-19"))->str(), "2024-01-20");
    EXPECT_EQ(nse->next(day("2024-01-20"))->str(), "2024-01-23");
  }
  EXPECT_EQ(hours(*calendar("nse"), "2026-08-03"), "09:15-15:35");
  EXPECT_EQ(hours(*calendar("nse_fo"), "2026-08-03"), "09:15-15:40");
}

TEST(ShippedCalendars, OutsideTheirSpanIsAnErrorThatSaysSo) {
  auto status = calendar("nse")->session(day("2030-01-02")).status();
  EXPECT_NE(render(status, false).find("2026-12-31"), std::string::npos) << render(status, false);
}

TEST(ShippedDataSets, AllLoad) {
  std::vector<std::string> wanted{"nse_cash", "nse_fo",      "options_daily", "options_minute", "snapshots",
                                  "sp500",    "sp500_index", "stocks_daily",  "stocks_minute"};
  auto names = dataset_names();
  for (const auto& name : wanted) {
    ASSERT_TRUE(std::find(names.begin(), names.end(), name) != names.end()) << name;
    auto loaded = load_dataset(name);
    ASSERT_TRUE(loaded.ok()) << render(loaded.status(), false);
    EXPECT_EQ(loaded->table, name);
    EXPECT_FALSE(loaded->title.empty());
    EXPECT_FALSE(loaded->checks.empty());
    bool intraday = loaded->column("time") != nullptr;
    EXPECT_EQ(loaded->key, (std::vector<std::string>{"instrument_id", intraday ? "time" : "session"})) << name;
    EXPECT_EQ(loaded->available, intraday ? "bar_close" : "session_close") << name;
    for (const auto& key : loaded->key) EXPECT_TRUE(loaded->column(key)->null_refused) << name << " " << key;
  }
}

TEST(ShippedDataSets, RulesCompileOverTheirColumns) {
  for (const auto& name : dataset_names()) {
    auto dataset = load_dataset(name).ValueOrDie();
    auto compiles = [&](const std::string& rule, const std::string& where) {
      auto parsed = Expression::parse(rule, where);
      ASSERT_TRUE(parsed.ok()) << render(parsed.status(), false);
      auto compiled = RowExpression::compile(*parsed, *dataset.schema(), where);
      EXPECT_TRUE(compiled.ok()) << render(compiled.status(), false);
    };
    for (const auto& check : dataset.checks) {
      if (!check.rule.empty()) compiles(check.rule, check.where);
      for (const auto& column : check.columns) EXPECT_NE(dataset.column(column), nullptr) << check.where;
    }
    for (const auto& rule : dataset.silver_nulls) compiles(rule.when, dataset.path);
  }
}

TEST(ShippedDataSets, PricesAreExactDecimals) {
  for (const auto& name : dataset_names()) {
    auto dataset = load_dataset(name).ValueOrDie();
    if (dataset.column("open") == nullptr) continue;  // no bars
    const bool index = name == "nse_index";
    const int scale = name == "sp500_index" ? 6 : dataset.currency == "USD" || index ? 4 : 2;
    for (const char* price : {"open", "high", "low", "close"}) {
      ASSERT_NE(dataset.column(price), nullptr) << name;
      EXPECT_TRUE(dataset.column(price)->type()->Equals(arrow::decimal64(18, scale))) << name << " " << price;
      EXPECT_EQ(dataset.column(price)->unit, index ? "points" : dataset.currency) << name << " " << price;
    }
  }
}

}  // namespace
}  // namespace tapemill
