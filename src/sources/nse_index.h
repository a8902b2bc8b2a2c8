#pragma once
#include "sources/form.h"

namespace tapemill::sources {

/// NSE's index closes, ind_close_all_DDMMYYYY.csv: every index of a session, 13 columns. One file is one session. An index that
/// is only closed has "-" for its open, high and low: null. Turnover stands in crores of rupees and is moved seven places.
Form nse_index_form(const Dataset& dataset);

}  // namespace tapemill::sources
