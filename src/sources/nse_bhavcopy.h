#pragma once
#include "sources/form.h"

namespace tapemill::sources {

/// NSE's daily files (conventions.md 3), told apart by their headers: the full cash form, UDiFF (cash and F&O, and BSE's),
/// the older cash forms of 11 and 13 columns and the older F&O form. One file is one session. A data set with a column
/// `expiry` takes F&O, any other cash.
/// Units: turnover is in rupees (lakhs are moved five places). NSE's F&O volume stands in lots: `contracts` keeps it and
/// `volume` is lots x lot size; BSE's stands in units. The older F&O form says no lot size: volume is null there.
/// Identity: cash EXCHANGE:SYMBOL:SERIES in every form, so that a history over several forms is one series; F&O
/// EXCHANGE:FinInstrmId, in the older form EXCHANGE:SYMBOL:EXPIRY:STRIKE:TYPE as it stands.
std::vector<Form> nse_forms(const Dataset& dataset);

}  // namespace tapemill::sources
