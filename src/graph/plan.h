#pragma once
#include <string>
#include <vector>

#include "graph/calculator.h"
#include "graph/connectors/connector.h"
#include "graph/document.h"

namespace tapemill::graph {

/// A node with all that its run needs, known before anything runs.
struct PlannedNode {
  std::size_t index = 0;                                  // in GraphDocument::nodes
  std::vector<std::pair<std::size_t, std::size_t>> from;  // planned node, stream of it: the rows that come here
  std::vector<Stream> streams;  // what it hands on; a publisher hands on all that comes to it
  SourcePlan source;
  CalculatorPlan calculator;
  SinkPlan sink;
  int key = -1;  // of a source: column that divides rows among clones
};

/// Why a graph cannot run: an error at a node, or something that this version has not (`absent`).
struct Finding {
  std::string node;
  Status status;
  bool absent = false;
};

struct Plan {
  std::vector<PlannedNode> nodes;  // in the order of execution of a cycle
  std::vector<Finding> findings;  // empty: it can run
  int clones = 1;
  Zone zone = Zone::utc();  // of the graph: its own, else the exchange's of its first source, else UTC
  std::string hash;  // of document, versions and columns: what a checkpoint must match
};

/// Judges configurations, sources, and each node's declared inputs against the columns of the rows that come to it, in the
/// order of execution. All findings are collected: where the rows of a node cannot be known, its configuration is judged alone.
Plan plan(const GraphDocument& graph, const Surroundings& around);

inline constexpr std::size_t kMostStreams = 1'000;  // ways through forwarding publishers

}  // namespace tapemill::graph
