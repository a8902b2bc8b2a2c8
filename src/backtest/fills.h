#pragma once
#include "backtest/chain.h"

namespace tapemill::backtest {

/// What an order of `units` got from one quote: whole lots, exact money. value is the sum of price * units; slippage the
/// part of it that is worse than the fill mode's own prices (never negative).
struct Fill {
  std::int64_t units = 0, value = 0, slippage = 0;
};

/// Takes what the quote shows. best: buys walk up the five asks, sells down the five bids; mid, bid and ask: that price,
/// for no more than the best level shows on the side taken (mid of an odd spread: half a paisa against us). Each price is
/// made worse by ceil(base + alpha * spread in ticks + beta * rv) ticks, a sale never below one tick.
/// REQUIRES unfit(plan, &quote, now) == 0. rv: basis points of realized volatility over 10 s.
Result<Fill> fill(const OptionStrategy& plan, const ChainDay& day, const Quote& quote, bool buy, std::int64_t units,
                  std::int64_t lot, double rv);

/// Cash value per unit of an expiring contract: intrinsic value at the settlement price.
std::int64_t intrinsic(const Contract& contract, std::int64_t settlement);
/// The mean of the underlying's prices over the last settlement_window of the session, to the nearest paisa; one price
/// for every contract of the day. kNullPrice without any.
std::int64_t settlement_price(const ChainDay& day);

}  // namespace tapemill::backtest
