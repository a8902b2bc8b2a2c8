#pragma once
#include "backtest/strategy.h"
#include "lake/lake.h"

namespace tapemill::backtest {

/// The table that a strategy names, as it names it.
const std::string& table_of(const Strategy& strategy);
/// Whether the strategy's table is one that the lake or a data set has. Error (usage): at its place in the document, with the
/// nearest name. `stored`: it has to be in the lake; else a data set that could be ingested will do.
Status check_table(const lake::Lake* lake, const Strategy& strategy, bool stored);
/// `status` about a symbol of the universe, said at its place in the document.
Status at_symbol(const Strategy& strategy, const std::string& symbol, const Status& status);

}  // namespace tapemill::backtest
