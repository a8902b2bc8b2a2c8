#pragma once
#include <string>

#include "core/status.h"
#include "exports/html_report.h"

namespace tapemill::pipeline {

/// Adds a series to the panes of a chart of prices in `candles.unit`. Where it goes is said by the declaration of the indicator
/// that `expression` calls (Spec::measures), never by the values: over the candles where it is a level of a price, else in a
/// pane that the outputs of one indicator share when all of them stand apart from the prices. What is no call of an indicator
/// declares nothing, and has a pane of its own. Usage error where the expression does not parse.
Status place(exports::Candles& candles, exports::Series series, const std::string& expression);

}  // namespace tapemill::pipeline
