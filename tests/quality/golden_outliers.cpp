// Values nobody here computed: scripts/golden_outliers.py ran scikit-learn, NumPy and SciPy on the same points.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/build_info.h"
#include "core/json.h"
#include "core/paths.h"
#include "quality/statistics.h"

namespace tapemill::quality {
namespace {

Json golden() {
  auto text = read_file(std::string(source_dir()) + "/tests/golden/quality/outliers.json");
  EXPECT_TRUE(text.ok()) << text.status();
  return text.ok() ? Json::parse(*text) : Json();
}

TEST(GoldenOutliers, ScoresAreThoseOfScikitLearnsForest) {
  const Json values = golden();
  const auto expected = values["scores"].get<std::vector<double>>();
  std::vector<double> points;
  for (const auto& row : values["points"])
    for (double x : row) points.push_back(x);
  const IsolationForest forest(points, 3, 5000, 1);
  double worst = 0;
  std::vector<std::pair<double, std::size_t>> ours, theirs;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double score = forest.score(&points[3 * i]);
    worst = std::max(worst, std::fabs(score - expected[i]));
    ours.emplace_back(-score, i), theirs.emplace_back(-expected[i], i);
  }
  EXPECT_LT(worst, 0.01);  // two draws of 5,000 trees each differ by less
  std::sort(ours.begin(), ours.end()), std::sort(theirs.begin(), theirs.end());
  std::vector<std::size_t> first, same;
  for (std::size_t i = 0; i < 10; ++i) first.push_back(ours[i].second), same.push_back(theirs[i].second);
  std::sort(first.begin(), first.end()), std::sort(same.begin(), same.end());
  EXPECT_EQ(first, same);
}

TEST(GoldenOutliers, AForestDependsOnItsSeedAlone) {
  const Json values = golden();
  std::vector<double> points;
  for (const auto& row : values["points"])
    for (double x : row) points.push_back(x);
  const IsolationForest one(points, 3, 50, 7), again(points, 3, 50, 7), other(points, 3, 50, 8);
  bool differ = false;
  for (std::size_t i = 0; i < 600; ++i) {
    EXPECT_EQ(one.score(&points[3 * i]), again.score(&points[3 * i]));
    differ |= one.score(&points[3 * i]) != other.score(&points[3 * i]);
  }
  EXPECT_TRUE(differ);
}

TEST(GoldenOutliers, EqualPointsHaveNoOutlier) {
  const std::vector<double> points(400, 3.0);
  const IsolationForest forest(points, 2, 20, 1);
  EXPECT_DOUBLE_EQ(forest.score(points.data()), 0.5);
}

TEST(GoldenOutliers, RollingStatisticsAreNumPysAndSciPys) {
  const Json values = golden();
  RollingWindow window(99);
  for (int i = 0; i < 50; ++i) window.add(1000 + i);  // pushed out again
  for (int i = 0; i < 99; ++i) window.add(values["points"][static_cast<std::size_t>(i)][0]);
  const Json& expected = values["window"];
  int at = 0;
  for (double share : {0.25, 0.5, 0.75})
    EXPECT_NEAR(window.quantile(share), expected["quartiles"][static_cast<std::size_t>(at++)].get<double>(), 1e-12);
  EXPECT_NEAR(window.mean(), expected["mean"].get<double>(), 1e-12);
  EXPECT_NEAR(window.deviation(), expected["deviation"].get<double>(), 1e-12);
  EXPECT_NEAR(window.absolute_deviation(), expected["absolute_deviation"].get<double>(), 1e-12);
}

}  // namespace
}  // namespace tapemill::quality
