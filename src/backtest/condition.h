#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/json.h"

namespace tapemill::backtest {

/// A number that a condition can ask for at a decision instant (spec D5; docs/formats/strategy.md lists them with units).
struct Metric {
  enum class Id {
    ltp,
    bid,
    ask,
    spread,      // of a leg's contract, or of the underlying; rupees
    volume,
    volume_rate,        // traded in the last `window`; per minute
    ema,
    sma,
    rsi,              // over bars of `bar` of a field
    spot,
    open_day,
    previous_close,
    orb_high,
    orb_low,
    realized,
    vix,
    pnl,
    drawdown,              // of the open position, rupees; exit only
  };
  Id id = Id::spot;
  int leg = 0;                  // which leg's contract
  bool underlying = false;      // of the underlying instead
  int n = 0;
  std::string field = "price";  // price | volume | oi | spot
  std::int64_t window = 0;      // microseconds back from the decision
  std::int64_t bar = 0;         // bar length of an indicator, microseconds
  std::int64_t from = 0, to = 0;  // range window, microseconds since local midnight
  Json canonical;
};

struct Side {
  bool is_number = false;
  double number = 0;
  Metric metric;
};

/// all / any / not of conditions, or one comparison. A side that is not known yet makes the comparison unknown, and
/// unknown fires nothing (three-valued logic).
struct Condition {
  enum class Kind { none, all, any, negate, compare };
  enum class Op { gt, lt, gte, lte, eq, ne };
  Kind kind = Kind::none;
  std::vector<Condition> children;
  Op op = Op::gt;
  Side left, right;

  bool empty() const { return kind == Kind::none; }
  Json canonical() const;
  void metrics(std::vector<const Metric*>& out) const;
};
const char* name(Condition::Op op);

/// {all: [...]}, {any: [...]}, {not: ...}, {gt: [side, side]}; a side is a number, a metric's name, or {metric, args}.
Status read_value(const Node& node, Condition& out);
inline std::string show_value(const Condition&) { return {}; }
/// Places where the condition cannot hold as written: VOL_1M > VOL_2M compares nested sums (spec D5).
void warn(const Condition& condition, std::vector<std::string>& warnings);

}  // namespace tapemill::backtest

template <>
struct tapemill::TypeOf<tapemill::backtest::Condition> {
  static constexpr const char *name = "condition", *schema = "object";
};
