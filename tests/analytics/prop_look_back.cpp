// How far back values look, by changing what lies there.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "analytics/look_back.h"
#include "indicators/indicator.h"

namespace tapemill::analytics {
namespace {

const std::vector<std::string> kColumns{"open", "high", "low", "close", "volume"};

std::vector<std::vector<double>> bars(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> one(0, 1);
  std::vector<std::vector<double>> columns(kColumns.size(), std::vector<double>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const double close = 100 + 10 * one(random);
    const double row[] = {close - one(random), close + 2, close - 2, close, 1000 + 500 * one(random)};
    for (std::size_t j = 0; j < columns.size(); ++j) columns[j][i] = row[j];
  }
  return columns;
}

/// Values of the first output, in one session.
std::vector<double> values(const Series& series, const std::vector<std::vector<double>>& columns) {
  auto tick = series.tick();
  std::vector<double> in(series.inputs().size()), out(series.outputs()), all;
  for (std::size_t row = 0; row < columns[0].size(); ++row) {
    for (std::size_t i = 0; i < in.size(); ++i) {
      auto at = std::find(kColumns.begin(), kColumns.end(), series.inputs()[i]) - kColumns.begin();
      in[i] = columns[static_cast<std::size_t>(at)][row];
    }
    tick->update(in.data(), 1, out.data());
    all.push_back(out[0]);
  }
  return all;
}

TEST(LookBack, TheListOfWindowsIsTrueOfTheWholeCatalogue) {
  for (const indicators::Spec* spec : indicators::catalogue()) {
    auto series = *Series::compile({{"x", fmt::format("{}()", spec->name), ""}}, kColumns);
    const auto window = static_cast<std::size_t>(series.warm_up()) + 1;
    auto columns = bars(window + 30, 3);
    const auto before = values(series, columns);
    for (auto& column : columns) column[0] *= 1.5;  // a row that has left the window of row `window` and those after it
    const auto after = values(series, columns);
    bool differs = false;
    for (std::size_t row = window; row < before.size(); ++row)
      differs = differs || std::fabs(after[row] - before[row]) > 1e-9 * std::fabs(before[row]);
    EXPECT_EQ(differs, !is_windowed(spec->name)) << spec->name;
  }
}

TEST(LookBack, AWindowCountsBarsThatAreNotNull) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 20; ++round) {
    auto columns = bars(80, static_cast<std::uint64_t>(round));
    auto& volume = columns[4];
    for (double& x : volume)
      if (random() % 3 == 0) x = std::nan("");
    auto series = *Series::compile({{"x", "sma(volume, 4)", ""}}, kColumns);
    const auto from = series.reach({volume}, {}, 0, 80);
    for (std::size_t row = 0; row < volume.size(); ++row) {
      std::size_t first = row;
      for (int left = std::isnan(volume[row]) ? 0 : 3; left > 0 && first > 0;) left -= !std::isnan(volume[--first]);
      // before there are four, the first that is not null
      while (first < row && std::isnan(volume[first])) ++first;
      EXPECT_EQ(from[row], static_cast<std::int64_t>(first)) << round << " " << row;
    }
  }
}

TEST(LookBack, VwapBeginsWithItsSession) {
  auto columns = bars(30, 5);
  auto series = *Series::compile({{"x", "vwap()", ""}}, kColumns);
  std::vector<std::span<const double>> inputs;
  for (const auto& name : series.inputs())
    inputs.emplace_back(
        columns[static_cast<std::size_t>(std::find(kColumns.begin(), kColumns.end(), name) - kColumns.begin())]);
  std::vector<std::int64_t> sessions;
  for (std::int64_t row = 0; row < 30; ++row) sessions.push_back(19000 + row / 10);
  const auto from = series.reach(inputs, sessions, 0, 30);
  for (std::int64_t row = 0; row < 30; ++row) EXPECT_EQ(from[static_cast<std::size_t>(row)], row / 10 * 10);
}

}  // namespace
}  // namespace tapemill::analytics
