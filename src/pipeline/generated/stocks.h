#pragma once
#include <string>
#include <vector>

#include "core/calendar.h"

namespace tapemill::pipeline::generated {

/// Prices in 10^-4 dollars, volume in thousandths of a share. volume 0: the symbol did not trade.
struct Bar {
  std::int64_t open = 0, high = 0, low = 0, close = 0, volume = 0, transactions = 0;
};

/// What was planted: where, and which check or guard is to find it (empty: nothing refuses it; it must be kept as it is).
struct Defect {
  int drop = 1;
  std::string dataset, file;      // file: relative to the folder
  std::int64_t line = 0;          // 1-based, of the inflated file; 0: the file as a whole
  std::string kind, ticker, check, note;
};

struct Stocks {
  std::uint64_t seed = 0;
  std::vector<Date> sessions;
  std::vector<Instant> midnights;                // of the sessions, in New York
  std::vector<std::string> tickers;              // sorted
  std::vector<std::vector<Bar>> bars;            // by symbol, then session
  std::size_t halted = 0, split = 0;             // symbols
  std::size_t halt_from = 0, halt_until = 0;     // sessions [from, until)
  std::size_t split_at = 0;                      // first session at the new price
};

/// Correlated walks over the sessions: one market factor, eight sectors, and each symbol's own. Integers alone.
Stocks make_stocks(std::uint64_t seed, int symbols, const Calendar& calendar, const std::vector<Date>& sessions);

/// A day file, rows by ticker. `restated`: as a later correction would have it.
std::string day_file(const Stocks& stocks, std::size_t session, bool restated, std::int64_t& rows);
/// Minute bars of the first `symbols` symbols by volume, whose aggregate is the day's bar.
std::string minute_file(const Stocks& stocks, std::size_t session, const Session& hours, int symbols,
                        std::int64_t& rows);

/// Plants rows that the guards must catch; says where.
std::vector<Defect> spoil_bad_rows(const Stocks& stocks, std::string& text, std::size_t session);
std::vector<Defect> spoil_duplicates(const Stocks& stocks, std::string& text, std::size_t session);
std::vector<Defect> spoil_minutes(const Stocks& stocks, std::string& text, std::size_t session);

}  // namespace tapemill::pipeline::generated
