#pragma once
#include <optional>
#include <string>
#include <vector>

#include "analytics/series.h"
#include "core/config.h"

namespace tapemill::analytics {

struct SignalOptions {
  std::vector<std::string> strategies = {"momentum", "mean_reversion", "trend_following"};
  double min_confidence = 0.6;
  double risk_per_trade = 0.02;     // share of equity lost where the stop is hit: position_size()
  int breakout_lag = 0;  // 1: the breakout bar itself is not in the average range and volume it is compared with
  std::string price_column;  // empty: adj_close where the rows have it, else close
  std::string volume_column = "volume";
};

}  // namespace tapemill::analytics

template <>
inline constexpr auto tapemill::fields<tapemill::analytics::SignalOptions> = std::tuple{
    tapemill::field(
        "strategies", &tapemill::analytics::SignalOptions::strategies,
        "momentum, mean_reversion, trend_following, volatility_breakout, in the order in which equal confidences win"),
    tapemill::field("min_confidence", &tapemill::analytics::SignalOptions::min_confidence,
                    "weaker signals are dropped before the vote", 0.0, 1.0),
    tapemill::field("risk_per_trade", &tapemill::analytics::SignalOptions::risk_per_trade,
                    "share of equity that a position loses at its stop", 0.0, 1.0),
    tapemill::field("breakout_lag", &tapemill::analytics::SignalOptions::breakout_lag,
                    "bars by which average range and volume lie behind the breakout bar", 0.0, 100.0),
    tapemill::field("price_column", &tapemill::analytics::SignalOptions::price_column,
                    "price that is judged (empty: adj_close, else close)"),
    tapemill::field("volume_column", &tapemill::analytics::SignalOptions::volume_column, "volume that is judged")};

namespace tapemill::analytics {

enum class Side { short_side = -1, long_side = 1 };
enum class Strength { weak = 1, moderate = 2, strong = 3 };
const char* name(Side side);  // LONG, SHORT
const char* name(Strength strength);  // WEAK, MODERATE, STRONG

/// What the strategies together say of one bar. Prices in the units of the price column.
struct Signal {
  Side side = Side::long_side;
  Strength strength = Strength::weak;  // by confidence: from 0.8 strong, from 0.65 moderate
  std::string strategy;  // the most confident of those that agree
  double entry_price = 0, stop_loss = 0,
         take_profit = 0;  // entry -+ 2 and +- 3 average ranges: reward over risk is 1.5
  double confidence = 0;  // the best's + 0.1 for each other that agrees, at most 1
  double atr = 0;  // average range used: ATR_14, or 2 % of the price where that is missing or 0
  std::vector<std::string> consensus;  // strategies that agree, in the order of the options
  static constexpr double kRewardRisk = 1.5;
};

/// Shares so that the stop loses risk_per_trade of equity; rounded down, 0 where stop and entry are equal.
double position_size(const Signal& signal, double equity, double risk_per_trade);

/// The four families over rows that carry price, volume and the indicators of analytics/requests.h, judged in every bar:
///   momentum             long  RSI_14 < 30, price > SMA_200, MACD_histogram > 0; short mirrored at 70
///   mean_reversion       long  price < BB_20_lower, volume / Volume_SMA_20 > 1.5; short price > BB_20_upper, same
///   trend_following      long  SMA_50 rises above SMA_200 in this bar, MACD_histogram > 0; short falls below, < 0
///   volatility_breakout  long  price > price of the bar before + 2 ATR_14, volume / Volume_SMA_20 > 2; short mirrored
/// Signals below min_confidence are dropped; the majority's side wins, a tie is no trade. The conditions are expressions and
/// run by Series, so that ticks, batches and restored states agree bit for bit.
class SignalDetector {
 public:
  /// Usage errors: an unknown strategy (with the nearest), none at all, or a column that `columns` lacks, all of them named.
  static Result<SignalDetector> make(const SignalOptions& options, const std::vector<std::string>& columns);

  const std::vector<std::string>& inputs() const { return series_.inputs(); }  // columns a row must have
  const std::vector<NamedExpression>& rules() const { return rules_; }  // what each name is, printable
  const Series& series() const { return series_; }

  /// The requests of analytics/requests.h whose columns the strategies read.
  static Result<std::vector<std::string>> requests(const std::vector<std::string>& strategies);

  /// What the outputs of series() of one bar say; nothing where no strategy does.
  std::optional<Signal> judge(const double* outputs) const;

  /// One ticker, fed bar by bar.
  class Tick {
   public:
    explicit Tick(const SignalDetector& detector);  // the detector must outlive it
    std::optional<Signal> update(const double* inputs);  // in the order of SignalDetector::inputs()
    std::string save() const { return tick_->save(); }
    Status load(std::string_view bytes) { return tick_->load(bytes); }

   private:
    const SignalDetector* detector_;
    std::unique_ptr<SeriesTick> tick_;
    std::vector<double> outputs_;
  };

  struct Row {
    std::int64_t row;  // of the input columns
    Signal signal;
  };
  /// All bars of many symbols, as Series::run; signals in the order of rows.
  Result<std::vector<Row>> run(const std::vector<std::span<const double>>& inputs, std::span<const std::int64_t> starts,
                               const Workers& workers) const;

 private:
  SignalOptions options_;
  std::vector<NamedExpression> rules_;
  Series series_;
};

}  // namespace tapemill::analytics
