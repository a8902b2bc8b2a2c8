#pragma once
#include <string>
#include <vector>

#include "backtest/chain.h"

namespace tapemill::backtest {

/// What a day of quotes looks like before anything trades on it (spec D9). A day with failures is not traded: it is
/// listed in the run's days.json with them.
struct Sanity {
  std::int64_t rows = 0, contracts = 0, spot_rows = 0;
  std::int64_t seconds = 0, seconds_covered = 0;     // of the session; with at least one quote
  std::int64_t out_of_order = 0;                     // rows overtaken by a later time when they became known
  std::int64_t no_quote = 0, crossed = 0;            // rows without both sides; rows with bid > ask
  std::int64_t gaps[4] = {};  // between a contract's quotes: up to 1 s, up to ttl, up to 10 s, longer
  std::int64_t spreads[5] = {};  // ticks of rows with both sides: up to 1, 2, 5, 20, more
  std::vector<std::string> failures;
  Json json() const;
};
/// Failures: no contracts; quotes in under a tenth of the session's seconds; over half of the rows without both sides;
/// over 1 % crossed; over 1 % out of order; a spot feed that has no price above 0; a listed expiry without calls or puts.
Sanity sanity_of(const OptionStrategy& plan, const ChainDay& day, std::int64_t out_of_order);

}  // namespace tapemill::backtest
