#include "analytics/requests.h"

#include <gtest/gtest.h>

#include "indicators/indicator.h"
#include "panel.h"

namespace tapemill::analytics {
namespace {

std::string shown(const std::vector<std::string>& requests, const RequestOptions& options = {},
                  const std::vector<std::string>& columns = kBarColumns) {
  auto resolved = resolve_requests(requests, columns, options);
  if (!resolved.ok()) return render(resolved.status(), false);
  auto series = Series::compile(*resolved, columns);
  EXPECT_TRUE(series.ok()) << render(series.status(), false);
  std::string out;
  for (const auto& one : *resolved) out += one.name + " = " + one.text + "\n";
  return out;
}

TEST(Requests, NamesMeanTheCataloguesIndicators) {
  EXPECT_EQ(shown({"SMA_20", "RSI_14", "EMA"}),
            "SMA_20 = sma(close, period=20)\nRSI_14 = rsi(close, period=14)\nEMA_14 = ema(close, period=14)\n");
  EXPECT_EQ(shown({"MACD", "MACD"}),
            "MACD_line = macd(close, fast=12, slow=26, signal=9, output=line)\n"
            "MACD_signal = macd(close, fast=12, slow=26, signal=9, output=signal)\n"
            "MACD_histogram = macd(close, fast=12, slow=26, signal=9, output=histogram)\n");
  EXPECT_EQ(shown({"BB_20"}),
            "BB_20_upper = bb(close, period=20, deviations=2, output=upper)\n"
            "BB_20_middle = bb(close, period=20, deviations=2, output=middle)\n"
            "BB_20_lower = bb(close, period=20, deviations=2, output=lower)\n"
            "BB_20_pctB = bb(close, period=20, deviations=2, output=percent_b)\n"
            "BB_20_width = bb(close, period=20, deviations=2, output=width)\n");
  EXPECT_EQ(shown({"ATR_14", "VWAP", "OBV", "Volume_SMA_20", "Volume_Ratio"}),
            "ATR_14 = atr(period=14)\nVWAP = vwap(volume=volume)\nOBV = obv(close, volume)\n"
            "Volume_SMA_20 = volume_sma(volume, period=20)\nVolume_Ratio = volume_ratio(volume, period=20)\n");
  EXPECT_EQ(shown({"STOCH", "STOCH_5"}),
            "stochastic_k = stoch(fast_k=14, slow_k=3, slow_d=3, output=k)\nstochastic_d = stoch(fast_k=14, slow_k=3, "
            "slow_d=3, output=d)\n"
            "stochastic_k_5 = stoch(fast_k=5, slow_k=3, slow_d=3, output=k)\nstochastic_d_5 = stoch(fast_k=5, "
            "slow_k=3, slow_d=3, output=d)\n");
  EXPECT_EQ(shown({"rsi(close, period=7)"}), "rsi(close, period=7) = rsi(close, period=7)\n");
}

TEST(Requests, TheColumnsAndTheFormCanBeOthers) {
  EXPECT_EQ(shown({"RSI_14", "OBV", "BB_5"}, {"open", "high", "columnar"}).substr(0, 88),
            "RSI_14 = rsi(open, period=14, smoothing=span)\nOBV = obv(open, high)\nBB_5_upper = bb(open");
  EXPECT_EQ(shown({"SMA_20"}, {}, {"close", "adj_close"}), "SMA_20 = sma(adj_close, period=20)\n");
  EXPECT_NE(
      shown({"MACD", "ATR_14", "EMA_12", "BB_20"}, {"", "volume", "columnar"}).find("atr(period=14, smoothing=span)"),
      std::string::npos);
}

TEST(Requests, EveryIndicatorOfTheCatalogueHasAName) {
  for (const indicators::Spec* spec : indicators::catalogue()) {
    std::string name = spec->name;
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    std::string text = shown({name});
    EXPECT_NE(text.find(std::string(spec->name) + "("), std::string::npos) << text;
  }
  EXPECT_EQ(shown({"VOLUME_SMA_10"}), "VOLUME_SMA_10 = volume_sma(period=10)\n");
}

TEST(Requests, AnUnknownNameIsAnErrorWithTheNearest) {
  EXPECT_EQ(shown({"RSJ_14"}), "error: indicators: unknown indicator RSJ_14\ndid you mean RSI?\n");
  EXPECT_EQ(shown({"VWAP_5"}), "error: indicators: VWAP takes no period\nwrite VWAP\n");
  EXPECT_EQ(shown({"SMA_0"}), "error: indicators: SMA_0: the period of sma is 1 to 10000\nsuch as SMA_20\n");
  EXPECT_EQ(shown({"BB_99999999999"}),
            "error: indicators: BB_99999999999: the period of bb is 2 to 10000\nsuch as BB_20\n");
  auto capitals = Series::compile({{"", "RSI(14)", "here"}}, kBarColumns);
  EXPECT_NE(render(capitals.status(), false).find("did you mean rsi?"), std::string::npos);
}

TEST(Requests, MacdTakesItsPeriodsFromTheOptions) {
  RequestOptions options;
  options.macd = {5, 35, 4};
  auto resolved = resolve_requests({"MACD"}, kBarColumns, options);
  ASSERT_TRUE(resolved.ok());
  ASSERT_EQ(resolved->size(), 3u);
  EXPECT_EQ(resolved->front().text, "macd(close, fast=5, slow=35, signal=4, output=line)");
  EXPECT_EQ(Series::compile(*resolved, kBarColumns)->resolved(),
            std::vector<std::string>{"macd(fast=5, slow=35, signal=4, seed=sma)"});
}

TEST(Requests, TheCompleteSuiteCompiles) {
  const std::vector<std::string> suite = {"SMA_20", "SMA_50", "SMA_200", "EMA_12",        "EMA_26",      "RSI_14",
                                          "MACD",   "BB_20",  "ATR_14",  "Volume_SMA_20", "Volume_Ratio"};
  auto resolved = resolve_requests(suite, kBarColumns);
  ASSERT_TRUE(resolved.ok());
  EXPECT_EQ(resolved->size(), 17u);
  EXPECT_EQ(Series::compile(*resolved, kBarColumns)->warm_up(), 199);
}

}  // namespace
}  // namespace tapemill::analytics
