// What is judged before a graph starts: configurations, declared inputs, what this version has not.
#include "core/json.h"
#include "graph_test.h"

namespace tapemill::graph {
namespace {
using namespace test;
using testing::HasSubstr;

constexpr const char* kBars =
    "ticker,date,open,high,low,close,volume\nA,2024-01-02,1,2,0.5,1.5,100\nB,2024-01-02,1,2,0.5,1.5,\n";

std::vector<Finding> findings_of(const Json& json) {
  GraphDocument document = parsed(json);
  return plan(document, {}).findings;
}

class Check : public testing::Test {
 protected:
  void SetUp() override { write_text(folder_ / "bars.csv", kBars); }
  std::string source() const { return "file://" + (folder_ / "bars.csv"); }
  /// The only finding of in -> `middle` -> out.
  Status finding(const Json& middle) {
    auto found = findings_of(
        graph_json({subscriber("in", source()), middle, publisher("out", "memory://o")}, {{"in", "c"}, {"c", "out"}}));
    return found.size() == 1 ? found[0].status : Status::Invalid(fmt::format("{} findings", found.size()));
  }
  Folder folder_;
};

TEST_F(Check, WhatIsSoundHasNoFindings) {
  EXPECT_TRUE(
      findings_of(graph_json({subscriber("in", source()), technical("c", kSuite), publisher("out", "memory://o")},
                             {{"in", "c"}, {"c", "out"}}))
          .empty());
}

TEST_F(Check, UnknownIndicatorAtItsPlace) {
  Status status = finding(technical("c", {"SMA_20", "RSX_14"}));
  EXPECT_THAT(status.message(), testing::MatchesRegex("g\\.json:[0-9]+:[0-9]+: unknown indicator RSX_14"));
  EXPECT_THAT(render(status, false), HasSubstr("did you mean RSI?"));
  EXPECT_THAT(render(status, false), HasSubstr("     \"RSX_14\"\n"));  // the line, and a caret under it
}

TEST_F(Check, MissingColumnIsNamed) {
  Status status =
      finding(calculator("c", "TechnicalIndicatorCalculator", {{"indicators", {"SMA_20"}}, {"price_column", "clse"}}));
  EXPECT_THAT(status.message(), HasSubstr("clse"));
  EXPECT_THAT(render(status, false), HasSubstr("close"));
}

TEST_F(Check, UnknownConfigKey) {
  Status status = finding(calculator("c", "TechnicalIndicatorCalculator", {{"indicator", {"SMA_20"}}}));
  EXPECT_THAT(render(status, false), HasSubstr("did you mean \"indicators\"?"));
}

TEST_F(Check, SignalsSayWhatTheyLack) {
  Status status = finding(calculator("c", "SignalDetectorCalculator"));
  EXPECT_THAT(status.message(), HasSubstr("the rows lack RSI_14"));
  EXPECT_THAT(render(status, false), HasSubstr("ask the indicators before for"));
}

TEST_F(Check, GroupedByWhatIsNotThere) {
  Status status = finding(calculator("c", "DataWindowerCalculator", {{"group_by", "tikcer"}}));
  EXPECT_THAT(status.message(), HasSubstr("grouped by \"tikcer\""));
  EXPECT_THAT(render(status, false), HasSubstr("did you mean \"ticker\"?"));
  EXPECT_THAT(finding(calculator("c", "DataWindowerCalculator", {{"group_by", "close"}})).message(),
              HasSubstr("not text"));
}

TEST_F(Check, TwoFormsIntoOneCalculator) {
  write_text(folder_ / "other.csv", "ticker,date,close\nA,2024-01-02,1\n");
  auto found =
      findings_of(graph_json({subscriber("in", source()), subscriber("in2", "file://" + (folder_ / "other.csv")),
                              technical("c", {"SMA_3"}), publisher("out", "memory://o")},
                             {{"in", "c"}, {"in2", "c"}, {"c", "out"}}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].status.message(), HasSubstr("rows of different columns come to \"c\": from in and from in2"));
}

TEST_F(Check, DestinationsAreJudged) {
  auto with = [&](const std::string& destination, const Json& more = Json::object()) {
    auto found =
        findings_of(graph_json({subscriber("in", source()), publisher("out", destination, more)}, {{"in", "out"}}));
    return found.empty() ? std::string() : render(found[0].status, false);
  };
  EXPECT_EQ(with("file://" + (folder_ / "o.jsonl")), "");
  EXPECT_EQ(with("file://" + (folder_ / "o.dat"), {{"format", "csv"}}), "");
  EXPECT_THAT(with("file://" + (folder_ / "o.dat")), HasSubstr("cannot be told"));
  EXPECT_THAT(with("file://" + folder_.path() + ""), HasSubstr("is a folder"));
  EXPECT_THAT(with("memory://"), HasSubstr("no name"));
  EXPECT_THAT(with("memory://o", {{"batch_size", 3}}), HasSubstr("unknown key \"batch_size\""));
  EXPECT_THAT(with("kafka://topic/x"), HasSubstr("the connector \"kafka\" is not built in this version"));
  EXPECT_THAT(with("memory://o_{partition_id}"), HasSubstr("not built in this version"));
}

TEST_F(Check, SourcesAreJudged) {
  auto with = [&](const std::string& from, const Json& more = Json::object()) {
    auto found =
        findings_of(graph_json({subscriber("in", from, more), publisher("out", "memory://o")}, {{"in", "out"}}));
    return found.empty() ? std::string() : render(found[0].status, false);
  };
  EXPECT_THAT(with("file://" + (folder_ / "*.nothing.csv")), HasSubstr("no file is like"));
  EXPECT_THAT(with("file://" + (folder_ / "*.parquet")), HasSubstr("Parquet files are not read by file://"));
  EXPECT_THAT(with(source(), {{"time_column", "dat"}}), HasSubstr("did you mean \"date\"?"));
  EXPECT_THAT(with(source(), {{"columns", {{{"name", "close"}, {"type", "dubble"}}}}}),
              HasSubstr("did you mean \"double\"?"));
  EXPECT_THAT(with("lake://silver.stocks_daily"), HasSubstr("there is no lake"));
  EXPECT_THAT(with("lake://silver.stocks_daily?symbls=A"), HasSubstr("did you mean \"symbols\"?"));
  EXPECT_THAT(with("websocket://x"), HasSubstr("sources that are: file, lake"));
}

TEST_F(Check, EveryFindingIsCollected) {
  auto found = findings_of(
      graph_json({subscriber("in", "kafka://topic/x"), technical("c", {"SMB_20"}), publisher("out", "redis://queue/x")},
                 {{"in", "c"}, {"c", "out"}}));
  ASSERT_EQ(found.size(), 3U);
  EXPECT_TRUE(found[0].absent);
  EXPECT_FALSE(found[1].absent);
  EXPECT_THAT(found[1].status.message(), HasSubstr("unknown indicator SMB_20"));  // though its rows cannot be known
  EXPECT_TRUE(found[2].absent);
}

/// Diamonds of forwarding publishers double the ways at every step: refused before they fill the memory.
TEST_F(Check, WaysAreCounted) {
  std::vector<Json> nodes = {subscriber("in", source()), publisher("p0", "memory://p0")};
  Edges edges = {{"in", "p0"}};
  for (int i = 0; i < 40; ++i) {
    for (const char* side : {"l", "r"}) {
      nodes.push_back(publisher(fmt::format("{}{}", side, i), fmt::format("memory://{}{}", side, i)));
      edges.emplace_back(fmt::format("p{}", i), fmt::format("{}{}", side, i));
      edges.emplace_back(fmt::format("{}{}", side, i), fmt::format("p{}", i + 1));
    }
    nodes.push_back(publisher(fmt::format("p{}", i + 1), fmt::format("memory://p{}", i + 1)));
  }
  auto found = findings_of(graph_json(nodes, edges));
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found[0].status.message(), HasSubstr("ways lead to \"p10\""));
}

/// The founding documents: sound, and what keeps each from running is named, at its place.
TEST(ReferenceGraphs, ParseAndSayWhatIsMissing) {
  std::string folder = share_folder() + "/../shared/reference/graphs";
  if (const char* data = std::getenv("TAPEMILL_SHARED_DATA")) folder = std::string(data) + "/../reference/graphs";
  if (!std::filesystem::is_directory(folder))
    GTEST_SKIP() << "../shared/reference/graphs IS NOT THERE: the founding graphs were not read";
  const std::vector<std::pair<std::string, std::vector<std::string>>> expected = {
      {"cross_sectional_analysis",
       {"eod_data_loader", "returns_calculator", "factor_calculator", "sector_aggregator", "correlation_calculator",
        "market_breadth", "results_publisher", "database_writer"}},
      {"market_data_ingestion",
       {"file_subscriber", "kafka_subscriber", "rest_subscriber", "data_normalizer", "data_enricher", "lmdb_output",
        "kafka_output"}},
      {"signal_detection_pipeline",
       {"market_data_subscriber", "risk_filter", "signal_publisher", "signal_cache", "metrics_publisher"}},
      {"technical_analysis_template", {"symbol_data_input", "results_output"}}};
  for (const auto& [name, nodes] : expected) {
    auto document = must(GraphDocument::read(folder + "/" + name + ".json"));
    EXPECT_EQ(document.name, name);
    std::vector<std::string> found;
    for (const Finding& finding : plan(document, {}).findings) {
      found.push_back(finding.node);
      EXPECT_THAT(finding.status.message(), testing::MatchesRegex(".*" + name + "\\.json:[0-9]+:[0-9]+: .*")) << name;
      EXPECT_TRUE(finding.absent) << finding.status.message();
    }
    EXPECT_THAT(found, testing::UnorderedElementsAreArray(nodes)) << name;
  }
}

TEST(ShippedGraphs, HaveTheReferenceForm) {
  for (const auto& entry : std::filesystem::directory_iterator(share_folder() + "/graphs")) {
    auto document = must(GraphDocument::read(entry.path().string()));
    EXPECT_FALSE(document.nodes.empty()) << entry.path();
  }
  auto document = must(GraphDocument::read(share_folder() + "/graphs/technical_analysis.json"));
  EXPECT_EQ(document.name, "technical_analysis_template");
  ASSERT_TRUE(document.autoclone);
  EXPECT_EQ(document.autoclone->partition_count, 10);
}

}  // namespace
}  // namespace tapemill::graph
