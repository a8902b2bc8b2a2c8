#pragma once
#include <string>

#include "core/memory.h"
#include "core/workers.h"
#include "lake/lake.h"

namespace tapemill::pipeline {

/// Whether a data set's rows are contracts that name their terms: instrument_id, symbol, expiry, strike, option_type, lot_size.
bool names_contracts(const Dataset& dataset);
/// silver.contracts of nse_fo, silver.contracts_NAME of another data set.
lake::TableName contracts_table(const Dataset& dataset);

/// The contract master: one row a contract and session, out of the exchange's own files. Brings it up to the bronze table, unit
/// by unit, in one commit with txn{contracts, bronze's version}; nothing to do: no commit. Columns: instrument_id, symbol,
/// contract, session, instrument_type, expiry, actual_expiry, expiry_kind (monthly: the last of its month in the session's
/// chain; else weekly), strike, option_type, lot_size, lot_source (file; rules: the file says none and rules/ does), tick_size
/// (rules/), strike_step (to the nearer of the neighbouring strikes of its expiry that session), available_at.
Status refresh_contracts(const lake::Lake& lake, const Dataset& dataset, const Workers& workers, MemoryBudget& budget);

/// All that follows a data set's bronze table, after a commit to it: silver where it is a copy, and the contract master.
Status refresh_derived(const lake::Lake& lake, const Dataset& dataset, const Workers& workers, MemoryBudget& budget);

}  // namespace tapemill::pipeline
