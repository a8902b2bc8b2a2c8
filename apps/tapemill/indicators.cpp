#include <arrow/api.h>

#include "analytics/bars.h"
#include "analytics/requests.h"
#include "analytics/symbols.h"
#include "command.h"
#include "core/expression.h"
#include "core/held.h"
#include "core/json.h"
#include "indicators/describe.h"
#include "known_table.h"
#include "lake/about.h"
#include "print.h"
#include "rows.h"

namespace tapemill::app {
struct ExplainOptions {
  std::string name;
};
struct IndicatorOptions {
  std::string table, start, end;
  std::vector<std::string> symbols, indicators;
  std::string session = "regular", output;
  int limit = 40;
  bool csv = false;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::ExplainOptions> =
    std::tuple{field("name", &app::ExplainOptions::name, "an indicator, a request such as RSI_14, or an expression")};
template <>
inline constexpr auto fields<app::IndicatorOptions> = std::tuple{
    field("table", &app::IndicatorOptions::table, "a silver table"),
    field("indicators", &app::IndicatorOptions::indicators,
          "requests such as SMA_20 or expressions such as \"rsi(close, period=14)\", by commas"),
    field("symbols", &app::IndicatorOptions::symbols, "symbols or instrument ids, by commas"),
    field("start", &app::IndicatorOptions::start, "first session shown; earlier ones warm the indicators up"),
    field("end", &app::IndicatorOptions::end, "last session, inclusive"),
    field("session", &app::IndicatorOptions::session,
          "rows of which hours of a session, where its bars are shorter: the regular session's, extended hours' too, "
          "or all",
          kSessionHours),
    field("limit", &app::IndicatorOptions::limit, "rows shown on a terminal (0: all)", 0, 1e9),
    field("csv", &app::IndicatorOptions::csv, app::kCsvHelp),
    field("output", &app::IndicatorOptions::output, app::kOutputHelp)};
}  // namespace tapemill

namespace tapemill::app {
namespace {

Status list(const NoOptions&, Context& context) {
  Json all = Json::array();
  TextTable text({"name", "call", "gives", "title"});
  for (const indicators::Spec* spec : indicators::catalogue()) {
    all.push_back(indicators::describe(*spec));
    ARROW_ASSIGN_OR_RAISE(auto resolved, indicators::resolve(spec->name));
    text.add({spec->name, resolved.text(), fmt::format("{}", fmt::join(resolved.outputs(), ", ")), spec->title});
  }
  if (context.json) return print(Json{{"indicators", all}}), Status::OK();
  print(text.str(terminal_width()));
  print(fmt::format("{} indicators; tapemill indicators explain NAME tells the formula\n",
                    indicators::catalogue().size()));
  return Status::OK();
}

/// The form that the request of an indicator's name in capitals means, where it is not what the name means in expressions:
/// STOCH is stoch(fast_k=14, ...), stoch() is TA-Lib's. Else empty.
Result<std::string> form_of_request(const indicators::Spec& spec, const std::vector<std::string>& columns) {
  std::string name = spec.name;
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  auto requested = analytics::resolve_requests({name}, columns);
  if (!requested.ok()) return std::string();
  ARROW_ASSIGN_OR_RAISE(auto series, analytics::Series::compile(*requested, columns));
  ARROW_ASSIGN_OR_RAISE(auto own, indicators::resolve(spec.name));
  return series.resolved().front() == own.text() ? std::string() : name + " = " + series.resolved().front();
}

/// Two forms of one name are told apart wherever either is explained.
Result<std::string> note_on(const indicators::Spec& spec, const std::vector<std::string>& columns) {
  ARROW_ASSIGN_OR_RAISE(std::string form, form_of_request(spec, columns));
  if (form.empty()) return form;
  return fmt::format("  {:<11}{}, as charts have it, in graphs and --indicators; {}() in an expression is TA-Lib's\n",
                     "as request", form, spec.name);
}

const std::vector<std::string> kBars = {"open", "high", "low", "close", "volume"};

/// What a request or an expression resolves to, where the name alone is no indicator.
Status explain_call(const std::string& call, Context& context) {
  const std::vector<std::string>& columns = kBars;
  ARROW_ASSIGN_OR_RAISE(auto requested, analytics::resolve_requests({call}, columns, {}, "explain"));
  ARROW_ASSIGN_OR_RAISE(auto series, analytics::Series::compile(requested, columns));
  Json outputs = Json::array();
  std::string text;
  for (const auto& one : requested) {
    outputs.push_back({{"name", one.name}, {"expression", one.text}});
    text += one.name == one.text ? one.text + "\n" : fmt::format("{} = {}\n", one.name, one.text);
  }
  if (!series.resolved().empty()) text += fmt::format("  resolves to {}\n", fmt::join(series.resolved(), "; "));
  text += fmt::format("  reads       {}\n  warm-up     {}\n", fmt::join(series.inputs(), ", "),
                      counted(series.warm_up(), "bar"));
  Json formulas = Json::object();
  for (const std::string& one : series.resolved()) {
    const indicators::Spec* spec = indicators::find(one.substr(0, one.find('(')));
    if (spec == nullptr || formulas.contains(spec->name)) continue;
    formulas[spec->name] = indicators::describe(*spec);
    ARROW_ASSIGN_OR_RAISE(std::string note, note_on(*spec, columns));
    text += "\n" + indicators::explain(*spec) + note;
  }
  if (context.json)
    print(Json{{"outputs", outputs},
               {"indicators", formulas},
               {"resolved", series.resolved()},
               {"inputs", series.inputs()},
               {"warm_up", series.warm_up()}});
  else print(text);
  return Status::OK();
}

Status explain(const ExplainOptions& options, Context& context) {
  const indicators::Spec* spec = indicators::find(options.name);
  if (spec == nullptr) return explain_call(options.name, context);
  ARROW_ASSIGN_OR_RAISE(std::string note, note_on(*spec, kBars));
  if (context.json) {
    Json json = indicators::describe(*spec);
    ARROW_ASSIGN_OR_RAISE(json["request"], form_of_request(*spec, kBars));
    print(json);
  } else {
    print(indicators::explain(*spec) + note);
  }
  return Status::OK();
}

/// Runs of rows whose session is not before `start`, as [first, last).
std::vector<std::pair<std::int64_t, std::int64_t>> kept_rows(const arrow::Array& sessions, std::optional<Date> start) {
  std::vector<std::pair<std::int64_t, std::int64_t>> runs;
  const auto& dates = static_cast<const arrow::Date32Array&>(sessions);
  for (std::int64_t row = 0; row < dates.length(); ++row) {
    if (start && dates.Value(row) < start->days) continue;
    if (runs.empty() || runs.back().second != row) runs.emplace_back(row, row);
    runs.back().second = row + 1;
  }
  return runs;
}

Result<lake::ScanRequest> request_of(const IndicatorOptions& options, const Dataset& dataset,
                                     const std::vector<std::string>& wanted) {
  lake::ScanRequest request;
  request.table = {lake::Layer::silver, dataset.table};
  request.symbols = options.symbols;
  request.hours = session_hours(options.session);
  if (!options.end.empty()) { ARROW_ASSIGN_OR_RAISE(request.end, Date::parse(options.end)); }
  for (const std::string& name : wanted)
    if (std::find(request.columns.begin(), request.columns.end(), name) == request.columns.end())
      request.columns.push_back(name);
  return request;
}

Status run(const IndicatorOptions& options, Context& context) {
  const RowsTo to{options.csv, options.output};
  ARROW_RETURN_NOT_OK(check_rows_to(to, context));
  if (options.indicators.empty())
    return usage_error("no indicator is named", "--indicators SMA_20,\"rsi(close, period=14)\"");
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto name, known_table(lake, options.table));
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::dataset_of(lake, name.table));
  auto columns = analytics::numeric_columns(dataset);
  ARROW_ASSIGN_OR_RAISE(auto requested, analytics::resolve_requests(options.indicators, columns, {}, "--indicators"));
  ARROW_ASSIGN_OR_RAISE(auto series, analytics::Series::compile(requested, columns));
  std::optional<Date> start;
  if (!options.start.empty()) { ARROW_ASSIGN_OR_RAISE(start, Date::parse(options.start)); }

  const std::string instrument = dataset.key.front(), session = dataset.session_column;
  std::vector<std::string> shown{dataset.column("symbol") != nullptr ? "symbol" : instrument};
  shown.push_back(dataset.bar < kDay && dataset.column("time") != nullptr ? "time" : session);
  if (dataset.column("close") != nullptr) shown.emplace_back("close");
  std::vector<std::string> wanted = shown;
  wanted.insert(wanted.end(), {instrument, session});
  wanted.insert(wanted.end(), series.inputs().begin(), series.inputs().end());
  ARROW_ASSIGN_OR_RAISE(auto request, request_of(options, dataset, wanted));
  auto* pool = context.budget->pool();
  ARROW_ASSIGN_OR_RAISE(auto scanned, lake::scan(lake, request, context.workers, pool));
  const std::string left_out = left_out_note(scanned.outside_hours, options.session);
  if (scanned.rows->num_rows() == 0 && scanned.outside_hours > 0)
    return usage_error(fmt::format("{}: {}", request.table.str(), left_out), "--session all computes over all bars");
  if (scanned.rows->num_rows() == 0 && !options.symbols.empty()) {
    ARROW_ASSIGN_OR_RAISE(auto near, analytics::nearest_symbols(lake, name, {}, options.symbols, context.workers));
    std::vector<std::string> asked = options.symbols;
    for (std::size_t i = 0; i < asked.size(); ++i)
      if (!near[i].empty() && near[i] != asked[i]) asked[i] += fmt::format(" (did you mean {}?)", near[i]);
    return usage_error(
        fmt::format("{} has no rows of {}", request.table.str(), fmt::join(asked, ", ")),
        fmt::format("tapemill query \"select distinct symbol from {}\" lists those it has", dataset.table));
  }
  ARROW_ASSIGN_OR_RAISE(auto spans, lake::spans(*scanned.rows, instrument));
  // What the series take stands in the budget too, though it is no memory of the pool's.
  auto held = Held::take(
      scanned.rows->num_rows() * static_cast<std::int64_t>(8 * (series.inputs().size() + series.outputs())), pool);
  if (!held.ok())
    return environment_error(
        fmt::format("indicators of {}: {}", counted(scanned.rows->num_rows(), "row"), held.status().message()),
        "give more with --memory, or ask for fewer symbols or indicators");
  ARROW_ASSIGN_OR_RAISE(auto values, analytics::run_over(series, *scanned.rows, spans, session, context.workers, pool));

  ARROW_ASSIGN_OR_RAISE(auto sessions, analytics::whole_column(*scanned.rows, session, pool));
  const auto runs = kept_rows(*sessions, start);
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::ChunkedArray>> arrays;
  auto add = [&](const std::string& name, const std::shared_ptr<arrow::Array>& whole) {
    arrow::ArrayVector pieces;
    for (auto [first, last] : runs) pieces.push_back(whole->Slice(first, last - first));
    fields.push_back(arrow::field(name, whole->type()));
    arrays.push_back(std::make_shared<arrow::ChunkedArray>(pieces, whole->type()));
  };
  for (const auto& name : shown) {
    ARROW_ASSIGN_OR_RAISE(auto whole, analytics::whole_column(*scanned.rows, name, pool));
    add(name, whole);
  }
  for (std::size_t j = 0; j < requested.size(); ++j) {
    ARROW_ASSIGN_OR_RAISE(auto column, analytics::nullable_column(values[j], pool));
    add(requested[j].name, column);
  }
  const auto table = arrow::Table::Make(arrow::schema(fields), arrays);
  if ((context.json || to.asked()) && !context.quiet && !left_out.empty())
    std::fprintf(stderr, "note: %s\n", left_out.c_str());
  if (to.asked()) return write_rows(*table, to, context);
  print_table(*table, context, dataset.calendar->zone(), options.limit,
              fmt::format("{} version {} · unadjusted{}{}{}{}", request.table.str(), scanned.version,
                          series.resolved().empty() ? "" : " · ", fmt::join(series.resolved(), "; "),
                          left_out.empty() ? "" : " · ", left_out),
              "widen the window, or ask for --csv");
  return Status::OK();
}

}  // namespace

Command indicators_list_command() {
  return command<NoOptions>("indicators list", "Every indicator: its call with defaults, what it gives", {},
                            "  tapemill indicators list\n  tapemill indicators list --json", list);
}
Command indicators_explain_command() {
  return command<ExplainOptions>(
      "indicators explain", "Formula, parameters, source and warm-up of an indicator, or what a request resolves to",
      {"name"},
      "  tapemill indicators explain rsi\n  tapemill indicators explain BB_20\n  tapemill indicators explain "
      "\"sma(volume, 50)\"",
      explain);
}
Command indicators_run_command() {
  return command<IndicatorOptions>(
      "indicators run", "Indicators over a table, by symbol and date", {"table"},
      "  tapemill indicators run sp500 --symbols AAPL --indicators SMA_20,\"rsi(close, period=14)\" --start "
      "2018-01-02\n"
      "  tapemill indicators run sp500 --symbols AAPL,MSFT --indicators MACD --output macd.parquet",
      run);
}

}  // namespace tapemill::app
