#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/expression.h"
#include "indicators/indicator.h"
#include "panel.h"

namespace tapemill::analytics {
namespace {

/// Every function and operator of the language, every indicator of the catalogue with every output, and some of one in another.
std::vector<NamedExpression> everything() {
  std::vector<std::string> texts = {"close",
                                    "-close",
                                    "close + open",
                                    "high - low",
                                    "close * volume",
                                    "volume / (volume - volume)",
                                    "close % 7",
                                    "1 / volume",
                                    "close > open and volume > 0",
                                    "close < open or not volume > 0",
                                    "close == ref(close, 1)",
                                    "close != open",
                                    "close >= open",
                                    "low <= open",
                                    "abs(close - open)",
                                    "log(close / ref(close, 1))",
                                    "exp(log(close))",
                                    "sqrt(close - open)",
                                    "least(close, open, 50)",
                                    "greatest(high, 60)",
                                    "is_null(close)",
                                    "coalesce(close, open, 0)",
                                    "ref(close, 3)",
                                    "ref(close / open, 1) - close / ref(open, 1)",
                                    "sum(volume, 5)",
                                    "mean(close, 20)",
                                    "std(log(close / ref(close, 1)), 21)",
                                    "std(close, 2, ddof=1)",
                                    "min(low, 14)",
                                    "max(high, 14)",
                                    "max(low, 1)",
                                    "crosses_above(close, sma(close, 20))",
                                    "crosses_below(rsi(close, period=5), 50)",
                                    "sma(sma(close, 3), 5)",
                                    "ema(rsi(close), 4)",
                                    "macd(close, output=\"signal\") - macd(close, output=\"line\")",
                                    "bb(log(close), 20, output=width)",
                                    "atr(period=14) / close",
                                    "ref(rsi(close), 20)",
                                    "sum(close - ref(close, 1), 10) / (max(high, 10) - min(low, 10))",
                                    "vwap() - close",
                                    "std(close * 1e60, 3)",
                                    "mean(volume, 20) * mean(volume, 20)",
                                    "std(ema(close, 3), 5)",
                                    "exp(close * 10)"};
  for (const indicators::Spec* spec : indicators::catalogue())
    for (const char* output : indicators::outputs(*spec))
      texts.push_back(fmt::format("{}(output=\"{}\")", spec->name, output));
  std::vector<NamedExpression> named;
  for (const std::string& text : texts) named.push_back({"", text, "test"});
  return named;
}

void expect_same(const Columns& a, const Columns& b, const std::string& what) {
  auto expressions = everything();
  ASSERT_EQ(a.size(), expressions.size()) << what;
  ASSERT_EQ(b.size(), expressions.size()) << what;
  for (std::size_t j = 0; j < a.size(); ++j) EXPECT_TRUE(same_bits(a[j], b[j])) << what << ": " << expressions[j].text;
}

TEST(SeriesProperties, BatchIsTickByTickBitForBit) {
  auto series = Series::compile(everything(), kBarColumns);
  ASSERT_TRUE(series.ok()) << render(series.status(), false);
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    double nulls = seed % 3 == 0 ? 0 : seed % 3 == 1 ? 0.02 : 0.4;
    std::vector<int> lengths = {0, 1, 500, 63, 64, 65, 129, 300, 2, 40, 700};
    if (seed <= 2) lengths.push_back(9000);  // more than a chunk
    Bars bars = Bars::random(seed, lengths, nulls);
    Columns batch = run_batch(*series, bars), ticks = run_ticks(*series, bars);
    expect_same(batch, ticks, fmt::format("seed {}", seed));
    expect_same(batch, run_ticks(*series, bars, 1 + static_cast<int>(seed) * 3), "restarts");
    expect_same(batch, run_batch(*series, bars, 3), "three threads");
  }
}

TEST(SeriesProperties, TheOrderOfSymbolsDoesNotShow) {
  auto series = *Series::compile(everything(), kBarColumns);
  std::vector<int> lengths = {100, 300, 20, 250, 77, 400, 90, 64, 128, 5, 210};
  Bars bars = Bars::random(7, lengths, 0.05), turned;
  std::vector<std::size_t> order(lengths.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937_64(5));
  auto piece = [&](const auto& column, std::size_t s) {
    return std::pair(column.begin() + bars.starts[s], column.begin() + bars.starts[s + 1]);
  };
  for (std::size_t s : order) {
    for (std::size_t c = 0; c < 5; ++c)
      turned.columns[c].insert(turned.columns[c].end(), piece(bars.columns[c], s).first,
                               piece(bars.columns[c], s).second);
    turned.sessions.insert(turned.sessions.end(), piece(bars.sessions, s).first, piece(bars.sessions, s).second);
    turned.starts.push_back(static_cast<std::int64_t>(turned.sessions.size()));
  }
  Columns straight = run_batch(series, bars), other = run_batch(series, turned), expected(straight.size());
  for (std::size_t j = 0; j < straight.size(); ++j)
    for (std::size_t s : order)
      expected[j].insert(expected[j].end(), piece(straight[j], s).first, piece(straight[j], s).second);
  expect_same(expected, other, "permuted");
}

TEST(SeriesProperties, AHistoryCutAnywhereAnswersTheSameForItsPart) {
  auto series = *Series::compile(everything(), kBarColumns);
  Bars bars = Bars::random(9, {400}, 0.03);
  Columns whole = run_batch(series, bars);
  for (int length : {1, 50, 64, 200, 399}) {
    Bars part = bars;
    for (auto& column : part.columns) column.resize(static_cast<std::size_t>(length));
    part.sessions.resize(static_cast<std::size_t>(length));
    part.starts = {0, length};
    Columns values = run_batch(series, part);
    for (auto& column : whole) column.resize(std::max<std::size_t>(column.size(), 400));
    Columns expected = whole;
    for (auto& column : expected) column.resize(static_cast<std::size_t>(length));
    expect_same(values, expected, fmt::format("{} bars: no value depends on a later bar", length));
  }
}

TEST(SeriesProperties, WindowsAgreeWithSumsTakenAnew) {
  auto series = *Series::compile({{"", "sum(close, 7)", ""},
                                  {"", "std(close, 7, ddof=1)", ""},
                                  {"", "min(close, 7)", ""},
                                  {"", "max(close, 7)", ""},
                                  {"", "mean(close, 7)", ""}},
                                 kBarColumns);
  Bars bars = Bars::random(3, {600}, 0.1);
  bars.columns[3][100] = 1e9;  // a spike that must leave no trace
  Columns out = run_batch(series, bars);
  std::vector<double> window;
  for (std::size_t i = 0; i < bars.rows(); ++i) {
    double x = bars.columns[3][i];
    if (!std::isnan(x)) window.push_back(x);
    if (window.size() > 7) window.erase(window.begin());
    if (std::isnan(x) || window.size() < 7) {
      for (const auto& column : out) EXPECT_TRUE(std::isnan(column[i]));
      continue;
    }
    long double sum = std::accumulate(window.begin(), window.end(), 0.0L), squares = 0;
    for (double w : window) squares += (w - sum / 7) * (w - sum / 7);
    EXPECT_NEAR(out[0][i], static_cast<double>(sum), 1e-14 * static_cast<double>(sum));
    EXPECT_NEAR(out[1][i], static_cast<double>(std::sqrt(squares / 6)),
                1e-12 * std::max(1.0, static_cast<double>(std::sqrt(squares / 6))));
    EXPECT_EQ(out[2][i], *std::min_element(window.begin(), window.end()));
    EXPECT_EQ(out[3][i], *std::max_element(window.begin(), window.end()));
    EXPECT_NEAR(out[4][i], static_cast<double>(sum / 7), 1e-14 * static_cast<double>(sum));
  }
}

}  // namespace
}  // namespace tapemill::analytics
