#pragma once
#include <string>
#include <vector>

#include "backtest/strategy.h"
#include "core/calendar.h"

namespace tapemill::backtest {

/// Daily bars of one instrument, one entry a session it traded in, ascending. Prices are integers at the market's scale,
/// kNullPrice where there is none. enter/leave: the strategy's signal on that bar, decided on its close.
struct Bars {
  std::string instrument, symbol;
  std::vector<Date> session;
  std::vector<std::int64_t> open, high, low, close;
  std::vector<Instant> available_at;
  std::vector<char> enter, leave;
};

/// What the engine sees: bars and the exchange's sessions that span them, nothing of the lake.
struct DailyMarket {
  int scale = 2;
  std::vector<Session> sessions;   // every session from the first bar to one past the last, ascending
  std::vector<Bars> instruments;   // by instrument id
};

/// A closed position. Money at the market's scale; size in whole units.
struct DailyTrade {
  std::size_t instrument = 0;
  std::int64_t size = 0, entry_price = 0, exit_price = 0, stop = 0, target = 0;
  std::int64_t commission = 0, pnl = 0;   // pnl is net of commission
  Date entry_session, exit_session;
  Instant entry_time, exit_time;
  std::int64_t entry_bar = 0, exit_bar = 0;  // session ordinals within the tested period
  std::string tag;                        // why it ended: signal | signal_delayed | stop | target | end_of_data
};

struct EquityRow {
  Date session;
  Instant time;                           // the session's close
  std::int64_t cash = 0, holdings = 0, equity = 0;
  int positions = 0;
  double held = 0;  // the capital, had it bought every instrument at its first open; NaN without any
};

inline constexpr double kJump = 0.30;

struct DailyResult {
  std::vector<DailyTrade> trades;  // by exit time, then instrument
  std::vector<EquityRow> equity;  // one a session of the tested period
  std::int64_t capital = 0;
  std::int64_t entries_expired = 0;  // orders whose instrument did not trade in the next session
  std::int64_t entries_unaffordable = 0;
  double buy_and_hold = 0;  // mean over instruments of last close / first open - 1
  /// Closes of the tested period more than kJump away from the instrument's close before: prices stand as traded, so a
  /// split or bonus looks like a loss.
  std::int64_t jumps = 0, jumps_held = 0;
  std::string first_jump;  // "RELIANCE 2024-10-28 −49.8 %"; of those held, if any
};

/// Replays the sessions. Signals of a session's close fill at the next session's open: an entry whose instrument does not
/// trade then expires, an exit waits for its next open. Sizes are whole units of `size` of the equity at the last close,
/// no more than cash pays for, commission included. Stops and targets are checked within each session from its low and
/// high, at the open where it gaps beyond (at the level itself where the open is null); both in one session: the stop. Positions still open at the end are sold at
/// their last close (tag end_of_data), so that the sum of pnl is the change of equity, to the unit.
///
/// Data error (look-ahead) when a bar that a decision reads becomes available only at or after the open at which the
/// decision would trade.
Result<DailyResult> run_daily(const DailyStrategy& plan, const DailyMarket& market);

}  // namespace tapemill::backtest
