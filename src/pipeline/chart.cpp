#include "pipeline/chart.h"

#include <arrow/api.h>

#include <algorithm>

#include "analytics/requests.h"
#include "analytics/symbols.h"
#include "lake/about.h"
#include "lake/adjust.h"
#include "lake/scan.h"
#include "pipeline/chart_panes.h"
#include "pipeline/report_parts.h"

namespace tapemill::pipeline {
namespace {

bool has_bars(const Dataset& dataset) {
  return std::ranges::all_of(std::vector<std::string>{"open", "high", "low", "close", "symbol"},
                             [&](const auto& name) { return dataset.column(name) != nullptr; });
}

/// Rows of the symbol and what their prices are: "unadjusted", "adjusted".
struct Found {
  Dataset dataset;
  lake::ScanResult result;
  std::string label = "unadjusted";
};
Result<Found> rows_of(const lake::Lake& lake, const std::string& table, const ChartOptions& options,
                      const Dataset& dataset, const Workers& workers) {
  lake::ScanRequest request;
  request.table = {lake::Layer::silver, table};
  request.symbols = {options.symbol};
  request.hours = session_hours(options.session);
  request.columns = {"instrument_id", dataset.session_column, "open", "high", "low", "close"};
  if (dataset.column("volume") != nullptr) request.columns.push_back("volume");
  if (dataset.column("time") != nullptr) request.columns.push_back("time");
  Found found{dataset, {}, "unadjusted"};
  ARROW_ASSIGN_OR_RAISE(found.result, lake::scan(lake, request, workers));
  if (!options.adjusted || found.result.rows->num_rows() == 0) return found;  // another table may know the symbol
  ARROW_ASSIGN_OR_RAISE(auto scan, lake::scan_adjusted(lake, request, {options.dividends, {}}, workers));
  found.result = std::move(scan.scan);
  if (scan.unadjusted.empty()) found.label = options.dividends ? "adjusted, dividends too" : "adjusted";
  else found.label = "unadjusted: no action of it in effect";
  return found;
}

/// The table to read: the one named, else the first that knows the symbol.
Result<Found> find(const lake::Lake& lake, const ChartOptions& options, const Workers& workers) {
  std::vector<std::string> names, looked;
  std::int64_t outside = 0;
  if (!options.table.empty()) {
    ARROW_ASSIGN_OR_RAISE(auto name, lake::TableName::parse(options.table));
    names.push_back(name.table);
  } else {
    ARROW_ASSIGN_OR_RAISE(auto tables, lake.tables());
    for (const auto& name : tables)
      if (name.layer == lake::Layer::silver) names.push_back(name.table);
  }
  for (const auto& name : names) {
    auto dataset = lake::dataset_of(lake, name);
    if (!dataset.ok() || !has_bars(*dataset)) {
      if (!options.table.empty()) return dataset.ok() ? usage_error(name + " has no bars to draw") : dataset.status();
      continue;
    }
    looked.push_back(name);
    ARROW_ASSIGN_OR_RAISE(auto found, rows_of(lake, name, options, *dataset, workers));
    if (found.result.rows->num_rows() > 0) return found;
    outside += found.result.outside_hours;
  }
  if (outside > 0)
    return usage_error(fmt::format("{} has {} bars, all outside the {}", options.symbol, outside,
                                   options.session == "extended" ? "extended hours" : "regular session"),
                       "--session all draws them");
  std::string all, near;
  std::size_t least = SIZE_MAX;
  for (const auto& name : looked) {
    all += (all.empty() ? "" : ", ") + name;
    ARROW_ASSIGN_OR_RAISE(auto one,
                          analytics::nearest_symbols(lake, {lake::Layer::silver, name}, {}, {options.symbol}, workers));
    if (one[0].empty()) continue;
    const std::size_t distance = edit_distance(options.symbol, one[0]);
    if (distance > least) continue;
    near = (distance < least ? "did you mean " : near + " or ") + fmt::format("{} of {}", one[0], name);
    least = distance;
  }
  if (!near.empty()) near += "? ";
  return usage_error(fmt::format("no bars of {}", options.symbol),
                     all.empty() ? "the lake has no table of bars yet: tapemill ingest"
                                 : near + "looked in " + all + "; symbols are written as in the files");
}

}  // namespace

Result<exports::Candles> make_chart(const lake::Lake& lake, const ChartOptions& options, const Workers& workers) {
  ARROW_ASSIGN_OR_RAISE(auto found, find(lake, options, workers));
  auto& [dataset, result, label] = found;
  const arrow::Table& table = *result.rows;
  ARROW_ASSIGN_OR_RAISE(auto spans, lake::spans(table));
  if (spans.size() > 1)
    return usage_error(fmt::format("{} names {} instruments of {}", options.symbol, spans.size(), dataset.table),
                       "give one instrument id, such as " + spans.front().instrument);
  const std::vector<std::string> columns{"open", "high", "low", "close", "volume"};
  std::map<std::string, std::vector<double>> values;
  std::vector<std::string> there;
  for (const auto& name : columns) {
    if (table.GetColumnByName(name) == nullptr) continue;
    ARROW_ASSIGN_OR_RAISE(values[name], lake::doubles(table, name));
    there.push_back(name);
  }
  ARROW_ASSIGN_OR_RAISE(auto days, lake::doubles(table, dataset.session_column));
  std::vector<std::int64_t> sessions(days.begin(), days.end()), starts{0, table.num_rows()};

  ARROW_ASSIGN_OR_RAISE(auto expressions, analytics::resolve_requests(options.indicators, there));
  ARROW_ASSIGN_OR_RAISE(auto series, analytics::Series::compile(expressions, there));
  std::vector<std::span<const double>> inputs;
  for (const auto& name : series.inputs()) inputs.emplace_back(values[name]);
  std::vector<std::vector<double>> made(series.outputs(), std::vector<double>(days.size()));
  std::vector<std::span<double>> outputs(made.begin(), made.end());
  ARROW_RETURN_NOT_OK(series.run(inputs, sessions, starts, outputs, workers));

  std::int32_t from = INT32_MIN, to = INT32_MAX;
  for (auto [text, bound] : {std::pair{&options.start, &from}, {&options.end, &to}}) {
    if (text->empty()) continue;
    ARROW_ASSIGN_OR_RAISE(Date date, Date::parse(*text));
    *bound = date.days;
  }
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < days.size(); ++i)
    if (sessions[i] >= from && sessions[i] <= to && !std::isnan(values["close"][i])) rows.push_back(i);
  if (rows.empty())
    return usage_error(
        fmt::format("no bars of {}{}{}", options.symbol, options.start.empty() ? "" : " from " + options.start,
                    options.end.empty() ? "" : " to " + options.end),
        fmt::format("there are bars from {} to {}", Date{static_cast<std::int32_t>(sessions.front())}.str(),
                    Date{static_cast<std::int32_t>(sessions.back())}.str()));
  auto cut = [&](const std::vector<double>& all) {
    std::vector<double> some;
    for (std::size_t i : rows) some.push_back(all[i]);
    return some;
  };

  exports::Candles candles;
  candles.name = options.symbol;
  candles.unit = dataset.currency;
  candles.decimals = dataset.column("close")->scale > 2 ? 2 : dataset.column("close")->scale;
  if (dataset.column("time") != nullptr) {
    ARROW_ASSIGN_OR_RAISE(auto times, lake::doubles(table, "time"));
    for (std::size_t i : rows) candles.axis.instants.push_back(times[i] / 1e6);
    candles.axis.zone = dataset.calendar->zone().name();
    candles.axis.ordinal = true;
  } else {
    for (std::size_t i : rows) candles.axis.sessions.push_back(Date{static_cast<std::int32_t>(sessions[i])}.str());
  }
  candles.open = cut(values["open"]), candles.high = cut(values["high"]), candles.low = cut(values["low"]),
  candles.close = cut(values["close"]);
  if (values.contains("volume")) candles.volume = cut(values["volume"]);
  for (std::size_t i = 0; i < made.size(); ++i) {
    exports::Series one;
    one.name = expressions[i].name;
    one.values = cut(made[i]);
    ARROW_RETURN_NOT_OK(place(candles, std::move(one), expressions[i].text));
  }
  // What was asked for is in view; the last year where nothing was, or a screenful of minutes.
  const auto count = static_cast<int>(rows.size());
  if (!options.start.empty() || !options.end.empty()) candles.visible = count;
  else if (candles.axis.instants.empty())
    candles.visible = static_cast<int>(
        std::ranges::count_if(rows, [&](std::size_t i) { return sessions[i] >= sessions[rows.back()] - 365; }));
  const int shown = std::min(count, candles.visible);
  const double first = candles.close[static_cast<std::size_t>(count - shown)], last = candles.close.back();
  candles.caption.title =
      fmt::format("{} closed at {:.{}f} {}", options.symbol, last, candles.decimals, dataset.currency);
  if (shown > 1)
    candles.caption.title += fmt::format(", {} over {}{} bars", signed_percent((last / first - 1) * 100, 1),
                                         shown < count ? "the last " : "", shown);
  candles.caption.source = fmt::format("silver.{} version {} · {}", dataset.table, result.version, label);
  if (result.outside_hours > 0)
    candles.caption.source += options.session == "extended" ? " · extended hours" : " · regular session";
  candles.caption.anchor = "chart";
  return candles;
}

Result<std::string> chart_page(const lake::Lake& lake, const ChartOptions& options, const Workers& workers,
                               bool picture) {
  ARROW_ASSIGN_OR_RAISE(exports::Candles candles, make_chart(lake, options, workers));
  exports::Document document;
  document.title = options.symbol;
  document.picture = picture;
  document.subtitle = candles.caption.source;
  exports::Section section;
  section.anchor = "bars";
  section.heading = "Bars and indicators";
  document.sections.push_back(std::move(section));
  document.sections.back().blocks.emplace_back(std::move(candles));
  return exports::render_report(document);
}

}  // namespace tapemill::pipeline
