#pragma once
#include <string>
#include <vector>

#include "core/time.h"

namespace tapemill::backtest {

/// What metrics are computed from: the account's value at the end of each session, the sessions' exposure and the trades.
struct Performance {
  double capital = 0;
  std::vector<Date> sessions;
  std::vector<double> equity;           // per session, after its last trade
  std::vector<char> exposed;            // whether a position was held in the session
  std::vector<double> trade_pnl;        // net of costs, in the account's currency
  std::vector<double> trade_return;     // pnl / entry value
  std::vector<double> trade_seconds;    // time held
  double buy_and_hold = 0;              // NaN where there is none
  std::string currency;
};

/// A figure under the name its users know (backtesting.py's), its value (NaN: undefined) and the formula it is by.
struct Figure {
  std::string name;
  double value = 0;
  std::string text;       // for people: two decimals, en dash where undefined
  std::string formula;    // and whose definition it is (conventions.md 2)
};

/// r[t] = equity[t] / equity[t-1] - 1 with equity[-1] = capital; N sessions; 252 sessions a year.
std::vector<double> returns_of(const Performance& performance);
std::vector<Figure> figures(const Performance& performance);
/// The name for people: [$] is the currency, and a text that brings its own unit ("462.0 d") needs none in the name. Names in
/// JSON and ledgers stay as they are.
std::string label(std::string_view name, std::string_view text, const std::string& currency);
/// Whether a figure is scaled to a year, which fewer sessions than this cannot carry.
bool is_per_year(std::string_view name);
inline constexpr std::int64_t kFewSessions = 60;
/// The figure's value; NaN when there is none of that name.
double figure(const std::vector<Figure>& figures, std::string_view name);

}  // namespace tapemill::backtest
