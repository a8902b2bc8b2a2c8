#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "backtest/condition.h"
#include "backtest/money.h"
#include "core/expression.h"
#include "core/json.h"
#include "core/session_hours.h"
#include "core/time.h"

namespace tapemill::backtest {

/// A strategy on daily bars: long, one position per instrument, decided on a session's close, filled at the next open.
struct DailyStrategy {
  std::string table;
  std::vector<std::string> symbols;         // empty: every symbol of the table
  bool adjusted = false;                    // bars adjusted for the actions in effect by the table's last session
  std::optional<Date> start, end;           // sessions it may trade in; earlier bars warm indicators up
  Amount capital;
  std::string enter, leave;                 // expressions, canonical text; leave may be empty
  std::string enter_place, leave_place;     // file:line:column
  std::int64_t size = 10'000;               // hundredths of a percent of equity
  std::int64_t stop = 0, target = 0;        // hundredths of a percent off the entry price; 0: none
  std::int64_t commission = 0;              // bps at kRateScale, each side
};

struct OptionLeg {
  bool call = true;
  int lots = 0;                             // signed: negative sells
  int distance = 0;                         // strike steps: 0 at the money, positive out of the money
};
struct TimeWindow {
  std::int64_t start = 0, end = 0;          // microseconds since local midnight, half-open
};
enum class FillMode { best, mid, bid, ask };

/// A strategy on one-second option chains (spec D5): intraday; a day is its own shard.
struct OptionStrategy {
  std::string table, symbol, rules;
  SessionHours session = SessionHours::regular;  // of the table's rows
  std::vector<std::string> expiries;        // nearest | weekly | monthly | all | dates
  std::optional<Date> start, end;
  std::vector<int> days;                    // 0 Monday ..; empty: every session
  std::vector<TimeWindow> windows;          // at least one
  std::string timezone;
  std::string selector = "ATM";             // ATM | OTM | ITM | CUSTOM
  std::int64_t rebalance = 0;               // microseconds between anchors; 0: none
  std::vector<OptionLeg> legs;
  Condition enter, leave;
  bool repeat = false;                      // may enter again in the same window
  std::optional<std::int64_t> exit_at;      // local time; none: the window's end
  bool settle = false;                      // exit at: settlement, on the expiry session
  Amount capital;
  std::int64_t per_lot = 0;                 // paise per lot, leg and side
  std::int64_t taxes = 0;                   // bps of premium turnover at kRateScale, each side
  bool stt = false;  // the transaction tax of the rules, by date, on what is sold or exercised
  double slip_base = 0, slip_spread = 0, slip_rv = 0;  // ticks
  FillMode fill = FillMode::best;
  std::int64_t latency = kSecond, patience = 10 * kSecond;
  std::int64_t ttl = 2 * kSecond, tolerance = 500'000;
  std::int64_t max_spread = 0;  // hundredths of a percent of mid; 0: any
  int samples = 100;
};

/// A document as read: its text, its canonical JSON (the same for both dialects) and that JSON's hash.
struct Strategy {
  std::string name, path, text;
  std::variant<DailyStrategy, OptionStrategy> plan;
  Json canonical;
  std::string hash;  // sha-256 of canonical.dump()
  std::vector<std::string> warnings;
  const DailyStrategy* daily() const { return std::get_if<DailyStrategy>(&plan); }
  const OptionStrategy* option() const { return std::get_if<OptionStrategy>(&plan); }
};

/// Reads a YAML or JSON document. Errors are usage errors with file:line:column and the nearest right name.
Result<Strategy> read_strategy(const std::string& path);
Result<Strategy> parse_strategy(std::string text, const std::string& file);

/// JSON Schema of both forms (an anyOf), for editors and web forms.
Json strategy_schema();

}  // namespace tapemill::backtest
