#pragma once
#include <memory>
#include <vector>

#include "graph/plan.h"

namespace tapemill::graph {

struct NodeMetrics {
  std::int64_t messages = 0, rows_in = 0, rows_out = 0, nanoseconds = 0, errors = 0;
  NodeMetrics& operator+=(const NodeMetrics& other);
};

/// One copy of a graph's nodes; one thread at a time runs it. A message is pushed through all nodes in the order of
/// execution, each once, before the next one comes. What publishers are given waits in outboxes. In steady state nothing is
/// allocated. The plan must outlive it.
class Partition {
 public:
  explicit Partition(const Plan& plan, const GraphDocument& graph);

  /// One cycle: rows of a source (by planned node).
  Status push(std::size_t source, const Block& rows, std::size_t first, std::size_t count);
  const std::vector<Block>& outbox(std::size_t publisher) const {
    return nodes_[publisher].outbox;
  }  // a block per stream
  void clear_outboxes();
  std::int64_t clock() const { return clock_; }  // event time of the last row, microseconds since 1970
  const NodeMetrics& metrics(std::size_t node) const { return nodes_[node].metrics; }
  void state(Archive& archive);                  // of all calculators

 private:
  struct Runtime {
    NodeType type = NodeType::calculator;
    const PlannedNode* plan = nullptr;
    std::unique_ptr<Calculator> calculator;
    Block own, merged;                           // of a calculator: what it made; rows of several streams, in order
    std::vector<std::size_t> cursor;
    std::vector<View> out;                       // per stream
    std::vector<Block> outbox;
    NodeMetrics metrics;
  };
  Status cycle(Runtime& node);
  Status calculate(Runtime& node, const View& in);
  void merge(Runtime& node);
  const View& view(std::pair<std::size_t, std::size_t> from) const { return nodes_[from.first].out[from.second]; }

  const GraphDocument& graph_;
  std::vector<Runtime> nodes_;
  View merged_view_;
  std::int64_t clock_ = std::numeric_limits<std::int64_t>::min();
};

}  // namespace tapemill::graph
