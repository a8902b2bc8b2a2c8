#include <cstring>

#include "core/json.h"
#include "graph/run.h"

namespace tapemill::graph {

std::string clone_name(const GraphDocument& graph, std::size_t partition) {
  if (!graph.autoclone) return graph.name;
  std::string name = graph.autoclone->clone_name_pattern;
  for (const auto& [key, value] :
       {std::pair<std::string_view, std::string>{"{partition_id}", std::to_string(partition)}, {"{graph}", graph.name}})
    for (auto at = name.find(key); at != std::string::npos; at = name.find(key, at + value.size()))
      name.replace(at, key.size(), value);
  return name;
}

std::uint32_t murmur2(std::string_view key) {
  constexpr std::uint32_t m = 0x5bd1e995;
  auto size = static_cast<std::uint32_t>(key.size());
  std::uint32_t h = 0x9747b28c ^ size;
  const char* data = key.data();
  for (; size >= 4; size -= 4, data += 4) {
    std::uint32_t k = 0;
    std::memcpy(&k, data, 4);
    k *= m;
    k ^= k >> 24;
    h = (h * m) ^ (k * m);
  }
  for (std::uint32_t i = size; i > 0; --i)
    h ^= static_cast<std::uint32_t>(static_cast<unsigned char>(data[i - 1])) << (8 * (i - 1));
  if (size > 0) h *= m;
  h ^= h >> 13;
  h *= m;
  h ^= h >> 15;
  return h;
}

Json RunReport::json() const {
  Json nodes_json = Json::array(), outputs_json = Json::array(), dead_json = Json::array();
  for (const NodeReport& node : nodes)
    nodes_json.push_back({{"name", node.name},
                          {"type", node.type},
                          {"what", node.what},
                          {"messages", node.metrics.messages},
                          {"rows_in", node.metrics.rows_in},
                          {"rows_out", node.metrics.rows_out},
                          {"seconds", static_cast<double>(node.metrics.nanoseconds) / 1e9},
                          {"errors", node.metrics.errors}});
  for (const OutputReport& output : outputs)
    outputs_json.push_back(
        {{"node", output.node}, {"place", output.place}, {"rows", output.rows}, {"bytes", output.bytes}});
  for (const DeadRow& row : first_dead)
    dead_json.push_back({{"file", row.file}, {"line", row.line}, {"reason", row.reason}});
  return {{"graph", graph},
          {"clones", clones},
          {"rows", rows},
          {"rows_outside_window", outside},
          {"rows_dead", dead},
          {"dead_files", dead_files},
          {"first_dead", dead_json},
          {"clock", clock ? Json(Instant{*clock}.str()) : Json(nullptr)},
          {"stopped", stopped},
          {"checkpoint", checkpoint.empty() ? Json(nullptr) : Json(checkpoint)},
          {"seconds", seconds},
          {"nodes", nodes_json},
          {"outputs", outputs_json}};
}

}  // namespace tapemill::graph
