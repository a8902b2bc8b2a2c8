// Writers, restatements, compaction, vacuum and readers at once; compaction and vacuum killed at any moment: no row is lost,
// none is there twice, and a version inside the promise stays readable.
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "core/progress.h"
#include "core/text.h"
#include "lake/compact.h"
#include "lake/rewrite.h"
#include "lake/scan.h"
#include "lake/vacuum.h"
#include "lake_test.h"
#include "support/children.h"

namespace tapemill::lake {
namespace {
using namespace test;

constexpr int kRows = 4;  // of a unit

Layout layout() { return {bars_schema(), {"year", "month"}, {"instrument_id", "session"}}; }
Date day_of(int unit) { return Date::of(2020, 1, 1) + unit; }
std::string name_of(int unit) { return day_of(unit).str(); }

/// What ingest does: the unit's rows carry their number and their edition.
Status put(const Table& table, int unit, int edition) {
  MemoryBudget budget;
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(Snapshot snapshot, table.snapshot());
    ARROW_ASSIGN_OR_RAISE(auto known, units_by_key(snapshot));
    Transaction one;
    one.read_version = snapshot.version;
    one.touches = {name_of(unit)};
    std::int64_t ordinal = 0;
    const std::string sha = fmt::format("edition{}", edition);
    if (auto it = known.find(unit_key(name_of(unit), "f")); it != known.end()) {
      if (it->second.sha256 == sha) return Status::OK();
      ordinal = it->second.ordinal + 1;
      ARROW_ASSIGN_OR_RAISE(auto out, take_out(table, snapshot, {it->first}, layout(), budget));
      one.removes = std::move(out.removes);
      one.adds = std::move(out.adds);
    }
    std::vector<Bar> bars;
    for (int i = 0; i < kRows; ++i) bars.push_back({fmt::format("S{}", i), day_of(unit), edition, unit * kRows + i});
    ARROW_ASSIGN_OR_RAISE(auto writer,
                          write_parts(table, layout(), Provenance{sha, name_of(unit), "f", ordinal, {}}, budget));
    ARROW_RETURN_NOT_OK(writer->write(batch_of(bars)));
    ARROW_ASSIGN_OR_RAISE(auto parts, writer->finish());
    one.adds.insert(one.adds.end(), parts.begin(), parts.end());
    Status committed = table.commit(one).status();
    if (!is_conflict(committed)) return committed;
  }
}

/// Empty where every unit is there whole, once and in one edition.
std::string complaint(const Lake& lake, int units, std::optional<std::int64_t> version = {}) {
  auto scanned = scan(lake, ScanRequest{{Layer::bronze, "bars"}, {"volume", "close"}, {}, {}, {}, version, {}});
  if (!scanned.ok()) return scanned.status().ToString();
  auto volumes = must(doubles(*scanned->rows, "volume")), closes = must(doubles(*scanned->rows, "close"));
  std::map<int, std::multiset<int>> found;
  std::map<int, std::set<double>> editions;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    found[static_cast<int>(volumes[i]) / kRows].insert(static_cast<int>(volumes[i]) % kRows);
    editions[static_cast<int>(volumes[i]) / kRows].insert(closes[i]);
  }
  for (const auto& [unit, rows] : found) {
    if (rows != std::multiset<int>{0, 1, 2, 3}) return fmt::format("unit {} has {} rows", unit, rows.size());
    if (editions[unit].size() != 1) return fmt::format("unit {} in {} editions", unit, editions[unit].size());
  }
  if (units >= 0 && static_cast<int>(found.size()) != units) return fmt::format("{} of {} units", found.size(), units);
  return {};
}

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct CompactFault : testing::Test, tapemill::test::Children {
  Folder folder;
  Lake lake = must(Lake::open(folder.path() + "/lake", true));
  Table table = lake.table(Layer::bronze, "bars");
  void SetUp() override {
    Progress::configure(true);  // races are what is wanted here
    must(table.create(bars_schema(), {"year", "month"}, {{kSort, "instrument_id,session"}}));
  }

  static Status compact_once(const Table& table, std::int64_t target = kCompactTarget) {
    MemoryBudget budget;
    return compact(table, layout(), {target, false}, Workers(1), budget).status();
  }
};

TEST_F(CompactFault, WritersAndCompactionAtOnceAThousandCommitsNoLostRow) {
  constexpr int kWriters = 3, kUnits = 300;  // and each ninth restated: 3 x (300 + 33) commits of writers
  std::vector<pid_t> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.push_back(child([&, writer] {
      for (int i = 0; i < kUnits; ++i) {
        const int unit = i * kWriters + writer;  // neighbours in a month are of different writers
        if (Status done = put(table, unit, 1); !done.ok()) throw std::runtime_error(done.ToString());
        if (i % 9 == 8)
          if (Status done = put(table, unit - 4 * kWriters, 2); !done.ok()) throw std::runtime_error(done.ToString());
      }
      return 0;
    }));
  }
  std::atomic<bool> over{false};
  std::atomic<int> compactions{0}, reads{0};
  std::vector<std::string> complaints(2);
  std::thread compactor([&] {
    while (!over) {
      Status done = compact_once(table);
      if (!done.ok()) {
        complaints[0] = done.ToString();
        return;
      }
      ++compactions;
    }
  });
  std::thread reader([&] {  // a reader of a process of its own would do the same: versions never change
    while (!over && complaints[1].empty()) {
      complaints[1] = complaint(lake, -1);
      ++reads;
    }
  });
  for (pid_t pid : writers) EXPECT_EQ(wait(pid), 0);
  over = true;
  compactor.join();
  reader.join();
  EXPECT_EQ(complaints[0], "");
  EXPECT_EQ(complaints[1], "");
  EXPECT_GT(compactions, 1);
  EXPECT_GT(reads, 1);
  const std::int64_t version = must(table.version());
  EXPECT_GE(version, kWriters * (kUnits + kUnits / 9));
  RecordProperty("commits", static_cast<int>(version));
  RecordProperty("compactions", compactions);
  EXPECT_EQ(complaint(lake, kWriters * kUnits), "");
  auto units = must(units_by_key(must(table.snapshot())));
  EXPECT_EQ(static_cast<int>(units.size()), kWriters * kUnits);
  int restated = 0;
  for (const auto& [key, unit] : units) restated += unit.ordinal == 1 && unit.sha256 == "edition2";
  EXPECT_EQ(restated, kWriters * (kUnits / 9));
  // Versions from the middle, in which some units were half-way through a race, are whole too.
  for (std::int64_t at = version; at > 0; at -= 97) EXPECT_EQ(complaint(lake, -1, at), "") << at;
  ASSERT_TRUE(compact_once(table).ok());
  EXPECT_EQ(complaint(lake, kWriters * kUnits), "");
}

/// SIGKILL at random moments of both; TAPEMILL_KILLS says how often (make torture: 500).
TEST_F(CompactFault, KilledAtRandomPointsOfCompactionAndVacuumNothingIsLostOrTwice) {
  const char* asked = std::getenv("TAPEMILL_KILLS");
  const int rounds = asked != nullptr ? static_cast<int>(leading_integer(asked)) : 50;
  std::mt19937 random(13);
  int unit = 0, killed = 0, compacted = 0, cleaned = 0;
  double work = 0.02;  // seconds that one whole run takes, about
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(put(table, unit++, 1).ok());
    if (unit > 30) { ASSERT_TRUE(put(table, unit - 25, 2 + round).ok()); }
    const bool clean = round % 2 == 1;
    const std::int64_t before = must(table.version());
    // Vacuum keeps what was current a moment ago; the clock of its run is that of the version it has to keep, and a day on
    // for what the killed compactions left.
    const pid_t pid = child([&] {
      const auto start = std::chrono::steady_clock::now();
      do {
        if (clean)
          must(vacuum(table, {round % 4 == 1 ? 0 : kDay, {now_us() + (round % 4 == 1 ? 0 : 2 * kDay)}, false}));
        else must(compact_once(table, 20'000 + round * 100));
      } while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(2));
      return 0;
    });
    const auto start = std::chrono::steady_clock::now();
    ::usleep(static_cast<useconds_t>(work * 1e6 * static_cast<double>(random() % 1000) / 1000));
    ::kill(pid, SIGKILL);
    const int code = wait(pid);
    ASSERT_TRUE(code == 0 || code == 128 + SIGKILL) << code;
    if (code == 0)
      work = std::min(0.2, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() + 0.002);
    killed += code != 0;
    (clean ? cleaned : compacted) += code != 0;
    ASSERT_EQ(complaint(lake, unit), "") << "round " << round;
    if (!clean) { ASSERT_EQ(complaint(lake, unit, before), "") << "round " << round << ", the version before"; }
    const Snapshot now = must(table.snapshot());
    for (const Part& part : now.parts)
      ASSERT_TRUE(std::filesystem::exists(table.path() + "/" + part.path)) << "round " << round << " " << part.path;
  }
  EXPECT_GT(killed, rounds / 4);  // or the moments were not in the middle of anything
  RecordProperty("compactions_killed", compacted);
  RecordProperty("vacuums_killed", cleaned);
  // In the end it is as if nothing had happened, but for what vacuum takes.
  ASSERT_TRUE(compact_once(table).ok());
  ASSERT_TRUE(vacuum(table, {0, {now_us() + 2 * kDay}, false}).ok());
  EXPECT_EQ(complaint(lake, unit), "");
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(table.path()))
    files += entry.path().filename().string().starts_with("part-");
  EXPECT_EQ(files, must(table.snapshot()).parts.size());
}

}  // namespace
}  // namespace tapemill::lake
