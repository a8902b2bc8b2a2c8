// Order, fan-in and fan-out, the event-time clock, windows, dead letters, files that are whole or not there, going on.
#include <bit>
#include <filesystem>

#include "core/json.h"
#include "graph_test.h"

namespace tapemill::graph {
namespace {
using namespace test;
using testing::HasSubstr;

std::string file(const Folder& folder, const std::string& name) { return "file://" + (folder / name); }

std::vector<std::string> texts(const Block& rows, std::size_t column) {
  std::vector<std::string> out;
  for (std::size_t row = 0; row < rows.rows(); ++row) out.emplace_back(rows.columns[column].text(row));
  return out;
}

TEST(Run, RowsComeInEventOrder) {
  Folder folder;
  // By symbol in the file; two sources; equal times: by ticker, then of the subscriber that is written first.
  write_text(folder / "a.csv", "ticker,date,close\nB,2024-01-02,1\nB,2024-01-04,2\nA,2024-01-02,3\nA,2024-01-03,4\n");
  write_text(folder / "b.csv", "ticker,date,close\nX,2024-01-03,5\nX,2024-01-01,6\n");
  auto report =
      run_json(graph_json({subscriber("first", file(folder, "a.csv")), subscriber("second", file(folder, "b.csv")),
                           technical("c", {"SMA_2"}), publisher("out", "memory://o")},
                          {{"first", "c"}, {"second", "c"}, {"c", "out"}}));
  const Captured& out = *report.captured.at("out");
  EXPECT_THAT(texts(out.rows[0], 0), testing::ElementsAre("X", "A", "B", "A", "X", "B"));
  EXPECT_THAT(out.rows[0].sequence, testing::ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(Instant{*report.clock}.str(), "2024-01-04T00:00:00Z");
  EXPECT_EQ(out.rows[0].columns[3].number(3), 3.5);  // A: (3 + 4) / 2
}

TEST(Run, DiamondsComeTogetherInOrder) {
  Folder folder;
  write_text(folder / "a.csv", bars_csv(3, 3, 40));
  auto captured = [&](std::size_t rows_per_message) {
    RunOptions options;
    options.rows_per_message = rows_per_message;
    auto report =
        run_json(graph_json({subscriber("in", file(folder, "a.csv")), calculator("l", "DataWindowerCalculator"),
                             calculator("r", "DataWindowerCalculator"), technical("c", {"SMA_5"}),
                             publisher("out", "memory://o")},
                            {{"in", "l"}, {"in", "r"}, {"l", "c"}, {"r", "c"}, {"c", "out"}}),
                 options);
    for (const auto& node : report.nodes)
      EXPECT_EQ(node.metrics.rows_in, (node.name == "c" || node.name == "out" ? 2 : 1) * report.rows) << node.name;
    return report.captured.at("out");
  };
  auto one = captured(1), many = captured(50);
  ASSERT_EQ(one->rows[0].rows(), many->rows[0].rows());
  for (std::size_t row = 0; row < one->rows[0].rows(); ++row) {
    EXPECT_EQ(one->rows[0].sequence[row], static_cast<std::int64_t>(row / 2));
    EXPECT_EQ(std::bit_cast<std::uint64_t>(one->rows[0].columns.back().number(row)),
              std::bit_cast<std::uint64_t>(many->rows[0].columns.back().number(row)));
  }
}

TEST(Run, PublishersForwardAndNameTheOrigin) {
  Folder folder;
  write_text(folder / "a.csv", "ticker,date,close\nA,2024-01-02,1\nA,2024-01-03,\n");
  std::filesystem::create_directory(folder / "deep");
  run_json(graph_json({subscriber("in", file(folder, "a.csv")), technical("c", {"SMA_2"}),
                       publisher("mid", file(folder, "mid.jsonl")), publisher("end", file(folder, "deep/end.csv"))},
                      {{"in", "mid"}, {"in", "c"}, {"c", "mid"}, {"in", "end"}}));
  EXPECT_EQ(read_text(folder / "mid.jsonl"),
            "{\"origin\":\"in\",\"ticker\":\"A\",\"date\":\"2024-01-02\",\"close\":1}\n{\"origin\":\"c\",\"ticker\":"
            "\"A\",\"date\":\"2024-01-02\",\"close\":1,\"SMA_2\":null}\n"
            "{\"origin\":\"in\",\"ticker\":\"A\",\"date\":\"2024-01-03\",\"close\":null}\n{\"origin\":\"c\",\"ticker\":"
            "\"A\",\"date\":\"2024-01-03\",\"close\":null,\"SMA_2\":null}\n");
  EXPECT_EQ(read_text(folder / "deep/end.csv"), "ticker,date,close\nA,2024-01-02,1\nA,2024-01-03,\n");
  auto forwarded = run_json(graph_json({subscriber("in", file(folder, "a.csv")), publisher("mid", "memory://m"),
                                        technical("c", {"SMA_2"}), publisher("end", "memory://e")},
                                       {{"in", "mid"}, {"mid", "c"}, {"c", "end"}}));
  EXPECT_EQ(forwarded.captured.at("end")->rows[0].rows(), 2U);
}

TEST(Run, WindowOfTheDay) {
  Folder folder;
  std::string lines;
  for (const char* time : {"13:29:59", "13:30:00", "15:29:59", "15:30:00", "20:00:00"})
    lines += fmt::format("{{\"ticker\":\"A\",\"time\":\"2024-06-03T{}Z\",\"close\":1}}\n", time);
  write_text(folder / "a.jsonl", lines);
  Json json = graph_json({subscriber("in", file(folder, "a.jsonl")), publisher("out", "memory://o")}, {{"in", "out"}});
  json["start_time"] = "0930";
  json["duration"] = "2h";
  json["timezone"] = "America/New_York";
  auto report = run_json(json);
  EXPECT_EQ(report.rows, 2);
  EXPECT_EQ(report.outside, 3);
}

TEST(Run, RowsThatDoNotParseAreKept) {
  Folder folder;
  std::string csv =
      "ticker,date,close\nA,2024-01-02,1\nA,2024-01-03,abc\nA,2024-01-04\n,2024-01-05,2\nA,,3\nA,2024-01-08,1e400\nA,"
      "2024-01-09,4\n";
  write_text(folder / "a.csv", csv);
  Json json = graph_json(
      {subscriber(
           "in", file(folder, "a.csv"),
           {{"columns",
             {{{"name", "ticker"}, {"type", "string"}}, {{"name", "date"}, {"type", "date"}}, {{"name", "close"}}}}}),
       publisher("out", file(folder, "o.jsonl"))},
      {{"in", "out"}});
  auto report = run_json(json);
  EXPECT_EQ(report.rows, 3);
  EXPECT_EQ(report.dead, 4);
  ASSERT_THAT(report.dead_files, testing::ElementsAre(folder / "o.jsonl.dead.jsonl"));
  const std::string dead = read_text(report.dead_files[0]);
  EXPECT_EQ(std::count(dead.begin(), dead.end(), '\n'), 4);
  EXPECT_THAT(dead,
              HasSubstr("\"line\":3,\"reason\":\"close \\\"abc\\\" is not a number\",\"raw\":\"A,2024-01-03,abc\""));
  EXPECT_THAT(dead, HasSubstr("has 2 fields, the header has 3"));
  EXPECT_THAT(dead, HasSubstr("date is null: the row has no event time"));
  write_text(folder / "a.csv", "ticker,date,close\nA,2024-01-02,1\n");  // none is wrong any more
  EXPECT_EQ(run_json(json).dead, 0);
  EXPECT_FALSE(std::filesystem::exists(folder / "o.jsonl.dead.jsonl"));
}

TEST(Run, JsonLinesThatAreNone) {
  Folder folder;
  write_text(folder / "a.jsonl",
             "\xEF\xBB\xBF{\"ticker\":\"A\",\"date\":\"2024-01-02\",\"close\":1}\r\n\n{\"ticker\":\n[1]\n{\"ticker\":"
             "\"A\",\"date\":\"2024-01-03\",\"close\":[1]}\n{\"x\":\"" +
                 std::string(3 << 20, 'y') + "\"}\n{\"ticker\":\"A\",\"date\":\"2024-01-04\",\"close\":2,\"more\":1}");
  auto report = run_json(
      graph_json({subscriber("in", file(folder, "a.jsonl")), publisher("out", "memory://o")}, {{"in", "out"}}));
  EXPECT_EQ(report.rows, 2);
  EXPECT_EQ(report.dead, 4);
}

Json indicators_to_file(const Folder& folder, const std::string& name, int clones = 0) {
  Json json = graph_json({subscriber("in", file(folder, "bars.csv")), technical("c", kSuite),
                          calculator("w", "DataWindowerCalculator"), publisher("out", file(folder, name))},
                         {{"in", "w"}, {"w", "c"}, {"c", "out"}});
  if (clones > 0) json["autoclone"] = {{"partition_count", clones}};
  return json;
}

TEST(Checkpoint, OutputIsThatOfTheRunThatDidNotStop) {
  Folder folder;
  write_text(folder / "bars.csv", bars_csv(5, 11, 230));
  for (int clones : {0, 4}) {
    const auto whole = run_json(indicators_to_file(folder, "o.jsonl", clones));
    const std::string expected = read_text(folder / "o.jsonl");
    std::filesystem::remove(folder / "o.jsonl");
    RunOptions options;
    options.checkpoint = folder / "at";
    std::int64_t rows = 0;
    int runs = 0;
    for (bool stopped = true; stopped; ++runs) {
      options.most_rows = 300 + 71 * runs;
      options.resume = runs > 0;
      auto report = run_json(indicators_to_file(folder, "o.jsonl", clones), options);
      rows += report.rows;
      stopped = report.stopped;
      EXPECT_EQ(std::filesystem::exists(folder / "o.jsonl"), !stopped);  // whole, or not there
      EXPECT_EQ(std::filesystem::exists(folder / "at"), stopped);
      if (stopped)
        std::ofstream(folder / "o.jsonl.partial", std::ios::app) << "what a killed run wrote after its checkpoint";
      ASSERT_LT(runs, 20);
    }
    EXPECT_GT(runs, 3);
    EXPECT_EQ(rows, whole.rows);
    EXPECT_TRUE(read_text(folder / "o.jsonl") == expected) << clones;
  }
}

TEST(Checkpoint, OfAnotherGraphOrTornIsRefused) {
  Folder folder;
  write_text(folder / "bars.csv", bars_csv(5, 4, 100));
  RunOptions options;
  options.checkpoint = folder / "at";
  options.most_rows = 100;
  run_json(indicators_to_file(folder, "o.jsonl"), options);
  const std::string bytes = read_text(folder / "at");
  options.resume = true;
  auto resumed = [&](const Json& json) {
    GraphDocument document = parsed(json);
    const Plan planned = plan(document, {});
    return run(document, planned, {}, options).status();
  };
  Json other = indicators_to_file(folder, "o.jsonl");
  other["nodes"][1]["config"]["indicators"] = {"SMA_3"};
  EXPECT_THAT(resumed(other).message(), HasSubstr("another document"));
  for (std::size_t size : {std::size_t{0}, std::size_t{5}, bytes.size() / 2, bytes.size() - 1}) {
    write_text(folder / "at", bytes.substr(0, size));
    EXPECT_FALSE(resumed(indicators_to_file(folder, "o.jsonl")).ok()) << size;
  }
  write_text(folder / "at", bytes + "x");
  EXPECT_THAT(resumed(indicators_to_file(folder, "o.jsonl")).message(), HasSubstr("behind its end"));
  write_text(folder / "at", bytes);
  write_text(folder / "bars.csv", bars_csv(6, 4, 101));
  EXPECT_FALSE(resumed(indicators_to_file(folder, "o.jsonl")).ok());
}

TEST(Run, AnInterruptLeavesTheDestinationAsItWas) {
  Folder folder;
  write_text(folder / "bars.csv", bars_csv(5, 4, 50));
  write_text(folder / "o.jsonl", "before\n");
  std::stop_source stop;
  stop.request_stop();
  RunOptions options;
  options.stop = stop.get_token();
  GraphDocument document = parsed(indicators_to_file(folder, "o.jsonl"));
  const Plan planned = plan(document, {});
  auto result = run(document, planned, {}, options);
  EXPECT_TRUE(result.status().IsCancelled());
  EXPECT_EQ(exit_code(result.status()), 130);
  EXPECT_EQ(read_text(folder / "o.jsonl"), "before\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "o.jsonl.partial"));
}

TEST(Run, FullDiskIsSaidAndNothingIsHalf) {
  Folder folder;
  write_text(folder / "bars.csv", bars_csv(5, 4, 50));
  std::filesystem::create_symlink("/dev/full", folder / "o.jsonl.partial");
  GraphDocument document = parsed(indicators_to_file(folder, "o.jsonl"));
  const Plan planned = plan(document, {});
  auto result = run(document, planned, {});
  EXPECT_EQ(exit_code(result.status()), 3);
  EXPECT_THAT(result.status().message(), HasSubstr("No space left"));
  EXPECT_FALSE(std::filesystem::exists(folder / "o.jsonl"));
}

}  // namespace
}  // namespace tapemill::graph
