#pragma once
#include <string>
#include <vector>

#include "analytics/series.h"

namespace tapemill::analytics {

/// Indicators by the names of requests and of graph documents: NAME or NAME_PERIOD, such as SMA_20, MACD, BB_20.
struct RequestOptions {
  std::string price_column;              // empty: adj_close where the table has it, else close
  std::string volume_column = "volume";
  /// talib: unqualified names mean TA-Lib's definitions (design.md 4.4). columnar: span averages begun by the first price,
  /// sample deviations, as columnar scripts have them.
  std::string form = "talib";
  struct {
    int fast = 12, slow = 26, signal = 9;
  } macd = {};  // what MACD means
};

/// The columns that requests stand for, as expressions over a table of `columns`, in the order of the requests; a column asked
/// for twice comes once. RSI_14 -> {RSI_14, rsi(close, period=14)}; MACD -> MACD_line, MACD_signal, MACD_histogram; BB_20 ->
/// BB_20_upper, _middle, _lower, _pctB, _width; STOCH -> stochastic_k, stochastic_d (14, 3, 3). Any other indicator of the
/// catalogue answers to its name in capitals (NAME or NAME_PERIOD, and _output where it has several), and an expression
/// stands for itself. Without a period it is 14, 20 for bands and volume. Usage error, with `where`, for an unknown name
/// (with the nearest).
Result<std::vector<NamedExpression>> resolve_requests(const std::vector<std::string>& requests,
                                                      const std::vector<std::string>& columns,
                                                      const RequestOptions& options = {},
                                                      const std::string& where = "indicators");

/// Names a request can begin with, for forms and help.
std::vector<std::string> request_names();

}  // namespace tapemill::analytics
