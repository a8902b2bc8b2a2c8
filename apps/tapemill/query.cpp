#include "command.h"
#include "lake/query_cache.h"
#include "print.h"

namespace tapemill::app {
struct QueryOptions {
  std::string sql;
  int limit = 40;
  bool cache = false;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::QueryOptions> = std::tuple{
    field("sql", &app::QueryOptions::sql,
          "a SELECT; tables by name are silver, layer.name any layer; FROM t AT (VERSION => n) travels in time"),
    field("limit", &app::QueryOptions::limit, "rows shown on a terminal (0: all)", 0, 1e9),
    field("cache", &app::QueryOptions::cache,
          "keep the answer in LAKE/cache, and take it from there while no table changed")};
}  // namespace tapemill

namespace tapemill::app {
namespace {
Status run(const QueryOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  lake::SqlOptions sql;
  sql.memory = context.budget->ceiling();
  sql.threads = context.threads;
  ARROW_ASSIGN_OR_RAISE(auto table, options.cache
                                        ? lake::query_cached(lake, options.sql, sql, *lake::QueryCache::of(lake))
                                        : lake::query(lake, options.sql, sql));
  print_table(*table, context, Zone::utc(), options.limit, {}, "widen the window, select fewer, or ask for --json");
  return Status::OK();
}
Command make(const char* name) {
  return command<QueryOptions>(
      name, std::string(name) == "sql" ? "The same as query" : "Run SQL over the lake's tables (read-only, DuckDB)",
      {"sql"},
      "  tapemill query \"select symbol, count(*) n, avg(close) from sp500 group by all order by n limit 5\"\n"
      "  tapemill query \"select count(*) from bronze.sp500 at (version => 1)\" --json\n"
      "  tapemill query --cache \"select symbol, avg(close) from sp500 group by all\"",
      run);
}
}  // namespace

Command query_command() { return make("query"); }
Command sql_command() { return make("sql"); }

}  // namespace tapemill::app
