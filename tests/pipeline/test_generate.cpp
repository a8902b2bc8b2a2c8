#include "pipeline/generate.h"

#include <arrow/array.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "core/document.h"
#include "core/hash.h"
#include "core/paths.h"
#include "pipeline/generated/chain.h"
#include "quality/check.h"
#include "sources/source.h"

namespace fs = std::filesystem;
namespace tapemill::pipeline {
namespace {

class Generate : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "tapemill_generate_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root = name;
  }
  void TearDown() override { fs::remove_all(root); }
  GenerateOptions small(const std::string& folder) const {
    GenerateOptions options;
    options.out = root + "/" + folder;
    options.symbols = 60, options.years = 1, options.minute_symbols = 3, options.minute_days = 3,
    options.chain_days = 2, options.strikes = 3;
    return options;
  }
  static std::map<std::string, std::string> hashes(const std::string& folder) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file())
        out[fs::relative(entry.path(), folder).string()] = sha256(*read_file(entry.path().string()));
    return out;
  }
  std::string root;
};

TEST_F(Generate, BytesDoNotDependOnThreadsAndArePinned) {
  auto one = generate(small("a"), Workers(1)), four = generate(small("b"), Workers(4));
  ASSERT_TRUE(one.ok()) << one.status().ToString();
  ASSERT_TRUE(four.ok()) << four.status().ToString();
  EXPECT_EQ(hashes(root + "/a"), hashes(root + "/b"));
  // The manifest holds the sha256 of every file. Raise kGenerator when this changes on purpose.
  EXPECT_EQ(one->manifest_sha256, "58af76b39ab73ae75f6e8edd95b29f24caceb8909430a0ab406c3e9bd2231b66");
  GenerateOptions other = small("c");
  other.seed = 43;
  auto third = generate(other, Workers(2));
  ASSERT_TRUE(third.ok());
  EXPECT_NE(third->manifest_sha256, one->manifest_sha256);
}

TEST_F(Generate, AgainChangesNothingAndDamageIsMended) {
  auto first = generate(small("a"), Workers(2));
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->unchanged);
  const auto before = hashes(root + "/a");
  auto second = generate(small("a"), Workers(2));
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second->unchanged);
  EXPECT_EQ(second->rows, first->rows);
  EXPECT_EQ(second->manifest_sha256, first->manifest_sha256);
  fs::remove(root + "/a/" + std::next(before.begin(), 4)->first);
  auto third = generate(small("a"), Workers(2));
  ASSERT_TRUE(third.ok());
  EXPECT_FALSE(third->unchanged);
  EXPECT_EQ(hashes(root + "/a"), before);
}

TEST_F(Generate, LeavesOtherPeoplesFoldersAlone) {
  fs::create_directory(root + "/theirs");
  std::ofstream(root + "/theirs/notes.txt") << "mine";
  auto result = generate(small("theirs"), Workers(1));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(exit_code(result.status()), 2);
  EXPECT_EQ(hashes(root + "/theirs").size(), 1u);
}

/// What the readers and the checks of a data set's own spec refuse: file:line -> check.
std::map<std::string, std::string> refused(const std::string& folder, const std::string& table,
                                           const std::string& below, std::int64_t& rows,
                                           std::vector<std::string>& unreadable) {
  std::map<std::string, std::string> out;
  auto dataset = load_dataset(table);
  EXPECT_TRUE(dataset.ok()) << dataset.status().ToString();
  auto paths = sources::expand_paths({folder + "/" + below});
  EXPECT_TRUE(paths.ok()) << paths.status().ToString();
  for (const std::string& path : *paths) {
    const std::string name = fs::relative(path, folder).string();
    MemoryBudget budget;
    auto info = sources::inspect(*dataset, path);
    if (!info.ok()) {
      EXPECT_EQ(exit_code(info.status()), 1) << info.status().ToString();
      unreadable.push_back(name);
      continue;
    }
    auto source = sources::open(*dataset, *info, budget);
    EXPECT_TRUE(source.ok()) << source.status().ToString();
    auto checks = quality::make_checks(*dataset);
    EXPECT_TRUE(checks.ok()) << checks.status().ToString();
    quality::Report report;
    for (;;) {
      auto batch = (*source)->next({});
      if (!batch.ok()) {
        unreadable.push_back(name);
        break;
      }
      if (!batch->has_value()) break;
      rows += (**batch).rows_in;
      auto judged = quality::judge(*dataset, *checks, **batch, report);
      EXPECT_TRUE(judged.ok());
      for (const Refused& r : judged->refused) out[name + ":" + std::to_string(r.line)] = r.check;
    }
  }
  return out;
}

TEST_F(Generate, TheGuardsFindExactlyWhatWasPlanted) {
  auto made = generate(small("a"), Workers(2));
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  const std::string folder = root + "/a";
  auto document = Document::read(folder + "/defects.json");
  ASSERT_TRUE(document.ok()) << document.status().ToString();
  std::map<std::string, std::map<std::string, std::string>> planted;  // data set -> file:line -> check
  std::multiset<std::string> kinds;
  std::string half;
  for (const Node& d : document->root().find("defects")->items) {
    const std::string kind = d.find("kind")->text, file = d.find("file")->text;
    kinds.insert(kind);
    if (kind == "half_written") half = file;
    if (d.find("check") != nullptr)
      planted[d.find("dataset")->text][file + ":" + d.find("line")->text] = d.find("check")->text;
  }
  for (const char* kind : {"late_file", "restated_day", "duplicate_row", "halted", "split", "half_written", "bad_ohlc",
                           "no_close", "text_price", "cut_row", "no_time"})
    EXPECT_GE(kinds.count(kind), 1u) << kind;

  std::int64_t rows = 0;
  std::vector<std::string> unreadable;
  EXPECT_EQ(refused(folder, "stocks_daily", "drop1/us_stocks_sip/day_aggs_v1", rows, unreadable),
            planted["stocks_daily"]);
  EXPECT_EQ(unreadable, std::vector<std::string>{half});
  unreadable.clear();
  EXPECT_EQ(refused(folder, "stocks_daily", "drop2/us_stocks_sip/day_aggs_v1", rows, unreadable).size(), 0u);
  EXPECT_EQ(refused(folder, "stocks_minute", "drop1/us_stocks_sip/minute_aggs_v1", rows, unreadable),
            planted["stocks_minute"]);
  EXPECT_EQ(refused(folder, "snapshots", "drop1/nse_snapshots", rows, unreadable), planted["snapshots"]);
  EXPECT_TRUE(unreadable.empty());
}

TEST_F(Generate, DropsDifferAsDeclared) {
  auto made = generate(small("a"), Workers(2));
  ASSERT_TRUE(made.ok());
  auto names = [&](int drop) {
    std::set<std::string> out;
    const std::string folder = root + "/a/drop" + std::to_string(drop);
    for (const auto& [name, hash] : hashes(folder)) out.insert(name);
    return out;
  };
  const auto first = names(1), second = names(2);
  ASSERT_EQ(second.size(), 3u);
  int late = 0, changed = 0;
  for (const std::string& name : second) {
    if (!first.contains(name)) ++late;
    else changed += *read_file(root + "/a/drop1/" + name) != *read_file(root + "/a/drop2/" + name);
  }
  EXPECT_EQ(late, 1);
  EXPECT_EQ(changed, 2);  // restated, and mended
}

std::vector<double> opening_mids(const generated::Chain& chain, bool call) {
  std::vector<double> mids;
  for (std::size_t strike = 0; strike < chain.strikes.size(); ++strike) {
    const std::string text = generated::option_files(chain, strike, call)[0].text;
    std::vector<std::string> fields(1);
    for (std::size_t i = text.find('\n') + 1; text[i] != '\n'; ++i) {
      if (text[i] == ',') fields.emplace_back();
      else fields.back() += text[i];
    }
    EXPECT_EQ(fields.size(), 52u);
    EXPECT_EQ(fields[0], "2024-08-22T09:15:00Z");
    const double bid = std::stod(fields[17]), ask = std::stod(fields[32]);  // bp0, sp0
    EXPECT_LT(bid, ask);
    mids.push_back((bid + ask) / 2);
  }
  return mids;
}

/// Put-call parity, order and convexity of the first second's quotes, within their noise.
TEST(GeneratedChain, IsAChain) {
  auto calendar = Calendar::load("nse_fo");
  ASSERT_TRUE(calendar.ok());
  std::vector<Session> days{*(*calendar)->session(Date::of(2024, 8, 22))};
  const auto chain = generated::make_chain(42, **calendar, days, Date::of(2024, 8, 29), 11);
  ASSERT_EQ(chain.spot[0].size(), 22'500u);
  ASSERT_EQ(chain.strikes.size(), 11u);
  const double spot = static_cast<double>(chain.spot[0][0]) / 100;
  for (std::int64_t later : chain.spot[0]) ASSERT_NEAR(static_cast<double>(later) / 100, spot, 400);
  EXPECT_LE(std::abs(static_cast<double>(chain.strikes[5]) - spot), generated::kStrikeStep);
  const auto calls = opening_mids(chain, true), puts = opening_mids(chain, false);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    EXPECT_NEAR(calls[i] - puts[i], spot - static_cast<double>(chain.strikes[i]), 0.5);
    EXPECT_GT(calls[i], std::max(0.0, spot - static_cast<double>(chain.strikes[i])));
    if (i > 0) {
      EXPECT_LT(calls[i], calls[i - 1]);
      EXPECT_GT(puts[i], puts[i - 1]);
    }
    if (i > 1) { EXPECT_GT(calls[i - 2] + calls[i], 2 * calls[i - 1] - 0.5); }
  }
}

}  // namespace
}  // namespace tapemill::pipeline
