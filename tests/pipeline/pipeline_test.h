// What the tests of ingest share: folders that go away, flat files of stocks with known bad rows, what a lake holds.
#pragma once
#include <arrow/api.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/json.h"
#include "core/paths.h"
#include "lake/scan.h"
#include "pipeline/ingest.h"
#include "support/folder.h"

namespace tapemill::pipeline::test {
namespace fs = std::filesystem;
using tapemill::test::Folder;
using tapemill::test::must;
using tapemill::test::slurp;

inline fs::path shared_data() {
  if (const char* folder = std::getenv("TAPEMILL_SHARED_DATA")) return folder;
  return fs::path(share_folder()) / "../shared/data";
}

inline const std::string kHeader = "ticker,volume,open,close,high,low,window_start,transactions\n";
/// Sessions of NYSE from 2024-01-02 on, all before summer time: midnight in New York is 05:00 UTC.
inline std::vector<Date> sessions(std::size_t count) {
  auto all = must(Calendar::load("nyse"))->sessions(Date::of(2024, 1, 2), Date::of(2024, 3, 8));
  if (count > all.size()) throw std::runtime_error("more sessions than winter has");
  all.resize(count);
  return all;
}
/// A day's flat file: `good` rows in order, then `bad` rows whose high lies below their low. Closes depend on `salt`.
inline std::string day_file(Date date, int good, int bad, int salt = 0) {
  std::string text = kHeader;
  std::int64_t start = (date.days * kDay + 5 * kHour) * 1000;
  for (int i = 0; i < good; ++i)
    text += fmt::format("T{:03},{},10,{}.25,{}.5,9,{},7\n", i, 100 + i, 11 + salt, 12 + salt, start);
  for (int i = 0; i < bad; ++i) text += fmt::format("X{:03},5,10,10,9,11,{},1\n", i, start);
  return text;
}
inline std::vector<std::string> write_days(const Folder& folder, const std::string& under, std::size_t days, int good,
                                           int bad, int salt = 0) {
  std::vector<std::string> paths;
  for (Date date : sessions(days))
    paths.push_back(folder.write(under + "/" + date.str() + ".csv", day_file(date, good, bad, salt)));
  return paths;
}

inline constexpr std::int64_t kArrived = 1'800'000'000'000'000;  // 2027-01-15: later than any session here

inline Result<IngestReport> ingest_into(const std::string& lake, const std::string& dataset,
                                        const std::vector<std::string>& paths, std::int64_t now = kArrived,
                                        int threads = 2, std::int64_t memory = 0) {
  ARROW_ASSIGN_OR_RAISE(auto opened, lake::Lake::open(lake, true));
  ARROW_ASSIGN_OR_RAISE(auto spec, load_dataset(dataset));
  MemoryBudget budget(memory);
  return ingest(opened, spec, paths, Instant{now}, Workers(threads), budget);
}
inline lake::Lake opened(const std::string& lake) { return must(lake::Lake::open(lake, false)); }
inline std::shared_ptr<arrow::Table> rows_of(const std::string& lake, const std::string& table,
                                             std::optional<std::int64_t> version = {}) {
  lake::ScanRequest request;
  request.table = must(lake::TableName::parse(table));
  request.version = version;
  return must(must(lake::scan(opened(lake), request)).rows->CombineChunks());
}
inline std::string at(const arrow::Table& table, const std::string& column, std::int64_t row) {
  return must(table.GetColumnByName(column)->GetScalar(row))->ToString();
}
inline std::int64_t quarantined_rows(const std::string& lake, const std::string& table) {
  return must(quarantined(opened(lake), table, {"", "", 0}))->num_rows();
}

/// What is wrong with a lake of stocks_daily, empty where nothing is: a key twice, a part that is named but not there, refused
/// rows that do not go with the rows stored, a count of a commit that does not add up.
inline std::string complaint(const std::string& root, int good, int bad) {
  lake::Lake lake = opened(root);
  lake::Table bronze = lake.table(lake::Layer::bronze, "stocks_daily");
  if (!bronze.exists()) return {};
  lake::Snapshot snapshot = must(bronze.snapshot());
  for (const auto& part : snapshot.parts)
    if (!fs::exists(bronze.path() + "/" + part.path) ||
        static_cast<std::int64_t>(fs::file_size(bronze.path() + "/" + part.path)) != part.size)
      return part.path + " is not what the log says";
  auto rows = rows_of(root, "bronze.stocks_daily");
  std::set<std::string> keys, days;
  for (std::int64_t i = 0; i < rows->num_rows(); ++i) {
    keys.insert(at(*rows, "instrument_id", i) + at(*rows, "session", i));
    days.insert(at(*rows, "session", i));
  }
  if (static_cast<std::int64_t>(keys.size()) != rows->num_rows())
    return fmt::format("{} rows of {} keys", rows->num_rows(), keys.size());
  if (rows->num_rows() != static_cast<std::int64_t>(days.size()) * good)
    return fmt::format("{} rows in {} days: half a day", rows->num_rows(), days.size());
  std::int64_t refused = quarantined_rows(root, "stocks_daily");
  if (refused != static_cast<std::int64_t>(days.size()) * bad)
    return fmt::format("{} rows in quarantine for {} days", refused, days.size());
  for (const auto& commit : must(bronze.history())) {
    if (commit.operation != "INGEST" && commit.operation != "RESTATE") continue;
    const Json& counts = commit.info->at("tapemill").at("counts");
    if (counts["rows_in"].get<std::int64_t>() !=
        counts["rows_stored"].get<std::int64_t>() + counts["rows_quarantined"].get<std::int64_t>())
      return counts.dump();
  }
  if (!opened(root).table(lake::Layer::landing, "stocks_daily").exists())  // both tables are made at once
    return rows->num_rows() == 0 ? "" : "rows of files that never landed";
  auto landed = rows_of(root, "landing.stocks_daily");
  for (std::int64_t i = 0; i < landed->num_rows(); ++i)
    if (!fs::exists(root + "/landing/stocks_daily/" + at(*landed, "kept_at", i)))
      return "landing names a file that is not there";
  return {};
}

/// The program that users run: beside the tests where it is built.
inline std::string program() {
  if (const char* given = std::getenv("TAPEMILL")) return given;
  std::error_code ignored;
  return (fs::read_symlink("/proc/self/exe", ignored).parent_path() / "tapemill").string();
}
inline constexpr uid_t kNobody = 65534;

struct Child {
  pid_t pid = -1;
  std::string out, err;  // files
  bool ended() const {
    siginfo_t about{};
    return ::waitid(P_PID, static_cast<id_t>(pid), &about, WEXITED | WNOHANG | WNOWAIT) == 0 && about.si_pid == pid;
  }
  /// Exit code, or minus the signal.
  int wait() const {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
};
inline Child start(const Folder& folder, std::vector<std::string> arguments, uid_t user = 0) {
  static int number = 0;
  Child child{-1, folder / fmt::format("out.{}", ++number), folder / fmt::format("err.{}", number)};
  int out = ::open(child.out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644),
      err = ::open(child.err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  arguments.insert(arguments.begin(), program());
  std::vector<char*> argv;
  for (auto& one : arguments) argv.push_back(one.data());
  argv.push_back(nullptr);
  child.pid = ::fork();
  if (child.pid == 0) {
    ::dup2(out, 1), ::dup2(err, 2);
    if (user != 0 && (::setgid(user) != 0 || ::setuid(user) != 0)) ::_exit(99);
    ::execv(argv[0], argv.data());
    ::_exit(98);
  }
  ::close(out), ::close(err);
  return child;
}
struct Ran {
  int code;
  std::string out, err;
};
inline Ran run(const Folder& folder, std::vector<std::string> arguments, uid_t user = 0) {
  Child child = start(folder, std::move(arguments), user);
  int code = child.wait();
  return {code, slurp(child.out), slurp(child.err)};
}

#define NEED_PROGRAM() \
  if (!fs::exists(program())) GTEST_SKIP() << program() << " is not built: NOT tested"

}  // namespace tapemill::pipeline::test
