#include "analytics/signals.h"

#include <algorithm>
#include <cmath>

#include "core/arithmetic.h"
#include "core/expression.h"

namespace tapemill::analytics {
namespace {

constexpr const char* kAverageRange = "ATR_14";
constexpr double kStop = 2, kTarget = 3, kRangeOfPrice = 0.02, kAgreement = 0.1, kStrong = 0.8, kModerate = 0.65;
constexpr std::size_t kPrice = 0, kRange = 1, kFirst = 2, kPerFamily = 4;  // rules: price, range, then four a family

/// $p price, $v volume, $l the lag of what a breakout is compared with.
struct Family {
  const char *name, *is_long, *is_short, *long_confidence, *short_confidence;
  std::vector<std::string> requests;
};

// RSI and %B of exactly 0 are values like any other; a confidence never exceeds 1 (spec B4 names both as traps of the original).
const std::vector<Family>& families() {
  static const std::vector<Family> list = {
      {"momentum",
       "RSI_14 < 30 and $p > SMA_200 and MACD_histogram > 0",
       "RSI_14 > 70 and $p < SMA_200 and MACD_histogram < 0",
       "least(1, (30 - RSI_14) / 30 + 0.5)",
       "least(1, (RSI_14 - 70) / 30 + 0.5)",
       {"RSI_14", "SMA_200", "MACD"}},
      {"mean_reversion",
       "$p < BB_20_lower and $v / Volume_SMA_20 > 1.5",
       "$p > BB_20_upper and $v / Volume_SMA_20 > 1.5",
       "least(1, 1 - BB_20_pctB)",
       "least(1, BB_20_pctB)",
       {"BB_20", "Volume_SMA_20"}},
      {"trend_following",
       "crosses_above(SMA_50, SMA_200) and MACD_histogram > 0",
       "crosses_below(SMA_50, SMA_200) and MACD_histogram < 0",
       "0.7",
       "0.7",
       {"SMA_50", "SMA_200", "MACD"}},
      {"volatility_breakout",
       "$p > ref($p, 1) + 2 * $a and $v / $m > 2",
       "$p < ref($p, 1) - 2 * $a and $v / $m > 2",
       "0.65",
       "0.65",
       {"ATR_14", "Volume_SMA_20"}},
  };
  return list;
}

Result<const Family*> family(const std::string& name) {
  std::vector<std::string> known;
  for (const Family& one : families()) {
    if (name == one.name) return &one;
    known.emplace_back(one.name);
  }
  std::string near = nearest(name, known);
  return usage_error(
      fmt::format("strategies: unknown strategy {}", name),
      near.empty() ? fmt::format("there are {}", fmt::join(known, ", ")) : fmt::format("did you mean {}?", near));
}

std::string lagged(const char* column, int lag) {
  return lag == 0 ? std::string(column) : fmt::format("ref({}, {})", column, lag);
}

std::string rule(const char* text, const std::string& price, const SignalOptions& options) {
  std::string out;
  for (; *text != '\0'; ++text) {
    if (*text != '$') {
      out += *text;
      continue;
    }
    switch (*++text) {
      case 'p': out += price; break;
      case 'v': out += options.volume_column; break;
      case 'a': out += lagged(kAverageRange, options.breakout_lag); break;
      case 'm': out += lagged("Volume_SMA_20", options.breakout_lag); break;
      default: break;
    }
  }
  return out;
}

/// 0.7 + 0.1 is to reach 0.8, which the sum of these doubles misses by one bit.
double rounded(double confidence) { return std::round(confidence * 1e12) / 1e12; }

Strength strength_of(double confidence) {
  return confidence >= kStrong ? Strength::strong : confidence >= kModerate ? Strength::moderate : Strength::weak;
}

}  // namespace

const char* name(Side side) { return side == Side::long_side ? "LONG" : "SHORT"; }
const char* name(Strength strength) {
  return strength == Strength::strong ? "STRONG" : strength == Strength::moderate ? "MODERATE" : "WEAK";
}

double position_size(const Signal& signal, double equity, double risk_per_trade) {
  double risk = std::fabs(signal.entry_price - signal.stop_loss);
  return risk > 0 && equity > 0 ? std::floor(equity * risk_per_trade / risk) : 0;
}

Result<std::vector<std::string>> SignalDetector::requests(const std::vector<std::string>& strategies) {
  std::vector<std::string> out{kAverageRange};
  for (const std::string& name : strategies) {
    ARROW_ASSIGN_OR_RAISE(const Family* one, family(name));
    for (const std::string& request : one->requests)
      if (std::find(out.begin(), out.end(), request) == out.end()) out.push_back(request);
  }
  return out;
}

Result<SignalDetector> SignalDetector::make(const SignalOptions& options, const std::vector<std::string>& columns) {
  auto has = [&](const std::string& name) { return std::find(columns.begin(), columns.end(), name) != columns.end(); };
  SignalDetector detector;
  detector.options_ = options;
  if (options.strategies.empty())
    return usage_error("strategies: none is named", "momentum, mean_reversion, trend_following or volatility_breakout");
  std::string price = !options.price_column.empty() ? options.price_column : has("adj_close") ? "adj_close" : "close";
  auto add = [&](std::string rule_name, std::string text) {
    detector.rules_.push_back({std::move(rule_name), std::move(text), "signals"});
  };
  add("price", price);
  add("atr", has(kAverageRange) ? kAverageRange : "0 * " + price);
  for (const std::string& strategy : options.strategies) {
    ARROW_ASSIGN_OR_RAISE(const Family* one, family(strategy));
    add(strategy + "_long", rule(one->is_long, price, options));
    add(strategy + "_short", rule(one->is_short, price, options));
    add(strategy + "_long_confidence", rule(one->long_confidence, price, options));
    add(strategy + "_short_confidence", rule(one->short_confidence, price, options));
  }
  std::vector<std::string> names, missing;
  for (const NamedExpression& one : detector.rules_) {
    ARROW_ASSIGN_OR_RAISE(Expression parsed, Expression::parse(one.text, one.name));
    parsed.names(names);
  }
  for (const std::string& column : names)
    if (!has(column)) missing.push_back(column);
  if (!missing.empty()) {
    ARROW_ASSIGN_OR_RAISE(auto wanted, requests(options.strategies));
    return usage_error(fmt::format("signals: the rows lack {}", fmt::join(missing, ", ")),
                       fmt::format("ask the indicators before for {}", fmt::join(wanted, ", ")));
  }
  ARROW_ASSIGN_OR_RAISE(detector.series_, Series::compile(detector.rules_, columns));
  return detector;
}

std::optional<Signal> SignalDetector::judge(const double* outputs) const {
  struct Vote {
    Side side;
    double confidence;
    const std::string* strategy;
  };
  std::vector<Vote> votes;
  int balance = 0;
  for (std::size_t i = 0; i < options_.strategies.size(); ++i) {
    const double* own = outputs + kFirst + i * kPerFamily;  // long, short, confidence of either
    for (Side side : {Side::long_side, Side::short_side}) {
      bool is_long = side == Side::long_side;
      double says = own[is_long ? 0 : 1], confidence = rounded(own[is_long ? 2 : 3]);
      if (says != 1 || !(confidence >= options_.min_confidence)) continue;
      votes.push_back({side, confidence, &options_.strategies[i]});
      balance += static_cast<int>(side);
    }
  }
  if (balance == 0) return {};
  Signal signal;
  signal.side = balance > 0 ? Side::long_side : Side::short_side;
  double best = -1;
  for (const Vote& vote : votes) {
    if (vote.side != signal.side) continue;
    signal.consensus.push_back(*vote.strategy);
    if (vote.confidence > best) best = vote.confidence, signal.strategy = *vote.strategy;
  }
  signal.confidence = rounded(std::min(1.0, best + kAgreement * static_cast<double>(signal.consensus.size() - 1)));
  signal.strength = strength_of(signal.confidence);
  signal.entry_price = outputs[kPrice];
  signal.atr = outputs[kRange] > 0 ? outputs[kRange] : kRangeOfPrice * signal.entry_price;
  double direction = static_cast<double>(signal.side);
  signal.stop_loss = signal.entry_price - direction * kStop * signal.atr;
  signal.take_profit = signal.entry_price + direction * kTarget * signal.atr;
  return signal;
}

SignalDetector::Tick::Tick(const SignalDetector& detector)
    : detector_(&detector), tick_(detector.series_.tick()), outputs_(detector.series_.outputs()) {}

std::optional<Signal> SignalDetector::Tick::update(const double* inputs) {
  tick_->update(inputs, 0, outputs_.data());  // no rule reads the session
  return detector_->judge(outputs_.data());
}

Result<std::vector<SignalDetector::Row>> SignalDetector::run(const std::vector<std::span<const double>>& inputs,
                                                             std::span<const std::int64_t> starts,
                                                             const Workers& workers) const {
  std::size_t rows = starts.empty() ? 0 : static_cast<std::size_t>(starts.back());
  std::vector<std::vector<double>> columns(series_.outputs(), std::vector<double>(rows));
  std::vector<std::span<double>> outputs(columns.begin(), columns.end());
  ARROW_RETURN_NOT_OK(series_.run(inputs, {}, starts, outputs, workers));
  std::vector<Row> found;
  std::vector<double> bar(columns.size());
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t j = 0; j < columns.size(); ++j) bar[j] = columns[j][row];
    if (auto signal = judge(bar.data())) found.push_back({static_cast<std::int64_t>(row), std::move(*signal)});
  }
  return found;
}

}  // namespace tapemill::analytics
