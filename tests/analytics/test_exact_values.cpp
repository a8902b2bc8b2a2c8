#include "analytics/exact_values.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "support/folder.h"

namespace tapemill::analytics {
namespace {

using tapemill::test::must;

TEST(ExactValues, QuantilesOfMoreThanIsHeldAreThoseOfASort) {
  tapemill::test::Folder folder;
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{2'500'000}}) {
    std::mt19937_64 random(count);
    std::normal_distribution<double> normal(-1, 1e3);
    ExactValues values(folder.path());
    std::vector<double> all;
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(i % 5 == 0 ? -0.0 : normal(random));
      must(values.add(all.back()));
    }
    EXPECT_EQ(values.count(), static_cast<std::int64_t>(count));
    auto expected = [](std::vector<double> sorted, double share) {
      std::sort(sorted.begin(), sorted.end());
      const double at = share * static_cast<double>(sorted.size() - 1);
      const auto low = static_cast<std::size_t>(at), high = std::min(low + 1, sorted.size() - 1);
      return sorted[low] + (sorted[high] - sorted[low]) * (at - std::floor(at));
    };
    const std::vector<double> shares{0, 0.25, 0.5, 0.75, 1};
    const auto found = must(values.quantiles(shares));
    for (std::size_t i = 0; i < shares.size(); ++i) EXPECT_EQ(found[i], expected(all, shares[i])) << count;
    std::vector<double> apart;
    for (double x : all) apart.push_back(std::fabs(x - found[2]));
    EXPECT_EQ(must(values.quantiles({0.5}, found[2]))[0], expected(apart, 0.5)) << count;
  }
}

}  // namespace
}  // namespace tapemill::analytics
