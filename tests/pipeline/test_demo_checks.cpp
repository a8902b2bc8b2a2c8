// What the demo's checks ask for, where nothing is wrong and where all is null.
#include <gtest/gtest.h>

#include "pipeline/demo_read_back.h"

namespace tapemill::pipeline {
namespace {

TEST(DemoChecks, AGraphIsJudgedByValuesThatAreNotNull) {
  GraphComparison graph;
  graph.rows = 10, graph.values = 20;
  EXPECT_FALSE(judge_graph(graph).ok);
  graph.computed = 6;
  EXPECT_TRUE(judge_graph(graph).ok);
  EXPECT_EQ(judge_graph(graph).detail, "6 values and 14 nulls, 0 with other bits");
  graph.different = 1;
  EXPECT_FALSE(judge_graph(graph).ok);
}

TEST(DemoChecks, SomeSignalMustBeGiven) {
  EXPECT_FALSE(judge_signals({}, 10).ok);
  EXPECT_FALSE(judge_signals({{"momentum", 0, 0}}, 10).ok);
  EXPECT_TRUE(judge_signals({{"momentum", 0, 1}, {"volatility_breakout", 0, 0}}, 10).ok);
  EXPECT_FALSE(judge_signals({{"momentum", 11, 0}}, 10).ok);
}

}  // namespace
}  // namespace tapemill::pipeline
