#pragma once
#include "sources/form.h"
#include "sources/source.h"

namespace tapemill::sources {

/// One-second snapshots in the 52-column form (conventions.md 8; spec.md A4), with or without volactual; one file a contract.
/// The file's name is the contract (banknifty25aug48000ce.csv.gz), or an underlying or future for spot and futures files,
/// whose rows have no option. Times are the exchange's wall clock even where they are marked Z; a row's time is `timestamp`,
/// else `ts`, else `lastTradeTime`: the first that is not of 1970. Cumulative volumes stay cumulative.
Form snapshots_form(const Dataset& dataset, const FileInfo& info);

}  // namespace tapemill::sources
