#pragma once
#include "backtest/ledger.h"
#include "backtest/option.h"

namespace tapemill::backtest {

/// samples/first_trades.json (the run's first `plan.samples` trades in order of time) and samples/sample_<date>.json (each
/// day's first): every trade with what the engine saw when it filled. Sizes do not grow with the run.
void add_samples(const std::vector<OptionDay>& days, const OptionStrategy& plan, RunFiles& files);

}  // namespace tapemill::backtest
