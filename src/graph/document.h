#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/document.h"

namespace tapemill::graph {

/// A graph that runs as several equal ones, each with the rows of some keys (spec C3).
struct AutoClone {
  bool enabled = true;
  std::string partition_key = "ticker";
  int partition_count = 10;
  std::string partition_method = "hash", clone_name_pattern = "{graph}_{partition_id}";
};

enum class NodeType { subscriber, calculator, publisher };
const char* name(NodeType type);  // DataSubscriberNode, ...

struct GraphNode {
  std::string name;
  NodeType type = NodeType::calculator;
  std::string what;  // source or destination as written; the calculator's class, its last component
  const Node* at = nullptr;  // of the node; its config
  const Node* config = nullptr;
  const Node* what_at = nullptr;
  std::vector<std::size_t> from, to;  // nodes, in the order of the edges
};

/// A graph as its JSON says it, sound in its structure: known keys, types, classes and connectors (those of later versions
/// too), unique names, edges between nodes that are there, no cycle, rows for every node that needs some. Whether it can run
/// is the business of plan.h.
struct GraphDocument {
  std::shared_ptr<const Document> document;
  std::string path, name, description, timezone;
  std::optional<std::int64_t> start_time, duration;  // microseconds after local midnight; microseconds
  std::optional<AutoClone> autoclone;  // none where it is not enabled
  std::vector<GraphNode> nodes;
  std::vector<std::size_t> order;  // every node after those it gets rows from; else as written

  /// Usage errors with file:line:column, a caret and the nearest right name.
  static Result<GraphDocument> read(const std::string& path);
  static Result<GraphDocument> parse(std::string text, std::string file);
};

/// graphs/NAME.json of the user's folder (./graphs) or of the share folder, or a path.
std::string find_graph(const std::string& name_or_path);

}  // namespace tapemill::graph

template <>
inline constexpr auto tapemill::fields<tapemill::graph::AutoClone> = std::tuple{
    tapemill::field("enabled", &tapemill::graph::AutoClone::enabled, "whether it is cloned at all"),
    tapemill::field("partition_key", &tapemill::graph::AutoClone::partition_key,
                    "column that is hashed (ticker: also instrument_id, symbol)"),
    tapemill::field("partition_count", &tapemill::graph::AutoClone::partition_count, "how many clones", 1, 1024),
    tapemill::field("partition_method", &tapemill::graph::AutoClone::partition_method, "how keys are divided",
                    "hash|range"),
    tapemill::field("clone_name_pattern", &tapemill::graph::AutoClone::clone_name_pattern,
                    "name of a clone; {partition_id} and {graph} are filled in")};
