#include <arrow/type.h>

#include "command.h"
#include "known_table.h"
#include "lake/about.h"
#include "lake/index_views.h"
#include "lake/query_cache.h"
#include "lake/sql_tokens.h"
#include "print.h"

namespace tapemill::app {
struct IndexOptions {
  std::string table, start, end;
  std::vector<std::string> symbols;
  int limit = 40;
};
struct ChainOptions {
  std::string table = "nse_fo", date;
  std::vector<std::string> symbols;
  int limit = 40;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::IndexOptions> =
    std::tuple{field("table", &app::IndexOptions::table, "a table of silver"),
               field("symbols", &app::IndexOptions::symbols, "symbols, by commas (of symbols)"),
               field("start", &app::IndexOptions::start, "first session (of daily)"),
               field("end", &app::IndexOptions::end, "last session, inclusive (of daily)"),
               field("limit", &app::IndexOptions::limit, "rows shown on a terminal (0: all)", 0, 1e9)};
template <>
inline constexpr auto fields<app::ChainOptions> =
    std::tuple{field("table", &app::ChainOptions::table, "a table of contracts"),
               field("date", &app::ChainOptions::date, "the session, 2025-01-02 (else the last one there is)"),
               field("symbols", &app::ChainOptions::symbols, "underlyings, by commas"),
               field("limit", &app::ChainOptions::limit, "rows shown on a terminal (0: all)", 0, 1e9)};
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
Status show_index(const std::string& index, const std::string& table, const std::string& columns,
                  const std::string& where, int limit, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto name, lake::TableName::parse(table));
  ARROW_ASSIGN_OR_RAISE(const auto real, known_table(lake, table));
  ARROW_ASSIGN_OR_RAISE(const Dataset dataset, lake::dataset_of(lake, real.table));
  const std::string view = lake::quote_name(index) + "." + lake::quote_name(name.table);
  if (!lake::index_select(index, dataset, view))
    return usage_error(fmt::format("{} has not what {} are made of", table, index),
                       index == "chains" ? "its rows need an underlying, an expiry and a strike"
                                         : "its rows need a symbol, a close and a volume of bars");
  lake::SqlOptions sql;
  sql.memory = context.budget->ceiling(), sql.threads = context.threads;
  const std::string statement = fmt::format("SELECT {} FROM {} WHERE {}", columns, view, where);
  ARROW_ASSIGN_OR_RAISE(auto rows, lake::query_cached(lake, statement, sql, *lake::QueryCache::of(lake)));
  print_table(*rows, context, Zone::utc(), limit, table, "widen the window, or ask for --json");
  return Status::OK();
}

Status symbols(const IndexOptions& options, Context& context) {
  if (!options.start.empty() || !options.end.empty())
    return usage_error("--start and --end are of tapemill daily", "symbols has the first and the last date of each");
  return show_index("symbols", options.table, "*", one_of("symbol", options.symbols), options.limit, context);
}

Status daily(const IndexOptions& options, Context& context) {
  if (!options.symbols.empty())
    return usage_error("--symbols is of tapemill symbols", "tapemill show TABLE --symbols has the rows of some");
  std::string where = "true";
  if (!options.start.empty()) {
    ARROW_ASSIGN_OR_RAISE(const std::string date, day(options.start));
    where += " AND date >= " + date;
  }
  if (!options.end.empty()) {
    ARROW_ASSIGN_OR_RAISE(const std::string date, day(options.end));
    where += " AND date <= " + date;
  }
  return show_index("daily_stats", options.table, "*", where, options.limit, context);
}

Status chains(const ChainOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(const auto name, lake::TableName::parse(options.table));
  std::string date = fmt::format("(SELECT max(date) FROM chains.{})", lake::quote_name(name.table));
  if (!options.date.empty()) { ARROW_ASSIGN_OR_RAISE(date, day(options.date)); }
  return show_index("chains", options.table,
                    "underlying, date, expiration_date, contracts, CAST(strikes AS DOUBLE[]) AS strikes",
                    "date = " + date + " AND " + one_of("underlying", options.symbols), options.limit, context);
}

}  // namespace

Command symbols_command() {
  return command<IndexOptions>("symbols", "A table's symbols: first and last date, rows, which are active", {"table"},
                               "  tapemill symbols sp500 --symbols AAPL,MSFT\n"
                               "  tapemill query \"select * from symbols.sp500 where not active\"",
                               symbols);
}
Command daily_command() {
  return command<IndexOptions>("daily", "A table's sessions: symbols, rows, volume, advances and declines", {"table"},
                               "  tapemill daily sp500 --start 2018-02-01\n"
                               "  tapemill query \"select * from daily_stats.sp500 order by volume desc limit 5\"",
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
