#include "graph/draw.h"

#include "core/json.h"
#include "graph_test.h"

namespace tapemill::graph {
namespace {
using namespace test;

Json diamond() {
  return graph_json({subscriber("in", "file://a.csv"), technical("left", {"SMA_3"}), technical("right", {"SMA_3"}),
                     publisher("o", "memory://o")},
                    {{"in", "left"}, {"in", "right"}, {"left", "o"}, {"right", "o"}, {"in", "o"}});
}

TEST(Draw, BoxesAndLines) {
  EXPECT_EQ(must(draw_text(parsed(diamond()))),
            R"(┌──────────────┐
│ in           │
│ file://a.csv │
└───────┬──────┘
        ├──────────────────────────────────────────┬──────────────────┐
        v                                          v                  │
┌───────┴──────────────────────┐   ┌───────────────┴──────────────┐   │
│ left                         │   │ right                        │   │
│ TechnicalIndicatorCalculator │   │ TechnicalIndicatorCalculator │   │
└───────────────┬──────────────┘   └───────────────┬──────────────┘   │
                └────────────────────────────┐     │                  │
                                             ├─────┘                  │
                                             ├────────────────────────┘
                                             v
                                      ┌──────┴─────┐
                                      │ o          │
                                      │ memory://o │
                                      └────────────┘
)");
}

TEST(Draw, AnArrowToWhatStandsBelowGoesStraight) {
  const std::string drawing = must(draw_text(
      parsed(graph_json({subscriber("in", "file://a.csv"), technical("wide", {"SMA_3"}), publisher("o", "memory://o")},
                        {{"in", "wide"}, {"wide", "o"}}))));
  for (const char* bend : {"└──┬", "┬──┐", "┐  v"}) EXPECT_EQ(drawing.find(bend), std::string::npos) << drawing;
  EXPECT_NE(drawing.find("└───────┬──────┘\n        │\n        v\n┌───────┴──"), std::string::npos) << drawing;
}

TEST(Draw, Graphviz) {
  Json json = diamond();
  json["name"] = "a \"quoted\" one";
  const std::string dot = draw_dot(parsed(json));
  EXPECT_THAT(dot, testing::StartsWith("digraph \"a \\\"quoted\\\" one\" {\n"));
  EXPECT_THAT(dot, testing::HasSubstr("\"in\" [label=\"in\\nfile://a.csv\", tooltip=\"subscriber\"];"));
  EXPECT_THAT(dot, testing::HasSubstr("  \"in\" -> \"left\";\n  \"in\" -> \"right\";\n"));
}

TEST(Draw, TooLargeIsRefused) {
  std::vector<Json> nodes = {subscriber("in", "file://a.csv")};
  Edges edges;
  for (int i = 0; i < 3000; ++i)
    nodes.push_back(publisher(fmt::format("o{}", i), "memory://o")), edges.emplace_back("in", fmt::format("o{}", i));
  GraphDocument graph = parsed(graph_json(nodes, edges));
  EXPECT_EQ(exit_code(draw_text(graph).status()), 2);
  EXPECT_THAT(draw_dot(graph), testing::HasSubstr("\"in\" -> \"o2999\""));
}

}  // namespace
}  // namespace tapemill::graph
