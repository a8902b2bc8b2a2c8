#pragma once
#include "backtest/chain.h"
#include "backtest/fills.h"

namespace tapemill::backtest {

/// What the engine saw when it filled: the audit trail of a sampled trade (spec D8).
struct Audit {
  Instant quote_time;
  std::int64_t spot = kNullPrice;
  std::int32_t bid = kNoPrice, ask = kNoPrice, bid_size = 0, ask_size = 0;
  std::int64_t age = 0;   // microseconds at the fill
  unsigned unfit = 0;
};

/// One leg from its entry to its exit. Money in paise, exact; lots and units unsigned, the side is `buy`.
struct OptionTrade {
  Date date;
  int leg = 0, window = 0;
  std::string instrument;
  Date expiry;
  std::int64_t strike = 0;
  bool call = true, buy = false;
  std::int64_t lot = 1, units = 0, wanted = 0;   // filled and ordered
  Instant decided, entry_time, exit_time;
  std::int64_t entry_value = 0, exit_value = 0, slippage = 0, fees = 0, pnl = 0;  // pnl before fees
  std::string reason;   // time | window_end | condition | rebalance | eod | settlement
  bool stale_exit = false;
  Audit entry, exit;
  std::int64_t pnl_after_costs() const { return pnl - fees; }
};

struct OptionDay {
  Date date;
  std::vector<OptionTrade> trades;      // by entry time, leg, expiry, strike
  std::int64_t missed = 0;              // entry orders that found no quote fit to trade in time
  std::int64_t pnl = 0, fees = 0;
};

/// Trades one day, second by second. At second T the strategy knows what was known at T and decides; its orders fill from
/// T + latency at the quote known then, if it is fit to trade (chain.h). Entry orders wait `patience`, exits until the
/// session's end; a quote fills an order once. The rest of an exit is closed at the last quote that was fit but for its
/// age (stale_exit), or on its expiry session at intrinsic value, without brokerage or taxes.
/// Data error when a position cannot be closed at all: the day then has no result.
Result<OptionDay> run_option_day(const OptionStrategy& plan, const ChainDay& day);

}  // namespace tapemill::backtest
