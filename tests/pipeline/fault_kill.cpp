// SIGKILL and SIGINT at random moments of the program, and two of it at once: old rows or new rows, each once, never half a day.
#include <chrono>
#include <random>

#include "core/text.h"
#include "pipeline_test.h"

namespace tapemill::pipeline {
namespace {
using namespace test;

constexpr int kDays = 36, kGood = 12, kBad = 2;  // two commits of at most 32 files

std::vector<std::string> ingest_of(const std::string& lake, const std::string& in) {
  return {"ingest", "stocks_daily", in, "--lake", lake, "--threads", "2", "--quiet"};
}

struct FaultKill : ::testing::Test {
  Folder folder;
  std::mt19937 random{11};
  double seconds = 0;  // that one ingest takes
  void SetUp() override {
    NEED_PROGRAM();
    write_days(folder, "in", kDays, kGood, kBad);
    write_days(folder, "restated", kDays, kGood, kBad, 3);
    auto from = std::chrono::steady_clock::now();
    Ran whole = run(folder, ingest_of(folder / "base", folder / "in"));
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
    ASSERT_EQ(whole.code, 0) << whole.err;
    ASSERT_EQ(complaint(folder / "base", kGood, kBad), "");
  }
  /// The moments follow the machine: a run that ended before its signal says how long runs take now.
  int signal_at_random(const std::vector<std::string>& arguments, int signal, std::string* err = nullptr) {
    const auto from = std::chrono::steady_clock::now();
    Child child = start(folder, arguments);
    const double wait = seconds * static_cast<double>(random() % 1000) / 1000;
    const double step = 0.002;
    double waited = 0;
    auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count(); };
    while ((waited = elapsed()) < wait && !child.ended()) ::usleep(static_cast<useconds_t>(step * 1e6));
    if (child.ended()) seconds = 0.9 * seconds + 0.1 * waited;
    ::kill(child.pid, signal);
    int code = child.wait();
    if (code == -signal) seconds *= 1.01;  // late moments are to come up too
    if (err != nullptr) *err = slurp(child.err);
    return code;
  }
  void expect_whole(const std::string& lake, const std::string& in, const char* close) {
    Ran again = run(folder, ingest_of(lake, in));
    ASSERT_EQ(again.code, 0) << again.err;
    ASSERT_EQ(complaint(lake, kGood, kBad), "");
    auto rows = rows_of(lake, "bronze.stocks_daily");
    ASSERT_EQ(rows->num_rows(), kDays * kGood);
    for (std::int64_t i = 0; i < rows->num_rows(); ++i) ASSERT_EQ(at(*rows, "close", i), close);
    ASSERT_EQ(quarantined_rows(lake, "stocks_daily"), kDays * kBad);
  }
};

TEST_F(FaultKill, FiftyTimesThenEveryRowIsThereOnce) {
  int killed = 0, partly = 0;
  const char* asked = std::getenv("TAPEMILL_KILLS");  // make torture: 500
  const int rounds = (asked != nullptr ? static_cast<int>(leading_integer(asked)) : 50) / 2;
  for (int round = 0; round < rounds; ++round) {
    std::string lake = folder / ("kill" + std::to_string(round));
    const bool restate = round % 2 == 1;  // half of them over a lake that holds the earlier bytes
    if (restate) fs::copy(folder / "base", lake, fs::copy_options::recursive);
    std::string in = folder / (restate ? "restated" : "in");
    for (int again = 0; again < 2; ++again) {
      killed += signal_at_random(ingest_of(lake, in), SIGKILL) == -SIGKILL;
      if (!fs::exists(lake)) continue;
      ASSERT_EQ(complaint(lake, kGood, kBad), "") << "round " << round;
      if (!opened(lake).table(lake::Layer::bronze, "stocks_daily").exists()) continue;
      auto rows = rows_of(lake, "bronze.stocks_daily");
      const std::int64_t n = rows->num_rows();
      ASSERT_TRUE(n == kDays * kGood || (!restate && (n == 0 || n == 32 * kGood))) << "round " << round << ": " << n;
      std::map<std::string, std::set<std::string>> closes;  // a day is of one file
      for (std::int64_t i = 0; i < rows->num_rows(); ++i) closes[at(*rows, "session", i)].insert(at(*rows, "close", i));
      int fresh = 0;
      for (const auto& [day, values] : closes) {
        ASSERT_EQ(values.size(), 1u) << day;
        fresh += *values.begin() == (restate ? "14.2500" : "11.2500");
      }
      partly += fresh > 0 && fresh < kDays;
    }
    expect_whole(lake, in, restate ? "14.2500" : "11.2500");
    if (HasFatalFailure()) return;
    fs::remove_all(lake);
  }
  EXPECT_GT(killed, rounds * 4 / 5);  // or the moments were not in the middle of anything
  RecordProperty("killed", killed);
  RecordProperty("between_two_commits", partly);
}

TEST_F(FaultKill, AnInterruptEndsWith130OrDone) {
  int interrupted = 0;
  for (int round = 0; round < 8; ++round) {
    std::string lake = folder / ("int" + std::to_string(round)), err;
    int code = signal_at_random(ingest_of(lake, folder / "in"), SIGINT, &err);
    // Before the handler stands the signal ends the program by itself.
    ASSERT_TRUE(code == 130 || code == 0 || code == -SIGINT) << code << "\n" << err;
    EXPECT_TRUE(code != 130 || err.find("interrupted") != std::string::npos) << err;
    interrupted += code != 0;
    if (fs::exists(lake)) { ASSERT_EQ(complaint(lake, kGood, kBad), ""); }
    expect_whole(lake, folder / "in", "11.2500");
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(interrupted, 0);
}

TEST_F(FaultKill, TwoWithTheSameFilesLeaveEveryRowOnce) {
  for (int round = 0; round < 6; ++round) {
    std::string lake = folder / ("same" + std::to_string(round));
    Child one = start(folder, ingest_of(lake, folder / "in")), two = start(folder, ingest_of(lake, folder / "in"));
    int a = one.wait(), b = two.wait();
    ASSERT_EQ(a, 0) << slurp(one.err);
    ASSERT_EQ(b, 0) << slurp(two.err);
    EXPECT_EQ(rows_of(lake, "landing.stocks_daily")->num_rows(), kDays) << "a file arrives once";
    expect_whole(lake, folder / "in", "11.2500");
    if (HasFatalFailure()) return;
  }
}

TEST_F(FaultKill, TwoWithDifferentFilesBothLand) {
  auto days = sessions(kDays);
  for (int i = 0; i < kDays; ++i) {
    std::string name = days[static_cast<std::size_t>(i)].str() + ".csv";
    fs::create_directories(folder / (i % 2 ? "odd" : "even"));
    fs::copy_file(folder / ("in/" + name), folder / ((i % 2 ? "odd/" : "even/") + name));
  }
  for (int round = 0; round < 6; ++round) {
    std::string lake = folder / ("apart" + std::to_string(round));
    Child one = start(folder, ingest_of(lake, folder / "odd")), two = start(folder, ingest_of(lake, folder / "even"));
    int a = one.wait(), b = two.wait();
    ASSERT_EQ(a, 0) << slurp(one.err);
    ASSERT_EQ(b, 0) << slurp(two.err);
    EXPECT_EQ(complaint(lake, kGood, kBad), "");
    EXPECT_EQ(rows_of(lake, "bronze.stocks_daily")->num_rows(), kDays * kGood);
  }
}

/// One holds the day's first bytes, the other the restated ones: the later commit wins whole, neither is lost in silence.
TEST_F(FaultKill, TwoWithDifferentBytesOfTheSameDays) {
  for (int round = 0; round < 4; ++round) {
    std::string lake = folder / ("contest" + std::to_string(round));
    Child one = start(folder, ingest_of(lake, folder / "in")),
          two = start(folder, ingest_of(lake, folder / "restated"));
    int a = one.wait(), b = two.wait();
    ASSERT_EQ(a, 0) << slurp(one.err);
    ASSERT_EQ(b, 0) << slurp(two.err);
    EXPECT_EQ(complaint(lake, kGood, kBad), "");
    EXPECT_EQ(rows_of(lake, "bronze.stocks_daily")->num_rows(), kDays * kGood);
    std::int64_t restated = 0;
    for (const auto& commit : must(opened(lake).table(lake::Layer::bronze, "stocks_daily").history()))
      restated += commit.operation == "RESTATE";
    EXPECT_GT(restated, 0);
  }
}

TEST_F(FaultKill, ExportQlibLeavesTheOldStoreOrTheNewOne) {
  std::string lake = folder / "base", store = folder / "store";
  std::vector<std::string> arguments{"export", "qlib", "stocks_daily", "--out", store, "--lake", lake, "--quiet"};
  auto files_of = [&] {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(store))
      if (entry.is_regular_file()) files[fs::relative(entry.path(), store)] = slurp(entry.path());
    return files;
  };
  ASSERT_EQ(run(folder, arguments).code, 0);
  auto old_store = files_of();
  fs::copy(store, folder / "kept", fs::copy_options::recursive);
  ASSERT_EQ(run(folder, ingest_of(lake, folder / "restated")).code, 0);
  auto from = std::chrono::steady_clock::now();
  ASSERT_EQ(run(folder, arguments).code, 0);
  seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
  auto new_store = files_of();
  ASSERT_NE(old_store, new_store);
  int killed = 0;
  for (int round = 0; round < 12; ++round) {
    fs::remove_all(store);
    fs::copy(folder / "kept", store, fs::copy_options::recursive);
    killed += signal_at_random(arguments, SIGKILL) == -SIGKILL;
    auto there = files_of();
    ASSERT_TRUE(there == old_store || there == new_store) << "round " << round;
  }
  EXPECT_GT(killed, 3);
  ASSERT_EQ(run(folder, arguments).code, 0);
  EXPECT_TRUE(files_of() == new_store);
  // What killed runs were building is not left for ever.
  int left = 0;
  for (const auto& entry : fs::directory_iterator(folder.path()))
    left += entry.path().filename().string().ends_with(".tmp");
  EXPECT_EQ(left, 0);
}

}  // namespace
}  // namespace tapemill::pipeline
