#pragma once
#include "sources/form.h"

namespace tapemill::sources {

/// Polygon flat files, stocks and options, day and minute bars (massive.com/docs/flat-files; conventions.md 7):
/// ticker,volume,open,close,high,low,window_start,transactions, window_start in ns UTC, close before high and low.
/// A data set with a column `underlying` takes options, whose tickers are OCC symbols; `bar: day` takes day files, whose
/// windows open at local midnight. Volumes may be fractional.
Form polygon_form(const Dataset& dataset);

}  // namespace tapemill::sources
