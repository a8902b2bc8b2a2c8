#pragma once
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

/// A store before it is files: what the rows of a table at one version come to.
struct QlibStore {
  QlibSlots slots;
  std::vector<QlibInstrument> instruments;   // by symbol
  std::vector<std::int64_t> row_slot;        // -1: outside of the slots, left out
  std::vector<std::pair<std::string, std::vector<double>>> columns;  // factor has no values: it is 1
  std::int64_t rows = 0, rows_left_out = 0, instruments_out = 0;

  std::string file(const QlibInstrument& one, std::size_t column) const;  // features/aapl/close.day.bin
  /// What the file holds: the first slot, then a value a slot. `inexact` counts volumes that float32 cannot say.
  std::vector<float> values(const QlibInstrument& one, std::size_t column, std::int64_t& inexact) const;
  std::string calendar() const, list() const;  // the two text files
};

/// Reads the table of `options` at `version`.
Result<QlibStore> lay_out_qlib(const lake::Lake& lake, const QlibOptions& options, std::int64_t version,
                               const Workers& workers);

}  // namespace tapemill::exports
