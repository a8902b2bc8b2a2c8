#pragma once
#include <string>
#include <vector>

#include "core/workers.h"
#include "lake/scan.h"

namespace tapemill::exports {

struct QlibOptions {
  std::string table;
  std::string out;                    // default: LAKE/gold/qlib/<table>
  std::vector<std::string> fields{"open", "high", "low", "close", "volume", "factor"};
  std::string session = "regular";    // slots of minutes: regular, or extended hours too
};
struct QlibReport {
  std::string folder;
  std::int64_t version = 0;           // of the table
  std::int64_t instruments = 0, sessions = 0, rows = 0, bytes = 0;  // rows written
  std::int64_t rows_left_out = 0;     // on no slot: minutes outside the regular session, days that are no session
  std::int64_t instruments_left_out = 0;  // all of whose rows are left out
  std::int64_t inexact_volumes = 0;   // beyond 2^24, where float32 loses digits
  bool unchanged = false;             // the store was of this version already
};

/// Writes a Qlib store (docs/formats/qlib.md): calendars/day.txt, instruments/all.txt, features/<symbol>/<field>.day.bin;
/// 1min for tables with a `time` column, of the regular session or, on request, extended hours too. Prices are as traded: factor is 1. The store is built beside
/// and swapped in whole; the version it holds stands in tapemill.json. Errors: a symbol that names two instruments, a calendar
/// too long for the float32 start index (2^24). With a budget it reads as many instruments at a time as have room; the store
/// is the same.
Result<QlibReport> export_qlib(const lake::Lake& lake, const QlibOptions& options, const Workers& workers,
                               MemoryBudget* budget = nullptr);

struct QlibReadBack {
  std::int64_t files = 0, values = 0;
};
/// Reads every file of the store and compares it with what the table's newest version comes to; data error for the first
/// that is missing or differs.
Result<QlibReadBack> read_back_qlib(const lake::Lake& lake, const QlibOptions& options, const Workers& workers,
                                    MemoryBudget* budget = nullptr);

}  // namespace tapemill::exports
