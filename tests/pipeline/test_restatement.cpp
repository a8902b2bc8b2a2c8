// What looks like a restatement and is none: another file of the same name, a part of a session, the same rows packed.
#include <gmock/gmock.h>

#include "pipeline_test.h"
#include "sources/gzip.h"

namespace tapemill::pipeline {
namespace {
using namespace test;
using testing::HasSubstr;

constexpr char kHead[] = "date,open,high,low,close,volume,Name\n";
std::string rows_from(int first_month, int months, const char* symbol = "A") {
  std::string text = kHead;
  for (int m = first_month; m < first_month + months; ++m)
    text += fmt::format("2014-{:02}-03,1,1,1,1,1,{}\n2014-{:02}-06,1,1,1,1,1,{}\n", m, symbol, m, symbol);
  return text;
}

struct Restatements : ::testing::Test {
  Folder folder;
  std::string lake = folder / "lake";
  IngestReport in(const std::string& path, bool smaller = false, std::int64_t now = kArrived) {
    auto there = must(lake::Lake::open(lake, true));
    MemoryBudget budget;
    IngestPolicy policy;
    policy.allow_smaller = smaller;
    return must(ingest(there, must(load_dataset("sp500")), {path}, Instant{now}, Workers(2), budget, policy));
  }
  std::int64_t rows() { return rows_of(lake, "bronze.sp500")->num_rows(); }
};

TEST_F(Restatements, AnotherFileOfTheSameNameReplacesNothing) {
  in(folder.write("2014-01/prices.csv", rows_from(1, 1)));
  auto other = in(folder.write("2014-02/prices.csv", rows_from(2, 1)));
  ASSERT_EQ(other.refused.size(), 1u);
  EXPECT_THAT(other.refused[0].error, HasSubstr("none of its 2 rows is in this one"));
  EXPECT_THAT(other.refused[0].hint, HasSubstr("2014-02/prices"));
  EXPECT_EQ(rows(), 2);
}

TEST_F(Restatements, FilesOfOneNameAreToldByTheirFoldersAlsoLater) {
  folder.write("in/2014-01/prices.csv", rows_from(1, 1));
  folder.write("in/2014-02/prices.csv", rows_from(2, 1));
  auto both = in(folder / "in");
  EXPECT_EQ(both.refused.size(), 0u);
  EXPECT_EQ(rows(), 4);
  auto again = in(folder / "in");
  EXPECT_EQ(again.files_unchanged, 2);
  EXPECT_EQ(rows(), 4);
  // One of them alone, corrected, is still that one.
  auto mended = in(folder.write("in/2014-02/prices.csv", rows_from(2, 2)));
  ASSERT_EQ(mended.restated.size(), 1u);
  EXPECT_EQ(mended.restated[0].unit, "2014-02/prices");
  EXPECT_EQ(rows(), 6);
}

TEST_F(Restatements, APartOfWhatIsInIsRefusedUnlessItIsMeant) {
  in(folder.write("prices.csv", rows_from(1, 3)));
  auto path = folder.write("new/prices.csv", rows_from(1, 1));
  auto part = in(path);
  ASSERT_EQ(part.refused.size(), 1u);
  EXPECT_THAT(part.refused[0].error, HasSubstr("2 rows would replace the 6 of prices that are in"));
  EXPECT_THAT(part.refused[0].hint, HasSubstr("--allow-smaller"));
  EXPECT_EQ(rows(), 6);
  EXPECT_EQ(in(path, true).restated.size(), 1u);
  EXPECT_EQ(rows(), 2);
}

TEST_F(Restatements, TheSameRowsPackedAreNoNews) {
  in(folder.write("prices.csv", rows_from(1, 2)));
  const std::string before = rows_of(lake, "bronze.sp500")->ToString();
  auto packed =
      in(folder.write("prices.csv.gz", must(sources::gzip_compress(rows_from(1, 2)))), false, kArrived + kDay);
  EXPECT_EQ(packed.files_unchanged, 1);
  EXPECT_EQ(packed.restated.size(), 0u);
  EXPECT_EQ(rows_of(lake, "bronze.sp500")->ToString(), before);
  EXPECT_EQ(rows_of(lake, "landing.sp500")->num_rows(), 1);
  auto other = in(folder.write("more/prices.csv.gz", must(sources::gzip_compress(rows_from(1, 3)))));
  EXPECT_EQ(other.restated.size(), 1u);
  EXPECT_EQ(rows(), 6);
}

}  // namespace
}  // namespace tapemill::pipeline
