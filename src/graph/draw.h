#pragma once
#include <string>

#include "graph/document.h"

namespace tapemill::graph {

/// The graph as boxes and lines, sources at the top; a node stands below all that it gets rows from. Usage error
/// for a graph that no terminal shows (some 2,000 nodes, or edges that pass many of them).
Result<std::string> draw_text(const GraphDocument& graph);
/// The same for Graphviz.
std::string draw_dot(const GraphDocument& graph);

}  // namespace tapemill::graph
