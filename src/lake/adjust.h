#pragma once
#include <string>
#include <vector>

#include "lake/scan.h"

namespace tapemill::lake {

/// Adjustment of prices for corporate actions, at read and as known (docs/formats/adjustment.md). Nothing is stored.
struct AdjustOptions {
  bool dividends = false;  // by 1 - D / close of the session before, too; else splits, bonuses, consolidations, rights
  std::optional<Instant>
      known_at;  // actions that were not known or not in effect yet are not there; none: all in effect
};

/// One action, as the tables of source corporate_actions have it.
struct CorporateAction {
  std::string symbol, series, kind, feed, delivery;
  Date ex_date;
  std::int64_t number = 1, before = 0, after = 0;  // shares; 0: their number does not change
  std::int64_t amount = 0;  // at 10^-6; 0: none
  Instant known;
};
struct CorporateActions {
  std::vector<CorporateAction> list;  // by symbol, then ex-date; each once, whatever the deliveries
  std::vector<std::pair<TableName, std::int64_t>> tables;  // read, and their versions
};
/// Actions of an exchange's symbols (empty: all). Of a symbol that two feeds tell of, the better one's: the exchange's, Polygon's,
/// Yahoo's. Usage error where the lake has no table of them; data error where two deliveries of one feed disagree. `versions`:
/// by TableName::str(), the newest where one is not named.
Result<CorporateActions> actions_of(const Lake& lake, const std::string& exchange, const std::vector<std::string>& symbols,
                           std::optional<Instant> known_at, const std::map<std::string, std::int64_t>& versions = {},
                           const Workers& workers = Workers(1));
/// Whether there is a table of them for this exchange.
bool has_actions(const Lake& lake, const std::string& exchange);

/// What an instrument's rows before an ex-date are multiplied by: prices by before / after x cash, share counts by
/// after / before. Exact but for `cash` (dividends, rights), which is a binary64.
struct Factor {
  Date ex_date;
  std::int64_t before = 1, after = 1;
  double cash = 1;
};

struct AdjustedScan {
  ScanResult scan;  // prices at four decimals at least; adjustment_factor and adjustment last
  std::vector<std::string> unadjusted;  // symbols of the rows that no action touches
  std::int64_t symbols = 0;
  CorporateActions actions;  // what was applied or not
  std::vector<std::string> notes;  // a dividend that is no less than the close before it, and the like
};
/// As scan(), with prices (open, high, low, close, last, average, vwap, prev_close) and volumes (volume, deliverable) adjusted.
/// Each value is rounded once, to the nearest, ties away from zero. prev_close is the price of the session before, and adjusted
/// as that. `adjustment` says per row's symbol `adjusted` or `unadjusted`, `adjustment_factor` what prices were multiplied by.
/// Errors: a table of contracts, or without symbols (usage); dividends of a table that is not daily (usage); those of
/// actions_of() and scan(). `versions` as there.
Result<AdjustedScan> scan_adjusted(const Lake& lake, const ScanRequest& request, const AdjustOptions& options,
                                   const Workers& workers = Workers(1),
                                   arrow::MemoryPool* pool = arrow::default_memory_pool(),
                                   const std::map<std::string, std::int64_t>& versions = {});

}  // namespace tapemill::lake
