// The live graph and the batch table are the same computation, bit for bit; neither clones nor the size of messages matter.
#include <bit>
#include <map>

#include "analytics/requests.h"
#include "core/json.h"
#include "graph_test.h"

namespace tapemill::graph {
namespace {
using namespace test;

/// Rows of a CSV of bars_csv(), by ticker.
struct Batch {
  std::vector<std::string> columns = {"open", "high", "low", "close", "volume"};
  std::map<std::string, std::vector<std::vector<double>>> bars;  // ticker -> rows
  std::map<std::string, std::vector<std::int64_t>> sessions;
  explicit Batch(const std::string& csv) {
    std::istringstream lines(csv);
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      std::vector<std::string> cells(1);
      for (char c : line) c == ',' ? void(cells.emplace_back()) : void(cells.back() += c);
      std::vector<double> row;
      for (std::size_t i = 2; i < cells.size(); ++i) row.push_back(cells[i].empty() ? NAN : std::stod(cells[i]));
      bars[cells[0]].push_back(row);
      sessions[cells[0]].push_back(must(Date::parse(cells[1])).days);
    }
  }
};

class SameBits : public testing::TestWithParam<int> {};

TEST_P(SameBits, GraphIsBatch) {
  Folder folder;
  const std::string csv = bars_csv(static_cast<std::uint64_t>(GetParam()), 7, 320);
  write_text(folder / "bars.csv", csv);
  RunOptions options;
  options.rows_per_message = GetParam() % 2 == 0 ? 1 : 37;
  auto report = run_json(graph_json({subscriber("in", "file://" + (folder / "bars.csv")), technical("c", kSuite),
                                     publisher("out", "memory://o")},
                                    {{"in", "c"}, {"c", "out"}}),
                         options);
  const Captured& live = *report.captured.at("out");
  const Schema& schema = live.streams[0].schema;

  Batch batch(csv);
  auto expressions = must(analytics::resolve_requests(kSuite, batch.columns));
  auto series = must(analytics::Series::compile(expressions, batch.columns));
  std::map<std::string, std::size_t> next;
  std::map<std::string, std::vector<std::vector<double>>> expected;
  for (const auto& [ticker, rows] : batch.bars) {
    std::vector<std::vector<double>> inputs, outputs(series.outputs(), std::vector<double>(rows.size()));
    for (const std::string& name : series.inputs()) {
      const auto at =
          static_cast<std::size_t>(std::find(batch.columns.begin(), batch.columns.end(), name) - batch.columns.begin());
      auto& column = inputs.emplace_back();
      for (const auto& row : rows) column.push_back(row[at]);
    }
    const std::int64_t starts[] = {0, static_cast<std::int64_t>(rows.size())};
    // VWAP resets by session: a file's `date` is its UTC day, which is what the calculator falls back to.
    ASSERT_OK(series.run({inputs.begin(), inputs.end()}, batch.sessions[ticker], starts,
                         {outputs.begin(), outputs.end()}, Workers(1)));
    expected[ticker] = std::move(outputs);
  }
  const Block& rows = live.rows[0];
  std::int64_t values = 0, known = 0;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const std::string ticker(rows.columns[0].text(row));
    const std::size_t bar = next[ticker]++;
    for (std::size_t j = 0; j < expressions.size(); ++j) {
      const double got = rows.columns[static_cast<std::size_t>(schema.find(expressions[j].name))].number(row);
      ASSERT_EQ(std::bit_cast<std::uint64_t>(got), std::bit_cast<std::uint64_t>(expected[ticker][j][bar]))
          << ticker << " bar " << bar << " " << expressions[j].name;
      ++values, known += !std::isnan(got);
    }
  }
  EXPECT_GT(known, values / 3);
  for (const auto& [ticker, bars] : batch.bars) EXPECT_EQ(next[ticker], bars.size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, SameBits, testing::Range(1, 7));

TEST(Clones, CountThreadsAndMessagesChangeNothing) {
  Folder folder;
  write_text(folder / "bars.csv", bars_csv(11, 23, 260));
  write_text(folder / "more.csv", bars_csv(12, 9, 200));
  auto output = [&](int clones, int threads, std::size_t rows_per_message) {
    Json json = graph_json(
        {subscriber("in", "file://" + (folder / "bars.csv")), subscriber("in2", "file://" + (folder / "more.csv")),
         technical("c", kSuite),
         calculator("s", "SignalDetectorCalculator",
                    {{"strategies", {"mean_reversion", "volatility_breakout"}}, {"min_confidence", 0.1}}),
         publisher("out", "file://" + (folder / "o.jsonl")), publisher("signals", "file://" + (folder / "s.csv"))},
        {{"in", "c"}, {"in2", "c"}, {"c", "s"}, {"c", "out"}, {"s", "signals"}});
    if (clones > 0) json["autoclone"] = {{"partition_count", clones}};
    RunOptions options;
    options.rows_per_message = rows_per_message;
    Workers workers(threads);
    auto report = run_json(json, options, {nullptr, &workers, nullptr});
    EXPECT_EQ(report.outputs[0].rows, report.rows);
    EXPECT_GT(report.outputs[1].rows, 0);
    return read_text(folder / "o.jsonl") + read_text(folder / "s.csv");
  };
  const std::string one = output(0, 1, 1);
  ASSERT_GT(one.size(), 1'000'000U);
  for (auto [clones, threads, rows] :
       {std::tuple{1, 1, std::size_t{1}}, {3, 1, 1}, {10, 4, 1}, {10, 2, 64}, {64, 4, 1000}, {0, 1, 4096}})
    EXPECT_TRUE(output(clones, threads, rows) == one)
        << clones << " clones, " << threads << " threads, messages of " << rows;
}

TEST(Clones, AreCalledByTheirPattern) {
  Json json = graph_json({subscriber("in", "file://a.csv"), publisher("o", "memory://o")}, {{"in", "o"}});
  EXPECT_EQ(clone_name(parsed(json), 0), "g");
  json["autoclone"] = {{"clone_name_pattern", "tech_{partition_id}_of_{graph}"}};
  EXPECT_EQ(clone_name(parsed(json), 7), "tech_7_of_g");
}

/// Values that Kafka's own partitioner gives (org.apache.kafka.common.utils.UtilsTest).
TEST(Clones, HashIsKafkas) {
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("21")), -973932308);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("foobar")), -790332482);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")), -58897971);
}

}  // namespace
}  // namespace tapemill::graph
