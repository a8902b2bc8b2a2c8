#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "exports/qlib.h"

namespace tapemill::exports {

/// The slots of the calendar: session days, or minute stamps of regular sessions.
struct QlibSlots {
  bool minutes = false;
  std::vector<std::int64_t> keys;        // days, or instants in microseconds
  std::vector<std::string> text;
  const char* unit() const { return minutes ? "1min" : "day"; }
  std::int64_t find(std::int64_t key) const;  // -1: none
};

struct QlibInstrument {
  std::string symbol, folder;
  std::int64_t first = 0, last = 0;      // rows [first, last)
  std::int64_t from = -1, to = -1;       // slots, inclusive; -1: no row falls on a slot
};

/// Some instruments of a store before they are files: what their rows come to.
struct QlibBlock {
  const QlibSlots* slots = nullptr;
  std::vector<QlibInstrument> instruments;
  std::vector<std::int64_t> row_slot;        // -1: outside of the slots, left out
  std::vector<std::pair<std::string, std::vector<double>>> columns;  // factor has no values: it is 1

  std::string file(const QlibInstrument& one, std::size_t column) const;  // features/aapl/close.day.bin
  /// What the file holds: the first slot, then a value a slot. `inexact` counts volumes that float32 cannot say.
  std::vector<float> values(const QlibInstrument& one, std::size_t column, std::int64_t& inexact) const;
};

/// What a store is made of, but for the values.
struct QlibStore {
  QlibSlots slots;
  std::vector<QlibInstrument> instruments;   // by symbol; their rows are of no block any more
  std::int64_t rows = 0, rows_left_out = 0, instruments_out = 0;
  std::string calendar() const, list() const;  // the two text files
};

/// Reads the table of `options` at `version`, all at once, or as many instruments at a time as the budget has room for;
/// `take` is given each block.
Result<QlibStore> lay_out_qlib(const lake::Lake& lake, const QlibOptions& options, std::int64_t version,
                               const Workers& workers, MemoryBudget* budget,
                               const std::function<Status(const QlibBlock&)>& take);

}  // namespace tapemill::exports
