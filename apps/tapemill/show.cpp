#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "analytics/symbols.h"
#include "command.h"
#include "core/json.h"
#include "known_table.h"
#include "lake/about.h"
#include "lake/adjust.h"
#include "lake/enrich.h"
#include "lake/scan.h"
#include "print.h"
#include "rows.h"

namespace tapemill::app {
struct ShowOptions {
  std::string table, start, end, known_at;
  std::vector<std::string> symbols, columns, enrich;
  std::string reference;
  std::optional<std::int64_t> version;
  bool adjusted = false, dividends = false;
  std::string session = "regular", output;
  int limit = 40;
  bool csv = false;
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
    field("known_at", &app::ShowOptions::known_at,
          "only what was known at this time of the exchange, 2024-10-28T15:30:00; Z or +05:30 says another "
          "zone; a day alone: its "
          "beginning"),
    field("adjusted", &app::ShowOptions::adjusted, "prices and volumes adjusted for splits, bonuses and the like"),
    field("dividends", &app::ShowOptions::dividends,
          "with --adjusted: for dividends too, by 1 - D / close of the session before"),
    field("session", &app::ShowOptions::session,
          "rows of which hours of a session, where its bars are shorter: the regular session's, extended hours' too, "
          "or all",
          kSessionHours),
    field("enrich", &app::ShowOptions::enrich,
          "columns of the reference table beside each row, as of its session and as known then: sector,market_cap"),
    field("reference", &app::ShowOptions::reference,
          "with --enrich: the reference table (else the lake's one of the exchange)"),
    field("limit", &app::ShowOptions::limit, "rows shown on a terminal (0: all)", 0, 1e9),
    field("csv", &app::ShowOptions::csv, app::kCsvHelp),
    field("output", &app::ShowOptions::output, app::kOutputHelp)};
}  // namespace tapemill

namespace tapemill::app {
namespace {

void warn(const std::string& text) { std::fprintf(stderr, "warning: %s\n", text.c_str()); }

/// The names by which `rows` has instruments, with the sessions of each.
using Sessions = std::map<std::string, std::pair<Date, Date>>;
Result<Sessions> sessions_by_name(const arrow::Table& rows, const std::string& session) {
  Sessions found;
  for (const char* column : {"symbol", "instrument_id"}) {
    auto names = rows.GetColumnByName(column);
    if (names == nullptr || names->type()->id() != arrow::Type::STRING) continue;
    ARROW_ASSIGN_OR_RAISE(auto days, lake::doubles(rows, session));
    std::size_t row = 0;
    for (const auto& chunk : names->chunks()) {
      const auto& texts = static_cast<const arrow::StringArray&>(*chunk);
      for (std::int64_t i = 0; i < texts.length(); ++i, ++row) {
        if (texts.IsNull(i) || std::isnan(days[row])) continue;
        const Date day{static_cast<std::int32_t>(days[row])};
        auto [at, fresh] = found.try_emplace(texts.GetString(i), day, day);
        at->second = {std::min(at->second.first, day), std::max(at->second.second, day)};
      }
    }
  }
  return found;
}

/// Says which of the symbols asked for the table does not know, and for what dates it has the others. Usage error when it
/// knows none of them.
Status explain_symbols(const lake::Lake& lake, const lake::ScanRequest& asked, bool empty, const std::string& session,
                       Context& context) {
  lake::ScanRequest request;
  request.table = asked.table;
  request.version = asked.version;
  ARROW_ASSIGN_OR_RAISE(auto name, known_table(lake, asked.table.str()));
  ARROW_ASSIGN_OR_RAISE(auto snapshot, lake.table(name).snapshot(asked.version));
  request.columns = {session};
  for (const char* column : {"symbol", "instrument_id"})
    if (snapshot.schema->GetFieldByName(column) != nullptr) request.columns.emplace_back(column);
  request.symbols = asked.symbols;
  auto* pool = context.budget->pool();
  ARROW_ASSIGN_OR_RAISE(auto rows, lake::scan(lake, request, context.workers, pool));
  ARROW_ASSIGN_OR_RAISE(Sessions found, sessions_by_name(*rows.rows, session));
  std::string unknown;
  std::vector<std::string> wrong;
  for (const std::string& symbol : asked.symbols) {
    auto at = found.find(symbol);
    if (at == found.end()) wrong.push_back(symbol);
    else if (empty)
      warn(fmt::format("{} has rows of {} from {} to {}", asked.table.str(), symbol, at->second.first.str(),
                       at->second.second.str()));
  }
  if (wrong.empty()) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto near, analytics::nearest_symbols(lake, name, asked.version, wrong, context.workers));
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    unknown += (unknown.empty() ? "" : ", ") + wrong[i];
    if (!near[i].empty()) unknown += fmt::format(" (did you mean {}?)", near[i]);
  }
  const std::string what = fmt::format("{} has no rows of {}", asked.table.str(), unknown);
  if (!found.empty()) return warn(what), Status::OK();
  return usage_error(what,
                     fmt::format("tapemill query \"select distinct symbol from {}\" lists those it has",
                                 asked.table.layer == lake::Layer::silver ? asked.table.table : asked.table.str()));
}

/// What was adjusted, in a line; symbols that no action touches are named.
std::string adjusted_label(const lake::AdjustedScan& scan, const ShowOptions& options) {
  for (const std::string& note : scan.notes) warn(note);
  std::string label = options.dividends ? "adjusted, dividends too" : "adjusted";
  if (!options.known_at.empty()) label += " as known at " + options.known_at;
  if (scan.unadjusted.empty()) return label;
  if (static_cast<std::int64_t>(scan.unadjusted.size()) == scan.symbols)
    return "unadjusted (no action" + label.substr(8) + ")";
  constexpr std::size_t most = 5;
  std::string names;
  for (std::size_t i = 0; i < std::min(most, scan.unadjusted.size()); ++i)
    names += (i > 0 ? ", " : "") + scan.unadjusted[i];
  if (scan.unadjusted.size() > most) names += fmt::format(" and {} more", scan.unadjusted.size() - most);
  return label + ", but unadjusted: " + names;
}

/// What --enrich adds, and how many of the rows have each of it not.
struct Enriched {
  std::optional<lake::Enrichment> by;
  std::vector<std::string> drop;  // columns that were read for it alone
  Json unknown = Json::object();

  Status begin(const lake::Lake& lake, const lake::TableName& table, const ShowOptions& options,
               lake::ScanRequest& request, Context& context) {
    if (options.enrich.empty())
      return options.reference.empty()
                 ? Status::OK()
                 : usage_error("--reference goes with --enrich", "write --enrich sector,industry");
    ARROW_ASSIGN_OR_RAISE(const Dataset dataset, lake::dataset_of(lake, table.table));
    ARROW_ASSIGN_OR_RAISE(
        by, lake::Enrichment::make(lake, dataset, {options.enrich, options.reference, {}, request.known_at},
                                   context.workers, context.budget->pool()));
    if (request.columns.empty()) return Status::OK();
    for (const std::string& name : by->needs())
      if (std::find(request.columns.begin(), request.columns.end(), name) == request.columns.end())
        request.columns.push_back(name), drop.push_back(name);
    return Status::OK();
  }
  Status finish(std::shared_ptr<arrow::Table>& rows, Context& context) {
    if (!by) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(rows, by->beside(rows, drop, context.budget->pool()));
    for (const auto& field : by->fields()) unknown[field->name()] = rows->GetColumnByName(field->name())->null_count();
    return Status::OK();
  }
  /// "1 238 rows have no sector, 1 240 no industry"; empty where all are known.
  std::string note() const {
    std::string text;
    for (const auto& [name, rows] : unknown.items()) {
      const auto count = rows.get<std::int64_t>();
      if (count > 0)
        text += text.empty() ? fmt::format("{} without {}", counted(count, "row"), name)
                             : fmt::format(", {} without {}", thousands(count), name);
    }
    return text.empty() ? text : fmt::format("{} in {} version {}", text, by->table().str(), by->version());
  }
  Json json() const {
    return {{"reference", by->table().str()}, {"reference_version", by->version()}, {"unknown", unknown}};
  }
};

Status run(const ShowOptions& options, Context& context) {
  const RowsTo to{options.csv, options.output};
  ARROW_RETURN_NOT_OK(check_rows_to(to, context));
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  lake::ScanRequest request;
  ARROW_ASSIGN_OR_RAISE(request.table, lake::TableName::parse(options.table));
  ARROW_ASSIGN_OR_RAISE(auto real, known_table(lake, options.table));
  request.columns = options.columns;
  request.symbols = options.symbols;
  request.version = options.version;
  request.hours = session_hours(options.session);
  for (auto [text, out] : {std::pair{&options.start, &request.start}, {&options.end, &request.end}}) {
    if (text->empty()) continue;
    auto date = Date::parse(*text);
    if (!date.ok()) return usage_error(date.status().message(), "dates are written 2024-10-28");
    *out = *date;
  }
  if (!options.known_at.empty()) {
    auto time = Instant::parse(options.known_at);
    if (!time.ok())
      return usage_error(time.status().message(),
                         "times are written 2024-10-28T15:30:00, the exchange's, or with Z or +05:30 for another zone");
    request.known_at = *time;
    if (options.known_at.find_first_of("Z+-", 10) == std::string::npos) {  // as the terminal shows them
      const Date date{static_cast<std::int32_t>(time->us / kDay)};
      request.known_at = zone_of(lake, real).at(date, time->us - date.days * kDay);
    }
  }
  if (options.dividends && !options.adjusted)
    return usage_error("--dividends goes with --adjusted", "write --adjusted --dividends");
  Enriched enriched;
  ARROW_RETURN_NOT_OK(enriched.begin(lake, real, options, request, context));
  lake::ScanResult result;
  std::string label = "unadjusted";
  if (options.adjusted) {
    ARROW_ASSIGN_OR_RAISE(auto adjusted, lake::scan_adjusted(lake, request, {options.dividends, {}}, context.workers,
                                                             context.budget->pool()));
    label = adjusted_label(adjusted, options);
    result = std::move(adjusted.scan);
  } else {
    ARROW_ASSIGN_OR_RAISE(result, lake::scan(lake, request, context.workers, context.budget->pool()));
  }
  const bool empty = result.rows->num_rows() == 0;
  if (empty || request.symbols.size() > 1) {
    ARROW_ASSIGN_OR_RAISE(auto snapshot, lake.table(real).snapshot(request.version));
    auto kept = snapshot.configuration.find(lake::kSession);
    const std::string session = kept == snapshot.configuration.end() ? "session" : kept->second;
    const bool sessions = snapshot.schema->GetFieldByName(session) != nullptr;
    if (!request.symbols.empty() && sessions)
      ARROW_RETURN_NOT_OK(explain_symbols(lake, request, empty, session, context));
    else if (auto range = lake::sessions_of(snapshot, session); range && empty)
      warn(fmt::format("{} has sessions from {} to {}", request.table.str(), range->first.str(), range->second.str()));
  }
  ARROW_RETURN_NOT_OK(enriched.finish(result.rows, context));
  if (const std::string note = enriched.note(); !note.empty() && !context.quiet)
    std::fprintf(stderr, "note: %s\n", note.c_str());
  const std::string left_out = left_out_note(result.outside_hours, options.session);
  if ((context.json || to.asked()) && !context.quiet && !left_out.empty())
    std::fprintf(stderr, "note: %s\n", left_out.c_str());
  if (to.asked()) return write_rows(*result.rows, to, context);
  if (context.json && enriched.by) {
    Json document = table_json(*result.rows, 0);
    document["enriched"] = enriched.json();
    return print(document), Status::OK();
  }
  print_table(
      *result.rows, context, zone_of(lake, real), options.limit,
      fmt::format("{} version {} · {} · {} of {} read{}{}", request.table.str(), result.version, label,
                  result.files_read, counted(result.files_total, "file"), left_out.empty() ? "" : " · ", left_out),
      "widen the window, name some with --columns, or ask for --csv");
  return Status::OK();
}
}  // namespace

Command show_command() {
  return command<ShowOptions>("show", "Rows of a table, by symbol and date", {"table"},
                              "  tapemill show sp500 --symbols AAPL,MSFT --start 2018-01-02 --end 2018-01-05\n"
                              "  tapemill show nse_cash --symbols RELIANCE --columns session,close,volume --json\n"
                              "  tapemill show nse_cash --symbols RELIANCE --adjusted --known-at 2024-10-27\n"
                              "  tapemill show sp500 --symbols AAPL --enrich sector,market_cap\n"
                              "  tapemill show sp500 --symbols AAPL --start 2017-01-03 --csv > aapl.csv\n"
                              "  tapemill show sp500 --start 2018-01-02 --output january.parquet\n"
                              "  tapemill show stocks_minute --symbols AAPL --start 2024-01-02 --session extended",
                              run);
}

}  // namespace tapemill::app
