#include "pipeline/demo_graph.h"

#include <arrow/api.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "analytics/bars.h"
#include "analytics/requests.h"
#include "analytics/signals.h"
#include "graph/connectors/table_source.h"
#include "graph/run.h"
#include "lake/scan.h"

namespace tapemill::pipeline {
namespace {

struct Comparable {
  const graph::GraphNode *source = nullptr, *calculator = nullptr, *publisher = nullptr;
};

Result<Comparable> parts_of(const graph::GraphDocument& document) {
  Comparable parts;
  int sources = 0, calculators = 0, publishers = 0;
  for (const auto& node : document.nodes) {
    if (node.type == graph::NodeType::subscriber) parts.source = &node, ++sources;
    if (node.type == graph::NodeType::calculator) parts.calculator = &node, ++calculators;
    if (node.type == graph::NodeType::publisher) parts.publisher = &node, ++publishers;
  }
  if (sources != 1 || calculators != 1 || publishers != 1 || parts.source->what.rfind("lake://", 0) != 0 ||
      parts.calculator->what != "TechnicalIndicatorCalculator")
    return usage_error(
        document.path +
        ": only a lake source, one TechnicalIndicatorCalculator and one destination can be compared with the batch");
  return parts;
}

Result<std::vector<analytics::NamedExpression>> requests_of(const Node& config,
                                                            const std::vector<std::string>& columns) {
  std::vector<std::string> indicators;
  analytics::RequestOptions options;
  auto text = [&](const char* key, std::string& out) {
    return config.find(key) != nullptr ? read_value(*config.find(key), out) : Status::OK();
  };
  ARROW_RETURN_NOT_OK(text("price_column", options.price_column));
  ARROW_RETURN_NOT_OK(text("volume_column", options.volume_column));
  ARROW_RETURN_NOT_OK(text("form", options.form));
  ARROW_ASSIGN_OR_RAISE(const Node* list, config.need("indicators"));
  ARROW_RETURN_NOT_OK(read_value(*list, indicators));
  return analytics::resolve_requests(indicators, columns, options, list->place());
}

/// Rows of a table sorted by instrument and time, and where each instrument's are.
struct Bars {
  std::shared_ptr<arrow::Table> rows;
  std::vector<lake::Span> spans;
};
Result<Bars> scan_bars(const lake::Lake& lake, const lake::ScanRequest& request, const Workers& workers,
                       arrow::MemoryPool* pool) {
  Bars bars;
  ARROW_ASSIGN_OR_RAISE(auto scanned, lake::scan(lake, request, workers, pool));
  bars.rows = scanned.rows;
  ARROW_ASSIGN_OR_RAISE(bars.spans, lake::spans(*bars.rows));
  return bars;
}

}  // namespace

Result<GraphComparison> compare_graph_with_batch(const lake::Lake& lake, const std::string& graph_path,
                                                 const Workers& workers, MemoryBudget& budget) {
  ARROW_ASSIGN_OR_RAISE(auto document, graph::GraphDocument::read(graph_path));
  ARROW_ASSIGN_OR_RAISE(Comparable parts, parts_of(document));
  graph::Surroundings around{&lake, &workers, &budget};
  const graph::Plan plan = graph::plan(document, around);
  graph::RunOptions options;
  options.rows_per_message = 1;
  options.capture = true;
  options.stop = interrupt();
  ARROW_ASSIGN_OR_RAISE(auto ran, graph::run(document, plan, around, options));
  const graph::Captured& live = *ran.captured.at(parts.publisher->name);
  const graph::Schema& out = live.streams.at(0).schema;
  const graph::Block& rows = live.rows.at(0);

  // The batch reads the table by itself, at the version that the graph read.
  const graph::Schema& in = plan.nodes.front().source.schema;
  ARROW_ASSIGN_OR_RAISE(auto address, graph::Address::parse(*parts.source->what_at));
  ARROW_ASSIGN_OR_RAISE(lake::ScanRequest request, graph::lake_request(address));
  const std::string note = plan.nodes.front().source.note;
  request.version = std::stoll(note.substr(note.rfind(' ') + 1));
  ARROW_ASSIGN_OR_RAISE(Bars bars, scan_bars(lake, request, workers, budget.pool()));
  ARROW_ASSIGN_OR_RAISE(auto expressions, requests_of(*parts.calculator->config, in.numeric()));
  ARROW_ASSIGN_OR_RAISE(auto series, analytics::Series::compile(expressions, in.numeric()));
  ARROW_ASSIGN_OR_RAISE(auto batch,
                        analytics::run_over(series, *bars.rows, bars.spans, "session", workers, budget.pool()));

  GraphComparison result;
  result.graph = document.name;
  result.rows = static_cast<std::int64_t>(rows.rows());
  result.resolved = series.resolved();
  const int instrument = out.find("instrument_id");
  if (instrument < 0 || bars.rows->num_rows() != result.rows)
    return data_error(fmt::format("{}: {} rows came out of the graph, the table has {}", document.name, rows.rows(),
                                  bars.rows->num_rows()));
  // Event order is time, then instrument; the table's is instrument, then time.
  const graph::Column& names = rows.columns[static_cast<std::size_t>(instrument)];
  std::vector<std::size_t> order(rows.rows());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return names.text(a) < names.text(b); });
  for (const lake::Span& span : bars.spans)
    for (std::int64_t row = span.first; row < span.last; ++row)
      if (names.text(order[static_cast<std::size_t>(row)]) != span.instrument)
        return data_error(
            fmt::format("{}: {} has other rows in the graph than in the table", document.name, span.instrument));
  for (std::size_t j = 0; j < expressions.size(); ++j) {
    const int column = out.find(expressions[j].name);
    if (column < 0) return data_error(fmt::format("{}: the graph gave no {}", document.name, expressions[j].name));
    const graph::Column& ticks = rows.columns[static_cast<std::size_t>(column)];
    for (std::size_t row = 0; row < order.size(); ++row) {
      ++result.values;
      result.computed += std::isnan(batch[j][row]) ? 0 : 1;
      result.different +=
          std::bit_cast<std::uint64_t>(ticks.number(order[row])) != std::bit_cast<std::uint64_t>(batch[j][row]);
    }
  }
  return result;
}

Result<CountedSignals> count_signals(const lake::Lake& lake, const std::string& table, const Workers& workers,
                                     arrow::MemoryPool* pool) {
  analytics::SignalOptions options;
  options.strategies = {"momentum", "mean_reversion", "trend_following", "volatility_breakout"};
  lake::ScanRequest request;
  request.table = {lake::Layer::silver, table};
  ARROW_ASSIGN_OR_RAISE(Bars bars, scan_bars(lake, request, workers, pool));
  ARROW_ASSIGN_OR_RAISE(auto signals,
                        analytics::detect_signals(options, *bars.rows, bars.spans, "session", workers, pool));
  CountedSignals counted;
  counted.rows = bars.rows->num_rows();
  for (const std::string& family : options.strategies) counted.by_strategy.push_back({family, 0, 0});
  for (const auto& found : signals)
    for (SignalCount& count : counted.by_strategy)
      if (count.strategy == found.signal.strategy)
        ++(found.signal.side == analytics::Side::long_side ? count.longs : count.shorts);
  return counted;
}

}  // namespace tapemill::pipeline
