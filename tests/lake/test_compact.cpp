// Compaction: the same rows in fewer files, units kept, a second run with nothing to do, readers of older versions undisturbed.
#include <gmock/gmock.h>

#include <cmath>

#include "lake/compact.h"
#include "lake/rewrite.h"
#include "lake/scan.h"
#include "lake/watermark.h"
#include "lake/writer.h"
#include "lake_test.h"

namespace tapemill::lake {
namespace {
using namespace test;
using testing::HasSubstr;

Layout layout() { return {bars_schema(), {"year", "month"}, {"instrument_id", "session"}}; }

class CompactTest : public testing::Test {
 protected:
  Folder folder;
  Lake lake = must(Lake::open(folder.path() + "/lake", true));
  Table table = lake.table(Layer::bronze, "bars");
  MemoryBudget budget;
  void SetUp() override { must(table.create(bars_schema(), {"year", "month"}, {{kSort, "instrument_id,session"}})); }

  /// What ingest does with a unit: in, restated, or nothing where it is in.
  bool put(const std::string& unit, const std::vector<Bar>& bars, const std::string& sha,
           const std::string& form = "f") {
    Snapshot snapshot = must(table.snapshot());
    auto known = must(units_by_key(snapshot));
    Transaction one;
    one.read_version = snapshot.version;
    one.touches = {unit};
    std::int64_t ordinal = 0;
    if (auto it = known.find(unit_key(unit, form)); it != known.end()) {
      if (it->second.sha256 == sha) return false;
      ordinal = it->second.ordinal + 1;
      auto out = must(take_out(table, snapshot, {it->first}, layout(), budget));
      one.removes = out.removes;
      one.adds = out.adds;
    }
    auto writer =
        must(write_parts(table, layout(), Provenance{sha, unit, form, ordinal, {{"file", unit + ".csv"}}}, budget));
    if (!bars.empty()) must(writer->write(batch_of(bars)));
    for (Part& part : must(writer->finish())) one.adds.push_back(part);
    must(table.commit(one));
    return true;
  }
  static std::vector<Bar> day(int number, int symbols, std::int64_t close) {
    std::vector<Bar> bars;
    for (int i = 0; i < symbols; ++i)
      bars.push_back({fmt::format("S{:02}", i), Date::of(2024, 1, 1) + number, close + i, number * 1000 + i});
    return bars;
  }
  static std::string unit_of(int number) { return (Date::of(2024, 1, 1) + number).str(); }
  void put_days(int first, int last, std::int64_t close = 100) {
    for (int n = first; n <= last; ++n) put(unit_of(n), day(n, 5, close), "sha" + unit_of(n));
  }
  CompactReport run(std::int64_t target = kCompactTarget, int threads = 2) {
    return must(compact(table, layout(), {target, false}, Workers(threads), budget));
  }
  std::string rows(std::optional<std::int64_t> version = {}) {
    ScanRequest request{{Layer::bronze, "bars"}, {}, {}, {}, {}, version, {}};
    return must(must(scan(lake, request)).rows->CombineChunksToBatch())->ToString();
  }
};

TEST_F(CompactTest, ManySmallFilesBecomeOneAPartitionWithTheSameRows) {
  put_days(0, 45);  // January and half of February
  const std::string before = rows();
  auto report = run();
  EXPECT_EQ(report.files_before, 46);
  EXPECT_EQ(report.files_after, 2);
  EXPECT_EQ(report.rows, 46 * 5);
  EXPECT_EQ(report.commits, 1);
  EXPECT_LT(report.bytes_after, report.bytes_before);
  EXPECT_EQ(rows(), before);
  const Commit last = must(table.history()).front();
  EXPECT_EQ(last.operation, "OPTIMIZE");
  const std::string text = read_text(table.path() + fmt::format("/_delta_log/{:020}.json", report.version));
  EXPECT_THAT(text, HasSubstr("\"dataChange\":false"));
  EXPECT_THAT(text, testing::Not(HasSubstr("\"dataChange\":true")));
}

TEST_F(CompactTest, ASecondRunChangesNothing) {
  put_days(0, 20);
  auto first = run();
  auto second = run();
  EXPECT_EQ(second.version, first.version);
  EXPECT_EQ(second.files_merged, 0);
  // With any target, and whatever the target was before.
  put_days(21, 30);
  for (std::int64_t target : {std::int64_t{6000}, std::int64_t{10000}, std::int64_t{1} << 20}) {
    auto one = run(target);
    EXPECT_EQ(run(target).version, one.version) << target;
  }
}

TEST_F(CompactTest, EveryVersionBeforeStaysReadable) {
  std::vector<std::string> seen{rows(0)};
  for (int n = 0; n < 12; ++n) {
    put_days(n, n, 100 + n);
    seen.push_back(rows());
  }
  run();
  for (std::size_t version = 0; version < seen.size(); ++version)
    EXPECT_EQ(rows(static_cast<std::int64_t>(version)), seen[version]) << version;
}

TEST_F(CompactTest, UnitsAreKnownAfterwardsAsBefore) {
  put_days(0, 9);
  put(unit_of(10), {}, "empty");  // a source that kept no row
  put(unit_of(3), day(3, 4, 900), "other");
  auto before = must(units_by_key(must(table.snapshot())));
  auto mark = must(watermark(must(table.snapshot())));
  run();
  Snapshot now = must(table.snapshot());
  ASSERT_EQ(now.parts.size(), 1u);
  auto after = must(units_by_key(now));
  ASSERT_EQ(after.size(), before.size());
  for (const auto& [key, unit] : before) {
    EXPECT_EQ(after[key].sha256, unit.sha256) << key;
    EXPECT_EQ(after[key].ordinal, unit.ordinal) << key;
    EXPECT_EQ(after[key].rows, unit.rows) << key;
    EXPECT_EQ(after[key].source, unit.source) << key;
  }
  auto again = must(watermark(now));
  EXPECT_EQ(again.units, mark.units);
  EXPECT_EQ(again.first, mark.first);
  EXPECT_EQ(again.last, mark.last);
  EXPECT_EQ(again.rows, mark.rows);
  const std::int64_t version = now.version;
  put_days(0, 2);  // equal hashes: nothing to do
  EXPECT_FALSE(put(unit_of(10), {}, "empty"));
  EXPECT_EQ(must(table.version()), version);
}

TEST_F(CompactTest, ARestatedDayIsReplacedInOneCommitOutOfACompactedPart) {
  put_days(0, 20);
  const auto compacted = run();
  const std::string old_rows = rows();
  EXPECT_TRUE(put(unit_of(7), day(7, 3, 5000), "restated"));
  Snapshot now = must(table.snapshot());
  EXPECT_EQ(now.version, compacted.version + 1);
  EXPECT_EQ(now.parts.size(), 2u);
  EXPECT_EQ(now.rows(), 20 * 5 + 3);
  auto found = must(units_by_key(now));
  EXPECT_EQ(found.size(), 21u);
  EXPECT_EQ(found.at(unit_key(unit_of(7), "f")).ordinal, 1);
  EXPECT_EQ(found.at(unit_key(unit_of(7), "f")).paths.size(), 1u);
  EXPECT_EQ(found.at(unit_key(unit_of(8), "f")).rows, 5);
  EXPECT_EQ(rows(compacted.version), old_rows);
  const std::string restated = rows();
  // It lies in the middle of the others' sessions, and still comes into one part with them.
  run();
  EXPECT_EQ(must(table.snapshot()).parts.size(), 1u);
  EXPECT_EQ(rows(), restated);
  // The first bytes come back: another path, as a path is never used twice.
  EXPECT_TRUE(put(unit_of(7), day(7, 5, 100), "sha" + unit_of(7)));
  EXPECT_EQ(rows(), old_rows);
  run();
  EXPECT_EQ(rows(), old_rows);
  EXPECT_EQ(must(units_by_key(must(table.snapshot()))).at(unit_key(unit_of(7), "f")).ordinal, 2);
}

TEST_F(CompactTest, RowsOfOneUnitCanBeReadOutOfASharedPart) {
  put_days(0, 9);
  run();
  Snapshot now = must(table.snapshot());
  std::int64_t count = 0;
  const auto all = must(units_by_key(now));
  must(stream_unit(table, now, all.at(unit_key(unit_of(4), "f")), budget.pool(),
                   [&](const std::shared_ptr<arrow::RecordBatch>& batch) {
                     for (std::int64_t i = 0; i < batch->num_rows(); ++i, ++count)
                       EXPECT_EQ(static_cast<const arrow::Date32Array&>(*batch->GetColumnByName("session")).Value(i),
                                 (Date::of(2024, 1, 1) + 4).days);
                     return Status::OK();
                   }));
  EXPECT_EQ(count, 5);
}

TEST_F(CompactTest, FilesOfOneSymbolEachAreToldApartByTheSymbol) {
  for (int symbol = 0; symbol < 6; ++symbol) {
    std::vector<Bar> bars;
    for (int n = 0; n < 40; ++n)
      bars.push_back({fmt::format("S{}", symbol), Date::of(2024, 1, 1) + n, 100 + symbol, n});
    put(fmt::format("history_S{}", symbol), bars, fmt::format("sha{}", symbol));
  }
  const std::string before = rows();
  auto report = run();
  EXPECT_EQ(report.files_before, 12);
  EXPECT_EQ(report.files_after, 2);
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(units_by(must(table.snapshot()).parts[0]), "instrument_id");
  put("history_S2", {{"S2", Date::of(2024, 1, 3), 7, 7}}, "shorter");
  EXPECT_EQ(must(table.snapshot()).rows(), 5 * 40 + 1);
  EXPECT_EQ(run().files_after, 2);
}

TEST_F(CompactTest, WhatCannotBeToldApartStaysAsItIs) {
  put("feed_a", day(1, 5, 100), "a");
  put("feed_b", day(1, 5, 200), "b");  // the same symbols and day from another file
  const std::int64_t version = must(table.version());
  auto report = run();
  EXPECT_EQ(report.version, version);
  EXPECT_EQ(report.files_after, 2);
  EXPECT_EQ(report.apart, 2);
}

TEST_F(CompactTest, TheTargetIsKeptAndTheBytesDependOnNothingElse) {
  for (int n = 0; n <= 30; ++n) {
    auto bars = day(n, 900, 100);
    for (Bar& bar : bars) bar.weight = std::sin(static_cast<double>(bar.volume));  // eight bytes that do not compress
    put(unit_of(n), bars, "sha" + unit_of(n));
  }
  const std::string copy = folder.path() + "/copy";
  std::filesystem::copy(lake.root(), copy, std::filesystem::copy_options::recursive);
  const std::int64_t one = must(table.snapshot()).parts[0].size, target = one * 5;
  auto report = run(target, 1);
  EXPECT_GT(report.files_after, 1);
  EXPECT_LT(report.files_after, 31);
  for (const Part& part : must(table.snapshot()).parts) EXPECT_LE(part.size, target);
  Table other = must(Lake::open(copy, false)).table(Layer::bronze, "bars");
  MemoryBudget little(4 << 20);
  must(compact(other, layout(), {target, false}, Workers(3), little));
  Snapshot a = must(table.snapshot()), b = must(other.snapshot());
  ASSERT_EQ(a.parts.size(), b.parts.size());
  for (std::size_t i = 0; i < a.parts.size(); ++i) {
    EXPECT_EQ(a.parts[i].path, b.parts[i].path);
    EXPECT_EQ(read_text(table.path() + "/" + a.parts[i].path), read_text(other.path() + "/" + b.parts[i].path));
  }
}

TEST_F(CompactTest, ADryRunWritesNothing) {
  put_days(0, 9);
  const std::int64_t version = must(table.version());
  auto report = must(compact(table, layout(), {kCompactTarget, true}, Workers(1), budget));
  EXPECT_EQ(report.files_merged, 10);
  EXPECT_EQ(report.files_written, 1);
  EXPECT_EQ(must(table.version()), version);
  EXPECT_EQ(report.files_after, 10);
}

TEST_F(CompactTest, LandingIsCompactedThoughItsPartsShareOneUnit) {
  Table landing = lake.table(Layer::landing, "bars");
  Layout plain{bars_schema(), {}, {"instrument_id"}};
  must(landing.create(bars_schema(), {}, {}));
  for (int n = 0; n < 5; ++n) {
    Transaction one;
    one.read_version = n;
    auto writer = must(write_parts(landing, plain, Provenance{std::to_string(n), "landing", "files", n, {}}, budget));
    must(writer->write(batch_of(day(n, 2, 1))));
    one.adds = must(writer->finish());
    must(landing.commit(one));
  }
  auto report = must(compact(landing, plain, {}, Workers(1), budget));
  EXPECT_EQ(report.files_after, 1);
  EXPECT_EQ(must(landing.snapshot()).rows(), 10);
}

TEST_F(CompactTest, ADamagedPartIsNamedAndNothingIsCommitted) {
  put_days(0, 5);
  Snapshot now = must(table.snapshot());
  const std::string path = table.path() + "/" + now.parts[2].path;
  write_text(path, read_text(path).substr(0, 100));
  auto failed = compact(table, layout(), {}, Workers(2), budget).status();
  EXPECT_EQ(exit_code(failed), 1);
  EXPECT_THAT(failed.ToString(), HasSubstr(now.parts[2].path));
  EXPECT_EQ(must(table.version()), now.version);
}

TEST_F(CompactTest, TagsThatLieAboutRowsAreFoundBeforeRowsAreLost) {
  put_days(0, 5);
  run();
  Snapshot now = must(table.snapshot());
  ASSERT_EQ(now.parts.size(), 1u);
  auto& tag = now.parts[0].tags["units"];
  tag.replace(tag.find("\"rows\":5"), 8, "\"rows\":4");
  auto out = take_out(table, now, {unit_key(unit_of(0), "f")}, layout(), budget);
  EXPECT_EQ(exit_code(out.status()), 1) << out.status().ToString();
}

}  // namespace
}  // namespace tapemill::lake
