// Every number here was worked out by hand from the table of spec.md B4.
#include <gtest/gtest.h>

#include "analytics/requests.h"
#include "analytics/signals.h"
#include "panel.h"

namespace tapemill::analytics {
namespace {

const std::vector<std::string> kColumns = {"close",      "volume",         "RSI_14",      "SMA_50",
                                           "SMA_200",    "MACD_histogram", "BB_20_lower", "BB_20_upper",
                                           "BB_20_pctB", "Volume_SMA_20",  "ATR_14"};
const std::vector<std::string> kAll = {"momentum", "mean_reversion", "trend_following", "volatility_breakout"};

/// A bar in which no strategy says anything.
std::map<std::string, double> quiet() {
  return {{"close", 100},      {"volume", 1000},        {"RSI_14", 50},      {"SMA_50", 99},
          {"SMA_200", 98},     {"MACD_histogram", 0.5}, {"BB_20_lower", 90}, {"BB_20_upper", 110},
          {"BB_20_pctB", 0.5}, {"Volume_SMA_20", 1000}, {"ATR_14", 2}};
}
std::map<std::string, double> with(const std::map<std::string, double>& changes) {
  auto bar = quiet();
  for (const auto& [name, value] : changes) bar[name] = value;
  return bar;
}

std::string shown(const std::optional<Signal>& s) {
  if (!s) return "nothing";
  return fmt::format("{} {} {} entry {} stop {} target {} confidence {:.6f} atr {} by {}", name(s->side),
                     name(s->strength), s->strategy, s->entry_price, s->stop_loss, s->take_profit, s->confidence,
                     s->atr, fmt::join(s->consensus, "+"));
}

/// The signal of the last bar.
std::string after(const std::vector<std::map<std::string, double>>& bars, const SignalOptions& options = {kAll}) {
  auto detector = SignalDetector::make(options, kColumns);
  if (!detector.ok()) return render(detector.status(), false);
  SignalDetector::Tick tick(*detector);
  std::optional<Signal> signal;
  for (const auto& bar : bars) {
    std::vector<double> in;
    for (const std::string& column : detector->inputs()) in.push_back(bar.at(column));
    signal = tick.update(in.data());
  }
  return shown(signal);
}

TEST(Signals, Momentum) {
  // (30 - 24) / 30 + 0.5 = 0.7; stop 100 - 2 * 2, target 100 + 3 * 2
  EXPECT_EQ(after({with({{"RSI_14", 24}})}),
            "LONG MODERATE momentum entry 100 stop 96 target 106 confidence 0.700000 atr 2 by momentum");
  // (88 - 70) / 30 + 0.5 = 1.1, capped
  EXPECT_EQ(after({with({{"RSI_14", 88}, {"SMA_200", 101}, {"MACD_histogram", -0.1}})}),
            "SHORT STRONG momentum entry 100 stop 104 target 94 confidence 1.000000 atr 2 by momentum");
  EXPECT_EQ(after({with({{"RSI_14", 0}})}),
            "LONG STRONG momentum entry 100 stop 96 target 106 confidence 1.000000 atr 2 by momentum");  // not missing
  EXPECT_EQ(after({with({{"RSI_14", 28}})}), "nothing");  // confidence 0.5667 < 0.6
  EXPECT_EQ(after({with({{"RSI_14", 30}})}), "nothing");  // not below
  EXPECT_EQ(after({with({{"RSI_14", 24}, {"MACD_histogram", 0}})}),
            "nothing");  // the clause the original's page forgets
  EXPECT_EQ(after({with({{"RSI_14", 24}, {"SMA_200", 100}})}), "nothing");
  EXPECT_EQ(after({with({{"RSI_14", std::nan("")}})}), "nothing");
}

TEST(Signals, MeanReversion) {
  // %B = (88 - 90) / 20 = -0.1: 1.1, capped; volume 1600 / 1000 > 1.5
  EXPECT_EQ(after({with({{"close", 88}, {"BB_20_pctB", -0.1}, {"volume", 1600}, {"SMA_200", 87}})}),
            "LONG STRONG mean_reversion entry 88 stop 84 target 94 confidence 1.000000 atr 2 by mean_reversion");
  EXPECT_EQ(after({with({{"close", 112}, {"BB_20_pctB", 1.1}, {"volume", 1501}})}, {{"mean_reversion"}}),
            "SHORT STRONG mean_reversion entry 112 stop 116 target 106 confidence 1.000000 atr 2 by mean_reversion");
  EXPECT_EQ(after({with({{"close", 88}, {"BB_20_pctB", -0.1}, {"volume", 1500}})}), "nothing");  // not above 1.5
  EXPECT_EQ(after({with({{"close", 89}, {"BB_20_pctB", 0}, {"volume", 1600}, {"ATR_14", 0}})}, {{"mean_reversion"}}),
            "LONG STRONG mean_reversion entry 89 stop 85.44 target 94.34 confidence 1.000000 atr 1.78 by "
            "mean_reversion");  // %B 0, range 2 %
}

TEST(Signals, TrendFollowing) {
  auto below = with({{"SMA_50", 97}}), touching = with({{"SMA_50", 98}}), above = with({{"SMA_50", 99}});
  const char* up =
      "LONG MODERATE trend_following entry 100 stop 96 target 106 confidence 0.700000 atr 2 by trend_following";
  EXPECT_EQ(after({below, above}), up);
  EXPECT_EQ(after({touching, above}), up);  // prev <= 0
  EXPECT_EQ(after({above, above}), "nothing");
  EXPECT_EQ(after({above}), "nothing");  // nothing is known of the bar before
  EXPECT_EQ(after({below, with({{"SMA_50", 99}, {"MACD_histogram", -1}})}), "nothing");
  EXPECT_EQ(
      after({above, with({{"SMA_50", 97}, {"MACD_histogram", -1}, {"ATR_14", std::nan("")}})}),
      "SHORT MODERATE trend_following entry 100 stop 104 target 94 confidence 0.700000 atr 2 by trend_following");  // 2 % of 100
}

TEST(Signals, VolatilityBreakout) {
  auto jump = with({{"close", 104.5}, {"volume", 2001}});
  EXPECT_EQ(after({quiet(), jump}, {{"volatility_breakout"}}),
            "LONG MODERATE volatility_breakout entry 104.5 stop 100.5 target 110.5 confidence 0.650000 atr 2 by "
            "volatility_breakout");
  EXPECT_EQ(after({quiet(), with({{"close", 104}, {"volume", 2001}})}, {{"volatility_breakout"}}),
            "nothing");  // not above 100 + 2 * 2
  EXPECT_EQ(after({quiet(), with({{"close", 104.5}, {"volume", 2000}})}, {{"volatility_breakout"}}), "nothing");
  EXPECT_EQ(after({quiet(), with({{"close", 95.5}, {"volume", 2001}})}, {{"volatility_breakout"}}),
            "SHORT MODERATE volatility_breakout entry 95.5 stop 99.5 target 89.5 confidence 0.650000 atr 2 by "
            "volatility_breakout");
  // A breakout widens its own average range: with breakout_lag 1 it is compared with the bar before.
  auto wide = with({{"close", 104.5}, {"volume", 2001}, {"ATR_14", 2.5}, {"Volume_SMA_20", 1001}});
  EXPECT_EQ(after({quiet(), wide}, {{"volatility_breakout"}}), "nothing");
  SignalOptions lag{{"volatility_breakout"}};
  lag.breakout_lag = 1;
  EXPECT_EQ(after({quiet(), wide}, lag),
            "LONG MODERATE volatility_breakout entry 104.5 stop 99.5 target 112 confidence 0.650000 atr 2.5 by "
            "volatility_breakout");
}

TEST(Signals, TheMajorityDecides) {
  // momentum long 0.7, trend long 0.7: best 0.7 + 0.1
  auto before = with({{"SMA_50", 97}});
  EXPECT_EQ(after({before, with({{"RSI_14", 24}})}),
            "LONG STRONG momentum entry 100 stop 96 target 106 confidence 0.800000 atr 2 by momentum+trend_following");
  // mean_reversion short against trend long: no trade
  EXPECT_EQ(after({before, with({{"close", 112}, {"BB_20_pctB", 1.1}, {"volume", 1600}, {"ATR_14", 20}})}), "nothing");
  // three agree: 0.7 + 0.2; confidence is capped at 1 after the vote too
  EXPECT_EQ(after({before, with({{"RSI_14", 24}, {"close", 106}, {"volume", 2500}})}).substr(0, 40),
            "LONG STRONG momentum entry 106 stop 102 ");
  EXPECT_EQ(after({before, with({{"RSI_14", 3}})}),
            "LONG STRONG momentum entry 100 stop 96 target 106 confidence 1.000000 atr 2 by momentum+trend_following");
  SignalOptions strict{kAll};
  strict.min_confidence = 0.71;
  EXPECT_EQ(after({before, with({{"RSI_14", 24}})}, strict), "nothing");
}

TEST(Signals, WrongUseIsSaid) {
  EXPECT_EQ(after({}, {{"momentun"}}), "error: strategies: unknown strategy momentun\ndid you mean momentum?\n");
  EXPECT_NE(after({}, {{}}).find("none is named"), std::string::npos);
  auto lacking = SignalDetector::make({{"momentum"}}, {"close", "RSI_14"});
  EXPECT_EQ(render(lacking.status(), false),
            "error: signals: the rows lack SMA_200, MACD_histogram\nask the indicators before for ATR_14, RSI_14, "
            "SMA_200, MACD\n");
}

TEST(Signals, PositionsLoseTheRiskAtTheStop) {
  Signal signal;
  signal.entry_price = 100, signal.stop_loss = 96;
  EXPECT_EQ(position_size(signal, 10'000, 0.02), 50);
  EXPECT_EQ(position_size(signal, 10'100, 0.02), 50);  // 50.5, rounded down
  signal.stop_loss = 100;
  EXPECT_EQ(position_size(signal, 10'000, 0.02), 0);
}

TEST(Signals, OptionsAreReadFromADocument) {
  auto document =
      *Document::parse_json(R"({"strategies": ["momentum"], "min_confidence": 0.5, "breakout_lag": 1})", "graph.json");
  SignalOptions options;
  ASSERT_TRUE(read_config(document.root(), options).ok());
  EXPECT_EQ(options.strategies, std::vector<std::string>{"momentum"});
  auto wrong = *Document::parse_json(R"({"min_confidence": 1.5})", "graph.json");
  EXPECT_FALSE(read_config(wrong.root(), options).ok());
}

// The whole way, bars -> indicators -> signals, tick by tick with restarts and as batch: the same signals, number for number.
TEST(Signals, TicksAndBatchAgree) {
  SignalOptions options{kAll};
  options.min_confidence = 0.5;
  auto requested = *resolve_requests(*SignalDetector::requests(kAll), kBarColumns);
  auto indicators = *Series::compile(requested, kBarColumns);
  std::vector<std::string> columns = kBarColumns;
  for (const auto& one : requested) columns.push_back(one.name);
  auto detector = *SignalDetector::make(options, columns);
  Bars bars = Bars::random(11, {800, 1000, 500, 300, 900}, 0.001);
  for (std::size_t i = 60; i < bars.rows(); i += 47) bars.columns[4][i] *= 4;  // days of much volume
  Columns computed = run_batch(indicators, bars, 2);
  std::vector<std::span<const double>> inputs;
  std::vector<std::size_t> from;  // detector's inputs among columns
  for (const std::string& name : detector.inputs())
    from.push_back(static_cast<std::size_t>(std::find(columns.begin(), columns.end(), name) - columns.begin()));
  for (std::size_t at : from) inputs.emplace_back(at < 5 ? bars.columns[at] : computed[at - 5]);
  auto batch = *detector.run(inputs, bars.starts, Workers(2));

  std::vector<SignalDetector::Row> ticks;
  std::vector<double> bar(indicators.inputs().size()), row(columns.size()), in(from.size());
  auto bar_columns = bars.inputs(indicators);
  for (std::size_t s = 0; s + 1 < bars.starts.size(); ++s) {
    auto own = indicators.tick();
    auto detect = std::make_unique<SignalDetector::Tick>(detector);
    for (auto r = static_cast<std::size_t>(bars.starts[s]); r < static_cast<std::size_t>(bars.starts[s + 1]); ++r) {
      for (std::size_t i = 0; i < bar.size(); ++i) bar[i] = bar_columns[i][r];
      for (std::size_t c = 0; c < 5; ++c) row[c] = bars.columns[c][r];
      own->update(bar.data(), bars.sessions[r], row.data() + 5);
      for (std::size_t i = 0; i < in.size(); ++i) in[i] = row[from[i]];
      if (auto signal = detect->update(in.data())) ticks.push_back({static_cast<std::int64_t>(r), *signal});
      if (r % 31 == 0) {
        auto next = std::make_unique<SignalDetector::Tick>(detector);
        ASSERT_TRUE(next->load(detect->save()).ok());
        detect = std::move(next);
      }
    }
  }
  ASSERT_EQ(batch.size(), ticks.size());
  EXPECT_GT(batch.size(), 20u);
  std::set<std::string> strategies;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    EXPECT_EQ(batch[i].row, ticks[i].row);
    EXPECT_EQ(shown(batch[i].signal), shown(ticks[i].signal));
    EXPECT_EQ(batch[i].signal.stop_loss, ticks[i].signal.stop_loss);
    strategies.insert(batch[i].signal.consensus.begin(), batch[i].signal.consensus.end());
  }
  EXPECT_GE(strategies.size(), 3u);
}

}  // namespace
}  // namespace tapemill::analytics
