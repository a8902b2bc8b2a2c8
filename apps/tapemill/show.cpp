#include "command.h"
#include "core/dataset.h"
#include "lake/scan.h"
#include "print.h"

namespace tapemill::app {
struct ShowOptions {
  std::string table, start, end, known_at;
  std::vector<std::string> symbols, columns;
  std::optional<std::int64_t> version;
  bool adjusted = false;
  int limit = 40;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::ShowOptions> = std::tuple{
    field("table", &app::ShowOptions::table, "a table: silver by its bare name, or layer.name"),
    field("symbols", &app::ShowOptions::symbols, "symbols or instrument ids, by commas"),
    field("start", &app::ShowOptions::start, "first session, 2024-10-28"),
    field("end", &app::ShowOptions::end, "last session, inclusive"),
    field("columns", &app::ShowOptions::columns, "columns to show, by commas"),
    field("version", &app::ShowOptions::version, "the table as it was at this version"),
    field("known_at", &app::ShowOptions::known_at, "only what was known at this time, 2024-10-28T15:30:00+05:30"),
    field("adjusted", &app::ShowOptions::adjusted, "prices adjusted for corporate actions"),
    field("limit", &app::ShowOptions::limit, "rows shown on a terminal (0: all)", 0, 1e9)};
}  // namespace tapemill

namespace tapemill::app {
namespace {

Status run(const ShowOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  lake::ScanRequest request;
  ARROW_ASSIGN_OR_RAISE(request.table, lake::TableName::parse(options.table));
  request.columns = options.columns;
  request.symbols = options.symbols;
  request.version = options.version;
  for (auto [text, out] : {std::pair{&options.start, &request.start}, {&options.end, &request.end}}) {
    if (text->empty()) continue;
    auto date = Date::parse(*text);
    if (!date.ok()) return usage_error(date.status().message(), "dates are written 2024-10-28");
    *out = *date;
  }
  if (!options.known_at.empty()) {
    auto time = Instant::parse(options.known_at);
    if (!time.ok())
      return usage_error(time.status().message(), "times are written 2024-10-28T09:15:00+05:30, or with Z for UTC");
    request.known_at = *time;
  }
  if (options.adjusted)
    return usage_error(fmt::format("{}: there are no corporate actions in this lake to adjust by", request.table.str()),
                       "leave --adjusted out: prices are shown as they were traded");
  ARROW_ASSIGN_OR_RAISE(auto result, lake::scan(lake, request, context.workers, context.budget->pool()));
  Zone zone = zone_of_dataset(request.table.table);
  print_table(*result.rows, context, zone, options.limit,
              fmt::format("{} version {} · unadjusted · {} of {} files read", request.table.str(), result.version,
                          result.files_read, result.files_total));
  return Status::OK();
}
}  // namespace

Command show_command() {
  return command<ShowOptions>("show", "Rows of a table, by symbol and date", {"table"},
                              "  tapemill show sp500 --symbols AAPL,MSFT --start 2018-01-02 --end 2018-01-05\n"
                              "  tapemill show nse_cash --symbols RELIANCE --columns session,close,volume --json",
                              run);
}

}  // namespace tapemill::app
