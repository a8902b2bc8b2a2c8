#pragma once
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/json_fwd.h"
#include "graph/partition.h"
#include "graph/plan.h"

namespace tapemill::graph {

struct RunOptions {
  std::size_t rows_per_message = 1;        // 1: tick by tick; what comes out does not depend on it
  std::int64_t most_rows = 0;              // stop after so many (0: all); what came till then is written
  std::string checkpoint;                  // written where the run stops early; a run that ends removes it
  bool resume = false;                     // go on from `checkpoint`
  bool capture = false;                    // every destination is kept in memory instead
  std::stop_token stop;
};

struct NodeReport {
  std::string name, type, what;
  NodeMetrics metrics;                     // of all clones together
};
struct OutputReport {
  std::string node, place;
  std::int64_t rows = 0, bytes = 0;
};
struct RunReport {
  std::string graph;
  int clones = 1;
  std::int64_t rows = 0;                   // read from all sources
  std::int64_t outside = 0;                // rows outside start_time and duration: not seen
  std::int64_t dead = 0;                   // rows that did not parse
  std::vector<std::string> dead_files;
  std::vector<DeadRow> first_dead;         // at most five
  std::optional<std::int64_t> clock;       // event time of the last row
  bool stopped = false;                    // by most_rows or a signal
  std::string checkpoint;                  // written
  double seconds = 0;
  std::vector<NodeReport> nodes;
  std::vector<OutputReport> outputs;
  std::map<std::string, std::shared_ptr<Captured>> captured;  // by node
  Json json() const;
};

/// Runs a graph to the end of its sources. Rows of all sources are read in event order (at equal times: of the subscriber that
/// is written first), numbered, divided among the clones by their key, and computed, a thread per clone as far as `workers`
/// go; what publishers are given is put into the order of the numbers again. So neither clones, threads nor the size of
/// messages change a byte of what comes out.
/// Errors: the first finding of the plan; a node that fails (its clone's and its own name first); Cancelled, where `stop` was asked and no
/// checkpoint is to be written: destinations are then left as they were.
Result<RunReport> run(const GraphDocument& graph, const Plan& plan, const Surroundings& around,
                      const RunOptions& options = {});

/// What a clone is called where it has something to say: clone_name_pattern filled in, or the graph's own name.
std::string clone_name(const GraphDocument& graph, std::size_t partition);

/// Kafka's murmur2, as its producers divide keys among partitions: (murmur2(key) & 0x7fffffff) % partitions.
std::uint32_t murmur2(std::string_view key);

}  // namespace tapemill::graph
