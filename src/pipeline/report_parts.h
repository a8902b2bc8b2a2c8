#pragma once
#include <arrow/table.h>

#include "backtest/backtest.h"
#include "backtest/ledger.h"
#include "exports/html_report.h"

namespace tapemill::pipeline {

/// An Arrow table as a block of a page: the first `most` rows, decimals exact, times in `zone`.
Result<exports::Table> table_block(const arrow::Table& table, exports::Caption caption, std::int64_t most,
                                   const Zone& zone, const std::string& currency);

/// "+1.25 %", "−0.40 %": a true minus, and no sign of a zero.
std::string signed_percent(double value, int decimals = 2);

/// Columns of readable_trades() that say their unit.
inline constexpr const char* kDuration = "Duration [bars]";
inline constexpr const char* kReturn = "Return [%]";
/// A run's trades for people: what, when, at what price and what it gave, in this order; money to the hundredth, prices to four
/// decimals and no more than they need. Without columns that are empty in every row, the numbers of bars, and the instrument's
/// id where the symbol says it. Ledgers and JSON have all of it, exact.
Result<std::shared_ptr<arrow::Table>> readable_trades(const arrow::Table& trades);

/// Gain, drawdown and trades of each calendar year; none where there is one year only.
Result<std::optional<exports::Table>> years_block(const backtest::RunResult& run);

/// Equity, net of costs, with the drawdown from its peak below.
Result<exports::Lines> equity_block(const backtest::RunResult& run);

/// A backtest as a section: equity, metrics with their formulas, trades, refused days.
Result<exports::Section> run_section(const backtest::RunResult& run, const Zone& zone, bool with_equity = true);

/// A recorded backtest as one self-contained page. Data error where a file of the run is not what was recorded.
Result<std::string> run_page(const backtest::RunRecord& run);

}  // namespace tapemill::pipeline
