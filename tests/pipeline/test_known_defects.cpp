// The real files, by the data sets that are shipped: the defects that are found are those the files are known to have
// (README of the shared data), counted over every row.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <tuple>

#include "core/paths.h"
#include "quality/check.h"
#include "sources/source.h"

namespace tapemill {
namespace {

namespace fs = std::filesystem;

fs::path shared_data() {
  if (const char* folder = std::getenv("TAPEMILL_SHARED_DATA")) return folder;
  return fs::path(share_folder()) / "../shared/data";
}

struct Found {
  quality::Report report;
  std::vector<Refused> refused;
  std::map<std::string, std::int64_t> counts;  // by check
  std::int64_t count(const std::string& check) const {
    auto at = counts.find(check);
    return at == counts.end() ? 0 : at->second;
  }
};

/// Every file of the folder through its source and the data set's checks, each file with checks of its own.
Result<Found> judge_all(const std::string& name, const fs::path& folder) {
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, load_dataset(name));
  MemoryBudget budget;
  Found found;
  ARROW_ASSIGN_OR_RAISE(auto paths, sources::expand_paths({folder.string()}));
  for (const auto& path : paths) {
    ARROW_ASSIGN_OR_RAISE(auto info, sources::inspect(dataset, path));
    ARROW_ASSIGN_OR_RAISE(auto source, sources::open(dataset, info, budget));
    ARROW_ASSIGN_OR_RAISE(auto checks, quality::make_checks(dataset));
    quality::Report report;
    while (true) {
      ARROW_ASSIGN_OR_RAISE(auto batch, source->next({}));
      if (!batch) break;
      ARROW_ASSIGN_OR_RAISE(auto judged, quality::judge(dataset, checks, *batch, report));
      for (auto& one : judged.refused) found.refused.push_back(std::move(one));
    }
    for (const auto& check : checks) ARROW_RETURN_NOT_OK(check->finish(report));
    found.report.merge(report);
  }
  for (const auto& finding : found.report.findings) found.counts[finding.check] += finding.count;
  return found;
}

#define FIND_OR_SKIP(found, name, folder)                                                               \
  fs::path folder_of_##found = shared_data() / (folder);                                                \
  if (!fs::exists(folder_of_##found)) GTEST_SKIP() << folder_of_##found << " is not there: NOT tested"; \
  auto result_of_##found = judge_all(name, folder_of_##found);                                          \
  ASSERT_TRUE(result_of_##found.ok()) << render(result_of_##found.status(), false);                     \
  const Found& found = *result_of_##found

TEST(KnownDefects, Sp500) {
  FIND_OR_SKIP(found, "sp500", "us_daily_sp500_5yr");
  EXPECT_EQ(found.report.rows_in, 619'040);
  EXPECT_EQ(found.report.rows_kept, 619'017);
  EXPECT_EQ(found.report.rows_quarantined, 23);
  EXPECT_EQ(found.count("null"), 11);
  EXPECT_EQ(found.count("ohlc_order"), 12);
  EXPECT_EQ(found.count("zero_volume"), 4);
  EXPECT_EQ(found.count("move"), 24);
  EXPECT_EQ(found.count("missing_sessions"), 51);
  EXPECT_EQ(found.counts.size(), 5u);  // and nothing else
  ASSERT_EQ(found.refused.size(), 23u);
  EXPECT_EQ(found.refused.front().line, 53'004);
  EXPECT_EQ(found.refused.front().raw, "2014-05-19,23.89,23.595,23.85,24.445,1944854,AOS");
  EXPECT_EQ(found.refused.back().line, 598'460);
}

TEST(KnownDefects, NseCash) {
  FIND_OR_SKIP(found, "nse_cash", "nse_cash_2024");
  EXPECT_EQ(found.report.rows_in, 467'396);
  EXPECT_EQ(found.report.rows_kept, 467'396);
  EXPECT_EQ(found.report.rows_quarantined, 0);
  EXPECT_EQ(found.count("move"), 135);
  EXPECT_EQ(found.counts.size(), 1u);
}

TEST(KnownDefects, NseDerivatives) {
  FIND_OR_SKIP(found, "nse_fo", "nse_fo_udiff");
  EXPECT_EQ(found.report.rows_in, 66'145);
  EXPECT_EQ(found.report.rows_kept, 66'145);
  EXPECT_EQ(found.report.rows_quarantined, 0);
  EXPECT_EQ(found.count("close_in_range"), 2);  // DELHIVERY25MARFUT and INDUSTOWER25MARFUT on 2025-01-02
  EXPECT_EQ(found.counts.size(), 1u);
}

TEST(KnownDefects, Sp500Index) {
  fs::path file = fs::path(share_folder()) / ".deps/data/sp500-2000.csv";
  if (!fs::exists(file)) GTEST_SKIP() << file << " is not there: NOT tested";
  auto found = judge_all("sp500_index", file);
  ASSERT_TRUE(found.ok()) << render(found.status(), false);
  EXPECT_EQ(found->report.rows_in, 5'105);
  EXPECT_EQ(found->report.rows_kept, 5'105);
  EXPECT_EQ(found->counts.size(), 0u);
}

/// One file of each other form that a shipped data set takes: none of its rows is objected to.
TEST(KnownDefects, TheOtherFormsHaveNone) {
  fs::path feeds = shared_data() / "feeds";
  if (!fs::exists(feeds)) GTEST_SKIP() << feeds << " is not there: NOT tested";
  const std::vector<std::tuple<std::string, std::string, std::int64_t>> files{
      {"nse_cash", "nse_udiff_cm_2rows_20241015.csv", 2},
      {"nse_cash", "nse_legacy_cm_1row_20231016.csv", 1},
      {"stocks_minute", "polygon_flatfile_minute_aggs_doc_rows.csv", 2},
      {"options_daily", "polygon_flatfile_options_day_1row_20240102.csv", 1}};
  for (const auto& [name, file, rows] : files) {
    auto found = judge_all(name, feeds / file);
    ASSERT_TRUE(found.ok()) << file << "\n" << render(found.status(), false);
    EXPECT_EQ(found->report.rows_in, rows) << file;
    EXPECT_EQ(found->report.rows_kept, rows)
        << file << ": " << (found->refused.empty() ? "" : found->refused.front().reason);
    EXPECT_EQ(found->counts.size(), 0u) << file;
  }
}

}  // namespace
}  // namespace tapemill
