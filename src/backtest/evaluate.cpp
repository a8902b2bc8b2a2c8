#include "backtest/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/decimal.h"

namespace tapemill::backtest {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double rupees(std::int64_t paise) { return paise == kNullPrice ? kUnknown : to_double(paise, 2); }
double rupees32(std::int32_t paise) { return paise <= 0 ? kUnknown : to_double(paise, 2); }

/// Traded in (t - window, t]: increments of the cumulative volume; a fall is a reset and counts as a start from zero.
double traded(const Contract& contract, Instant t, std::int64_t window) {
  const Quotes& quotes = contract.quotes;
  const std::size_t before = quotes.known_at(Instant{t.us - window}), last = quotes.known_at(t);
  if (last == 0) return kUnknown;
  std::int64_t sum = 0, level = before > 0 && quotes[before - 1].volume >= 0 ? quotes[before - 1].volume : 0;
  for (std::size_t i = before; i < last; ++i) {
    const std::int64_t volume = quotes[i].volume;
    if (volume < 0) continue;
    sum += volume >= level ? volume - level : volume;
    level = volume;
  }
  return static_cast<double>(sum);
}

/// First price of the session known at t: the first trade of a contract (its price is 0 before), the first of the feed.
double first_price(const ChainDay& day, const Contract* contract, Instant t) {
  if (contract == nullptr) {
    for (const SpotPrice& spot : day.spot) {
      if (spot.known_at > t) break;
      if (spot.time >= day.session.open() && spot.price > 0) return rupees(spot.price);
    }
    return kUnknown;
  }
  for (std::size_t i = 0; i < contract->quotes.size(); ++i) {
    const Quote& quote = contract->quotes[i];
    if (quote.known_at > t) break;
    if (quote.time >= day.session.open() && quote.last > 0) return rupees32(quote.last);
  }
  return kUnknown;
}

/// Highest or lowest price with a time in [from, to), among those known at t.
double extreme(const ChainDay& day, const Contract* contract, Instant from, Instant to, Instant t, bool high) {
  double best = kUnknown;
  auto take = [&](double price) {
    if (std::isnan(best) || (high ? price > best : price < best)) best = price;
  };
  if (contract == nullptr) {
    for (const SpotPrice& spot : day.spot) {
      if (spot.time >= from && spot.time < to && spot.known_at <= t && spot.price > 0) take(rupees(spot.price));
    }
  } else {
    for (std::size_t i = 0; i < contract->quotes.size(); ++i) {
      const Quote& quote = contract->quotes[i];
      if (quote.time >= to || quote.known_at > t) break;
      if (quote.time >= from && quote.last > 0) take(rupees32(quote.last));
    }
  }
  return best;
}

bool compare(Condition::Op op, double a, double b) {
  switch (op) {
    case Condition::Op::gt: return a > b;
    case Condition::Op::lt: return a < b;
    case Condition::Op::gte: return a >= b;
    case Condition::Op::lte: return a <= b;
    case Condition::Op::eq: return a == b;
    case Condition::Op::ne: return a != b;
  }
  return false;
}

}  // namespace

double Evaluator::realized(Instant t, std::int64_t window) const {
  const SpotPrice* last = spot_as_of(day_, t);
  if (last == nullptr) return kUnknown;
  double sum = 0;
  int returns = 0;
  for (const SpotPrice* p = last; p != day_.spot.data() && (p - 1)->time.us >= t.us - window; --p) {
    if (p->price <= 0 || (p - 1)->price <= 0) continue;
    double r = std::log(static_cast<double>(p->price) / static_cast<double>((p - 1)->price));
    sum += r * r;
    ++returns;
  }
  return returns == 0 ? kUnknown : std::sqrt(sum) * 1e4;
}

double Evaluator::bar_value(const Metric& metric, const Contract* contract, Instant from, Instant to) const {
  if (metric.field == "spot") {
    const SpotPrice* spot = spot_as_of(day_, to);
    return spot == nullptr || spot->time < from ? kUnknown : rupees(spot->price);
  }
  const Quote* quote = as_of(*contract, to);
  if (quote == nullptr || quote->time < from) return kUnknown;  // an absent bar is no update
  if (metric.field == "volume") return traded(*contract, to, to.us - from.us);
  if (metric.field == "oi") return quote->interest < 0 ? kUnknown : static_cast<double>(quote->interest);
  return rupees32(quote->last);
}

Result<double> Evaluator::average(const Metric& metric, Instant t, const Contract* contract) {
  if (contract == nullptr && metric.field != "spot") return kUnknown;
  std::string key = metric.canonical.dump();
  if (!compiled_.contains(key)) {
    const char* function = metric.id == Metric::Id::ema ? "ema" : metric.id == Metric::Id::sma ? "sma" : "rsi";
    std::string text = fmt::format("{}(x, period={})", function, metric.n);
    ARROW_ASSIGN_OR_RAISE(auto series, analytics::Series::compile({{"value", text, key}}, {"x"}));
    compiled_.emplace(key, std::move(series));
  }
  Average& average = averages_[{key, contract}];
  if (average.tick == nullptr) average.tick = compiled_.at(key).tick();
  std::int64_t open = day_.session.open().us;
  while (open + (average.bars + 1) * metric.bar <= t.us) {
    Instant from{open + average.bars * metric.bar}, to{from.us + metric.bar};
    ++average.bars;
    double x = bar_value(metric, contract, from, to), y = kUnknown;
    if (std::isnan(x)) continue;
    average.tick->update(&x, 0, &y);
    average.value = y;
  }
  return average.value;
}

Result<double> Evaluator::value(const Metric& metric, Instant t, const Position& position) {
  const Contract* contract = nullptr;
  if (!metric.underlying) {
    int index = static_cast<std::size_t>(metric.leg) < position.contracts.size()
                    ? position.contracts[static_cast<std::size_t>(metric.leg)]
                    : -1;
    if (index >= 0) contract = &day_.contracts[static_cast<std::size_t>(index)];
  }
  const Quote* quote = contract == nullptr ? nullptr : as_of(*contract, t);
  auto spot = [&] { return rupees(underlying(plan_, day_, t)); };
  bool fit = unfit(plan_, quote, t) == 0;
  switch (metric.id) {
    case Metric::Id::spot: return spot();
    case Metric::Id::ltp:
      if (metric.underlying) return spot();
      return quote == nullptr || t.us - quote->time.us > plan_.ttl ? kUnknown : rupees32(quote->last);
    case Metric::Id::bid: return fit ? rupees32(quote->bid[0]) : kUnknown;
    case Metric::Id::ask: return fit ? rupees32(quote->ask[0]) : kUnknown;
    case Metric::Id::spread: return fit ? to_double(quote->ask[0] - quote->bid[0], 2) : kUnknown;
    case Metric::Id::volume: return contract == nullptr ? kUnknown : traded(*contract, t, metric.window);
    case Metric::Id::volume_rate:
      return contract == nullptr ? kUnknown
                                 : traded(*contract, t, metric.window) * static_cast<double>(kMinute) /
                                       static_cast<double>(metric.window);
    case Metric::Id::ema:
    case Metric::Id::sma:
    case Metric::Id::rsi: return average(metric, t, metric.field == "spot" ? nullptr : contract);
    case Metric::Id::open_day:
      return metric.underlying || contract != nullptr ? first_price(day_, contract, t) : kUnknown;
    case Metric::Id::previous_close:
      if (metric.underlying) return rupees(day_.previous_spot);
      return contract == nullptr ? kUnknown : rupees(contract->previous_close);
    case Metric::Id::orb_high:
    case Metric::Id::orb_low: {
      Instant from = day_.zone.at(day_.session.date, metric.from), to = day_.zone.at(day_.session.date, metric.to);
      if (t < to || (!metric.underlying && contract == nullptr)) return kUnknown;  // known when the range has ended
      return extreme(day_, contract, from, to, t, metric.id == Metric::Id::orb_high);
    }
    case Metric::Id::realized: return realized(t, metric.window);
    case Metric::Id::vix: return kUnknown;
    case Metric::Id::pnl: return position.pnl;
    case Metric::Id::drawdown: return position.drawdown;
  }
  return kUnknown;
}

Result<std::optional<bool>> Evaluator::holds(const Condition& condition, Instant t, const Position& position) {
  if (condition.kind == Condition::Kind::negate) {
    ARROW_ASSIGN_OR_RAISE(auto inner, holds(condition.children[0], t, position));
    return inner ? std::optional<bool>(!*inner) : std::nullopt;
  }
  if (condition.kind == Condition::Kind::compare) {
    double sides[2];
    for (int i = 0; i < 2; ++i) {
      const Side& side = i == 0 ? condition.left : condition.right;
      sides[i] = side.number;
      if (!side.is_number) { ARROW_ASSIGN_OR_RAISE(sides[i], value(side.metric, t, position)); }
      if (std::isnan(sides[i])) return std::nullopt;
    }
    return std::optional<bool>(compare(condition.op, sides[0], sides[1]));
  }
  bool all = condition.kind == Condition::Kind::all, unknown = false;
  for (const Condition& child : condition.children) {
    ARROW_ASSIGN_OR_RAISE(auto one, holds(child, t, position));
    if (one && *one != all) return std::optional<bool>(!all);
    unknown = unknown || !one;
  }
  return unknown ? std::nullopt : std::optional<bool>(all);
}

}  // namespace tapemill::backtest
