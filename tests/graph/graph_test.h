// What the graph's tests share: a folder that goes away, documents in a few words, generated bars.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/paths.h"
#include "graph/run.h"
#include "support/folder.h"

namespace tapemill::graph::test {
using tapemill::test::Folder;
using tapemill::test::must;

#define ASSERT_OK(expression)                                       \
  do {                                                              \
    const ::arrow::Status ok_status(::arrow::ToStatus(expression)); \
    ASSERT_TRUE(ok_status.ok()) << render(ok_status, false);        \
  } while (false)

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}
inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline Json subscriber(const std::string& name, const std::string& source, Json more = Json::object()) {
  more["source"] = source;
  return {{"name", name}, {"type", "DataSubscriberNode"}, {"config", more}};
}
inline Json calculator(const std::string& name, const std::string& class_name, Json more = Json::object()) {
  more["calculator_class"] = "core.calculator.any." + class_name;
  return {{"name", name}, {"type", "CalculatorNode"}, {"config", more}};
}
inline Json technical(const std::string& name, const std::vector<std::string>& indicators) {
  return calculator(name, "TechnicalIndicatorCalculator", {{"indicators", indicators}});
}
inline Json publisher(const std::string& name, const std::string& destination, Json more = Json::object()) {
  more["destination"] = destination;
  return {{"name", name}, {"type", "DataPublisherNode"}, {"config", more}};
}
using Edges = std::vector<std::pair<std::string, std::string>>;
inline Json graph_json(const std::vector<Json>& nodes, const Edges& edges) {
  Json list = Json::array();
  for (const auto& [from, to] : edges) list.push_back({{"from", from}, {"to", to}});
  return {{"name", "g"}, {"nodes", nodes}, {"edges", list}};
}
inline GraphDocument parsed(const Json& json) { return must(GraphDocument::parse(json.dump(1), "g.json")); }

/// Runs it and gives what came to `memory://` destinations; throws what is wrong.
inline RunReport run_json(const Json& json, const RunOptions& options = {}, const Surroundings& around = {}) {
  GraphDocument document = parsed(json);
  const Plan planned = plan(document, around);
  return must(run(document, planned, around, options));
}

inline const std::vector<std::string> kSuite = {"SMA_20", "SMA_50", "SMA_200", "EMA_12", "EMA_26", "RSI_14",
                                                "MACD",   "BB_20",  "ATR_14",  "VWAP",   "OBV",    "Volume_SMA_20"};

/// Bars of several symbols in the order of their days, with absent bars, nulls, and digits that survive the text.
inline std::string bars_csv(std::uint64_t seed, int symbols, int days, double holes = 0.05, double nulls = 0.02) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> unit(0, 1);
  std::vector<double> price(static_cast<std::size_t>(symbols));
  for (double& one : price) one = 10 + 90 * unit(engine);
  std::string out = "ticker,date,open,high,low,close,volume\n";
  for (int day = 0; day < days; ++day)
    for (int s = 0; s < symbols; ++s) {
      double& p = price[static_cast<std::size_t>(s)];
      const double open = p;
      p *= 1 + 0.05 * (unit(engine) - 0.5);
      const double high = std::max(open, p) * (1 + 0.01 * unit(engine)),
                   low = std::min(open, p) * (1 - 0.01 * unit(engine));
      const bool hole = unit(engine) < holes;
      auto number = [&](double x) { return unit(engine) < nulls ? std::string() : fmt::format("{}", x); };
      const std::string row = fmt::format("S{:02},{},{},{},{},{},{}\n", s, Date{18'000 + day}.str(), number(open),
                                          number(high), number(low), number(p), number(std::floor(1e6 * unit(engine))));
      if (!hole) out += row;
    }
  return out;
}

}  // namespace tapemill::graph::test
