#pragma once
#include <limits>
#include <map>
#include <optional>

#include "analytics/series.h"
#include "backtest/chain.h"

namespace tapemill::backtest {

/// What a condition may ask about the strategy itself at a decision.
struct Position {
  std::vector<int> contracts;  // per leg of the document: the held contract, or the one it would trade; -1: none
  double pnl = std::numeric_limits<double>::quiet_NaN(), drawdown = pnl;
};

/// Evaluates conditions over one day, from what is known at each decision instant only. Instants must not go back.
/// One object per day and thread.
class Evaluator {
 public:
  Evaluator(const OptionStrategy& plan, const ChainDay& day) : plan_(plan), day_(day) {}
  /// Null where a side is unknown and decides the outcome.
  Result<std::optional<bool>> holds(const Condition& condition, Instant t, const Position& position);
  /// NaN where it is not known (yet). Prices in rupees; volumes in units; RV in basis points over its window.
  Result<double> value(const Metric& metric, Instant t, const Position& position);
  /// sqrt of the sum of squared log returns between the underlying's prices known in (t - window, t], in basis points.
  double realized(Instant t, std::int64_t window) const;

 private:
  struct Average {  // an indicator over bars, fed as far as bars have ended
    std::unique_ptr<analytics::SeriesTick> tick;
    std::int64_t bars = 0;
    double value = std::numeric_limits<double>::quiet_NaN();
  };
  Result<double> average(const Metric& metric, Instant t, const Contract* contract);
  double bar_value(const Metric& metric, const Contract* contract, Instant from, Instant to) const;

  const OptionStrategy& plan_;
  const ChainDay& day_;
  std::map<std::pair<std::string, const Contract*>, Average> averages_;
  std::map<std::string, analytics::Series> compiled_;
};

}  // namespace tapemill::backtest
