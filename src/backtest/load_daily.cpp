#include <arrow/buffer.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "analytics/series.h"
#include "analytics/symbols.h"
#include "backtest/columns.h"
#include "backtest/load.h"
#include "backtest/universe.h"
#include "core/hash.h"
#include "core/memory.h"
#include "lake/about.h"
#include "lake/adjust.h"
#include "lake/scan.h"

namespace tapemill::backtest {
namespace {

struct Signals {
  analytics::Series series;
  bool leaves = false;
};

/// Both expressions compiled as one pass over the columns they read.
Result<Signals> compile(const DailyStrategy& plan, const arrow::Schema& schema, const std::string& table) {
  std::vector<analytics::NamedExpression> expressions{{"entry", plan.enter, plan.enter_place}};
  if (!plan.leave.empty()) expressions.push_back({"exit", plan.leave, plan.leave_place});
  std::vector<std::string> there = schema.field_names(), used;
  for (const auto& one : expressions) {
    ARROW_ASSIGN_OR_RAISE(Expression expression, Expression::parse(one.text, one.where));
    expression.names(used);
    for (const std::string& name : used) {
      if (std::find(there.begin(), there.end(), name) != there.end()) continue;
      std::string near = nearest(name, there);
      return usage_error(fmt::format("{}: {} has no column \"{}\"", one.where, table, name),
                         near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto series, analytics::Series::compile(expressions, there));
  return Signals{std::move(series), !plan.leave.empty()};
}

Status no_rows_of(const lake::Lake& lake, const std::string& symbol, const Input& input, const lake::TableName& name) {
  auto near = analytics::nearest_symbols(lake, name, input.version, {symbol}, Workers(1));
  const std::string meant = near.ok() && !near->front().empty() && near->front() != symbol
                                ? fmt::format(" (did you mean {}?)", near->front())
                                : "";
  return usage_error(fmt::format("{} has no rows of \"{}\"{}", input.table, symbol, meant),
                     fmt::format("tapemill query \"SELECT DISTINCT symbol FROM {}\"", name.table));
}

Status add_sessions(const Calendar& calendar, DailyMarket& market, const std::string& table) {
  std::set<Date> dates;
  for (const Bars& bars : market.instruments) dates.insert(bars.session.begin(), bars.session.end());
  if (dates.empty()) return Status::OK();
  for (Date date : calendar.sessions(*dates.begin(), *dates.rbegin())) {
    ARROW_ASSIGN_OR_RAISE(Session session, calendar.session(date));
    dates.erase(date);
    market.sessions.push_back(std::move(session));
  }
  if (!dates.empty()) {
    return data_error(fmt::format("{} has a bar on {}, which is no session of calendars/{}.yaml", table,
                                  dates.begin()->str(), calendar.name()),
                      "mend the calendar, or quarantine the row (check calendar_session)");
  }
  if (auto next = calendar.next(market.sessions.back().date); next.ok()) {
    ARROW_ASSIGN_OR_RAISE(Session session, calendar.session(*next));
    market.sessions.push_back(std::move(session));
  }
  return Status::OK();
}

}  // namespace

Result<Input> input_of(const lake::Lake& lake, const std::string& table, std::optional<std::int64_t> version) {
  ARROW_ASSIGN_OR_RAISE(lake::TableName name, lake::TableName::parse(table));
  if (name.layer == lake::Layer::silver && lake.silver_is_view(name.table)) name.layer = lake::Layer::bronze;
  lake::Table found = lake.table(name);
  if (!found.exists()) {
    return usage_error(fmt::format("there is no table {} in {}", table, lake.root()),
                       fmt::format("tapemill ingest {} PATH; tapemill tables lists what is there", name.table));
  }
  ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, found.snapshot(version));
  Sha256 hash;
  for (const lake::Part& part : snapshot.parts) hash.add(fmt::format("{}\t{}\t{}\n", part.path, part.size, part.rows));
  return Input{name.str(), snapshot.version, hash.hex()};
}

Status check_bars(const lake::Lake& lake, const Strategy& strategy, const Input& input) {
  const DailyStrategy& plan = *strategy.daily();
  ARROW_ASSIGN_OR_RAISE(lake::TableName name, lake::TableName::parse(input.table));
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::dataset_of(lake, name.table));
  ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, lake.table(name).snapshot(input.version));
  ARROW_RETURN_NOT_OK(compile(plan, *snapshot.schema, input.table).status());
  if (!plan.capital.currency.empty() && !dataset.currency.empty() && plan.capital.currency != dataset.currency) {
    return usage_error(
        fmt::format("the capital is in {}, {} in {}", plan.capital.currency, input.table, dataset.currency),
        "write the capital in the table's currency");
  }
  if (plan.symbols.empty()) return Status::OK();
  lake::ScanRequest request;
  request.table = name;
  request.version = input.version;
  request.symbols = plan.symbols;
  request.hours = SessionHours::regular;
  request.end = plan.end;
  request.columns = {"instrument_id", "symbol"};
  ARROW_ASSIGN_OR_RAISE(lake::ScanResult scan, lake::scan(lake, request));
  ARROW_ASSIGN_OR_RAISE(auto rows, scan.rows->CombineChunks());
  Columns columns(*rows);
  ARROW_ASSIGN_OR_RAISE(auto instruments, columns.texts("instrument_id"));
  ARROW_ASSIGN_OR_RAISE(auto symbols, columns.texts("symbol"));
  for (const std::string& asked : plan.symbols) {
    if (std::find(symbols.begin(), symbols.end(), asked) == symbols.end() &&
        std::find(instruments.begin(), instruments.end(), asked) == instruments.end())
      return at_symbol(strategy, asked, no_rows_of(lake, asked, input, name));
  }
  return Status::OK();
}

Result<LoadedBars> load_bars(const lake::Lake& lake, const DailyStrategy& plan, const Input& input,
                             const Workers& workers, arrow::MemoryPool* pool,
                             const std::map<std::string, std::int64_t>& actions) {
  ARROW_ASSIGN_OR_RAISE(lake::TableName name, lake::TableName::parse(input.table));
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::dataset_of(lake, name.table));
  ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, lake.table(name).snapshot(input.version));
  ARROW_ASSIGN_OR_RAISE(Signals signals, compile(plan, *snapshot.schema, input.table));
  LoadedBars out;
  out.resolved = signals.series.resolved();
  out.currency = dataset.currency;

  lake::ScanRequest request;
  request.table = name;
  request.version = input.version;
  request.symbols = plan.symbols;
  request.hours = SessionHours::regular;
  request.end = plan.end;
  std::set<std::string> wanted{"instrument_id", "symbol", "session", "open", "high", "low", "close", "available_at"};
  for (const char* needed : {"instrument_id", "symbol", "session", "open", "high", "low", "close", "available_at"}) {
    if (snapshot.schema->GetFieldIndex(needed) < 0)
      return usage_error(fmt::format("{} has no column {}: it does not hold daily bars", input.table, needed));
  }
  wanted.insert(signals.series.inputs().begin(), signals.series.inputs().end());
  request.columns.assign(wanted.begin(), wanted.end());
  lake::ScanResult scan;
  if (plan.adjusted) {
    ARROW_ASSIGN_OR_RAISE(auto adjusted, lake::scan_adjusted(lake, request, {}, workers, pool, actions));
    scan = std::move(adjusted.scan), out.unadjusted = std::move(adjusted.unadjusted);
    for (const auto& [table, version] : adjusted.actions.tables) {
      ARROW_ASSIGN_OR_RAISE(Input one, input_of(lake, table.str(), version));
      out.actions.push_back(std::move(one));
    }
  } else {
    ARROW_ASSIGN_OR_RAISE(scan, lake::scan(lake, request, workers, pool));
  }
  ARROW_ASSIGN_OR_RAISE(auto rows, scan.rows->CombineChunks(pool));
  out.rows = rows->num_rows();
  // What the bars take outside of Arrow counts in the budget: two texts, a date, an instant and four prices a row, twice.
  const std::int64_t held =
      out.rows * (2 * (2 * 32 + 4 + 8 + 4 * 8) + 8 * static_cast<std::int64_t>(signals.series.inputs().size() + 3));
  auto reserved = arrow::AllocateBuffer(held, pool);
  if (!reserved.ok())
    return environment_error(
        fmt::format("the bars of {} take {}: {}", input.table, format_bytes(held), reserved.status().message()),
        "give more with --memory, or name fewer symbols");

  Columns columns(*rows);
  ARROW_ASSIGN_OR_RAISE(auto instrument, columns.texts("instrument_id"));
  ARROW_ASSIGN_OR_RAISE(auto symbol, columns.texts("symbol"));
  ARROW_ASSIGN_OR_RAISE(auto session, columns.dates("session"));
  ARROW_ASSIGN_OR_RAISE(auto known, columns.instants("available_at"));
  std::vector<std::int64_t> prices[4];
  const char* const names[4] = {"open", "high", "low", "close"};
  for (int i = 0; i < 4; ++i) {
    ARROW_ASSIGN_OR_RAISE(int scale, columns.scale(names[i]));
    if (i > 0 && scale != out.market.scale)
      return data_error(fmt::format("{}: open and {} have different scales", input.table, names[i]));
    out.market.scale = scale;
    ARROW_ASSIGN_OR_RAISE(prices[i], columns.decimals(names[i], scale));
  }
  ARROW_ASSIGN_OR_RAISE(auto spans, lake::spans(*rows));
  std::vector<std::vector<double>> inputs,
      outputs(signals.series.outputs(), std::vector<double>(static_cast<std::size_t>(out.rows)));
  std::vector<std::span<const double>> views;
  for (const std::string& column : signals.series.inputs()) {
    ARROW_ASSIGN_OR_RAISE(auto values, lake::doubles(*rows, column));
    inputs.push_back(std::move(values));
  }
  for (const auto& column : inputs) views.emplace_back(column);
  std::vector<std::span<double>> targets(outputs.begin(), outputs.end());
  std::vector<std::int64_t> days, starts;
  for (Date date : session) days.push_back(date.days);
  for (const auto& span : spans) starts.push_back(span.first);
  starts.push_back(out.rows);
  ARROW_RETURN_NOT_OK(signals.series.run(views, days, starts, targets, workers));

  auto truth = [&](std::size_t output, std::size_t row) -> char {
    if (output >= outputs.size()) return 0;
    double value = outputs[output][row];
    return !std::isnan(value) && value != 0 ? 1 : 0;
  };
  for (const auto& span : spans) {
    Bars bars;
    bars.instrument = span.instrument;
    bars.symbol = symbol[static_cast<std::size_t>(span.first)];
    for (auto row = static_cast<std::size_t>(span.first); row < static_cast<std::size_t>(span.last); ++row) {
      if (!bars.session.empty() && bars.session.back() >= session[row]) {
        return data_error(fmt::format("{}: {} has two bars on {}, or bars out of order", input.table, bars.symbol,
                                      session[row].str()));
      }
      bars.session.push_back(session[row]);
      bars.open.push_back(prices[0][row]), bars.high.push_back(prices[1][row]);
      bars.low.push_back(prices[2][row]), bars.close.push_back(prices[3][row]);
      bars.available_at.push_back(known[row]);
      bars.enter.push_back(truth(0, row)), bars.leave.push_back(truth(1, row));
    }
    out.market.instruments.push_back(std::move(bars));
  }
  for (const std::string& asked : plan.symbols) {
    bool found = std::any_of(out.market.instruments.begin(), out.market.instruments.end(),
                             [&](const Bars& bars) { return bars.symbol == asked || bars.instrument == asked; });
    if (!found) return no_rows_of(lake, asked, input, name);
  }
  ARROW_RETURN_NOT_OK(add_sessions(*dataset.calendar, out.market, input.table));
  return out;
}

}  // namespace tapemill::backtest
