// Files and disks that are not as one would wish: a clear error with the designed exit code, or quarantined rows; never a crash.
#include <sys/mount.h>

#include "pipeline_test.h"
#include "sources/gzip.h"

namespace tapemill::pipeline {
namespace {
using namespace test;

struct FaultInput : ::testing::Test {
  Folder folder;
  std::string lake = folder / "lake";
  const Date day = sessions(1)[0];
  std::string name(const std::string& suffix = ".csv") const { return "in/" + day.str() + suffix; }
  std::int64_t stamp() const { return (day.days * kDay + 5 * kHour) * 1000; }
  IngestReport one(const std::string& bytes, const std::string& suffix = ".csv") {
    return must(ingest_into(lake, "stocks_daily", {folder.write(name(suffix), bytes)}));
  }
  /// A good row, this row, a good row: it alone is refused, with its place.
  void expect_quarantined(const std::string& row, const std::string& check) {
    fs::remove_all(lake);
    std::string first = kHeader + fmt::format("A,1,1,1,1,1,{},1\n", stamp());
    IngestReport report = one(first + row + "\n" + fmt::format("B,1,1,1,1,1,{},1\n", stamp()));
    EXPECT_EQ(report.quality.rows_in, 3) << row.substr(0, 100);
    EXPECT_EQ(report.quality.rows_kept, 2) << row.substr(0, 100);
    auto rows = must(quarantined(opened(lake), "stocks_daily", {}));
    ASSERT_EQ(rows->num_rows(), 1) << row.substr(0, 100);
    EXPECT_EQ(at(*rows, "check", 0), check) << at(*rows, "reason", 0);
    EXPECT_EQ(at(*rows, "file", 0), day.str() + ".csv");
    EXPECT_EQ(at(*rows, "line", 0), "3");
    EXPECT_EQ(at(*rows, "byte", 0), std::to_string(first.size()));
    EXPECT_FALSE(at(*rows, "reason", 0).empty());
  }
  void expect_refused(const std::string& bytes, const std::string& suffix = ".csv") {
    IngestReport report = one(bytes, suffix);
    ASSERT_EQ(report.refused.size(), 1u) << bytes.substr(0, 60);
    EXPECT_FALSE(report.refused[0].error.empty());
    EXPECT_NE(report.refused[0].error.find(day.str()), std::string::npos) << report.refused[0].error;
    EXPECT_EQ(report.quality.rows_in, 0);
    auto table = opened(lake).table(lake::Layer::bronze, "stocks_daily");
    EXPECT_TRUE(!table.exists() || must(table.snapshot()).parts.empty());
  }
};

TEST_F(FaultInput, BadRowsEndInQuarantineWithTheirPlace) {
  const std::string s = std::to_string(stamp());
  expect_quarantined("X,1,NaN,1,1,1," + s + ",1", "parse");
  expect_quarantined("X,1,1,1e400,1,1," + s + ",1", "parse");
  expect_quarantined("X,1,inf,1,1,1," + s + ",1", "parse");
  expect_quarantined("X,NaN,1,1,1,1," + s + ",1", "parse");
  expect_quarantined("X,1,1.00001,1,1,1," + s + ",1", "parse");  // more digits than the table has: never rounded
  expect_quarantined("X,1,99999999999999999999,1,1,1," + s + ",1", "parse");
  expect_quarantined("X,1,1,1,1,1," + s + ",1,extra", "columns");
  expect_quarantined("X,1,1,1", "columns");
  expect_quarantined("X,-1,1,1,1,1," + s + ",1", "expression: volume >= 0");
  expect_quarantined("X,1,-1,-1,-1,-1," + s + ",1", "positive");
  expect_quarantined("A,1,1,1,1,1," + s + ",1", "unique_key");
  expect_quarantined(",1,1,1,1,1," + s + ",1", "null");
  expect_quarantined(std::string("X\xff\xfe,1,1,1,1,1,") + s + ",1", "parse");
}

TEST_F(FaultInput, DatesFromOtherCenturiesEndInQuarantine) {
  for (std::string date : {"1601-01-01", "9999-12-31", "0000-00-00", "2014-02-30", "2014-1-2"}) {
    fs::remove_all(lake);
    auto path = folder.write("all.csv", "date,open,high,low,close,volume,Name\n2014-01-02,1,1,1,1,1,A\n" + date +
                                            ",1,1,1,1,1,A\n2014-01-03,1,1,1,1,1,A\n");
    auto report = must(ingest_into(lake, "sp500", {path}));
    EXPECT_EQ(report.quality.rows_kept, 2) << date;
    EXPECT_EQ(report.quality.rows_quarantined, 1) << date;
    for (const auto& finding : report.quality.findings) EXPECT_NE(finding.check, "missing_sessions") << date;
  }
}

TEST_F(FaultInput, TenMegabytesInOneField) {
  std::string first = kHeader + fmt::format("A,1,1,1,1,1,{},1\n", stamp());
  auto path = folder.write(name(), first + std::string(10 << 20, 'x') + fmt::format(",1,1,1,1,1,{},1\n", stamp()) +
                                       fmt::format("B,1,1,1,1,1,{},1\n", stamp()));
  auto report = ingest_into(lake, "stocks_daily", {path}, kArrived, 2, 64 << 20);
  ASSERT_TRUE(report.ok()) << render(report.status(), false);
  if (!report->refused.empty()) return;  // the file as a whole: as good
  EXPECT_EQ(report->quality.rows_in, 3);
  EXPECT_EQ(report->quality.rows_kept, 2);
  auto rows = must(quarantined(opened(lake), "stocks_daily", {}));
  ASSERT_EQ(rows->num_rows(), 1);
  EXPECT_LT(at(*rows, "raw", 0).size(), 70'000u);  // the whole of it is in landing
}

TEST_F(FaultInput, FilesThatAreNoneOfOurs) {
  expect_refused("");
  expect_refused(kHeader);
  expect_refused(std::string("\x00\x01\x02\xff\xfe\x00PNG", 9));
  expect_refused("a,b,c\n1,2,3\n");
  expect_refused(kHeader.substr(0, 40) + "\nA,1\n");
  expect_refused("not gzip at all", ".csv.gz");
}

TEST_F(FaultInput, LineEndsAndByteOrderMarks) {
  std::string text = day_file(day, 3, 1), crlf;
  for (char c : text) crlf += c == '\n' ? "\r\n" : std::string(1, c);
  for (const std::string& bytes : {crlf, "\xEF\xBB\xBF" + text, text.substr(0, text.size() - 1)}) {
    fs::remove_all(lake);
    auto report = one(bytes);
    EXPECT_EQ(report.quality.rows_kept, 3);
    EXPECT_EQ(report.quality.rows_quarantined, 1);
  }
  std::string utf16 = "\xFF\xFE";
  for (char c : text) utf16 += c, utf16 += '\0';
  fs::remove_all(lake);
  auto report = one(utf16);
  EXPECT_TRUE(report.refused.size() == 1 || report.quality.rows_kept == 3);  // read, or said; not rows of garbage
}

TEST_F(FaultInput, ATruncatedGzipIsRefusedWholeAndTheOthersGoOn) {
  auto days = sessions(3);
  std::vector<std::string> paths;
  std::string whole;
  for (Date date : days) {
    auto plain = folder.write("plain/" + date.str() + ".csv", day_file(date, 400, 2));
    fs::create_directories(folder / "in");
    ASSERT_EQ(std::system(fmt::format("gzip -c {} > {}/in/{}.csv.gz", plain, folder.path(), date.str()).c_str()), 0);
    paths.push_back(folder / ("in/" + date.str() + ".csv.gz"));
  }
  whole = slurp(paths[1]);
  for (double cut : {0.1, 0.5, 0.9, 0.999}) {
    fs::remove_all(lake);
    std::ofstream(paths[1], std::ios::binary)
        << whole.substr(0, static_cast<std::size_t>(static_cast<double>(whole.size()) * cut));
    auto report = must(ingest_into(lake, "stocks_daily", paths));
    ASSERT_EQ(report.refused.size(), 1u);
    EXPECT_EQ(report.refused[0].path, paths[1]);
    EXPECT_EQ(report.quality.rows_kept, 800);
    EXPECT_EQ(complaint(lake, 400, 2), "");
  }
  std::ofstream(paths[1], std::ios::binary) << whole;  // fetched again: not a restatement, it was never in
  auto report = must(ingest_into(lake, "stocks_daily", paths));
  EXPECT_EQ(report.restated.size(), 0u);
  EXPECT_EQ(report.files_unchanged, 2);
  EXPECT_EQ(report.quality.rows_kept, 400);
  EXPECT_EQ(complaint(lake, 400, 2), "");
}

struct FaultProgram : ::testing::Test {
  Folder folder;
  std::string lake = folder / "lake";
  void SetUp() override { NEED_PROGRAM(); }
  Ran ingest(const std::string& path, uid_t user = 0) {
    return run(folder, {"ingest", "stocks_daily", path, "--lake", lake, "--quiet"}, user);
  }
  void expect(const Ran& ran, int code, const std::string& says) {
    EXPECT_EQ(ran.code, code) << ran.err;
    EXPECT_NE(ran.err.find(says), std::string::npos) << ran.err;
    EXPECT_EQ(ran.err.find("terminate"), std::string::npos) << ran.err;
  }
};

TEST_F(FaultProgram, ExitCodesOfSources) {
  expect(ingest(folder / "nowhere.csv"), 2, "nowhere.csv: no such file or folder");
  fs::create_directories(folder / "empty");
  expect(ingest(folder / "empty"), 2, "the folder holds no files");
  expect(ingest(folder.write("2024-01-02.csv", "")), 1, "1 of 1 file refused; nothing went in");
  auto paths = write_days(folder, "in", 2, 3, 0);
  folder.write("in/2024-01-04.csv", "garbage");
  Ran ran = ingest(folder / "in");
  expect(ran, 1, "1 of 3 files refused; the others are in");
  EXPECT_EQ(rows_of(lake, "stocks_daily")->num_rows(), 6);
  EXPECT_EQ(ingest(paths[0]).code, 0);
}

/// Opening a pipe without a writer would wait for ever.
TEST_F(FaultProgram, APipeIsRefusedAndTheOthersAreIn) {
  auto paths = write_days(folder, "in", 1, 3, 0);
  const std::string pipe = folder / "2024-01-03.csv";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Ran ran = run(folder, {"ingest", "stocks_daily", paths[0], pipe, "--lake", lake});
  expect(ran, 1, "1 of 2 files refused; the others are in");
  EXPECT_NE(ran.out.find(pipe + ": a pipe where a file is wanted"), std::string::npos) << ran.out;
  EXPECT_EQ(rows_of(lake, "stocks_daily")->num_rows(), 3);
  // What may not be read is neither absent nor damaged.
  const std::string log = lake + "/bronze/stocks_daily/_delta_log";
  ::chmod(log.c_str(), 0);
  for (const char* command : {"tables", "status"})
    expect(run(folder, {command, "--lake", lake}, kNobody), 3, "Permission denied");
  expect(run(folder, {"show", "stocks_daily", "--lake", lake}, kNobody), 3, "Permission denied");
  ::chmod(log.c_str(), 0755);
  for (const auto& entry : fs::recursive_directory_iterator(lake + "/bronze/stocks_daily"))
    if (entry.path().extension() == ".parquet") ::chmod(entry.path().c_str(), 0);
  expect(run(folder, {"show", "stocks_daily", "--lake", lake}, kNobody), 3, "Permission denied");
  expect(run(folder, {"query", "select sum(close) from stocks_daily", "--lake", lake}, kNobody), 3,
         "Permission denied");
}

TEST_F(FaultProgram, ALakeThatIsAFile) {
  auto paths = write_days(folder, "in", 1, 3, 0);
  lake = folder.write("file", "not a lake");
  Ran ran = ingest(paths[0]);
  EXPECT_TRUE(ran.code == 2 || ran.code == 3) << ran.code;
  EXPECT_NE(ran.err.find(lake), std::string::npos) << ran.err;
  EXPECT_EQ(slurp(lake), "not a lake");
  lake = "/proc/tapemill";
  EXPECT_EQ(ingest(paths[0]).code, 3);
}

TEST_F(FaultProgram, NoPermission) {
  if (::getuid() != 0) GTEST_SKIP() << "not root: cannot become nobody, NOT tested";
  if (std::system(fmt::format("su -s /bin/sh nobody -c '{} --version' >/dev/null 2>&1", program()).c_str()) != 0)
    GTEST_SKIP() << "nobody cannot run " << program() << ": NOT tested";
  auto paths = write_days(folder, "in", 2, 3, 0);
  fs::create_directories(lake);
  ::chmod(lake.c_str(), 0755);
  Ran ran = ingest(folder / "in", kNobody);
  expect(ran, 3, "Permission denied");
  EXPECT_NE(ran.err.find(lake), std::string::npos) << ran.err;
  ::chmod(lake.c_str(), 0777);
  ::chmod(paths[0].c_str(), 0600);
  ran = ingest(folder / "in", kNobody);  // one file cannot be read: the other is in
  expect(ran, 1, "1 of 2 files refused");
  EXPECT_NE((ran.out + ran.err).find("Permission denied"), std::string::npos) << ran.out << ran.err;
  EXPECT_EQ(rows_of(lake, "stocks_daily")->num_rows(), 3);
}

TEST_F(FaultProgram, AFullDiskLeavesTheTableAsItWas) {
  std::string disk = folder / "disk";
  fs::create_directories(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=3m") != 0)
    GTEST_SKIP() << "mount: " << std::strerror(errno) << ": a full disk is NOT tested";
  struct Unmount {
    std::string path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } unmount{disk};
  lake = disk + "/lake";
  auto first = write_days(folder, "in", 2, 20, 1);
  ASSERT_EQ(ingest(folder / "in").code, 0);
  auto days = sessions(20);
  for (std::size_t i = 2; i < days.size(); ++i)
    folder.write("big/" + days[i].str() + ".csv", day_file(days[i], 9000, 1, static_cast<int>(i)));
  Ran ran = ingest(folder / "big");
  expect(ran, 3, "No space left on device");
  EXPECT_EQ(complaint(lake, 20, 1), "");
  EXPECT_EQ(rows_of(lake, "stocks_daily")->num_rows(), 40);
  // Room again: the same command goes through.
  ASSERT_EQ(::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=60m"), 0);
  Ran again = ingest(folder / "big");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(rows_of(lake, "stocks_daily")->num_rows(), 40 + 18 * 9000);
}

}  // namespace
}  // namespace tapemill::pipeline
