#include <arrow/type.h>

#include "command.h"
#include "known_table.h"
#include "lake/about.h"
#include "lake/index_views.h"
#include "lake/query_cache.h"
#include "lake/sql_tokens.h"
#include "print.h"
#include "rows.h"

namespace tapemill::app {
struct SymbolsOptions {
  std::string table;
  std::vector<std::string> symbols;
  int limit = 40;
  bool csv = false;
  std::string output;
};
struct DailyOptions {
  std::string table, start, end;
  int limit = 40;
  bool csv = false;
  std::string output;
};
struct ChainOptions {
  std::string table = "nse_fo", date;
  std::vector<std::string> symbols;
  int limit = 40;
  bool csv = false;
  std::string output;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::SymbolsOptions> =
    std::tuple{field("table", &app::SymbolsOptions::table, "a table of silver"),
               field("symbols", &app::SymbolsOptions::symbols, "symbols, by commas"),
               field("limit", &app::SymbolsOptions::limit, "rows shown on a terminal (0: all)", 0, 1e9),
               field("csv", &app::SymbolsOptions::csv, app::kCsvHelp),
               field("output", &app::SymbolsOptions::output, app::kOutputHelp)};
template <>
inline constexpr auto fields<app::DailyOptions> =
    std::tuple{field("table", &app::DailyOptions::table, "a table of silver"),
               field("start", &app::DailyOptions::start, "first session, 2024-10-28"),
               field("end", &app::DailyOptions::end, "last session, inclusive"),
               field("limit", &app::DailyOptions::limit, "rows shown on a terminal (0: all)", 0, 1e9),
               field("csv", &app::DailyOptions::csv, app::kCsvHelp),
               field("output", &app::DailyOptions::output, app::kOutputHelp)};
template <>
inline constexpr auto fields<app::ChainOptions> =
    std::tuple{field("table", &app::ChainOptions::table, "a table of contracts"),
               field("date", &app::ChainOptions::date, "the session, 2025-01-02 (else the last one there is)"),
               field("symbols", &app::ChainOptions::symbols, "underlyings, by commas"),
               field("limit", &app::ChainOptions::limit, "rows shown on a terminal (0: all)", 0, 1e9),
               field("csv", &app::ChainOptions::csv, app::kCsvHelp),
               field("output", &app::ChainOptions::output, app::kOutputHelp)};
}  // namespace tapemill

namespace tapemill::app {
namespace {

std::string one_of(const std::string& column, const std::vector<std::string>& values) {
  std::string list;
  for (const std::string& one : values) list += (list.empty() ? "" : ", ") + lake::quote_text(one);
  return list.empty() ? "true" : column + " IN (" + list + ")";
}

Result<std::string> day(const std::string& text) {
  auto date = Date::parse(text);
  if (!date.ok()) return usage_error(date.status().message(), "dates are written 2025-01-02");
  return "DATE " + lake::quote_text(date->str());
}

/// The rows of an index, out of the cache where nothing was committed since they were computed.
template <class Options>
Status show_index(const std::string& index, const Options& options, const std::string& where, Context& context) {
  const RowsTo to{options.csv, options.output};
  ARROW_RETURN_NOT_OK(check_rows_to(to, context));
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto name, lake::TableName::parse(options.table));
  ARROW_ASSIGN_OR_RAISE(const auto real, known_table(lake, options.table));
  ARROW_ASSIGN_OR_RAISE(const Dataset dataset, lake::dataset_of(lake, real.table));
  const std::string view = lake::quote_name(index) + "." + lake::quote_name(name.table);
  if (!lake::index_select(index, dataset, view))
    return usage_error(fmt::format("{} has not what {} are made of", options.table, index),
                       index == "chains" ? "its rows need an underlying, an expiry and a strike"
                                         : "its rows need a symbol, a close and a volume of bars");
  lake::SqlOptions sql;
  sql.memory = context.budget->ceiling(), sql.threads = context.threads;
  const std::string statement = fmt::format("SELECT * FROM {} WHERE {}", view, where);
  ARROW_ASSIGN_OR_RAISE(auto rows, lake::query_cached(lake, statement, sql, *lake::QueryCache::of(lake)));
  if (to.asked()) return write_rows(*rows, to, context);
  print_table(*rows, context, Zone::utc(), options.limit, options.table, "widen the window, or ask for --csv");
  return Status::OK();
}

Status symbols(const SymbolsOptions& options, Context& context) {
  return show_index("symbols", options, one_of("symbol", options.symbols), context);
}

Status daily(const DailyOptions& options, Context& context) {
  std::string where = "true";
  if (!options.start.empty()) {
    ARROW_ASSIGN_OR_RAISE(const std::string date, day(options.start));
    where += " AND date >= " + date;
  }
  if (!options.end.empty()) {
    ARROW_ASSIGN_OR_RAISE(const std::string date, day(options.end));
    where += " AND date <= " + date;
  }
  return show_index("daily_stats", options, where, context);
}

Status chains(const ChainOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(const auto name, lake::TableName::parse(options.table));
  std::string date = fmt::format("(SELECT max(date) FROM chains.{})", lake::quote_name(name.table));
  if (!options.date.empty()) { ARROW_ASSIGN_OR_RAISE(date, day(options.date)); }
  return show_index("chains", options, "date = " + date + " AND " + one_of("underlying", options.symbols), context);
}

}  // namespace

Command symbols_command() {
  return command<SymbolsOptions>("symbols", "A table's symbols: first and last date, rows, which are active", {"table"},
                                 "  tapemill symbols sp500 --symbols AAPL,MSFT\n"
                                 "  tapemill symbols sp500 --csv > symbols.csv",
                                 symbols);
}
Command daily_command() {
  return command<DailyOptions>("daily", "A table's sessions: symbols, rows, volume, advances and declines", {"table"},
                               "  tapemill daily sp500 --start 2018-02-01\n"
                               "  tapemill daily sp500 --output sessions.parquet",
                               daily);
}
Command chains_command() {
  return command<ChainOptions>("chains", "Option chains of a session: expiries of each underlying and their strikes",
                               {"?table"},
                               "  tapemill chains --symbols NIFTY --date 2025-01-02\n"
                               "  tapemill chains options_daily --symbols AAPL --json",
                               chains);
}

}  // namespace tapemill::app
