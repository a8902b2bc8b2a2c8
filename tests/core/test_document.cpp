#include <gtest/gtest.h>

#include "core/config.h"
#include "core/document.h"
#include "core/json_schema.h"

namespace tapemill {

struct Inner {
  int depth = 3;
};
struct Sample {
  std::string name = "none";
  double share = 0.5;
  bool loud = false;
  std::vector<std::string> paths;
  ByteSize memory;
  Duration lag;
  std::string mode = "fast";
  Inner inner;
  std::optional<int> limit;
};
template <>
inline constexpr auto fields<Inner> = std::tuple{field("depth", &Inner::depth, "how deep", 1, 9)};
template <>
inline constexpr auto fields<Sample> = std::tuple{field("name", &Sample::name, "a name"),
                                                  field("share", &Sample::share, "a share", 0, 1),
                                                  field("loud", &Sample::loud, "loud or not"),
                                                  field("paths", &Sample::paths, "paths"),
                                                  field("memory", &Sample::memory, "a ceiling"),
                                                  field("lag", &Sample::lag, "a lag"),
                                                  field("mode", &Sample::mode, "a mode", "fast|exact"),
                                                  field("inner", &Sample::inner, "nested"),
                                                  field("limit", &Sample::limit, "a limit")};

namespace {

Status read(const std::string& text, Sample& out) {
  ARROW_ASSIGN_OR_RAISE(Document document, Document::parse_yaml(text, "sample.yaml"));
  return read_config(document.root(), out);
}

TEST(Config, OneDeclarationReadsEveryKind) {
  Sample sample;
  ASSERT_TRUE(read("name: x\nshare: 0.25\nloud: true\npaths: [a, b]\nmemory: 512MB\nlag: 5m\nmode: exact\ninner: "
                   "{depth: 5}\nlimit: 4\n",
                   sample)
                  .ok());
  EXPECT_EQ(sample.name, "x");
  EXPECT_EQ(sample.share, 0.25);
  EXPECT_TRUE(sample.loud);
  EXPECT_EQ(sample.paths, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(sample.memory.bytes, 512 << 20);
  EXPECT_EQ(sample.lag.us, 5 * kMinute);
  EXPECT_EQ(sample.mode, "exact");
  EXPECT_EQ(sample.inner.depth, 5);
  EXPECT_EQ(sample.limit, 4);
}

TEST(Config, MistakesNamePlaceAndNearestName) {
  const std::pair<const char*, const char*> cases[] = {
      {"nmae: x\n", "sample.yaml:1:1: unknown key \"nmae\""},
      {"name: x\nshare: 2\n", "sample.yaml:2:8: 2 is outside 0 .. 1"},
      {"mode: fsat\n", "sample.yaml:1:7: \"fsat\" is none of fast|exact"},
      {"inner:\n  depth: twelve\n", "sample.yaml:2:10: expected a whole number, found \"twelve\""},
      {"name: x\nname: y\n", "sample.yaml:2:1: \"name\" stands twice"},
      {"memory: lots\n", "sample.yaml:1:9: \"lots\" is not a size"},
      {"name: [a\n", "sample.yaml:2:1: not YAML"}};
  for (const auto& [text, expected] : cases) {
    Sample sample;
    Status status = read(text, sample);
    EXPECT_TRUE(status.message().starts_with(expected)) << status.message();
    EXPECT_EQ(exit_code(status), 2);
  }
  Sample sample;
  EXPECT_NE(render(read("nmae: x\n", sample), false).find("  nmae: x\n  ^\ndid you mean \"name\"?"), std::string::npos);
}

TEST(Config, SchemaAndHelpComeFromTheDeclaration) {
  Json schema = json_schema<Sample>();
  EXPECT_EQ(schema["properties"]["share"]["maximum"], 1.0);
  EXPECT_EQ(schema["properties"]["mode"]["enum"], (std::vector<std::string>{"fast", "exact"}));
  EXPECT_EQ(schema["properties"]["inner"]["properties"]["depth"]["type"], "integer");
  EXPECT_EQ(schema["properties"]["paths"]["items"]["type"], "string");
  EXPECT_EQ(schema["additionalProperties"], false);
  auto rows = describe<Sample>();
  ASSERT_EQ(rows.size(), 9u);
  EXPECT_EQ(rows[6].range, "fast|exact");
  EXPECT_EQ(rows[6].standard, "fast");
}

TEST(Document, JsonKnowsLinesAndColumns) {
  Document document = *Document::parse_json(
      "{\n  \"nodes\": [\n    {\"name\": \"a\", \"size\": 3},\n    true, null, -1.5e3, \"\\u00e9\"\n  ]\n}\n",
      "g.json");
  const Node& nodes = *document.root().find("nodes");
  EXPECT_EQ(nodes.place(), "g.json:2:12");
  EXPECT_EQ(nodes.items[0].find("size")->place(), "g.json:3:27");
  EXPECT_EQ(nodes.items[0].members[1].key.place(), "g.json:3:19");
  EXPECT_EQ(*nodes.items[3].as_number(), -1500);
  EXPECT_EQ(nodes.items[4].text, "é");
  EXPECT_EQ(nodes.items[1].type, Node::Type::boolean);
}

TEST(Document, BadJsonIsAnErrorWithAPlace) {
  for (const char* text : {"{", "[1,]", "{\"a\":1 \"b\":2}", "{\"a\":1}{", "nul", "", "{\"a\":1,\"a\":2}", "[1] 2"}) {
    auto document = Document::parse_json(text, "bad.json");
    ASSERT_FALSE(document.ok()) << text;
    EXPECT_TRUE(document.status().message().starts_with("bad.json:")) << document.status().message();
  }
}

TEST(Document, HostileInputIsRefusedNotFollowed) {
  EXPECT_FALSE(Document::parse_json(std::string(100'000, '['), "deep.json").ok());
  EXPECT_FALSE(Document::parse_yaml(std::string(2'000, '['), "deep.yaml").ok());
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += fmt::format("a{}: &a{} [", i, i);
    for (int j = 0; j < 10; ++j) bomb += fmt::format("{}*a{}", j ? "," : "", i - 1);
    bomb += "]\n";
  }
  EXPECT_FALSE(Document::parse_yaml(bomb, "bomb.yaml").ok());
  EXPECT_FALSE(Document::parse_yaml("a: \xff\xfe", "bytes.yaml").ok());
}

}  // namespace
}  // namespace tapemill
