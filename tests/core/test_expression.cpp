#include "core/expression.h"

#include <arrow/api.h>
#include <arrow/util/decimal.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tapemill {
namespace {

std::string canonical(const std::string& text) {
  auto parsed = Expression::parse(text);
  return parsed.ok() ? parsed->str() : render(parsed.status(), false);
}

TEST(Expression, BindsAsArithmeticDoes) {
  EXPECT_EQ(canonical("a+b*c"), "a + b * c");
  EXPECT_EQ(canonical("(a+b)*c"), "(a + b) * c");
  EXPECT_EQ(canonical("a-(b-c)-d"), "a - (b - c) - d");
  EXPECT_EQ(canonical("a-b-c"), "a - b - c");
  EXPECT_EQ(canonical("((a/b))/c"), "a / b / c");
  EXPECT_EQ(canonical("-a*b"), "-a * b");
  EXPECT_EQ(canonical("-(a*b)"), "-(a * b)");
  EXPECT_EQ(canonical("not a == b and c or d"), "not a == b and c or d");
  EXPECT_EQ(canonical("(not a) == b"), "(not a) == b");
  EXPECT_EQ(canonical("a and (b or c)"), "a and (b or c)");
  EXPECT_EQ(canonical("(a<b) == (c<d)"), "(a < b) == (c < d)");
  EXPECT_EQ(canonical("rsi ( close,period = 14 ,smoothing=span)<30"), "rsi(close, period=14, smoothing=span) < 30");
  EXPECT_EQ(canonical("ref(close, -1)"), "ref(close, -1)");
  EXPECT_EQ(canonical("x == 'it\\'s' "), "x == \"it's\"");
  EXPECT_EQ(canonical("1e3 + .5 + 0.1"), "1000 + 0.5 + 0.1");
  EXPECT_EQ(canonical("vwap()"), "vwap()");
}

TEST(Expression, CanonicalFormIsAFixedPoint) {
  for (const char* text :
       {"-(-a)", "not (not a)", "a % (b * c)", "not (a and b)", "f(a, -b, g(c), n=-3) >= 1e-7 or not x != 2", "a * -b",
        "-a - -b", "(a or b) and not (c or d)", "\"a\\\\b\" == s", "(a < b) + 1 < c"}) {
    std::string once = canonical(text);
    EXPECT_EQ(canonical(once), once) << text;
    EXPECT_EQ(once.find("error"), std::string::npos) << once;
  }
}

TEST(Expression, SaysWhereItIsWrong) {
  auto message = [](const std::string& text) {
    return render(Expression::parse(text, "momentum.yaml:6:11").status(), false);
  };
  EXPECT_EQ(message("rsi(close, period=14"),
            "error: momentum.yaml:6:11: expected ) for this bracket, but the expression ends\n"
            "  rsi(close, period=14\n"
            "     ^\n");
  EXPECT_EQ(message("close = 3"),
            "error: momentum.yaml:6:11: = compares nothing\n"
            "  close = 3\n"
            "        ^\n"
            "write == to compare\n");
  for (const char* wrong :
       {"",           "a +",      "a b",   "1.2.3", "2x",       "a && b", "a < b < c", "f(a=1, a=2)",
        "f(a=1, b)",  "\"open",   "a ! b", "f(a,)", "f(,a)",    "()",     "a; b",      "1e999",
        "a == not b", "f(x=a+b)", "and",   "\x01",  "a\xC3\xA9"}) {
    auto parsed = Expression::parse(wrong);
    ASSERT_FALSE(parsed.ok()) << wrong;
    EXPECT_EQ(exit_code(parsed.status()), 2) << wrong;
    EXPECT_NE(render(parsed.status(), false).find('^'), std::string::npos) << wrong;
  }
}

TEST(Expression, RefusesWhatWouldExhaustTheStack) {
  EXPECT_FALSE(Expression::parse(std::string(100'000, '(')).ok());
  EXPECT_FALSE(Expression::parse(std::string(100'000, '-').append("a")).ok());
  std::string sum = "a";
  for (int i = 0; i < 100'000; ++i) sum += "+a";
  EXPECT_FALSE(Expression::parse(sum).ok());
  std::string brackets = std::string(90, '(').append("a").append(90, ')');
  EXPECT_EQ(canonical(brackets), "a");
}

TEST(Expression, NamesAreColumnsAndNotChoices) {
  std::vector<std::string> names;
  Expression::parse("rsi(close, smoothing=span) < 30 and volume > sma(volume, 20) and high > close")->names(names);
  EXPECT_EQ(names, (std::vector<std::string>{"close", "volume", "high"}));
}

std::shared_ptr<arrow::RecordBatch> batch() {
  auto price = arrow::decimal64(18, 2);
  arrow::Decimal64Builder close(price);
  arrow::Int64Builder volume;
  arrow::DoubleBuilder weight;
  arrow::StringBuilder series;
  arrow::Date32Builder session;
  arrow::TimestampBuilder time(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), arrow::default_memory_pool());
  EXPECT_TRUE(close.Append(arrow::Decimal64(10'150)).ok());
  EXPECT_TRUE(close.AppendNull().ok());
  EXPECT_TRUE(close.Append(arrow::Decimal64(-25)).ok());
  EXPECT_TRUE(volume.AppendValues({100, 0, 7}).ok());
  EXPECT_TRUE(weight.AppendValues({0.5, 2, std::nan("")}).ok());
  EXPECT_TRUE(series.Append("EQ").ok());
  EXPECT_TRUE(series.Append("BE").ok());
  EXPECT_TRUE(series.AppendNull().ok());
  EXPECT_TRUE(session.AppendValues({0, 1, 2}).ok());
  EXPECT_TRUE(time.AppendValues({0, 86'400'000'000, 1}).ok());
  auto schema = arrow::schema({arrow::field("close", price), arrow::field("volume", arrow::int64()),
                               arrow::field("weight", arrow::float64()), arrow::field("series", arrow::utf8()),
                               arrow::field("session", arrow::date32()), arrow::field("time", time.type())});
  return arrow::RecordBatch::Make(
      schema, 3,
      {*close.Finish(), *volume.Finish(), *weight.Finish(), *series.Finish(), *session.Finish(), *time.Finish()});
}

std::string evaluate(const std::string& text) {
  auto rows = batch();
  auto parsed = Expression::parse(text);
  if (!parsed.ok()) return render(parsed.status(), false);
  auto compiled = RowExpression::compile(*parsed, *rows->schema(), "here");
  if (!compiled.ok()) return render(compiled.status(), false);
  std::string out;
  for (double x : *compiled->evaluate(*rows)) out += std::isnan(x) ? "null " : fmt::format("{} ", x);
  return out;
}

TEST(RowExpression, ReadsEveryTypeOfColumn) {
  EXPECT_EQ(evaluate("close * 2"), "203 null -0.5 ");
  EXPECT_EQ(evaluate("volume + weight"), "100.5 2 null ");
  EXPECT_EQ(evaluate("series == \"EQ\""), "1 0 null ");
  EXPECT_EQ(evaluate("\"EQ\" != series"), "0 1 null ");
  EXPECT_EQ(evaluate("series == series"), "1 1 null ");
  EXPECT_EQ(evaluate("session >= \"1970-01-02\""), "0 1 1 ");
  EXPECT_EQ(evaluate("\"1970-01-02\" > session"), "1 0 0 ");
  EXPECT_EQ(evaluate("time == \"1970-01-02T00:00:00Z\""), "0 1 0 ");
  EXPECT_EQ(evaluate("is_null(series) or is_null(close)"), "0 1 1 ");
  EXPECT_EQ(evaluate("is_null(weight)"), "0 0 1 ");
}

TEST(RowExpression, LogicHasThreeValues) {
  EXPECT_EQ(evaluate("close > 0"), "1 null 0 ");
  EXPECT_EQ(evaluate("close > 0 and volume > 0"), "1 0 0 ");
  EXPECT_EQ(evaluate("close > 0 or volume == 0"), "1 1 0 ");
  EXPECT_EQ(evaluate("not close > 0"), "0 null 1 ");
  EXPECT_EQ(evaluate("close > 0 and weight > 0"), "1 null 0 ");
}

TEST(RowExpression, WhatHasNoValueIsNull) {
  EXPECT_EQ(evaluate("1 / volume"), "0.01 null 0.14285714285714285 ");
  EXPECT_EQ(evaluate("volume % 0"), "null null null ");
  EXPECT_EQ(evaluate("log(close) * 0"), "0 null null ");
  EXPECT_EQ(evaluate("sqrt(close) * 0"), "0 null null ");
  EXPECT_EQ(evaluate("coalesce(close, weight, 9)"), "101.5 2 -0.25 ");
  EXPECT_EQ(evaluate("least(volume, 50, 60)"), "50 0 7 ");
  EXPECT_EQ(evaluate("greatest(close, 50)"), "101.5 null 50 ");
  EXPECT_EQ(evaluate("7 % 4 + abs(-2)"), "5 5 5 ");
}

TEST(RowExpression, NamesTheRightNameForAWrongOne) {
  EXPECT_EQ(evaluate("volume > clsoe"),
            "error: here: unknown column clsoe\n"
            "  volume > clsoe\n"
            "           ^\n"
            "did you mean close?\n");
  EXPECT_NE(evaluate("sqr(close)").find("did you mean sqrt?"), std::string::npos);
  EXPECT_NE(evaluate("series + 1").find("series is string, not a number"), std::string::npos);
  EXPECT_NE(evaluate("series < \"EQ\"").find("strings compare with == and !="), std::string::npos);
  EXPECT_NE(evaluate("close == \"EQ\"").find("a string is compared with decimal64(18, 2)"), std::string::npos);
  EXPECT_NE(evaluate("session == \"28 Oct\"").find("is no date"), std::string::npos);
  EXPECT_NE(evaluate("min(close, 20)").find("least(a, b)"), std::string::npos);
  EXPECT_NE(evaluate("least(close)").find("takes 2 or more values, not 1"), std::string::npos);
  EXPECT_NE(evaluate("abs(close, n=2)").find("takes no named values"), std::string::npos);
}

TEST(RowExpression, BlocksDoNotShow) {
  arrow::Int64Builder builder;
  for (std::int64_t i = 0; i < 5000; ++i) ASSERT_TRUE((i % 7 == 0 ? builder.AppendNull() : builder.Append(i)).ok());
  auto rows =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("x", arrow::int64())}), 5000, {*builder.Finish()})->Slice(3);
  auto compiled = *RowExpression::compile(*Expression::parse("x * 2 + (1 - x)"), *rows->schema(), "here");
  auto values = *compiled.evaluate(*rows);
  ASSERT_EQ(values.size(), 4997u);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if ((i + 3) % 7 == 0) EXPECT_TRUE(std::isnan(values[i]));
    else EXPECT_EQ(values[i], static_cast<double>(i + 3 + 1));
  }
}

}  // namespace
}  // namespace tapemill
