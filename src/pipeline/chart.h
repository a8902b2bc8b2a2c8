#pragma once
#include <string>
#include <vector>

#include "core/workers.h"
#include "exports/html_report.h"
#include "lake/lake.h"

namespace tapemill::pipeline {

struct ChartOptions {
  std::string symbol, table, start, end;
  std::vector<std::string> indicators{"SMA_20", "SMA_50", "RSI_14"};
  std::string out;
  std::string session = "regular";           // of bars shorter than a session: regular, extended or all
  bool adjusted = false, dividends = false;  // for corporate actions in effect; lake/adjust.h
};

/// Candles of one symbol with indicators: levels of the price over the candles, the others in panes below (chart_panes.h).
/// Without `table` the first of the lake's silver tables with open, high, low and close that knows the symbol. Indicators are
/// requests of analytics/requests.h or expressions; they are computed over all of the history, then cut to start .. end.
Result<exports::Candles> make_chart(const lake::Lake& lake, const ChartOptions& options, const Workers& workers);
/// The same as a page; `picture`: without what only a page needs, to be photographed.
Result<std::string> chart_page(const lake::Lake& lake, const ChartOptions& options, const Workers& workers,
                               bool picture = false);

}  // namespace tapemill::pipeline
