#include "graph/plan.h"

#include <set>

#include "core/json.h"
#include "core/hash.h"

namespace tapemill::graph {
namespace {

class Planner {
 public:
  Planner(const GraphDocument& graph, const Surroundings& around)
      : graph_(graph), around_(around), place_(graph.nodes.size()), known_(graph.nodes.size()) {}

  Plan run() {
    for (std::size_t i = 0; i < graph_.order.size(); ++i) place_[graph_.order[i]] = i;
    for (std::size_t index : graph_.order) {
      const GraphNode& node = graph_.nodes[index];
      PlannedNode& planned = plan_.nodes.emplace_back();
      planned.index = index;
      Status status = one(node, planned);
      known_[index] = status.ok() && known_now_;
      if (!status.ok()) plan_.findings.push_back({node.name, status, absent_});
    }
    if (graph_.autoclone) clones(*graph_.autoclone);
    zone();
    identity();
    return std::move(plan_);
  }

 private:
  Status one(const GraphNode& node, PlannedNode& planned) {
    absent_ = false;
    known_now_ = true;
    bool inputs_known = true;
    for (std::size_t from : node.from) {
      inputs_known = inputs_known && known_[from];
      const std::size_t streams = plan_.nodes[place_[from]].streams.size();
      if (planned.from.size() + streams > kMostStreams)
        return node.at->error(fmt::format("over {} ways lead to \"{}\"", kMostStreams, node.name),
                              "publishers that forward to publishers multiply them");
      for (std::size_t s = 0; s < streams; ++s) planned.from.push_back({place_[from], s});
    }
    for (const char* key : {"tracing_enabled", "trace_output"})
      if (const Node* at = node.config->find(key))
        return absent_ = true, at->error("tracing is not built in this version", "leave it out");
    switch (node.type) {
      case NodeType::subscriber: return source(node, planned);
      case NodeType::calculator: return calculator(node, planned, inputs_known);
      case NodeType::publisher: return publisher(node, planned, inputs_known);
    }
    return Status::OK();
  }

  Status source(const GraphNode& node, PlannedNode& planned) {
    ARROW_ASSIGN_OR_RAISE(Address address, Address::parse(*node.what_at));
    absent_ = !address.built(true);
    if (node.what.find("{partition_id}") != std::string::npos && !absent_)
      return absent_ = true,
             node.what_at->error("a source per clone is not built in this version",
                                 "leave {partition_id} out: the rows of one source are divided by partition_key");
    ARROW_ASSIGN_OR_RAISE(planned.source, plan_source(*node.config, address, around_));
    planned.streams = {{node.name, planned.source.schema}};
    return Status::OK();
  }

  Status calculator(const GraphNode& node, PlannedNode& planned, bool inputs_known) {
    const CalculatorClass* found = find_calculator(node.what);
    if (found == nullptr) {
      absent_ = true;
      std::vector<std::string> built;
      for (const CalculatorClass& one : calculators()) built.emplace_back(one.name);
      return node.what_at->error(fmt::format("the calculator {} is not built in this version", node.what),
                                 fmt::format("those that are: {}", fmt::join(built, ", ")));
    }
    if (!inputs_known) {
      known_now_ = false;
      return found->plan(*node.config, nullptr).status();
    }
    const Stream& first = stream(planned.from.front());
    for (const auto& from : planned.from) {
      if (stream(from).schema == first.schema) continue;
      return node.at->error(fmt::format("rows of different columns come to \"{}\": from {} and from {}", node.name,
                                        first.origin, stream(from).origin),
                            "give each a calculator of its own");
    }
    ARROW_ASSIGN_OR_RAISE(planned.calculator, found->plan(*node.config, &first.schema));
    Stream out{node.name, planned.calculator.outputs};
    if (planned.calculator.keeps_rows)
      out.schema.fields.insert(out.schema.fields.begin(), first.schema.fields.begin(), first.schema.fields.end());
    planned.streams = {std::move(out)};
    return Status::OK();
  }

  Status publisher(const GraphNode& node, PlannedNode& planned, bool inputs_known) {
    ARROW_ASSIGN_OR_RAISE(Address address, Address::parse(*node.what_at));
    absent_ = !address.built(false);
    if (node.what.find("{partition_id}") != std::string::npos && !absent_)
      return absent_ = true,
             node.what_at->error("a destination per clone is not built in this version",
                                 "leave {partition_id} out: the rows of all clones come together in order");
    for (const auto& from : planned.from) planned.streams.push_back(stream(from));
    known_now_ = inputs_known;
    ARROW_ASSIGN_OR_RAISE(planned.sink, plan_sink(*node.config, address, inputs_known ? &planned.streams : nullptr));
    if (!destinations_.insert(node.what).second)
      return node.what_at->error(fmt::format("two publishers write to {}", node.what),
                                 "give each a destination of its own");
    return Status::OK();
  }

  void clones(const AutoClone& clone) {
    const Node& at = *graph_.document->root().find("autoclone");
    if (clone.partition_method != "hash") {
      plan_.findings.push_back(
          {"autoclone",
           at.find("partition_method")
               ->error("clones by range are not built in this version", "\"partition_method\": \"hash\""),
           true});
      return;
    }
    plan_.clones = clone.partition_count;
    for (PlannedNode& node : plan_.nodes) {
      if (graph_.nodes[node.index].type != NodeType::subscriber || !known_[node.index]) continue;
      auto key = key_column(at, node.source.schema, clone.partition_key);
      if (key.ok()) node.key = static_cast<int>(*key);
      else plan_.findings.push_back({graph_.nodes[node.index].name, key.status(), false});
    }
  }

  void zone() {
    std::string name = graph_.timezone;
    for (const PlannedNode& node : plan_.nodes)
      if (name.empty()) name = node.source.timezone;
    if (auto zone = Zone::named(name); !name.empty() && zone.ok()) plan_.zone = *zone;
  }

  void identity() {
    Sha256 hash;
    hash.add(graph_.document->root().json().dump());
    for (const PlannedNode& node : plan_.nodes) {
      hash.add(node.source.note);
      for (const Stream& one : node.streams)
        for (const Field& field : one.schema.fields) hash.add("\n" + field.name + " " + field.type());
      for (const std::string& note : node.calculator.notes) hash.add("\n" + note);
    }
    plan_.hash = hash.hex();
  }

  const Stream& stream(std::pair<std::size_t, std::size_t> from) const {
    return plan_.nodes[from.first].streams[from.second];
  }

  const GraphDocument& graph_;
  const Surroundings& around_;
  std::vector<std::size_t> place_;  // node -> planned node
  std::vector<bool> known_;         // whether a node's rows are known
  std::set<std::string> destinations_;
  Plan plan_;
  bool absent_ = false, known_now_ = true;
};

}  // namespace

Plan plan(const GraphDocument& graph, const Surroundings& around) { return Planner(graph, around).run(); }

}  // namespace tapemill::graph
