#include "graph/draw.h"

#include <algorithm>
#include <vector>

namespace tapemill::graph {
namespace {

constexpr int kUp = 1, kDown = 2, kLeft = 4, kRight = 8;
constexpr std::size_t kNone = static_cast<std::size_t>(-1), kGap = 3, kMostItems = 2000;

/// Lines by the directions that they have in a cell, so that those which meet join; text over them.
class Canvas {
 public:
  void line(std::size_t x, std::size_t y, int directions) { cell(x, y).first |= directions; }
  void text(std::size_t x, std::size_t y, const std::string& ascii) {
    for (char c : ascii) cell(x++, y).second = c;
  }
  void across(std::size_t from, std::size_t to, std::size_t y) {
    if (from > to) std::swap(from, to);
    for (std::size_t x = from; x < to; ++x) line(x, y, kRight), line(x + 1, y, kLeft);
  }
  void down(std::size_t x, std::size_t from, std::size_t to) {
    for (std::size_t y = from; y < to; ++y) line(x, y, kDown), line(x, y + 1, kUp);
  }
  std::string str() const {
    static const char* const shapes[16] = {" ", "│", "│", "│", "─", "┘", "┐", "┤",
                                           "─", "└", "┌", "├", "─", "┴", "┬", "┼"};
    std::string out;
    for (const auto& row : rows_) {
      std::string shown;
      for (const auto& [directions, letter] : row) {
        if (letter != 0) shown += letter;
        else shown += shapes[directions];
      }
      out += shown.substr(0, shown.find_last_not_of(' ') + 1) + "\n";
    }
    return out;
  }

 private:
  std::pair<int, char>& cell(std::size_t x, std::size_t y) {
    if (rows_.size() <= y) rows_.resize(y + 1);
    if (rows_[y].size() <= x) rows_[y].resize(x + 1);
    return rows_[y][x];
  }
  std::vector<std::vector<std::pair<int, char>>> rows_;
};

/// A node, or the place where a long edge passes a layer.
struct Item {
  std::size_t node = kNone;
  std::vector<std::size_t> to;  // items of the next layer
  std::vector<std::size_t> from;
  std::size_t x = 0, width = 1;
  std::size_t centre() const { return x + width / 2; }
};

std::string plain(const std::string& text) {  // one column a byte
  std::string out;
  for (unsigned char c : text)
    if (c < 128) out += c < ' ' ? ' ' : static_cast<char>(c);
    else if ((c & 0xC0) != 0x80) out += '?';
  if (out.size() > 48) out.replace(45, std::string::npos, 3, '.');
  return out;
}

const char* short_type(NodeType type) {
  return type == NodeType::subscriber ? "subscriber" : type == NodeType::calculator ? "calculator" : "publisher";
}

std::vector<std::vector<Item>> layers_of(const GraphDocument& graph) {
  std::vector<std::size_t> layer(graph.nodes.size());
  for (std::size_t node : graph.order)
    for (std::size_t next : graph.nodes[node].to) layer[next] = std::max(layer[next], layer[node] + 1);
  std::vector<std::vector<Item>> layers;
  std::vector<std::size_t> at(graph.nodes.size());
  for (std::size_t node : graph.order) {
    if (layers.size() <= layer[node]) layers.resize(layer[node] + 1);
    at[node] = layers[layer[node]].size();
    layers[layer[node]].push_back(
        {node, {}, {}, 0, std::max(plain(graph.nodes[node].name).size(), plain(graph.nodes[node].what).size()) + 4});
  }
  for (std::size_t node : graph.order)
    for (std::size_t next : graph.nodes[node].to) {
      std::size_t item = at[node];
      for (std::size_t l = layer[node] + 1; l <= layer[next]; ++l) {
        std::size_t to = at[next];
        if (l < layer[next]) to = layers[l].size(), layers[l].emplace_back();
        layers[l - 1][item].to.push_back(to);
        layers[l][to].from.push_back(item);
        item = to;
      }
    }
  return layers;
}

/// Each under those that it gets rows from, as far as there is room.
void place(std::vector<std::vector<Item>>& layers) {
  for (std::size_t l = 0; l < layers.size(); ++l) {
    std::size_t free = 0;
    for (Item& item : layers[l]) {
      std::size_t wanted = 0;
      for (std::size_t from : item.from) wanted += layers[l - 1][from].centre();
      if (!item.from.empty()) wanted /= item.from.size();
      item.x = std::max(free, wanted > item.width / 2 ? wanted - item.width / 2 : 0);
      free = item.x + item.width + kGap;
    }
  }
}

/// Where an edge meets the item below: in its middle, or right under its origin where that stands over it alone.
std::size_t landing(const Item& item, const Item& below) {
  const bool straight = below.node != kNone && below.from.size() == 1 && item.centre() > below.x &&
                        item.centre() + 1 < below.x + below.width;
  return straight ? item.centre() : below.centre();
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  return out + "\"";
}

Status too_large(const GraphDocument& graph) {
  return usage_error(fmt::format("{}: {} nodes are too many for a terminal", graph.path, graph.nodes.size()),
                     "--format dot draws them with Graphviz");
}

}  // namespace

Result<std::string> draw_text(const GraphDocument& graph) {
  std::size_t edges = 0, items = 0;
  for (const GraphNode& node : graph.nodes) edges += node.to.size();
  if (graph.nodes.size() > kMostItems || edges > kMostItems) return too_large(graph);
  auto layers = layers_of(graph);
  for (const auto& layer : layers) items += layer.size();
  if (items > kMostItems) return too_large(graph);
  place(layers);
  Canvas canvas;
  std::size_t y = 0;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    constexpr std::size_t kHeight = 4;  // name, what, and the frame
    for (const Item& item : layers[l]) {
      if (item.node == kNone) {
        canvas.down(item.x, y, y + kHeight);
        continue;
      }
      const GraphNode& node = graph.nodes[item.node];
      const std::size_t right = item.x + item.width - 1, bottom = y + kHeight - 1;
      canvas.across(item.x, right, y);
      canvas.across(item.x, right, bottom);
      canvas.down(item.x, y, bottom);
      canvas.down(right, y, bottom);
      canvas.text(item.x + 2, y + 1, plain(node.name));
      canvas.text(item.x + 2, y + 2, plain(node.what));
    }
    y += kHeight;
    if (l + 1 == layers.size()) break;
    // Between two layers a line for each item whose edges do not all go straight down.
    std::size_t lanes = 0;
    std::vector<std::size_t> lane(layers[l].size(), kNone);
    for (std::size_t i = 0; i < layers[l].size(); ++i)
      for (std::size_t to : layers[l][i].to)
        if (landing(layers[l][i], layers[l + 1][to]) != layers[l][i].centre() && lane[i] == kNone) lane[i] = lanes++;
    const std::size_t end = y + std::max<std::size_t>(lanes, 1) + 1;
    for (std::size_t i = 0; i < layers[l].size(); ++i) {
      const Item& item = layers[l][i];
      if (item.to.empty()) continue;
      const std::size_t start = item.node == kNone ? y : y - 1;  // out of the frame
      for (std::size_t to : item.to) {
        const Item& below = layers[l + 1][to];
        const std::size_t turn = lane[i] == kNone ? end - 1 : y + lane[i];
        canvas.down(item.centre(), start, turn);
        const std::size_t foot = landing(item, below);
        canvas.across(item.centre(), foot, turn);
        canvas.down(foot, turn, end);
        if (below.node != kNone) canvas.text(foot, end - 1, "v");
      }
    }
    y = end;
  }
  return canvas.str();
}

std::string draw_dot(const GraphDocument& graph) {
  std::string out =
      fmt::format("digraph {} {{\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\"];\n", quoted(graph.name));
  for (const GraphNode& node : graph.nodes)
    out += fmt::format("  {} [label={}, tooltip={}];\n", quoted(node.name), quoted(node.name + "\n" + node.what),
                       quoted(short_type(node.type)));
  for (const GraphNode& node : graph.nodes)
    for (std::size_t to : node.to) out += fmt::format("  {} -> {};\n", quoted(node.name), quoted(graph.nodes[to].name));
  return out + "}\n";
}

}  // namespace tapemill::graph
