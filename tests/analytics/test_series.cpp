#include <gtest/gtest.h>

#include "panel.h"

namespace tapemill::analytics {
namespace {

std::string message(const std::string& text) {
  auto series = Series::compile({{"x", text, "f.yaml:3:6"}}, kBarColumns);
  return series.ok() ? "compiles" : render(series.status(), false);
}

/// The values of one expression over closes (the other columns: open = high = low = close, volume 100).
std::vector<double> values(const std::string& text, const std::vector<double>& closes) {
  auto series = Series::compile({{"x", text, ""}}, kBarColumns);
  EXPECT_TRUE(series.ok()) << render(series.status(), false);
  Bars bars;
  for (std::size_t c = 0; c < 5; ++c) bars.columns[c] = c == 4 ? std::vector<double>(closes.size(), 100) : closes;
  bars.sessions.assign(closes.size(), 1);
  bars.starts = {0, static_cast<std::int64_t>(closes.size())};
  return run_batch(*series, bars)[0];
}
std::string shown(const std::string& text, const std::vector<double>& closes) {
  std::string out;
  for (double x : values(text, closes)) out += std::isnan(x) ? "- " : fmt::format("{} ", x);
  return out;
}
const double kNone = std::nan("");

TEST(Series, ComputesWhatItSays) {
  EXPECT_EQ(shown("ref(close, 2)", {1, 2, 3, kNone, 5, 6}), "- - 1 2 3 - ");
  EXPECT_EQ(shown("sum(close, 2)", {1, 2, kNone, 4, 5}), "- 3 - 6 9 ");
  EXPECT_EQ(shown("mean(close, 2)", {1, 2, kNone, 4, 5}), "- 1.5 - 3 4.5 ");
  EXPECT_EQ(shown("sma(close, 2)", {1, 2, kNone, 4, 5}), "- 1.5 - 3 4.5 ");
  EXPECT_EQ(shown("std(close, 2)", {1, 2, 2, 6}), "- 0.5 0 2 ");
  EXPECT_EQ(shown("std(close, n=3, ddof=1)", {1, 2, 3, 4, 4, 4}), "- - 1 1 0.5773502691896257 0 ");
  EXPECT_EQ(shown("min(close, 3)", {5, 4, 6, 7, 8, 3}), "- - 4 4 6 3 ");
  EXPECT_EQ(shown("max(close, 3)", {5, 4, 6, 3, 2, 1}), "- - 6 6 6 3 ");
  EXPECT_EQ(shown("crosses_above(close, 3)", {2, 4, 5, 3, 4, kNone, 2, kNone, 4}), "- 1 0 0 1 - 0 - 1 ");
  EXPECT_EQ(shown("crosses_below(close, 3)", {2, 4, 2, 3, 4, 2}), "- 0 1 0 0 1 ");
  EXPECT_EQ(shown("log(close / ref(close, 1)) > 0", {1, 2, 1}), "- 1 0 ");
  EXPECT_EQ(shown("volume / (close - 1)", {1, 2}), "- 100 ");
  EXPECT_EQ(
      shown("macd(close, 2, 3, 2, output=histogram) == macd(close, 2, 3, 2) - macd(close, 2, 3, 2, output=\"signal\")",
            {1, 2, 4, 3, 5}),
      "- - - 1 1 ");
}

TEST(Series, OneValueOutOfRangePoisonsNothing) {
  EXPECT_EQ(shown("sum(exp(close), 1)", {0, 800, 0}), "1 - 1 ");
  EXPECT_EQ(shown("sum(close, 2)", {1, 1e308, 2, 3}), "- - 3 5 ");
  EXPECT_EQ(shown("std(close, 2)", {1, -std::numeric_limits<double>::infinity(), 3, 3}), "- - 1 0 ");
}

TEST(Series, SharesEqualParts) {
  auto series = *Series::compile(
      {{"a", "rsi(close, 14) + 1", ""}, {"b", "rsi(close, period=14) + 1", ""}, {"c", "rsi() + 1", ""}}, kBarColumns);
  EXPECT_EQ(series.resolved(), (std::vector<std::string>{"rsi(period=14, smoothing=wilder)"}));
  EXPECT_EQ(std::count(series.id().begin(), series.id().end(), '\n'), 4);  // close, rsi, 1, +
  EXPECT_EQ(series.inputs(), (std::vector<std::string>{"close"}));
  EXPECT_FALSE(series.uses_session());
}

TEST(Series, BarIndicatorsReadTheirColumnsOrThoseNamed) {
  auto series = *Series::compile(
      {{"a", "vwap()", ""}, {"b", "atr(period=3)", ""}, {"c", "obv(volume=open)", ""}, {"d", "sma(volume, 2)", ""}},
      kBarColumns);
  EXPECT_EQ(series.inputs(), (std::vector<std::string>{"high", "low", "close", "volume", "open"}));
  EXPECT_TRUE(series.uses_session());
  EXPECT_EQ(series.resolved()[3], "sma(volume, period=2)");
}

TEST(Series, WarmUpAddsAlongTheWay) {
  auto warm = [](const std::string& text) { return Series::compile({{"x", text, ""}}, kBarColumns)->warm_up(); };
  EXPECT_EQ(warm("close"), 0);
  EXPECT_EQ(warm("sma(close, 20)"), 19);
  EXPECT_EQ(warm("sma(sma(close, 20), 5)"), 23);
  EXPECT_EQ(warm("log(close / ref(close, 21))"), 21);
  EXPECT_EQ(warm("std(log(close / ref(close, 1)), 21)"), 21);
  EXPECT_EQ(warm("crosses_above(sma(close, 50), sma(close, 200))"), 200);
  EXPECT_EQ(warm("rsi(close) + macd(close)"), 33);
  std::vector<double> closes;
  for (int i = 0; i < 250; ++i) closes.push_back(100 + i % 17);
  for (const char* text : {"sma(sma(close, 20), 5)", "std(log(close / ref(close, 1)), 21)",
                           "crosses_above(sma(close, 50), sma(close, 200))", "max(rsi(close), 9)"}) {
    auto out = values(text, closes);
    auto first = std::find_if(out.begin(), out.end(), [](double x) { return !std::isnan(x); });
    EXPECT_EQ(first - out.begin(), warm(text)) << text;
  }
}

TEST(Series, RefusesLookingAhead) {
  EXPECT_EQ(message("close / ref(close, -1) - 1"),
            "error: f.yaml:3:6: x: ref(x, -1) would look ahead: that bar is not known yet\n"
            "  close / ref(close, -1) - 1\n"
            "                     ^\n"
            "bars before are counted as ref(x, 1)\n");
  EXPECT_NE(message("ref(close, n=-5)").find("look ahead"), std::string::npos);
}

TEST(Series, NamesTheRightNameForAWrongOne) {
  EXPECT_EQ(message("rsi(clsoe, 14)"),
            "error: f.yaml:3:6: x: unknown column clsoe\n"
            "  rsi(clsoe, 14)\n"
            "      ^\n"
            "did you mean close?\n");
  EXPECT_NE(message("rsii(close)").find("did you mean rsi?"), std::string::npos);
  EXPECT_NE(message("crosses_abov(close, 3)").find("did you mean crosses_above?"), std::string::npos);
  EXPECT_NE(message("rsi(close, perod=3)").find("period"), std::string::npos);
  EXPECT_NE(message("macd(close, output=singal)").find("did you mean signal?"), std::string::npos);
  EXPECT_NE(message("rsi > 30").find("write rsi(...)"), std::string::npos);
  EXPECT_NE(message("min(close, open)").find("least(a, b)"), std::string::npos);
  EXPECT_NE(message("atr(close)").find("high, low, close"), std::string::npos);
  EXPECT_NE(message("obv(volume=volum)").find("did you mean volume=volume?"), std::string::npos);
}

TEST(Series, RefusesWhatIsOutOfRange) {
  for (const char* text : {"sma(close, 0)",
                           "sma(close, 1e9)",
                           "sma(close, 2.5)",
                           "rsi(close, smoothing=wild)",
                           "sum(close, 0)",
                           "sum(close, 10001)",
                           "sum(close, 1.5)",
                           "std(close, 1)",
                           "std(close, 5, ddof=2)",
                           "sum(close)",
                           "sum(close, 5, 6)",
                           "ref(close)",
                           "ref(close, volume)",
                           "sma(close, open)",
                           "sma(5, close)",
                           "crosses_above(close)",
                           "crosses_above(close, 3, n=2)",
                           "mean(close)",
                           "mean(close, 0)",
                           "log(close, 2)",
                           "\"a\" + 1",
                           "is_null(close, n=3)",
                           "macd(close, output=7)",
                           "vwap(14)",
                           "close +"}) {
    auto series = Series::compile({{"x", text, "f.yaml:3:6"}}, kBarColumns);
    ASSERT_FALSE(series.ok()) << text;
    EXPECT_EQ(exit_code(series.status()), 2) << text;
    EXPECT_NE(series.status().message().find("f.yaml:3:6"), std::string::npos) << series.status().message();
  }
  auto narrow = Series::compile({{"x", "vwap()", ""}}, {"close"});
  ASSERT_FALSE(narrow.ok());
  EXPECT_NE(narrow.status().message().find("vwap reads the column high, and there is none"), std::string::npos);
}

TEST(Series, AStateOfOtherExpressionsIsRefused) {
  auto one = *Series::compile({{"x", "sum(close, 3) + rsi(close, 3)", ""}}, kBarColumns);
  auto other = *Series::compile({{"x", "sum(close, 4) + rsi(close, 3)", ""}}, kBarColumns);
  std::string state = one.tick()->save();
  EXPECT_TRUE(one.tick()->load(state).ok());
  EXPECT_FALSE(other.tick()->load(state).ok());
  for (std::size_t size = 0; size < state.size(); ++size)
    EXPECT_FALSE(one.tick()->load(std::string_view(state).substr(0, size)).ok()) << size;
  EXPECT_FALSE(one.tick()->load(state + "x").ok());
}

TEST(Series, NoSymbolsAndNoExpressionsAreNoTrouble) {
  auto series = *Series::compile({}, kBarColumns);
  EXPECT_TRUE(series.run({}, {}, {}, {}, Workers(1)).ok());
  EXPECT_TRUE(series.run({}, {}, std::vector<std::int64_t>{0}, {}, Workers(1)).ok());
}

}  // namespace
}  // namespace tapemill::analytics
