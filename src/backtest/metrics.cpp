#include "backtest/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tapemill::backtest {
namespace {

constexpr double kYear = 252, kNone = std::numeric_limits<double>::quiet_NaN();

/// Neumaier's compensated sum: the order of summation is the order of sessions, and rounding does not grow with it.
double sum(const std::vector<double>& values) {
  double total = 0, lost = 0;
  for (double v : values) {
    double next = total + v;
    lost += std::abs(total) >= std::abs(v) ? (total - next) + v : (v - next) + total;
    total = next;
  }
  return total + lost;
}
double mean(const std::vector<double>& values) {
  return values.empty() ? kNone : sum(values) / static_cast<double>(values.size());
}
double deviation(const std::vector<double>& values) {
  if (values.size() < 2) return kNone;
  double centre = mean(values);
  std::vector<double> squares;
  for (double v : values) squares.push_back((v - centre) * (v - centre));
  return std::sqrt(sum(squares) / static_cast<double>(values.size() - 1));
}
double ratio(double a, double b) { return b == 0 || std::isnan(b) ? kNone : a / b; }

struct Underwater {
  double deepest = 0;   // negative
  double days = 0;      // calendar days from the peak to its recovery, or to the end
};
Underwater underwater(const Performance& p) {
  Underwater out;
  double peak = p.capital;
  Date since = p.sessions.front();
  for (std::size_t i = 0; i < p.equity.size(); ++i) {
    out.deepest = std::min(out.deepest, p.equity[i] / peak - 1);
    if (p.equity[i] < peak) out.days = std::max(out.days, static_cast<double>(p.sessions[i].days - since.days));
    if (p.equity[i] >= peak) peak = p.equity[i], since = p.sessions[i];
  }
  return out;
}

struct Table {
  std::vector<Figure> rows;
  void add(const char* name, double value, const char* formula, int decimals = 2) {
    std::string text = std::isnan(value)   ? "–"
                       : std::isinf(value) ? (value > 0 ? "∞" : "−∞")
                                           : fmt::format("{:.{}f}", std::abs(value), decimals);
    bool negative = value < 0 && text.find_first_not_of("0.") != std::string::npos && std::isfinite(value);
    rows.push_back({name, value, (negative ? "−" : "") + text, formula});
  }
};

void add_trades(const Performance& p, Table& out) {
  std::vector<double> won, lost;
  for (double r : p.trade_return) {
    if (r > 0) won.push_back(r);
    if (r < 0) lost.push_back(r);
  }
  auto n = static_cast<double>(p.trade_pnl.size());
  std::vector<double> gains, losses;
  for (double pnl : p.trade_pnl) {
    if (pnl > 0) gains.push_back(pnl);
    if (pnl < 0) losses.push_back(pnl);
  }
  double rate = ratio(static_cast<double>(gains.size()), n);
  auto extreme = [&](bool best) {
    if (p.trade_return.empty()) return kNone;
    return best ? *std::max_element(p.trade_return.begin(), p.trade_return.end())
                : *std::min_element(p.trade_return.begin(), p.trade_return.end());
  };
  std::vector<double> held = p.trade_seconds;
  std::sort(held.begin(), held.end());
  double median = held.empty() ? kNone : (held[(held.size() - 1) / 2] + held[held.size() / 2]) / 2;
  out.add("# Trades", n, "closed positions", 0);
  out.add("Win Rate [%]", rate * 100, "trades with pnl > 0 / trades (backtesting.py)");
  out.add("Best Trade [%]", extreme(true) * 100, "largest pnl / entry value");
  out.add("Worst Trade [%]", extreme(false) * 100, "smallest pnl / entry value");
  out.add("Median Trade Duration [s]", median, "median of exit time - entry time", 0);
  if (median >= 2 * 86400) out.rows.back().text = fmt::format("{:.1f} d", median / 86400);
  out.add(
      "Profit Factor", ratio(sum(won), -sum(lost)),
      "sum of winning trades' returns / |sum of losing trades' returns| (backtesting.py); undefined without losses");
  out.add("Expectancy [%]", mean(p.trade_return) * 100, "mean of trades' returns (backtesting.py)");
  out.add("SQN", ratio(std::sqrt(n) * mean(p.trade_pnl), deviation(p.trade_pnl)),
          "sqrt(trades) * mean(pnl) / std(pnl, ddof 1) (backtesting.py)");
  double payoff = ratio(mean(gains), -mean(losses));
  out.add("Kelly Criterion", std::isnan(payoff) ? kNone : rate - ratio(1 - rate, payoff),
          "W - (1 - W) / (mean winning pnl / |mean losing pnl|), W the win rate (backtesting.py)", 4);
}

}  // namespace

std::vector<double> returns_of(const Performance& p) {
  std::vector<double> out;
  double before = p.capital;
  for (double value : p.equity) {
    out.push_back(value / before - 1);
    before = value;
  }
  return out;
}

std::vector<Figure> figures(const Performance& p) {
  Table out;
  if (p.equity.empty()) return out.rows;
  std::vector<double> r = returns_of(p);
  auto n = static_cast<double>(r.size());
  double total = p.equity.back() / p.capital - 1;
  double annual = total <= -1 ? -1 : std::pow(1 + total, kYear / n) - 1;
  double years = static_cast<double>(p.sessions.back().days - p.sessions.front().days) / 365.25;
  double volatility = deviation(r) * std::sqrt(kYear);
  std::vector<double> downside;
  for (double x : r) downside.push_back(x < 0 ? x * x : 0.0);
  Underwater under = underwater(p);
  out.add("Exposure Time [%]", 100 * static_cast<double>(std::count(p.exposed.begin(), p.exposed.end(), char{1})) / n,
          "sessions with a position / sessions");
  out.add("Equity Final [$]", p.equity.back(), "account value after the last session, in its currency");
  out.add("Equity Peak [$]", std::max(p.capital, *std::max_element(p.equity.begin(), p.equity.end())),
          "highest account value at a session's end");
  out.add("Return [%]", total * 100, "final / capital - 1");
  out.add("Buy & Hold Return [%]", p.buy_and_hold * 100,
          "mean over instruments of last close / first open - 1, without costs");
  out.add("Return (Ann.) [%]", annual * 100, "(1 + total)^(252 / N) - 1 (quantstats and empyrical call it CAGR)");
  out.add("Volatility (Ann.) [%]", volatility * 100, "std(r, ddof 1) * sqrt(252) (quantstats)");
  out.add("CAGR [%]", years <= 0 || total <= -1 ? kNone : (std::pow(1 + total, 1 / years) - 1) * 100,
          "(1 + total)^(1 / years) - 1, years = calendar days / 365.25 (backtesting.py)");
  out.add("Sharpe Ratio", ratio(mean(r) * std::sqrt(kYear), deviation(r)),
          "mean(r) / std(r, ddof 1) * sqrt(252) (quantstats, empyrical)", 3);
  out.add("Sortino Ratio", ratio(mean(r) * std::sqrt(kYear), std::sqrt(mean(downside))),
          "mean(r) / sqrt(sum(min(r, 0)^2) / N) * sqrt(252) (quantstats, empyrical)", 3);
  out.add("Calmar Ratio", under.deepest == 0 ? kNone : annual / -under.deepest,
          "annual return / |maximum drawdown| (empyrical); undefined without a drawdown", 3);
  out.add("Max. Drawdown [%]", under.deepest * 100,
          "min(equity / running maximum - 1), the capital as first maximum (quantstats)");
  out.add("Max. Drawdown Duration [d]", under.days, "calendar days below the last maximum", 0);
  add_trades(p, out);
  return out.rows;
}

std::string label(std::string_view name, std::string_view text, const std::string& currency) {
  std::string out(name);
  if (auto at = out.find("[$]"); at != std::string::npos && !currency.empty()) out.replace(at + 1, 1, currency);
  if (out.ends_with(" [s]") && text.ends_with(" d")) out.resize(out.size() - 4);
  return out;
}

bool is_per_year(std::string_view name) {
  constexpr std::string_view kNames[] = {"Return (Ann.) [%]", "Volatility (Ann.) [%]", "CAGR [%]",
                                         "Sharpe Ratio",      "Sortino Ratio",         "Calmar Ratio"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

double figure(const std::vector<Figure>& figures, std::string_view name) {
  for (const Figure& one : figures) {
    if (one.name == name) return one.value;
  }
  return kNone;
}

}  // namespace tapemill::backtest
