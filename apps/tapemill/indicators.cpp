#include <arrow/api.h>

#include "analytics/bars.h"
#include "analytics/requests.h"
#include "command.h"
#include "core/expression.h"
#include "indicators/describe.h"
#include "print.h"

namespace tapemill::app {
struct ExplainOptions {
  std::string name;
};
struct IndicatorOptions {
  std::string table, start, end;
  std::vector<std::string> symbols, indicators;
  int limit = 40;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::ExplainOptions> = std::tuple{
    field("name", &app::ExplainOptions::name, "an indicator, a request such as RSI_14, or an expression")};
template <>
inline constexpr auto fields<app::IndicatorOptions> = std::tuple{
    field("table", &app::IndicatorOptions::table, "a silver table"),
    field("indicators", &app::IndicatorOptions::indicators, "requests such as SMA_20 or expressions such as \"rsi(close, period=14)\", by commas"),
    field("symbols", &app::IndicatorOptions::symbols, "symbols or instrument ids, by commas"),
    field("start", &app::IndicatorOptions::start, "first session shown; earlier ones warm the indicators up"),
    field("end", &app::IndicatorOptions::end, "last session, inclusive"),
    field("limit", &app::IndicatorOptions::limit, "rows shown on a terminal (0: all)", 0, 1e9)};
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
  print(fmt::format("{} indicators; tapemill indicators explain NAME tells the formula\n", indicators::catalogue().size()));
  return Status::OK();
}

/// What a request or an expression resolves to, where the name alone is no indicator.
Status explain_call(const std::string& call, Context& context) {
  const std::vector<std::string> columns = {"open", "high", "low", "close", "volume"};
  ARROW_ASSIGN_OR_RAISE(auto requested, analytics::resolve_requests({call}, columns, {}, "explain"));
  ARROW_ASSIGN_OR_RAISE(auto series, analytics::Series::compile(requested, columns));
  Json outputs = Json::array();
  std::string text;
  for (const auto& one : requested) {
    outputs.push_back({{"name", one.name}, {"expression", one.text}});
    text += one.name == one.text ? one.text + "\n" : fmt::format("{} = {}\n", one.name, one.text);
  }
  text += fmt::format("  resolves to {}\n  reads       {}\n  warm-up     {} bars\n", fmt::join(series.resolved(), "; "), fmt::join(series.inputs(), ", "), series.warm_up());
  if (context.json) print(Json{{"outputs", outputs}, {"resolved", series.resolved()}, {"inputs", series.inputs()}, {"warm_up", series.warm_up()}});
  else print(text);
  return Status::OK();
}

Status explain(const ExplainOptions& options, Context& context) {
  const indicators::Spec* spec = indicators::find(options.name);
  if (spec == nullptr) return explain_call(options.name, context);
  if (context.json) print(indicators::describe(*spec));
  else print(indicators::explain(*spec));
  return Status::OK();
}

/// The command line cuts lists at commas, and calls have commas inside their brackets.
std::vector<std::string> joined_calls(const std::vector<std::string>& pieces) {
  std::vector<std::string> calls;
  int open = 0;
  for (const std::string& piece : pieces) {
    if (open > 0) calls.back() += "," + piece;
    else calls.push_back(piece);
    for (char c : piece) open += (c == '(') - (c == ')');
  }
  for (std::string& call : calls) call.erase(0, std::min(call.find_first_not_of(' '), call.size()));
  return calls;
}

Status run(const IndicatorOptions& options, Context& context) {
  if (options.indicators.empty()) return usage_error("no indicator is named", "--indicators SMA_20,\"rsi(close, period=14)\"");
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, load_dataset(options.table));
  auto columns = analytics::numeric_columns(dataset);
  ARROW_ASSIGN_OR_RAISE(auto requested, analytics::resolve_requests(joined_calls(options.indicators), columns, {}, "--indicators"));
  ARROW_ASSIGN_OR_RAISE(auto series, analytics::Series::compile(requested, columns));
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());

  lake::ScanRequest request;
  request.table = {lake::Layer::silver, dataset.table};
  request.symbols = options.symbols;
  std::optional<Date> start;
  if (!options.start.empty()) {
    ARROW_ASSIGN_OR_RAISE(start, Date::parse(options.start));
  }
  if (!options.end.empty()) {
    ARROW_ASSIGN_OR_RAISE(request.end, Date::parse(options.end));
  }
  std::string instrument = dataset.key.front(), session = dataset.session_column;
  std::vector<std::string> shown = dataset.column("symbol") != nullptr ? std::vector<std::string>{"symbol"} : std::vector<std::string>{instrument};
  shown.push_back(dataset.bar < kDay && dataset.column("time") != nullptr ? "time" : session);
  auto want = [&](const std::string& name) {
    if (std::find(request.columns.begin(), request.columns.end(), name) == request.columns.end()) request.columns.push_back(name);
  };
  want(instrument), want(session);
  for (const auto& name : shown) want(name);
  for (const auto& name : series.inputs()) want(name);
  if (dataset.column("close") != nullptr) want("close"), shown.emplace_back("close");
  ARROW_ASSIGN_OR_RAISE(auto scanned, lake::scan(lake, request, context.workers, context.budget->pool()));
  ARROW_ASSIGN_OR_RAISE(auto spans, lake::spans(*scanned.rows, instrument));
  auto* pool = context.budget->pool();
  ARROW_ASSIGN_OR_RAISE(auto values, analytics::run_over(series, *scanned.rows, spans, session, context.workers, pool));

  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  std::vector<std::int64_t> keep;
  ARROW_ASSIGN_OR_RAISE(auto sessions, analytics::whole_column(*scanned.rows, session, pool));
  for (std::int64_t row = 0; row < scanned.rows->num_rows(); ++row)
    if (!start || static_cast<const arrow::Date32Array&>(*sessions).Value(row) >= start->days) keep.push_back(row);
  auto add = [&](const std::string& name, const std::shared_ptr<arrow::Array>& whole) -> Status {
    std::vector<std::shared_ptr<arrow::Array>> pieces;  // runs of rows that are kept
    for (std::size_t i = 0; i < keep.size();) {
      std::size_t end = i + 1;
      while (end < keep.size() && keep[end] == keep[end - 1] + 1) ++end;
      pieces.push_back(whole->Slice(keep[i], static_cast<std::int64_t>(end - i)));
      i = end;
    }
    fields.push_back(arrow::field(name, whole->type()));
    if (pieces.empty()) pieces.push_back(whole->Slice(0, 0));
    ARROW_ASSIGN_OR_RAISE(auto array, arrow::Concatenate(pieces, pool));
    arrays.push_back(std::move(array));
    return Status::OK();
  };
  for (const auto& name : shown) {
    ARROW_ASSIGN_OR_RAISE(auto whole, analytics::whole_column(*scanned.rows, name, pool));
    ARROW_RETURN_NOT_OK(add(name, whole));
  }
  for (std::size_t j = 0; j < requested.size(); ++j) {
    ARROW_ASSIGN_OR_RAISE(auto column, analytics::nullable_column(values[j], pool));
    ARROW_RETURN_NOT_OK(add(requested[j].name, column));
  }
  auto table = arrow::Table::Make(arrow::schema(fields), arrays, static_cast<std::int64_t>(keep.size()));
  print_table(*table, context, dataset.calendar->zone(), options.limit,
              fmt::format("{} version {} · unadjusted · {}", request.table.str(), scanned.version, fmt::join(series.resolved(), "; ")));
  return Status::OK();
}

}  // namespace

Command indicators_list_command() {
  return command<NoOptions>("indicators list", "Every indicator: its call with defaults, what it gives", {}, "  tapemill indicators list --json", list);
}
Command indicators_explain_command() {
  return command<ExplainOptions>("indicators explain", "Formula, parameters, source and warm-up of an indicator, or what a request resolves to", {"name"},
                                 "  tapemill indicators explain rsi\n  tapemill indicators explain BB_20\n  tapemill indicators explain \"sma(volume, 50)\"", explain);
}
Command indicators_run_command() {
  return command<IndicatorOptions>("indicators run", "Indicators over a table, by symbol and date", {"table"},
                                   "  tapemill indicators run sp500 --symbols AAPL --indicators SMA_20,\"rsi(close, period=14)\" --start 2018-01-02", run);
}

}  // namespace tapemill::app
