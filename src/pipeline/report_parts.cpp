#include "pipeline/report_parts.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/decimal.h"
#include "lake/scan.h"

namespace tapemill::pipeline {
namespace {

using exports::Cell;
using exports::ColumnKind;

std::pair<ColumnKind, std::optional<int>> shape_of(const arrow::Field& field) {
  bool gain = field.name().find("nl") != std::string::npos &&
              (field.name().find("pnl") != std::string::npos || field.name() == "PnL");
  switch (field.type()->id()) {
    case arrow::Type::DECIMAL64:
      return {gain ? ColumnKind::signed_number : ColumnKind::number,
              std::min(4, static_cast<const arrow::Decimal64Type&>(*field.type()).scale())};
    case arrow::Type::INT32:
    case arrow::Type::INT64: return {ColumnKind::number, 0};
    case arrow::Type::DOUBLE: return {field.name() == "ReturnPct" ? ColumnKind::signed_number : ColumnKind::number, 4};
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

std::string source_of(const backtest::RunResult& run) { return fmt::format("run {} over {}", run.run_id, run.table); }

}  // namespace

Result<exports::Table> table_block(const arrow::Table& table, exports::Caption caption, std::int64_t most,
                                   const Zone& zone, const std::string& currency) {
  exports::Table block;
  block.caption = std::move(caption);
  ARROW_ASSIGN_OR_RAISE(auto batch, table.CombineChunksToBatch());
  bool times = false;
  for (const auto& field : table.schema()->fields()) {
    auto [kind, decimals] = shape_of(*field);
    bool money = field->type()->id() == arrow::Type::DECIMAL64 && field->name() != "strike";
    block.columns.push_back({field->name(), money ? currency : "", kind, decimals});
    times |= field->type()->id() == arrow::Type::TIMESTAMP;
  }
  std::int64_t shown = std::min(most, batch->num_rows());
  for (std::int64_t row = 0; row < shown; ++row) {
    std::vector<Cell> cells;
    for (int c = 0; c < batch->num_columns(); ++c) cells.push_back(cell_of(*batch->column(c), row, zone));
    block.rows.push_back(std::move(cells));
  }
  if (shown < batch->num_rows()) block.total = batch->num_rows();
  if (times) block.zone = zone.name();
  return block;
}

Result<exports::Lines> equity_block(const backtest::RunResult& run) {
  ARROW_ASSIGN_OR_RAISE(auto days, lake::doubles(*run.equity, "session"));
  ARROW_ASSIGN_OR_RAISE(auto equity, lake::doubles(*run.equity, "equity"));
  exports::Lines lines;
  std::vector<double> drawdown;
  double peak = -std::numeric_limits<double>::infinity(), worst = 0;
  for (std::size_t i = 0; i < days.size(); ++i) {
    lines.axis.sessions.push_back(Date{static_cast<std::int32_t>(days[i])}.str());
    peak = std::max(peak, equity[i]);
    drawdown.push_back((equity[i] / peak - 1) * 100);
    worst = std::min(worst, drawdown.back());
  }
  lines.caption.title = fmt::format("{}: equity, net of costs, fell {:.1f} % from its peak at worst", run.name, -worst);
  lines.caption.source = source_of(run);
  lines.caption.anchor = "equity-" + run.name;
  lines.panes.push_back({"Equity", run.currency, {{"equity", equity, run.currency, 0}}});
  lines.panes.push_back({"Drawdown", "%", {{"drawdown", drawdown, "%", 2, exports::SeriesStyle::area}}});
  return lines;
}

Result<exports::Section> run_section(const backtest::RunResult& run, const Zone& zone) {
  exports::Section section;
  section.anchor = "run-" + run.name;
  section.heading = "Backtest: " + run.name;
  section.prose = fmt::format("Run `{}`, ledger `{}`, over `{}`: {} rows, {} sessions.", run.run_id,
                              run.ledger_hash.substr(0, 16), run.table, run.rows_scanned, run.sessions);
  ARROW_ASSIGN_OR_RAISE(auto lines, equity_block(run));
  lines.caption.anchor += "-run";
  section.blocks.emplace_back(std::move(lines));

  exports::Table metrics;
  metrics.caption = {"Metrics, each by the formula beside it", source_of(run), "metrics-" + run.name};
  metrics.columns = {{"metric"}, {"value", "", ColumnKind::number}, {"formula"}};
  for (const auto& figure : run.metrics)
    metrics.rows.push_back({figure.name, std::isfinite(figure.value) ? Cell(figure.text) : Cell(), figure.formula});
  section.blocks.emplace_back(std::move(metrics));

  exports::Caption caption{fmt::format("{} trades", run.trades->num_rows()), source_of(run), "trades-" + run.name,
                           "no condition was met"};
  ARROW_ASSIGN_OR_RAISE(auto trades, table_block(*run.trades, std::move(caption), 100, zone, run.currency));
  trades.hint = "tapemill backtest show " + run.run_id + " --json";
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

}  // namespace tapemill::pipeline
