#include "pipeline/report_parts.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/build_info.h"
#include "core/calendar.h"
#include "core/decimal.h"
#include "core/json.h"
#include "core/text.h"
#include "lake/files.h"
#include "lake/scan.h"

namespace tapemill::pipeline {
namespace {

using exports::Cell;
using exports::ColumnKind;

std::pair<ColumnKind, std::optional<int>> shape_of(const arrow::Field& field) {
  const bool gain = field.name().find("pnl") != std::string::npos || field.name() == "PnL" || field.name() == kReturn;
  switch (field.type()->id()) {
    case arrow::Type::DECIMAL64:
      return {gain ? ColumnKind::signed_number : ColumnKind::number,
              static_cast<const arrow::Decimal64Type&>(*field.type()).scale()};
    case arrow::Type::INT32:
    case arrow::Type::INT64: return {ColumnKind::number, 0};
    case arrow::Type::DOUBLE: return {ColumnKind::number, 4};
    case arrow::Type::DATE32: return {ColumnKind::date, {}};
    case arrow::Type::TIMESTAMP: return {ColumnKind::text, {}};  // written in the zone already
    default: return {ColumnKind::text, {}};
  }
}

Cell cell_of(const arrow::Array& array, std::int64_t row, const Zone& zone) {
  if (array.IsNull(row)) return {};
  switch (array.type_id()) {
    case arrow::Type::DECIMAL64: {
      auto value =
          static_cast<std::int64_t>(arrow::Decimal64(static_cast<const arrow::Decimal64Array&>(array).GetValue(row)));
      return to_double(value, static_cast<const arrow::Decimal64Type&>(*array.type()).scale());
    }
    case arrow::Type::INT64: return static_cast<const arrow::Int64Array&>(array).Value(row);
    case arrow::Type::INT32: return std::int64_t{static_cast<const arrow::Int32Array&>(array).Value(row)};
    case arrow::Type::DOUBLE: {
      double value = static_cast<const arrow::DoubleArray&>(array).Value(row);
      return std::isfinite(value) ? Cell(value) : Cell();
    }
    case arrow::Type::BOOL:
      return std::string(static_cast<const arrow::BooleanArray&>(array).Value(row) ? "yes" : "no");
    case arrow::Type::DATE32: return Date{static_cast<const arrow::Date32Array&>(array).Value(row)}.str();
    case arrow::Type::TIMESTAMP: return zone.str({static_cast<const arrow::TimestampArray&>(array).Value(row)});
    case arrow::Type::STRING: return std::string(static_cast<const arrow::StringArray&>(array).GetView(row));
    default: {
      auto scalar = array.GetScalar(row);
      return scalar.ok() ? Cell((*scalar)->ToString()) : Cell();
    }
  }
}

/// Times of a column to the minute, where all of them are whole minutes.
void leave_out_seconds(exports::Table& block, std::size_t column) {
  auto text = [&](std::vector<Cell>& row) { return std::get_if<std::string>(&row[column]); };
  for (auto& row : block.rows)
    if (const auto* time = text(row); time != nullptr && !time->ends_with(":00")) return;
  for (auto& row : block.rows)
    if (auto* time = text(row); time != nullptr) time->resize(time->size() - 3);
}

std::string source_of(const backtest::RunResult& run) { return fmt::format("run {} over {}", run.run_id, run.table); }

std::string trades_title(const backtest::RunResult& run) {
  const double won = backtest::figure(run.metrics, "Win Rate [%]");
  const auto count = run.trades->num_rows();
  return fmt::format("{} trade{}", count, count == 1 ? "" : "s") +
         (std::isfinite(won) ? fmt::format(", {:.0f} % of them with a gain", won) : "");
}

}  // namespace

std::string signed_percent(double value, int decimals) {
  std::string text = fmt::format("{:.{}f} %", std::fabs(value), decimals);
  if (text.find_first_not_of("0. %") == std::string::npos) return text;
  return (value < 0 ? "−" : "+") + text;
}

Result<exports::Table> table_block(const arrow::Table& table, exports::Caption caption, std::int64_t most,
                                   const Zone& zone, const std::string& currency) {
  exports::Table block;
  block.caption = std::move(caption);
  ARROW_ASSIGN_OR_RAISE(auto batch, table.CombineChunksToBatch());
  bool times = false;
  for (const auto& field : table.schema()->fields()) {
    auto [kind, decimals] = shape_of(*field);
    bool money = field->type()->id() == arrow::Type::DECIMAL64 && field->name() != "strike";
    if (field->name() == kDuration) block.columns.push_back({"Duration", "bars", kind, decimals});
    else if (field->name() == kReturn) block.columns.push_back({"Return", "%", kind, decimals});
    else block.columns.push_back({field->name(), money ? currency : "", kind, decimals});
    times |= field->type()->id() == arrow::Type::TIMESTAMP;
  }
  std::int64_t shown = std::min(most, batch->num_rows());
  for (std::int64_t row = 0; row < shown; ++row) {
    std::vector<Cell> cells;
    for (int c = 0; c < batch->num_columns(); ++c) cells.push_back(cell_of(*batch->column(c), row, zone));
    block.rows.push_back(std::move(cells));
  }
  for (int c = 0; c < batch->num_columns(); ++c)
    if (batch->column(c)->type_id() == arrow::Type::TIMESTAMP) leave_out_seconds(block, static_cast<std::size_t>(c));
  if (shown < batch->num_rows()) block.total = batch->num_rows();
  if (times) block.zone = zone.name();
  return block;
}

Result<exports::Lines> equity_block(const backtest::RunResult& run) {
  ARROW_ASSIGN_OR_RAISE(auto days, lake::doubles(*run.equity, "session"));
  ARROW_ASSIGN_OR_RAISE(auto equity, lake::doubles(*run.equity, "equity"));
  exports::Lines lines;
  std::vector<double> drawdown;
  double peak = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < days.size(); ++i) {
    lines.axis.sessions.push_back(Date{static_cast<std::int32_t>(days[i])}.str());
    peak = std::max(peak, equity[i]);
    drawdown.push_back((equity[i] / peak - 1) * 100);
  }
  const double earned = backtest::figure(run.metrics, "Return [%]"),
               held = backtest::figure(run.metrics, "Buy & Hold Return [%]"),
               worst = -backtest::figure(run.metrics, "Max. Drawdown [%]");
  lines.caption.title = fmt::format("{}: {} net of costs in {} {}", run.name, signed_percent(earned), days.size(),
                                    plural(static_cast<std::int64_t>(days.size()), "session"));
  if (std::isfinite(held))
    lines.caption.title += fmt::format(", where buying and holding gave {}", signed_percent(held));
  lines.caption.title +=
      worst > 0 ? fmt::format("; at worst {:.2f} % below its peak", worst) : "; never below its peak";
  lines.caption.source = source_of(run);
  lines.caption.anchor = "equity-" + run.name;
  lines.panes.push_back({"Equity", run.currency, {{"equity", equity, run.currency, 0}}});
  if (std::isfinite(held) && run.equity->GetColumnByName("buy_and_hold") != nullptr) {  // runs of before have none
    ARROW_ASSIGN_OR_RAISE(auto without, lake::doubles(*run.equity, "buy_and_hold"));
    lines.panes.back().series.push_back({"buy and hold", without, run.currency, 0, exports::SeriesStyle::context});
  }
  lines.panes.push_back({"Drawdown", "%", {{"drawdown", drawdown, "%", 2, exports::SeriesStyle::area}}});
  return lines;
}

Result<exports::Section> run_section(const backtest::RunResult& run, const Zone& zone, bool with_equity) {
  exports::Section section;
  section.anchor = "run-" + run.name;
  section.heading = "Backtest: " + run.name;
  section.prose = fmt::format("Run `{}`, ledger `{}`, over `{}`: {} {}, {} {}.", run.run_id,
                              run.ledger_hash.substr(0, 16), run.table, run.rows_scanned,
                              plural(run.rows_scanned, "row"), run.sessions, plural(run.sessions, "session"));
  if (with_equity) {
    ARROW_ASSIGN_OR_RAISE(auto lines, equity_block(run));
    section.blocks.emplace_back(std::move(lines));
  }
  for (const auto& warning : run.warnings)
    section.blocks.emplace_back(exports::Notice{exports::NoticeTone::warning, warning, ""});
  exports::Table metrics;
  metrics.caption = {"Metrics, each by the formula beside it", source_of(run), "metrics-" + run.name};
  metrics.columns = {{"metric"}, {"value", "", ColumnKind::number}, {"formula"}};
  for (const auto& figure : run.metrics)
    metrics.rows.push_back({backtest::label(figure.name, figure.text, run.currency),
                            std::isfinite(figure.value) ? Cell(figure.text) : Cell(), figure.formula});
  section.blocks.emplace_back(std::move(metrics));
  ARROW_ASSIGN_OR_RAISE(auto years, years_block(run));
  if (years) section.blocks.emplace_back(*std::move(years));

  exports::Caption caption{trades_title(run), source_of(run), "trades-" + run.name, "no condition was met"};
  ARROW_ASSIGN_OR_RAISE(auto readable, readable_trades(*run.trades));
  ARROW_ASSIGN_OR_RAISE(auto trades, table_block(*readable, std::move(caption), 100, zone, run.currency));
  trades.hint = "tapemill backtest show " + run.run_id + " --csv";
  section.blocks.emplace_back(std::move(trades));
  for (const auto& day : run.refused) {
    std::string why;
    for (const auto& one : day.failures) why += (why.empty() ? "" : "; ") + one;
    section.blocks.emplace_back(exports::Notice{exports::NoticeTone::warning,
                                                day.date.str() + " was not traded: " + why,
                                                "its quotes failed the sanity gates"});
  }
  return section;
}

Result<std::string> run_page(const backtest::RunRecord& record) {
  ARROW_RETURN_NOT_OK(backtest::verify(record));
  ARROW_ASSIGN_OR_RAISE(backtest::RunResult run, backtest::recorded(record));
  const Json calendar = record.record.value("calendar", Json::object());
  auto loaded = Calendar::load(calendar.value("name", ""));
  ARROW_ASSIGN_OR_RAISE(auto section, run_section(run, loaded.ok() ? (*loaded)->zone() : Zone::utc()));
  exports::Document page;
  page.title = run.name;
  ARROW_ASSIGN_OR_RAISE(auto days, lake::doubles(*run.equity, "session"));
  auto day = [](double at) { return Date{static_cast<std::int32_t>(at)}.str(); };
  page.subtitle =
      fmt::format("Backtest over {} version {}{}, money in {}", run.table, run.version,
                  days.empty() ? "" : fmt::format(", {} to {}", day(days.front()), day(days.back())), run.currency);
  for (const char* name :
       {"Return [%]", "Buy & Hold Return [%]", "Max. Drawdown [%]", "Sharpe Ratio", "Win Rate [%]"}) {
    const double value = backtest::figure(run.metrics, name);
    if (!std::isfinite(value)) continue;
    std::string label = name, unit;
    if (label.ends_with(" [%]")) label.resize(label.size() - 4), unit = "%";
    const bool gain = label.find("Return") != std::string::npos;
    page.figures.push_back({label, value, unit,
                            label != "Return" ? exports::Tone::neutral
                            : value < 0       ? exports::Tone::bad
                                              : exports::Tone::good,
                            "metrics-" + run.name, 2, gain});
  }
  page.figures.push_back({"Trades", run.trades->num_rows(), "", exports::Tone::neutral, "trades-" + run.name});
  page.sections.push_back(std::move(section));
  if (auto text = lake::read_whole(record.path + "/strategy.yaml"); text.ok()) {
    exports::Section strategy{"strategy", "Strategy", "The document as it ran: its rules, costs and dates."};
    strategy.blocks.emplace_back(exports::Code{{"strategy.yaml", "run " + run.run_id, "strategy-text"}, *text});
    page.sections.push_back(std::move(strategy));
  }
  page.footer = {{"version", version()},
                 {"source", record.source_hash.substr(0, 16)},
                 {"command", "tapemill backtest report " + run.run_id},
                 {"ledger", run.ledger_hash.substr(0, 16)},
                 {"strategy", run.strategy_hash.substr(0, 16)}};
  return exports::render_report(page);
}

}  // namespace tapemill::pipeline
