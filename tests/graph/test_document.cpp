// A document that is wrong says where, to the column, and what was probably meant.
#include "core/json.h"
#include "graph_test.h"

namespace tapemill::graph {
namespace {
using namespace test;
using testing::HasSubstr;

struct Wrong {
  const char* name;
  std::string text;       // "@" stands before the place that the error must name
  std::string message;    // part of the message
  std::string hint = {};  // part of the hint
};

std::string node(const std::string& name, const std::string& type, const std::string& config) {
  return R"({"name": ")" + name + R"(", "type": ")" + type + R"(", "config": )" + config + "}";
}
const std::string kIn = node("in", "DataSubscriberNode", R"({"source": "file://a.csv"})");
const std::string kOut = node("out", "DataPublisherNode", R"({"destination": "memory://o"})");
std::string whole(const std::string& nodes, const std::string& edges, const std::string& more = "") {
  return "{\n  \"name\": \"g\"," + more + "\n  \"nodes\": [\n    " + nodes + "\n  ],\n  \"edges\": [" + edges +
         "]\n}\n";
}
const std::string kEdge = R"({"from": "in", "to": "out"})";

class DocumentErrors : public testing::TestWithParam<Wrong> {};

TEST_P(DocumentErrors, NameThePlace) {
  std::string text = GetParam().text;
  const auto mark = text.find('@');
  ASSERT_NE(mark, std::string::npos);
  text.erase(mark, 1);
  const std::string before = text.substr(0, mark);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto column = mark - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  auto result = GraphDocument::parse(text, "g.json");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.status().message(), testing::StartsWith(fmt::format("g.json:{}:{}: ", line, column))) << text;
  EXPECT_THAT(result.status().message(), HasSubstr(GetParam().message));
  EXPECT_THAT(render(result.status(), false), HasSubstr(GetParam().hint));
  EXPECT_EQ(exit_code(result.status()), 2);
}

INSTANTIATE_TEST_SUITE_P(
    Table, DocumentErrors,
    testing::Values(
        Wrong{"unknown_top_key", whole(kIn + ", " + kOut, kEdge, " @\"edgs\": 1,"), "unknown key \"edgs\"",
              "did you mean \"edges\"?"},
        Wrong{"unknown_node_key", whole(R"({"name": "in", @"typ": "DataSubscriberNode"})", ""), "unknown key \"typ\"",
              "did you mean \"type\"?"},
        Wrong{"no_name", "@{\"nodes\": [], \"edges\": []}", "\"name\" is missing"},
        Wrong{"no_config", whole(R"(@{"name": "in", "type": "DataSubscriberNode"})", ""), "\"config\" is missing"},
        Wrong{"no_nodes", "{\"name\": \"g\", \"nodes\": @[], \"edges\": []}", "expected a list of nodes"},
        Wrong{"unknown_type", whole(R"({"name": "in", "type": @"DataSubscriberNod", "config": {}})", ""),
              "unknown type of node", "did you mean \"DataSubscriberNode\"?"},
        Wrong{"no_source", whole(R"({"name": "in", "type": "DataSubscriberNode", "config": @{"src": 1}})", ""),
              "\"source\" is missing"},
        Wrong{"unknown_connector",
              whole(R"({"name": "in", "type": "DataSubscriberNode", "config": {"source": @"kafak://topic/x"}})", ""),
              "unknown connector \"kafak\"", "did you mean \"kafka\"?"},
        Wrong{"no_connector",
              whole(R"({"name": "in", "type": "DataSubscriberNode", "config": {"source": @"a.csv"}})", ""),
              "has no connector", "file://"},
        Wrong{"lake_as_destination",
              whole(R"({"name": "o", "type": "DataPublisherNode", "config": {"destination": @"lake://gold.x"}})", ""),
              "not built in this version", "file, memory"},
        Wrong{
            "unknown_class",
            whole(
                R"({"name": "c", "type": "CalculatorNode", "config": {"calculator_class": @"core.x.TechnicalIndicatorCalculater"}})",
                ""),
            "unknown calculator class", "did you mean \"TechnicalIndicatorCalculator\"?"},
        Wrong{"two_of_a_name",
              whole(kIn + ", " +
                        R"({"name": @"in", "type": "DataPublisherNode", "config": {"destination": "memory://o"}})",
                    ""),
              "two nodes are named \"in\""},
        Wrong{"edge_from_nowhere", whole(kIn + ", " + kOut, R"({"from": @"inn", "to": "out"})"), "no such node",
              "did you mean \"in\"?"},
        Wrong{"edge_to_nowhere", whole(kIn + ", " + kOut, R"({"from": "in", "to": @"uot"})"), "goes to \"uot\"",
              "did you mean \"out\"?"},
        Wrong{"edge_twice", whole(kIn + ", " + kOut, kEdge + ", @" + kEdge), "stands twice"},
        Wrong{"edge_key", whole(kIn + ", " + kOut, R"({"from": "in", "to": "out", @"too": 1})"), "unknown key \"too\"",
              "did you mean \"to\"?"},
        Wrong{"edge_into_subscriber", whole(kIn + ", " + kOut, kEdge + R"(, {"from": "out", "to": @"in"})"),
              "is a subscriber"},
        Wrong{
            "circle",
            whole(
                kIn + ", " +
                    R"({"name": "x", "type": "CalculatorNode", "config": {"calculator_class": "DataWindowerCalculator"}}, )" +
                    "@" + kOut + ", " +
                    R"({"name": "p", "type": "DataPublisherNode", "config": {"destination": "memory://p"}})",
                R"({"from": "in", "to": "x"}, {"from": "x", "to": "out"}, {"from": "out", "to": "p"}, {"from": "p", "to": "out"})"),
            "run in a circle: out -> p -> out"},
        Wrong{"no_rows_come", whole(kIn + ", @" + kOut, ""), "no rows come to \"out\""},
        Wrong{"start_time", whole(kIn + ", " + kOut, kEdge, " \"start_time\": @\"2530\","),
              "start_time is a time of day"},
        Wrong{"duration", whole(kIn + ", " + kOut, kEdge, " \"duration\": @\"two hours\","), "two hours"},
        Wrong{"timezone", whole(kIn + ", " + kOut, kEdge, " \"timezone\": @\"America/New_Yrok\","), "America/New_Yrok",
              "America/New_York"},
        Wrong{"clone_count", whole(kIn + ", " + kOut, kEdge, " \"autoclone\": {\"partition_count\": @0},"), "outside"},
        Wrong{"clone_key", whole(kIn + ", " + kOut, kEdge, " \"autoclone\": {@\"partition_cout\": 3},"), "unknown key",
              "did you mean \"partition_count\"?"},
        Wrong{"duplicate_key", whole(kIn + ", " + kOut, kEdge, " @\"name\": \"h\","), "stands twice"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Document, HostileTextIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("null"),
        std::string("{\"name\": \"\xff\xfe\"}"), std::string("\0\0\0\0", 4), std::string(200'000, '['),
        "{\"nodes\":" + std::string(150, '[') + std::string(150, ']') + "}", std::string("{\"name\": \"g\"} x"),
        std::string("{\"name\": 1e999, \"nodes\": [], \"edges\": []}")}) {
    auto result = GraphDocument::parse(text, "h.json");
    ASSERT_FALSE(result.ok()) << text.substr(0, 40);
    EXPECT_THAT(result.status().message(), testing::StartsWith("h.json")) << text.substr(0, 40);
  }
}

/// Every byte of a sound document taken out or replaced: an error or a document, never anything else.
TEST(Document, AnyByteMayBeWrong) {
  const std::string sound =
      whole(kIn + ", " + kOut, kEdge,
            " \"start_time\": \"0930\", \"duration\": \"6h30m\", \"autoclone\": {\"partition_count\": 2},");
  ASSERT_OK(GraphDocument::parse(sound, "g.json"));
  int refused = 0;
  for (std::size_t at = 0; at < sound.size(); ++at)
    for (const char* with : {"", "\"", "{", "9", "\n"}) {
      std::string text = sound;
      text.replace(at, 1, with);
      refused += !GraphDocument::parse(text, "g.json").ok();
    }
  EXPECT_GT(refused, 500);
}

TEST(Document, TenThousandNodes) {
  Json nodes = Json::array(), edges = Json::array();
  nodes.push_back(subscriber("n0", "file://a.csv"));
  for (int i = 1; i < 10'000; ++i) {
    nodes.push_back(calculator("n" + std::to_string(i), "DataWindowerCalculator"));
    edges.push_back({{"from", "n" + std::to_string(i - 1)}, {"to", "n" + std::to_string(i)}});
  }
  auto graph = must(GraphDocument::parse(Json{{"name", "g"}, {"nodes", nodes}, {"edges", edges}}.dump(2), "g.json"));
  EXPECT_EQ(graph.order.size(), 10'000U);
  edges.push_back({{"from", "n9999"}, {"to", "n1"}});
  auto circle = GraphDocument::parse(Json{{"name", "g"}, {"nodes", nodes}, {"edges", edges}}.dump(2), "g.json");
  ASSERT_FALSE(circle.ok());
  EXPECT_THAT(circle.status().message(), HasSubstr("circle: n1 -> n2"));
}

TEST(Document, OrderFollowsEdgesThenWriting) {
  auto graph =
      parsed(graph_json({publisher("out", "memory://o"), technical("b", {"SMA_3"}), subscriber("in2", "file://b.csv"),
                         technical("a", {"SMA_3"}), subscriber("in1", "file://a.csv")},
                        {{"in1", "a"}, {"a", "b"}, {"in2", "b"}, {"b", "out"}}));
  std::vector<std::string> names;
  for (std::size_t i : graph.order) names.push_back(graph.nodes[i].name);
  EXPECT_THAT(names, testing::ElementsAre("in2", "in1", "a", "b", "out"));
}

}  // namespace
}  // namespace tapemill::graph
