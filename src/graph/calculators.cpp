#include <cstring>

#include "graph/calculator.h"

namespace tapemill::graph {

const std::vector<CalculatorClass>& calculators() {
  static const std::vector<CalculatorClass> list = {
      {"TechnicalIndicatorCalculator", "indicators by request, such as SMA_20, MACD, BB_20", technical_fields,
       plan_technical},
      {"CompleteIndicatorCalculator", "the full suite of indicators, by its periods", complete_fields, plan_complete},
      {"DataWindowerCalculator", "declares how many rows of each ticker the nodes after it may need", windower_fields,
       plan_windower},
      {"SignalDetectorCalculator", "the four signal families over rows that carry their indicators", signals_fields,
       plan_signals},
  };
  return list;
}

const std::vector<std::string>& later_calculators() {
  static const std::vector<std::string> list = {"RealtimeDataReceiverCalculator",
                                                "DataEnricherCalculator",
                                                "LMDBWriterCalculator",
                                                "RiskFilterCalculator",
                                                "MarketDataLoaderCalculator",
                                                "ReturnsCalculator",
                                                "FactorCalculator",
                                                "SectorAggregatorCalculator",
                                                "CorrelationCalculator",
                                                "MarketBreadthCalculator",
                                                "TimescaleDBWriterCalculator"};
  return list;
}

std::string last_component(std::string_view class_name) {
  return std::string(class_name.substr(class_name.rfind('.') + 1));
}

const CalculatorClass* find_calculator(std::string_view class_name) {
  for (const CalculatorClass& one : calculators())
    if (last_component(class_name) == one.name) return &one;
  return nullptr;
}

Result<std::size_t> key_column(const Node& config, const Schema& in, const std::string& wanted) {
  std::vector<std::string> tried = {wanted};
  if (wanted == "ticker") tried.insert(tried.end(), {"instrument_id", "symbol"});
  for (const std::string& name : tried) {
    int at = in.find(name);
    if (at < 0) continue;
    if (in.fields[static_cast<std::size_t>(at)].kind != Kind::string)
      return config.error(fmt::format("rows are grouped by \"{}\", which is {}, not text", name,
                                      in.fields[static_cast<std::size_t>(at)].type()));
    return static_cast<std::size_t>(at);
  }
  std::string near = nearest(wanted, in.names());
  return config.error(fmt::format("rows are grouped by \"{}\", and those that come here have no such column", wanted),
                      (near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near)) +
                          fmt::format("they have {}", fmt::join(in.names(), ", ")));
}

Status placed(const Node& node, const Status& status, std::string_view where) {
  if (status.ok()) return status;
  std::string_view message = status.message();
  if (!where.empty() && message.substr(0, where.size()) == where && message.substr(where.size(), 2) == ": ")
    message.remove_prefix(where.size() + 2);
  std::string hint;
  if (const auto& detail = status.detail(); detail != nullptr && std::strcmp(detail->type_id(), "tapemill") == 0)
    hint = static_cast<const ErrorDetail&>(*detail).hint;
  return node.error(std::string(message), hint);
}

}  // namespace tapemill::graph
