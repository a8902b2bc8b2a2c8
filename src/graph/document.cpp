#include "graph/document.h"

#include <filesystem>
#include <set>
#include <unordered_map>

#include "core/paths.h"
#include "graph/calculator.h"
#include "graph/connectors/connector.h"

namespace tapemill::graph {
namespace {

const std::vector<std::string> kTypes = {"DataSubscriberNode", "CalculatorNode", "DataPublisherNode"};

std::string did_you_mean(const std::string& wrong, const std::vector<std::string>& known, const char* what) {
  std::string near = nearest(wrong, known);
  return (near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near)) +
         fmt::format("{}: {}", what, fmt::join(known, ", "));
}

Status read_what(GraphNode& node) {
  const bool calculator = node.type == NodeType::calculator;
  const char* key = calculator ? "calculator_class" : node.type == NodeType::subscriber ? "source" : "destination";
  ARROW_ASSIGN_OR_RAISE(node.what_at, node.config->need(key));
  ARROW_ASSIGN_OR_RAISE(node.what, node.what_at->as_string());
  if (!calculator) {
    ARROW_ASSIGN_OR_RAISE(Address address, Address::parse(*node.what_at));
    return node.type == NodeType::publisher && address.scheme == "lake"
               ? node.what_at->error(
                     "the connector \"lake\" is a source; as a destination it is not built in this version",
                     "destinations: file, memory")
               : Status::OK();
  }
  node.what = last_component(node.what);
  if (find_calculator(node.what) != nullptr) return Status::OK();
  std::vector<std::string> known = later_calculators();
  if (std::find(known.begin(), known.end(), node.what) != known.end()) return Status::OK();
  std::vector<std::string> built;
  for (const CalculatorClass& one : calculators()) built.emplace_back(one.name);
  known.insert(known.begin(), built.begin(), built.end());
  std::string near = nearest(node.what, known);
  return node.what_at->error(fmt::format("unknown calculator class \"{}\"", node.what),
                             (near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near)) +
                                 fmt::format("there are {}", fmt::join(built, ", ")));
}

Result<GraphNode> read_node(const Node& at) {
  ARROW_RETURN_NOT_OK(at.only({"name", "type", "config"}));
  GraphNode node;
  node.at = &at;
  ARROW_ASSIGN_OR_RAISE(const Node* name, at.need("name"));
  ARROW_ASSIGN_OR_RAISE(node.name, name->as_string());
  if (node.name.empty()) return name->error("a node's name is empty");
  ARROW_ASSIGN_OR_RAISE(const Node* type, at.need("type"));
  ARROW_ASSIGN_OR_RAISE(std::string text, type->as_string());
  auto known = std::find(kTypes.begin(), kTypes.end(), text);
  if (known == kTypes.end())
    return type->error(fmt::format("unknown type of node \"{}\"", text), did_you_mean(text, kTypes, "types"));
  node.type = static_cast<NodeType>(known - kTypes.begin());
  ARROW_ASSIGN_OR_RAISE(node.config, at.need("config"));
  if (!node.config->is_map()) return node.config->error("a node's config is a map", "\"config\": {...}");
  ARROW_RETURN_NOT_OK(read_what(node));
  return node;
}

Status read_edges(const Node& list, GraphDocument& graph) {
  if (!list.is_list()) return list.error("expected a list of edges", "\"edges\": [{\"from\": \"a\", \"to\": \"b\"}]");
  std::unordered_map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) index.emplace(graph.nodes[i].name, i);
  std::set<std::pair<std::size_t, std::size_t>> seen;
  for (const Node& at : list.items) {
    ARROW_RETURN_NOT_OK(at.only({"from", "to"}));
    std::size_t ends[2];
    for (int end = 0; end < 2; ++end) {
      ARROW_ASSIGN_OR_RAISE(const Node* name, at.need(end == 0 ? "from" : "to"));
      ARROW_ASSIGN_OR_RAISE(std::string text, name->as_string());
      auto found = index.find(text);
      if (found == index.end()) {
        std::vector<std::string> known;
        for (const GraphNode& node : graph.nodes) known.push_back(node.name);
        std::string near = nearest(text, known);
        return name->error(
            fmt::format("an edge {} \"{}\", and there is no such node", end == 0 ? "comes from" : "goes to", text),
            near.empty() ? "nodes are named under \"nodes\"" : fmt::format("did you mean \"{}\"?", near));
      }
      ends[end] = found->second;
    }
    GraphNode &from = graph.nodes[ends[0]], &to = graph.nodes[ends[1]];
    if (!seen.insert({ends[0], ends[1]}).second)
      return at.error(fmt::format("the edge from \"{}\" to \"{}\" stands twice", from.name, to.name),
                      "keep one of them");
    if (to.type == NodeType::subscriber)
      return at.find("to")->error(
          fmt::format("\"{}\" is a subscriber: rows come to it from its source, not from a node", to.name));
    from.to.push_back(ends[1]);
    to.from.push_back(ends[0]);
  }
  return Status::OK();
}

/// Kahn's order; among nodes that are ready the one that is written first.
Status sort(GraphDocument& graph) {
  std::vector<std::size_t> waiting(graph.nodes.size());
  std::set<std::size_t> ready;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    waiting[i] = graph.nodes[i].from.size();
    if (waiting[i] == 0) ready.insert(i);
  }
  while (!ready.empty()) {
    std::size_t node = *ready.begin();
    ready.erase(ready.begin());
    graph.order.push_back(node);
    for (std::size_t next : graph.nodes[node].to)
      if (--waiting[next] == 0) ready.insert(next);
  }
  if (graph.order.size() == graph.nodes.size()) return Status::OK();
  // Every node that still waits has one before it that waits too: going back from any of them runs into a circle.
  std::size_t at = static_cast<std::size_t>(
      std::find_if(waiting.begin(), waiting.end(), [](std::size_t n) { return n > 0; }) - waiting.begin());
  std::vector<std::size_t> path;
  std::vector<bool> passed(graph.nodes.size());
  while (!passed[at]) {
    passed[at] = true;
    path.push_back(at);
    for (std::size_t before : graph.nodes[at].from)
      if (waiting[before] > 0) {
        at = before;
        break;
      }
  }
  std::vector<std::size_t> circle(std::find(path.begin(), path.end(), at), path.end());
  std::reverse(circle.begin(), circle.end());
  std::rotate(circle.begin(), std::min_element(circle.begin(), circle.end()), circle.end());
  std::string text;
  const std::size_t shown = std::min<std::size_t>(circle.size(), 8);
  for (std::size_t i = 0; i < shown; ++i) text += graph.nodes[circle[i]].name + " -> ";
  if (shown < circle.size()) text += fmt::format("... ({} more) -> ", circle.size() - shown);
  return graph.nodes[circle.front()].at->error(
      fmt::format("the edges run in a circle: {}{}", text, graph.nodes[circle.front()].name),
      "a graph has no cycles: take one of these edges out");
}

Status check_inputs(const GraphDocument& graph) {
  for (const GraphNode& node : graph.nodes) {
    // MarketDataLoader reads files itself: the founding documents give it no edge.
    if (node.type == NodeType::subscriber || !node.from.empty() || node.what == "MarketDataLoaderCalculator") continue;
    return node.at->error(fmt::format("no rows come to \"{}\"", node.name),
                          fmt::format("add an edge {{\"from\": ..., \"to\": \"{}\"}}", node.name));
  }
  return Status::OK();
}

Result<std::optional<std::int64_t>> start_time(const Node& at) {
  if (at.type == Node::Type::null) return std::optional<std::int64_t>{};
  const std::string& text = at.text;
  bool digits = at.is_scalar() && text.size() == 4 && text.find_first_not_of("0123456789") == std::string::npos;
  int hour = digits ? std::stoi(text.substr(0, 2)) : 99, minute = digits ? std::stoi(text.substr(2)) : 99;
  if (hour > 23 || minute > 59)
    return at.error(fmt::format("start_time is a time of day as \"HHMM\", not \"{}\"", text), "\"0930\", or null");
  return std::optional<std::int64_t>(hour * kHour + minute * kMinute);
}

Status read_heading(const Node& root, GraphDocument& graph) {
  ARROW_ASSIGN_OR_RAISE(const Node* name, root.need("name"));
  ARROW_RETURN_NOT_OK(name->as_string().Value(&graph.name));
  if (const Node* at = root.find("description")) ARROW_RETURN_NOT_OK(read_value(*at, graph.description));
  if (const Node* at = root.find("start_time")) ARROW_RETURN_NOT_OK(start_time(*at).Value(&graph.start_time));
  if (const Node* at = root.find("duration"); at != nullptr && at->type != Node::Type::null) {
    Duration duration;
    ARROW_RETURN_NOT_OK(read_value(*at, duration));
    if (duration.us <= 0) return at->error("a duration is more than nothing", "\"6h30m\", or null");
    graph.duration = duration.us;
  }
  if (const Node* at = root.find("timezone"); at != nullptr && at->type != Node::Type::null) {
    ARROW_RETURN_NOT_OK(read_value(*at, graph.timezone));
    auto zone = Zone::named(graph.timezone);
    if (!zone.ok()) return placed(*at, zone.status(), "");
  }
  if (const Node* at = root.find("autoclone"); at != nullptr && at->type != Node::Type::null) {
    AutoClone clone;
    ARROW_RETURN_NOT_OK(read_config(*at, clone));
    if (clone.enabled) graph.autoclone = clone;
  }
  return Status::OK();
}

Result<GraphDocument> read_graph(Document document, std::string path) {
  GraphDocument graph;
  graph.path = std::move(path);
  graph.document = std::make_shared<const Document>(std::move(document));
  const Node& root = graph.document->root();
  ARROW_RETURN_NOT_OK(
      root.only({"name", "description", "start_time", "duration", "timezone", "nodes", "edges", "autoclone"}));
  ARROW_RETURN_NOT_OK(read_heading(root, graph));
  ARROW_ASSIGN_OR_RAISE(const Node* nodes, root.need("nodes"));
  if (!nodes->is_list() || nodes->items.empty())
    return nodes->error("expected a list of nodes", "\"nodes\": [{\"name\": ..., \"type\": ..., \"config\": {...}}]");
  std::set<std::string> names;
  for (const Node& at : nodes->items) {
    ARROW_ASSIGN_OR_RAISE(GraphNode node, read_node(at));
    if (!names.insert(node.name).second)
      return at.find("name")->error(fmt::format("two nodes are named \"{}\"", node.name));
    graph.nodes.push_back(std::move(node));
  }
  ARROW_ASSIGN_OR_RAISE(const Node* edges, root.need("edges"));
  ARROW_RETURN_NOT_OK(read_edges(*edges, graph));
  ARROW_RETURN_NOT_OK(sort(graph));
  ARROW_RETURN_NOT_OK(check_inputs(graph));
  return graph;
}

}  // namespace

const char* name(NodeType type) { return kTypes[static_cast<std::size_t>(type)].c_str(); }

Result<GraphDocument> GraphDocument::read(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(std::string text, read_file(path));
  return parse(std::move(text), path);
}

Result<GraphDocument> GraphDocument::parse(std::string text, std::string file) {
  ARROW_ASSIGN_OR_RAISE(Document document, Document::parse_json(std::move(text), file));
  return read_graph(std::move(document), std::move(file));
}

std::string find_graph(const std::string& name_or_path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (name_or_path.find('/') != std::string::npos || fs::exists(name_or_path, ignored)) return name_or_path;
  std::string file = name_or_path.size() > 5 && name_or_path.substr(name_or_path.size() - 5) == ".json"
                         ? name_or_path
                         : name_or_path + ".json";
  for (const std::string& folder : {std::string("graphs"), share_folder() + "/graphs"})
    if (fs::exists(folder + "/" + file, ignored)) return folder + "/" + file;
  return name_or_path;
}

}  // namespace tapemill::graph
