#pragma once
#include "backtest/chain.h"
#include "backtest/daily.h"
#include "backtest/rules.h"
#include "backtest/sanity.h"
#include "core/held.h"
#include "lake/lake.h"

namespace tapemill::backtest {

/// A table's version as a run reads it, and a hash over its parts: what a run's id knows of its data.
struct Input {
  std::string table;               // layer.table, a silver view read through to bronze
  std::int64_t version = 0;
  std::string parts_hash;
};
/// The table at `version` (the newest without one).
Result<Input> input_of(const lake::Lake& lake, const std::string& table, std::optional<std::int64_t> version);

struct LoadedBars {
  DailyMarket market;
  std::string currency;
  std::int64_t rows = 0;
  std::vector<std::string> unadjusted;  // of an adjusted plan: symbols that no action touches
  std::vector<Input> actions;           // of an adjusted plan: the tables of corporate actions it read
  std::vector<std::string> resolved;  // what each indicator of the expressions resolved to
};
/// Bars of the plan's symbols up to its end, with the signals of its expressions. Errors: no such table, a column that is
/// not there, no rows for a symbol, a bar on a day that is no session of the table's calendar; environment error where the
/// pool has no room for them. `actions`: versions of those tables, by name; the newest where one is not named.
Result<LoadedBars> load_bars(const lake::Lake& lake, const DailyStrategy& plan, const Input& input,
                             const Workers& workers, arrow::MemoryPool* pool,
                             const std::map<std::string, std::int64_t>& actions = {});

/// What load_bars() would refuse, as far as the names of the plan's symbols tell; and a capital in another currency.
Status check_bars(const lake::Lake& lake, const Strategy& strategy, const Input& input);

/// Sessions of the table that the plan may trade: in its dates and days of the week, and with rows.
Result<std::vector<Date>> option_days(const lake::Lake& lake, const OptionStrategy& plan, const Input& input);

/// What a day may take; the day is the same, however little it is.
struct DayRoom {
  arrow::MemoryPool* pool = arrow::default_memory_pool();
  std::int64_t batch_rows = 1 << 18;  // read at once
  std::int64_t quotes = 0;            // bytes of quotes in memory, the others wait in a file; 0: all of them
};
/// The room of each of `at_once` days that share `memory` bytes (0: no ceiling).
DayRoom room_of(std::int64_t memory, arrow::MemoryPool* pool, int at_once);

struct LoadedDay {
  ChainDay day;
  Sanity sanity;
  std::int64_t rows = 0;
  Held held;  // of the pool, for the quotes
};
/// One day of the chain: contracts and the underlying's own prices, lots and ticks by the rules.
Result<LoadedDay> load_day(const lake::Lake& lake, const OptionStrategy& plan, const Input& input, const Rules& rules,
                           Date date, const DayRoom& room);

}  // namespace tapemill::backtest
