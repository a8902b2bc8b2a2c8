#include <arrow/type.h>

#include <algorithm>
#include <set>

#include "command.h"
#include "known_table.h"
#include "lake/query_cache.h"
#include "lake/sql_tokens.h"
#include "print.h"
#include "rows.h"

namespace tapemill::app {
struct QueryOptions {
  std::string sql;
  int limit = 40;
  bool cache = false, csv = false;
  std::string output;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::QueryOptions> = std::tuple{
    field("sql", &app::QueryOptions::sql,
          "a SELECT; tables by name are silver, layer.name any layer; FROM t AT (VERSION => n) travels in time"),
    field("limit", &app::QueryOptions::limit, "rows shown on a terminal (0: all)", 0, 1e9),
    field("csv", &app::QueryOptions::csv, app::kCsvHelp), field("output", &app::QueryOptions::output, app::kOutputHelp),
    field("cache", &app::QueryOptions::cache,
          "keep the answer in LAKE/cache, and take it from there while no table changed")};
}  // namespace tapemill

namespace tapemill::app {
namespace {
std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// The zone of the exchange whose tables the statement names; UTC where it names none, or those of several.
Zone zone_of_answer(const lake::Lake& lake, const std::string& sql) {
  std::set<std::string> words, seen;
  for (const lake::SqlToken& token : lake::sql_tokens(sql)) words.insert(lower(token.value));
  auto tables = lake.tables();
  if (!tables.ok()) return Zone::utc();
  std::optional<Zone> one;
  for (const lake::TableName& name : *tables) {
    if (name.layer == lake::Layer::landing || !words.contains(lower(name.table))) continue;
    if (name.layer != lake::Layer::gold && !seen.insert(name.table).second) continue;
    Zone zone = zone_of(lake, name);
    if (one && one->name() != zone.name()) return Zone::utc();
    one = zone;
  }
  return one ? *one : Zone::utc();
}

Status run(const QueryOptions& options, Context& context) {
  const RowsTo to{options.csv, options.output};
  ARROW_RETURN_NOT_OK(check_rows_to(to, context));
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  lake::SqlOptions sql;
  sql.memory = context.budget->ceiling();
  sql.threads = context.threads;
  if (to.asked() && !options.cache) {  // rows leave as they come
    ARROW_ASSIGN_OR_RAISE(auto writer, RowWriter::open(to));
    ARROW_RETURN_NOT_OK(lake::query(lake, options.sql, sql, [&](const auto& rows) { return writer->write(rows); }));
    return writer->finish(context);
  }
  ARROW_ASSIGN_OR_RAISE(auto table, options.cache
                                        ? lake::query_cached(lake, options.sql, sql, *lake::QueryCache::of(lake))
                                        : lake::query(lake, options.sql, sql));
  if (to.asked()) return write_rows(*table, to, context);
  const auto types = table->schema()->fields();
  const bool times = std::any_of(types.begin(), types.end(),
                                 [](const auto& one) { return one->type()->id() == arrow::Type::TIMESTAMP; });
  const Zone zone = times && !context.json && !context.utc ? zone_of_answer(lake, options.sql) : Zone::utc();
  print_table(*table, context, zone, options.limit, {}, "widen the window, select fewer, or ask for --csv");
  return Status::OK();
}
Command make(const char* name) {
  return command<QueryOptions>(
      name, std::string(name) == "sql" ? "The same as query" : "Run SQL over the lake's tables (read-only, DuckDB)",
      {"sql"},
      "  tapemill query \"select symbol, count(*) n, avg(close) from sp500 group by all order by n limit 5\"\n"
      "  tapemill query \"select count(*) from bronze.sp500 at (version => 1)\" --json\n"
      "  tapemill query \"select * from sp500 where symbol = 'AAPL'\" --csv > aapl.csv\n"
      "  tapemill query \"select * from sp500 where close > 100\" --output high.parquet\n"
      "  tapemill query --cache \"select symbol, avg(close) from sp500 group by all\"",
      run);
}
}  // namespace

Command query_command() { return make("query"); }
Command sql_command() { return make("sql"); }

}  // namespace tapemill::app
