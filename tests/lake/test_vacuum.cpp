// Vacuum deletes what no version inside the promise needs and nothing else; what leaves by age leaves whole, verified, and known.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "core/json.h"
#include "lake/compact.h"
#include "lake/files.h"
#include "lake/restore.h"
#include "lake/retire.h"
#include "lake/rewrite.h"
#include "lake/scan.h"
#include "lake/sidecars.h"
#include "lake/vacuum.h"
#include "lake_test.h"

namespace tapemill::lake {
namespace {
using namespace test;
using testing::HasSubstr;
namespace fs = std::filesystem;

Layout layout() { return {bars_schema(), {"year", "month"}, {"instrument_id", "session"}}; }
Date first_day() { return Date::of(2024, 1, 1); }

class Upkeep : public testing::Test {
 protected:
  Folder folder;
  Lake lake = must(Lake::open(folder.path() + "/lake", true));
  Table table = lake.table(Layer::bronze, "bars");
  MemoryBudget budget;
  void SetUp() override {
    must(table.create(bars_schema(), {"year", "month"}, {{kSort, "instrument_id,session"}, {kSession, "session"}}));
  }
  void put_days(int first, int last, const std::string& sha = "s") {
    for (int n = first; n <= last; ++n) {
      const std::string unit = (first_day() + n).str();
      Snapshot snapshot = must(table.snapshot());
      Transaction one;
      one.read_version = snapshot.version;
      one.touches = {unit};
      auto known = must(units_by_key(snapshot));
      std::int64_t ordinal = 0;
      if (auto it = known.find(unit_key(unit, "f")); it != known.end()) {
        ordinal = it->second.ordinal + 1;
        auto out = must(take_out(table, snapshot, {it->first}, layout(), budget));
        one.removes = out.removes;
        one.adds = out.adds;
      }
      auto writer = must(write_parts(table, layout(), Provenance{sha, unit, "f", ordinal, {{"file", unit}}}, budget));
      must(writer->write(batch_of({{"A", first_day() + n, 100 + ordinal, n}, {"B", first_day() + n, 200, n}})));
      for (Part& part : must(writer->finish())) one.adds.push_back(part);
      must(table.commit(one));
    }
  }
  std::string rows(std::optional<std::int64_t> version = {}) {
    ScanRequest request{{Layer::bronze, "bars"}, {}, {}, {}, {}, version, {}};
    return must(must(scan(lake, request)).rows->CombineChunksToBatch())->ToString();
  }
  bool readable(std::int64_t version) {
    ScanRequest request{{Layer::bronze, "bars"}, {}, {}, {}, {}, version, {}};
    return scan(lake, request).ok();
  }
  /// `after` microseconds from now, as the clock of a later run.
  VacuumReport clean(std::int64_t retain, std::int64_t after = 0, bool dry_run = false) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return must(
        vacuum(table, {retain, {std::chrono::duration_cast<std::chrono::microseconds>(now).count() + after}, dry_run}));
  }
  std::set<std::string> files() {
    std::set<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(table.path()))
      if (entry.is_regular_file() && entry.path().string().find("_delta_log") == std::string::npos)
        out.insert(fs::relative(entry.path(), table.path()));
    return out;
  }
  void age(const std::string& path, std::int64_t seconds) {
    struct stat info{};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    timespec times[2] = {info.st_atim, info.st_mtim};
    times[1].tv_sec -= seconds;
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
};

TEST_F(Upkeep, VacuumKeepsEveryVersionInsideThePromise) {
  put_days(0, 9);
  must(compact(table, layout(), {}, Workers(1), budget));
  put_days(3, 3, "restated");
  const std::int64_t newest = must(table.version());
  std::vector<std::string> before;
  for (std::int64_t version = 0; version <= newest; ++version) before.push_back(rows(version));
  auto report = clean(7 * kDay);
  EXPECT_EQ(report.files, 0);
  EXPECT_EQ(report.kept_from, 0);
  EXPECT_EQ(report.files_left, 11);  // ten days and the first compacted part
  for (std::int64_t version = 0; version <= newest; ++version)
    EXPECT_EQ(rows(version), before[static_cast<std::size_t>(version)]) << version;
}

TEST_F(Upkeep, VacuumDeletesWhatOnlyOlderVersionsHad) {
  put_days(0, 9);
  must(compact(table, layout(), {}, Workers(1), budget));
  put_days(3, 3, "restated");
  const std::int64_t newest = must(table.version());
  const std::string now = rows();
  auto would = clean(7 * kDay, 8 * kDay, true);
  EXPECT_EQ(would.files, 11);
  EXPECT_EQ(files().size(), 13u);
  auto report = clean(7 * kDay, 8 * kDay);
  EXPECT_EQ(report.files, 11);
  EXPECT_EQ(report.kept_from, newest);
  EXPECT_EQ(rows(), now);
  EXPECT_EQ(must(table.version()), newest);  // no commit
  EXPECT_FALSE(readable(5));
  std::set<std::string> wanted;
  for (const Part& part : must(table.snapshot()).parts) wanted.insert(part.path);
  EXPECT_EQ(files(), wanted);
  EXPECT_EQ(clean(7 * kDay, 8 * kDay).files, 0);  // a second run has nothing to do
}

TEST_F(Upkeep, ThePromiseIsAboutWhenAVersionWasCurrent) {
  put_days(0, 4);
  const std::string old_rows = rows();
  must(compact(table, layout(), {}, Workers(1), budget));  // version 6, just now
  // The days were removed now: an hour later the promise of two hours still has version 5, one of half an hour has not.
  EXPECT_EQ(clean(2 * kHour, kHour).files, 0);
  EXPECT_EQ(rows(5), old_rows);
  EXPECT_EQ(clean(kHour / 2, kHour).files, 5);
  EXPECT_EQ(rows(), old_rows);
}

TEST_F(Upkeep, FilesThatNoCommitNamesWaitADayAndThenGo) {
  put_days(0, 1);
  auto writer = must(write_parts(table, layout(), Provenance{"lost", "2024-01-09", "f", 0, {}}, budget));
  must(writer->write(batch_of({{"A", Date::of(2024, 1, 9), 1, 1}})));
  const Part lost = must(writer->finish()).front();
  write_text(table.path() + "/.tapemill-1-0.tmp", "x");
  write_text(table.path() + "/notes.txt", "mine");
  write_text(table.path() + "/year=2024/month=01/other.parquet", "another engine's");
  EXPECT_EQ(clean(0).files, 0);  // whatever the promise: its writer may be at work
  for (const char* name : {"/.tapemill-1-0.tmp", "/notes.txt", "/year=2024/month=01/other.parquet"})
    age(table.path() + name, 3 * 86'400);
  age(table.path() + "/" + lost.path, 2 * 86'400);
  EXPECT_EQ(clean(7 * kDay).files, 0);
  EXPECT_EQ(clean(kDay).files, 2);
  EXPECT_FALSE(file_exists(table.path() + "/" + lost.path));
  EXPECT_TRUE(file_exists(table.path() + "/notes.txt"));
  EXPECT_TRUE(file_exists(table.path() + "/year=2024/month=01/other.parquet"));
}

TEST_F(Upkeep, AFileThatIsFoundReadyIsYoungAgain) {
  put_days(0, 1);
  auto write = [&] {
    auto writer = must(write_parts(table, layout(), Provenance{"again", "2024-01-09", "f", 0, {}}, budget));
    must(writer->write(batch_of({{"A", Date::of(2024, 1, 9), 1, 1}})));
    return must(writer->finish());
  };
  Part part = write().front();
  age(table.path() + "/" + part.path, 30 * 86'400);
  auto parts = write();  // the next try of the same source, not committed yet
  EXPECT_EQ(clean(7 * kDay).files, 0);
  Transaction one;
  one.read_version = must(table.version());
  one.adds = parts;
  EXPECT_OK(table.commit(one));
}

TEST_F(Upkeep, RetireTakesWholeOldPartsAndTheirUnitsStayKnown) {
  put_days(0, 45);
  must(compact(table, layout(), {}, Workers(1), budget));
  const std::string before = rows();
  const std::int64_t version = must(table.version());
  auto known = must(units_by_key(must(table.snapshot())));
  RetireOptions options{"session", Date::of(2024, 2, 5), {}, "EXPIRE", true};
  EXPECT_EQ(must(retire(table, layout(), options, budget)).rows, 31 * 2);
  EXPECT_EQ(must(table.version()), version);
  options.dry_run = false;
  auto report = must(retire(table, layout(), options, budget));
  EXPECT_EQ(report.rows, 31 * 2);
  EXPECT_EQ(report.files, 1);
  EXPECT_EQ(report.files_partly, 1);
  EXPECT_EQ(must(table.snapshot()).rows(), 15 * 2);
  EXPECT_EQ(rows(version), before);
  auto after = must(units_by_key(must(table.snapshot())));
  ASSERT_EQ(after.size(), known.size());
  for (const auto& [key, unit] : known) EXPECT_EQ(after[key].sha256, unit.sha256);
  EXPECT_EQ(must(retire(table, layout(), options, budget)).version, report.version);  // again: nothing
  // A restated old day comes back in as such; compaction takes the mark in.
  put_days(2, 2, "restated");
  EXPECT_EQ(must(table.snapshot()).rows(), 15 * 2 + 2);
  must(compact(table, layout(), {}, Workers(1), budget));
  auto last = must(units_by_key(must(table.snapshot())));
  EXPECT_EQ(last.size(), known.size());
  EXPECT_EQ(last.at(unit_key("2024-01-03", "f")).ordinal, 1);
  EXPECT_EQ(must(table.snapshot()).rows(), 15 * 2 + 2);
}

/// One file over several months: what leaves of it leaves the rest, and the file known by its bytes.
TEST_F(Upkeep, AUnitOfManyPartitionsLosesItsOldOnesAlone) {
  auto writer = must(write_parts(table, layout(), Provenance{"whole", "all", "f", 0, {{"file", "all.csv"}}}, budget));
  for (int n = 0; n < 70; n += 10)
    must(writer->write(batch_of({{"A", first_day() + n, 100, n}, {"B", first_day() + n, 200, n}})));
  Transaction one;
  one.read_version = must(table.version());
  one.adds = must(writer->finish());
  ASSERT_GT(one.adds.size(), 2u);
  const std::int64_t whole = must(table.commit(one));
  const std::string before = rows();
  auto report = must(retire(table, layout(), {"session", Date::of(2024, 2, 1), {}, "EXPIRE", false}, budget));
  EXPECT_EQ(report.rows, 4 * 2);
  auto known = must(units_by_key(must(table.snapshot())));
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known.begin()->second.sha256, "whole");
  EXPECT_EQ(known.begin()->second.rows, 3 * 2);
  must(compact(table, layout(), {}, Workers(1), budget));
  EXPECT_EQ(must(units_by_key(must(table.snapshot()))).begin()->second.sha256, "whole");
  // And back again.
  EXPECT_EQ(must(restore(table, whole, true)).rows_after, 14);
  EXPECT_EQ(must(table.snapshot()).rows(), 6);
  auto back = must(restore(table, whole, false));
  EXPECT_EQ(back.rows_before, 6);
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(must(table.history()).front().operation, "RESTORE");
  EXPECT_EQ(must(restore(table, whole, false)).version, back.version);  // nothing to do: no commit
  // What was merged and taken out before can be again.
  must(retire(table, layout(), {"session", Date::of(2024, 2, 1), {}, "EXPIRE", false}, budget));
  must(compact(table, layout(), {}, Workers(1), budget));
  EXPECT_EQ(must(table.snapshot()).rows(), 6);
  EXPECT_EQ(exit_code(restore(table, 99, false).status()), 2);
}

TEST_F(Upkeep, RestoreFetchesWhatTheArchiveTookAndVacuumDeleted) {
  put_days(0, 40);
  const std::int64_t whole = must(table.version());
  const std::string before = rows(), cold = folder.path() + "/cold/raw/bars";
  must(retire(table, layout(), {"session", Date::of(2024, 2, 1), cold, "ARCHIVE", false}, budget));
  ASSERT_GT(clean(7 * kDay, 8 * kDay).files, 0);
  ASSERT_FALSE(readable(whole));
  auto back = must(restore(table, whole, false));
  EXPECT_EQ(back.copied, 31);
  EXPECT_EQ(rows(), before);
  // Without the archive it says what is gone, and changes nothing.
  must(retire(table, layout(), {"session", Date::of(2024, 2, 1), {}, "EXPIRE", false}, budget));
  clean(7 * kDay, 8 * kDay);
  fs::remove_all(folder.path() + "/cold");
  const std::int64_t version = must(table.version());
  Status gone = restore(table, whole, false).status();
  EXPECT_EQ(exit_code(gone), 1);
  EXPECT_THAT(gone.message(), HasSubstr("vacuum has deleted it"));
  EXPECT_EQ(must(table.version()), version);
}

TEST_F(Upkeep, ArchivedPartsKeepTheirPathAndBytes) {
  put_days(0, 40);
  const std::string cold = folder.path() + "/cold/raw/bars";
  std::map<std::string, std::string> bytes;
  for (const Part& part : must(table.snapshot()).parts)
    if (part.path.find("month=01") != std::string::npos) bytes[part.path] = read_text(table.path() + "/" + part.path);
  auto report = must(retire(table, layout(), {"session", Date::of(2024, 2, 1), cold, "ARCHIVE", false}, budget));
  EXPECT_EQ(report.files, 31);
  EXPECT_EQ(report.copied, 31);
  for (const auto& [path, text] : bytes) EXPECT_EQ(read_text(cold + "/" + path), text) << path;
  clean(7 * kDay, 8 * kDay);
  EXPECT_EQ(read_text(cold + "/" + bytes.begin()->first), bytes.begin()->second);
  EXPECT_EQ(must(table.history()).front().operation, "ARCHIVE");
}

TEST_F(Upkeep, NothingLeavesTheTableWhereTheArchiveHoldsOtherBytes) {
  put_days(0, 3);
  const std::string cold = folder.path() + "/cold";
  const Part part = must(table.snapshot()).parts[1];
  fs::create_directories(fs::path(cold + "/" + part.path).parent_path());
  write_text(cold + "/" + part.path, "something else");
  const std::int64_t version = must(table.version());
  auto failed = retire(table, layout(), {"session", Date::of(2025, 1, 1), cold, "ARCHIVE", false}, budget).status();
  EXPECT_EQ(exit_code(failed), 1);
  EXPECT_THAT(failed.ToString(), HasSubstr(part.path));
  EXPECT_EQ(must(table.version()), version);
  EXPECT_EQ(
      exit_code(retire(table, layout(), {"expiry", Date::of(2025, 1, 1), cold, "ARCHIVE", false}, budget).status()), 2);
}

TEST_F(Upkeep, SidecarsSayWhatTheNewestVersionIs) {
  put_days(0, 33);
  must(compact(table, layout(), {}, Workers(1), budget));
  auto report = must(write_sidecars(table, budget));
  EXPECT_EQ(report.partitions, 2);
  EXPECT_EQ(report.days, 34);
  EXPECT_TRUE(file_exists(table.path() + "/_SUCCESS"));
  EXPECT_TRUE(file_exists(table.path() + "/year=2024/month=01/_SUCCESS"));
  EXPECT_EQ(read_text(table.path() + "/_metadata").substr(0, 4), "PAR1");
  const Json day = Json::parse(read_text(table.path() + "/_manifests/2024-01-05.json"));
  EXPECT_EQ(day["rows"], 2);
  EXPECT_EQ(day["parts"].size(), 1u);
  EXPECT_EQ(day["sources"][0]["file"], "2024-01-05");
  EXPECT_EQ(must(write_sidecars(table, budget)).files_written, 0);
  must(retire(table, layout(), {"session", Date::of(2024, 2, 1), {}, "EXPIRE", false}, budget));
  EXPECT_EQ(must(write_sidecars(table, budget)).days, 3);
  EXPECT_FALSE(file_exists(table.path() + "/_manifests/2024-01-05.json"));
  EXPECT_EQ(clean(7 * kDay, 30 * kDay).files_left, 0);  // they are no parts
  EXPECT_TRUE(file_exists(table.path() + "/_metadata"));
}

}  // namespace
}  // namespace tapemill::lake
