#pragma once
#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

#include "backtest/rules.h"
#include "core/status.h"

namespace tapemill::pipeline {

inline constexpr int kContractScale = 2;  // of strikes, ticks and steps

/// What contract_terms() looks at: symbol, session, instrument_type, expiry, strike, lot_size.
const std::vector<std::string>& contract_term_inputs();
/// What comes out: expiry_kind, lot_size, lot_source, tick_size, strike_step.
const std::vector<std::string>& contract_term_names();

/// The terms of a unit's contracts that its file does not say, row by row, in the rows' order. A chain is what has one
/// session, symbol and expiry: a step is the way to the nearer neighbour in it, null where a strike is alone; an expiry is
/// monthly where no later one of its month is in the chains of that session and symbol.
Result<std::shared_ptr<arrow::RecordBatch>> contract_terms(const arrow::RecordBatch& rows, const backtest::Rules& rules,
                                                           arrow::MemoryPool* pool);

/// Decimals at kContractScale; finer digits, which no exchange has, are cut.
Result<std::shared_ptr<arrow::Array>> contract_money(const std::shared_ptr<arrow::Array>& decimals,
                                                     arrow::MemoryPool* pool);

}  // namespace tapemill::pipeline
