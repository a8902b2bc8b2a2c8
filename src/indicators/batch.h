#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/workers.h"
#include "indicators/indicator.h"

namespace tapemill::indicators {

/// Columns of many symbols, each symbol's rows contiguous and in its own order; symbols may have different numbers of rows.
/// NaN is null. Memory stays the caller's.
struct Panel {
  std::vector<std::string> columns;
  std::vector<std::size_t> rows;       // of each symbol
  std::vector<const double*> values;   // [symbol * columns.size() + column]
};

struct BatchOptions {
  const Workers* workers = nullptr;  // null: this thread
  std::optional<Isa> isa;            // none: chosen_isa()
  /// States to begin with, [symbol * indicators + indicator]; an empty string begins anew. Made by Tick::save() or `states`.
  const std::vector<std::string>* start = nullptr;
  std::vector<std::string>* states = nullptr;  // states after the last row go here, in the same order
};

/// Outputs of all indicators together: the sum of their Resolved::outputs().
std::size_t output_count(const std::vector<Resolved>& indicators);

/// All indicators in one pass over blocks that stay in cache. out[symbol * output_count + output]: where that symbol's values
/// go, as many as its rows; NaN = null. The same bits whatever the workers, the instruction set and the order of symbols, and
/// those of Tick. Fastest where every out pointer lies on 64 bytes. Usage error for a column the panel has not.
Status run(const std::vector<Resolved>& indicators, const Panel& in, const std::vector<double*>& out,
           const BatchOptions& options = {});

}  // namespace tapemill::indicators
