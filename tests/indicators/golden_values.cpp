// Values nobody here computed: TA-Lib's and pandas' (scripts/golden_indicators.py, which wrote tests/golden/indicators), and
// those of Stock.Indicators in ../shared/data. An indicator without a golden file fails.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/expression.h"
#include "core/json.h"
#include "core/paths.h"
#include "generated.h"
#include "indicators/tick.h"

namespace tapemill::indicators {
namespace {

using testing::kNaN;

struct Golden {
  double relative = 0, absolute = 0;
  std::vector<std::string> names;  // "rsi(period=14)|rsi"
  std::vector<std::vector<double>> columns;  // NaN: no value
};

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> cells(1);
  for (char c : line) {
    if (c == separator) cells.emplace_back();
    else cells.back() += c;
  }
  return cells;
}

std::string golden_path(const std::string& name) {
  return share_folder() + "/tests/golden/indicators/" + name + ".csv";
}

Golden read_golden(const std::string& name) {
  Golden golden;
  auto text = read_file(golden_path(name));
  if (!text.ok()) return golden;
  for (const std::string& line : split(*text, '\n')) {
    if (line.starts_with('#')) {
      std::vector<std::string> words = split(line, ' ');  // "# tolerance 1e-12 relative, 0 absolute"
      if (words.size() < 6 || words[1] != "tolerance") continue;
      golden.relative = std::strtod(words[2].c_str(), nullptr);
      golden.absolute = std::strtod(words[4].c_str(), nullptr);
    } else if (golden.names.empty()) {
      golden.names = split(line, ';');
      golden.columns.resize(golden.names.size());
    } else if (!line.empty()) {
      std::vector<std::string> cells = split(line, ';');
      for (std::size_t i = 0; i < golden.names.size(); ++i)
        golden.columns[i].push_back(cells.at(i).empty() ? kNaN : std::strtod(cells[i].c_str(), nullptr));
    }
  }
  return golden;
}

/// One output of a call, over columns of equal length.
std::vector<double> compute(const Resolved& resolved, const std::string& output,
                            const std::vector<std::string>& columns, const std::vector<std::vector<double>>& values) {
  Panel panel{columns, {values.front().size()}, {}};
  for (const auto& column : values) panel.values.push_back(column.data());
  testing::Written written(panel, resolved.outputs().size());
  Status status = run({resolved}, panel, written.places);
  EXPECT_TRUE(status.ok()) << render(status, false);
  for (std::size_t o = 0; o < resolved.outputs().size(); ++o)
    if (output == resolved.outputs()[o]) return {written.values[o].begin(), written.values[o].end()};
  ADD_FAILURE() << resolved.text() << " has no output " << output;
  return {};
}

void expect_near(const std::string& what, const std::vector<double>& got, const std::vector<double>& expected,
                 double relative, double absolute, std::size_t from = 0) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (std::size_t i = from; i < got.size(); ++i) {
    ASSERT_EQ(std::isnan(got[i]), std::isnan(expected[i]))
        << what << " at bar " << i << ": " << got[i] << ", not " << expected[i];
    if (std::isnan(got[i])) continue;
    ASSERT_LE(std::abs(got[i] - expected[i]), relative * std::abs(expected[i]) + absolute)
        << what << " at bar " << i << ": " << got[i] << ", not " << expected[i];
  }
}

class GoldenFile : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenFile, Agrees) {
  const Spec& spec = *find(GetParam());
  Golden series = read_golden("series"), golden = read_golden(spec.name);
  ASSERT_FALSE(series.names.empty());
  ASSERT_FALSE(golden.names.empty()) << spec.name
                                     << " has no golden file: add it to scripts/golden_indicators.py, which writes "
                                     << golden_path(spec.name);
  std::vector<std::string> missing;  // every output, and every choice of every parameter, must be in the file
  for (const char* output : outputs(spec)) missing.push_back(std::string("|") + output);
  for (const Parameter& parameter : parameters(spec))
    for (const std::string& choice : choices(parameter))
      missing.push_back(fmt::format("{}={}", parameter.name, choice));

  for (std::size_t i = 0; i < golden.names.size(); ++i) {
    std::vector<std::string> call = split(golden.names[i], '|');
    ASSERT_EQ(call.size(), 2u);
    auto expression = Expression::parse(call[0]);
    ASSERT_TRUE(expression.ok()) << render(expression.status(), false);
    auto resolved = resolve(*expression);
    ASSERT_TRUE(resolved.ok()) << render(resolved.status(), false);
    expect_near(golden.names[i], compute(*resolved, call[1], series.names, series.columns), golden.columns[i],
                golden.relative, golden.absolute);
    std::string full = resolved->text() + "|" + call[1] + "|";
    std::erase_if(missing, [&](const std::string& clause) {
      return full.find(clause + (clause.front() == '|' ? "|" : "")) != std::string::npos;
    });
  }
  EXPECT_TRUE(missing.empty()) << spec.name << ": nothing golden for " << missing.front();
}

// The first value comes at the bar the declaration says, for every call of the golden files.
TEST_P(GoldenFile, WarmsUpAsDeclared) {
  Golden golden = read_golden(GetParam());
  for (std::size_t i = 0; i < golden.names.size(); ++i) {
    Resolved resolved = resolve(Expression::parse(split(golden.names[i], '|')[0]).ValueOrDie()).ValueOrDie();
    const auto& column = golden.columns[i];
    auto first = std::find_if(column.begin(), column.end(), [](double x) { return !std::isnan(x); }) - column.begin();
    EXPECT_EQ(first, resolved.warm_up()) << golden.names[i];
  }
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const Spec* spec : catalogue()) names.emplace_back(spec->name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Catalogue, GoldenFile, ::testing::ValuesIn(all_names()),
                         [](const auto& info) { return info.param; });

// --- Stock.Indicators on 502 bars of SPY, where ../shared/data is there

std::string shared_data() {
  const char* given = std::getenv("TAPEMILL_SHARED_DATA");
  return given ? given : share_folder() + "/../shared/data";
}

struct Outside {
  const char* file;
  const char* key;
  const char* call;
  const char* output;
  std::size_t from = 0;  // bars before this one are known to differ
  double add = 0;  // to their value
  double scale = 1;
};

class StockIndicators : public ::testing::TestWithParam<Outside> {};

TEST_P(StockIndicators, Agrees) {
  const Outside& outside = GetParam();
  std::string folder = shared_data() + "/golden_indicators/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder << ": set TAPEMILL_SHARED_DATA";
  std::vector<std::vector<double>> columns(6);
  std::vector<std::string> lines = split(read_file(folder + "default.csv").ValueOrDie(), '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::vector<std::string> cells = split(lines[i], ',');
    if (cells.size() != 6) continue;
    for (std::size_t c = 1; c < 6; ++c) columns[c].push_back(std::strtod(cells[c].c_str(), nullptr));
    columns[0].push_back(0);  // one session: theirs never resets
  }
  // NOLINTNEXTLINE(bugprone-command-processor): a path of ours
  FILE* pipe = popen(("gzip -dc '" + folder + outside.file + ".standard.json.gz'").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string text;
  std::array<char, 65536> block;
  for (std::size_t n; (n = fread(block.data(), 1, block.size(), pipe)) > 0;) text.append(block.data(), n);
  pclose(pipe);
  std::vector<double> expected;
  for (const Json& bar : Json::parse(text)) {
    ASSERT_TRUE(bar.contains(outside.key));
    expected.push_back(bar[outside.key].is_null()
                           ? kNaN
                           : bar[outside.key].get<double>() * outside.scale + outside.add * columns[5][0]);
  }
  ASSERT_EQ(expected.size(), 502u);
  Resolved resolved = resolve(Expression::parse(outside.call).ValueOrDie()).ValueOrDie();
  expect_near(outside.call,
              compute(resolved, outside.output, {"session", "open", "high", "low", "close", "volume"}, columns),
              expected, 1e-9, 1e-9, outside.from);
}

INSTANTIATE_TEST_SUITE_P(
    Spy, StockIndicators,
    ::testing::Values(
        Outside{"sma", "sma", "sma(period=20)", "sma"}, Outside{"ema", "ema", "ema(period=20)", "ema"},
        Outside{"rsi", "rsi", "rsi(period=14)", "rsi"}, Outside{"bb", "upperBand", "bb(period=20)", "upper"},
        Outside{"bb", "sma", "bb(period=20)", "middle"}, Outside{"bb", "lowerBand", "bb(period=20)", "lower"},
        Outside{"bb", "percentB", "bb(period=20)", "percent_b"}, Outside{"bb", "width", "bb(period=20)", "width"},
        Outside{"atr", "atr", "atr(period=14)", "atr"}, Outside{"vwap", "vwap", "vwap()", "vwap"},
        Outside{"obv", "obv", "obv()", "obv", 0, 1},  // theirs begins at 0, TA-Lib's at the first bar's volume
        // theirs seeds the fast average with its own first bars, TA-Lib's begins with the slow one: they meet later
        Outside{"macd", "macd", "macd()", "line", 200}, Outside{"macd", "signal", "macd()", "signal", 200},
        Outside{"macd", "histogram", "macd()", "histogram", 200}, Outside{"stoch", "k", "stoch(fast_k=14)", "k", 17},
        Outside{"stoch", "d", "stoch(fast_k=14)", "d"}),
    [](const auto& info) { return fmt::format("{}_{}", info.param.file, info.param.output); });

}  // namespace
}  // namespace tapemill::indicators
