#include "graph/partition.h"

#include <chrono>

namespace tapemill::graph {

NodeMetrics& NodeMetrics::operator+=(const NodeMetrics& other) {
  messages += other.messages;
  rows_in += other.rows_in;
  rows_out += other.rows_out;
  nanoseconds += other.nanoseconds;
  errors += other.errors;
  return *this;
}

Partition::Partition(const Plan& plan, const GraphDocument& graph) : graph_(graph), nodes_(plan.nodes.size()) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Runtime& node = nodes_[i];
    node.plan = &plan.nodes[i];
    node.type = graph.nodes[node.plan->index].type;
    node.out.resize(node.plan->streams.size());
    if (node.type == NodeType::calculator) {
      node.calculator = node.plan->calculator.make();
      node.own = Block(node.plan->calculator.outputs);
      if (node.plan->from.size() > 1) {
        const auto [from, stream] = node.plan->from.front();
        node.merged = Block(plan.nodes[from].streams[stream].schema);
        node.cursor.resize(node.plan->from.size());
      }
    }
    if (node.type == NodeType::publisher)
      for (const Stream& stream : node.plan->streams) node.outbox.emplace_back(stream.schema);
  }
}

Status Partition::push(std::size_t source, const Block& rows, std::size_t first, std::size_t count) {
  if (count == 0) return Status::OK();
  for (Runtime& node : nodes_)
    for (View& view : node.out) view.rows = 0;
  nodes_[source].out[0].show(rows, first, count);
  clock_ = std::max(clock_, rows.time[first + count - 1]);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Runtime& node = nodes_[i];
    std::size_t in = 0;
    if (i == source) {
      in = count;
    } else {
      for (const auto& from : node.plan->from) in += view(from).rows;
    }
    if (in == 0) continue;
    const auto start = std::chrono::steady_clock::now();
    Status status = cycle(node);
    if (!status.ok()) {
      ++node.metrics.errors;
      return prefixed(status, graph_.nodes[node.plan->index].name);
    }
    ++node.metrics.messages;
    node.metrics.rows_in += static_cast<std::int64_t>(in);
    for (const View& view : node.out) node.metrics.rows_out += static_cast<std::int64_t>(view.rows);
    node.metrics.nanoseconds +=
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
  }
  return Status::OK();
}

Status Partition::cycle(Runtime& node) {
  switch (node.type) {
    case NodeType::subscriber: return Status::OK();
    case NodeType::calculator:
      if (node.plan->from.size() == 1) return calculate(node, view(node.plan->from[0]));
      merge(node);
      merged_view_.show(node.merged, 0, node.merged.rows());
      return calculate(node, merged_view_);
    case NodeType::publisher:
      for (std::size_t s = 0; s < node.plan->from.size(); ++s) {
        const View& in = view(node.plan->from[s]);
        for (std::size_t row = 0; row < in.rows; ++row) in.append_row(row, node.outbox[s]);
        node.out[s] = in;
      }
      return Status::OK();
  }
  return Status::OK();
}

Status Partition::calculate(Runtime& node, const View& in) {
  node.own.clear();
  ARROW_RETURN_NOT_OK(node.calculator->process(in, node.own));
  View& out = node.out[0];
  if (!node.plan->calculator.keeps_rows) {
    out.show(node.own, 0, node.own.rows());
    return Status::OK();
  }
  out = in;  // its columns, and those made here after them
  for (const Column& column : node.own.columns) {
    if (column.size() != in.rows)
      return data_error(fmt::format("made {} values for {} rows", column.size(), in.rows),
                        "this is a fault of the calculator");
    out.columns.push_back({&column, 0});
  }
  return Status::OK();
}

/// In the order in which the sources gave the rows, then of the edges: it does not matter how many rows a message has.
void Partition::merge(Runtime& node) {
  node.merged.clear();
  std::fill(node.cursor.begin(), node.cursor.end(), std::size_t{0});
  for (;;) {
    std::size_t next = node.cursor.size();
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (std::size_t s = 0; s < node.cursor.size(); ++s) {
      const View& in = view(node.plan->from[s]);
      if (node.cursor[s] < in.rows && in.sequence[node.cursor[s]] < least)
        least = in.sequence[node.cursor[s]], next = s;
    }
    if (next == node.cursor.size()) return;
    view(node.plan->from[next]).append_row(node.cursor[next]++, node.merged);
  }
}

void Partition::clear_outboxes() {
  for (Runtime& node : nodes_)
    for (Block& block : node.outbox) block.clear();
}

void Partition::state(Archive& archive) {
  archive(clock_);
  for (Runtime& node : nodes_) {
    if (node.calculator == nullptr) continue;
    node.calculator->state(archive);
    for (std::int64_t* one : {&node.metrics.messages, &node.metrics.rows_in, &node.metrics.rows_out}) archive(*one);
  }
}

}  // namespace tapemill::graph
