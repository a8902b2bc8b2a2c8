// What goes wrong with files (issue 3, section 5): a clear error for the file, or a refused row with its reason.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source_test.h"

namespace tapemill::sources {
namespace {

std::string bar(const std::string& ticker, const std::string& prices, std::int64_t ns = kDay20240102) {
  return ticker + ",100," + prices + "," + std::to_string(ns) + ",7\n";
}
const std::string kGood = bar("AAPL", "10,11,12,9");

class Input : public ::testing::Test {
 protected:
  Folder folder;
  Dataset daily = dataset("stocks_daily");

  Drained rows(const std::string& lines, const std::string& name = "2024-01-02.csv") {
    return drain(daily, folder.write(name, kPolygonHeader + lines));
  }
  /// The one refusal of a file with a good row and this one.
  Refused refusal(const std::string& line) {
    Drained d = rows(kGood + line + bar("MSFT", "1,1,1,1"));
    EXPECT_TRUE(d.status.ok()) << d.status.ToString();
    EXPECT_EQ(d.rows, 2);
    EXPECT_EQ(d.refused.size(), 1u);
    if (d.refused.size() != 1) return {};
    EXPECT_EQ(d.refused[0].line, 3);
    EXPECT_EQ(d.refused[0].byte, static_cast<std::int64_t>(kPolygonHeader.size() + kGood.size()));
    EXPECT_EQ(d.refused[0].raw, line.substr(0, line.size() - 1));
    return d.refused[0];
  }
  Status error_of(const std::string& name, std::string_view bytes) {
    return drain(daily, folder.write(name, bytes)).status;
  }
};

TEST_F(Input, GoodRowsComeThrough) {
  Drained d = rows(kGood);
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.rows, 1);
  EXPECT_EQ(d.info.session->str(), "2024-01-02");
  EXPECT_EQ(d.info.sha256.size(), 64u);
  EXPECT_EQ(d.at("instrument_id", 0), "US:AAPL");
  EXPECT_EQ(d.at("high", 0), "12.0000");
  EXPECT_EQ(d.at("low", 0), "9.0000");
  EXPECT_EQ(d.at("close", 0), "11.0000");
}

TEST_F(Input, WrongFiles) {
  struct Case {
    const char* name;
    std::string bytes;
    const char* says;
  };
  const std::string good = kPolygonHeader + kGood;
  std::string utf16("\xff\xfe", 2);
  for (char c : good) utf16 += c, utf16 += '\0';
  const Case cases[] = {
      {"2024-01-02.csv", "", "the file is empty"},
      {"2024-01-02.csv.gz", *gzip_compress(""), "the file is empty"},
      {"2024-01-02.csv", utf16, "UTF-16"},
      {"2024-01-02.csv", std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16), "binary data"},
      {"2024-01-02.csv.gz", *gzip_compress(std::string("\0\1\2\3\4\5", 6)), "binary data"},
      {"2024-01-02.csv", "ticker,volume,open\nA,1,2\n", "the header is not that of stocks_daily"},
      {"2024-01-02.csv", "date,open,high,low,close,volume,Name\n", "the header is not that of stocks_daily"},
      {"2024-01-02.csv", "ticker,ticker,volume,open,close,high,low,window_start,transactions\n", "the header is not"},
      {"2024-01-02.csv", "ticker,volume,open,close,high,low,window_start,transactions,vwap\n", "the header is not"},
      {"day.csv", kPolygonHeader, "its session is unknown"}};
  for (const Case& c : cases) {
    Status status = error_of(c.name, c.bytes);
    ASSERT_FALSE(status.ok()) << c.says;
    EXPECT_EQ(exit_code(status), 1) << c.says;
    EXPECT_NE(status.message().find(c.says), std::string::npos) << status.message();
    EXPECT_NE(status.message().find(c.name), std::string::npos) << status.message();
  }
  Status drift = error_of("2024-01-02.csv", "ticker,volume,open,close,high,low,window_start,vwap\n");
  EXPECT_EQ(render(drift, false), "error: " + (folder / "2024-01-02.csv") +
                                      ": the header is not that of stocks_daily\n"
                                      "  ticker,volume,open,close,high,low,window_start,vwap\n"
                                      "it lacks transactions; not known there: vwap\n");
}

TEST_F(Input, MissingFolderPermission) {
  EXPECT_EQ(exit_code(drain(daily, folder / "none.csv").status), 2);
  EXPECT_EQ(exit_code(drain(daily, folder.path()).status), 2);
  const std::string path = folder.write("2024-01-02.csv", kPolygonHeader + kGood);
  std::filesystem::permissions(path, std::filesystem::perms::none);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {  // root reads everything
    if (geteuid() == 0 && setuid(65534) != 0) _exit(99);
    _exit(exit_code(inspect(daily, path).status()));
  }
  int result = 0;
  waitpid(child, &result, 0);
  EXPECT_EQ(WEXITSTATUS(result), 3);
}

/// Opening a pipe waits for its writer, for ever where there is none: it is told before.
TEST_F(Input, WhatIsNoFileIsRefusedBeforeItIsOpened) {
  const std::string pipe = folder / "2024-01-02.csv", socket = folder / "2024-01-03.csv";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(socket.size(), sizeof address.sun_path);
  std::copy(socket.begin(), socket.end(), address.sun_path);
  const int end = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(end, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  for (const auto& [path, kind] : {std::pair<std::string, const char*>{pipe, "a pipe"},
                                   {socket, "a socket"},
                                   {"/dev/null", "a character device"}}) {
    Status status = inspect(daily, path).status();
    EXPECT_EQ(exit_code(status), 2);
    EXPECT_EQ(status.message(), path + ": " + kind + " where a file is wanted");
  }
  ::close(end);
}

TEST_F(Input, EmptyDay) {
  Drained d = rows("");
  EXPECT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.rows_in, 0);
  EXPECT_EQ(d.info.session->str(), "2024-01-02");
}

TEST_F(Input, LineEndsAndMarks) {
  for (const std::string& text : {kPolygonHeader + kGood, "\xef\xbb\xbf" + kPolygonHeader + kGood}) {
    std::string crlf;
    for (char c : text) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
    for (const std::string& bytes : {text, crlf, crlf.substr(0, crlf.size() - 2), *gzip_compress(crlf)}) {
      Drained d = drain(daily, folder.write("2024-01-02.csv", bytes));
      ASSERT_TRUE(d.status.ok()) << d.status.ToString();
      ASSERT_EQ(d.rows, 1);
      EXPECT_EQ(d.at("transactions", 0), "7");
      EXPECT_EQ(d.at("symbol", 0), "AAPL");
    }
  }
  std::string spaced = "ticker, volume, open, close, high, low, window_start, transactions\n" + kGood;
  EXPECT_EQ(drain(daily, folder.write("2024-01-02.csv", spaced)).rows, 1);
}

TEST_F(Input, Columns) {
  Refused more = refusal("MSFT,100,10,11,12,9,1704171600000000000,7,8\n");
  EXPECT_EQ(more.check, "columns");
  EXPECT_EQ(more.reason, "9 columns, the header has 8");
  EXPECT_EQ(refusal("MSFT,100,10,11\n").reason, "4 columns, the header has 8");
  EXPECT_EQ(refusal("\"MSFT,100,10,11,12,9,1704171600000000000,7\n").check, "columns");
}

TEST_F(Input, Prices) {
  EXPECT_EQ(refusal(bar("MSFT", "NaN,11,12,9")).reason, "open: \"NaN\" is not a number");
  EXPECT_EQ(refusal(bar("MSFT", "10,inf,12,9")).reason, "close: \"inf\" is not a number");
  EXPECT_EQ(refusal(bar("MSFT", "10,11,1e400,9")).reason, "high: \"1e400\" is beyond 18 digits");
  EXPECT_EQ(refusal(bar("MSFT", "10,11,12,1e-400")).reason, "low: \"1e-400\" has more digits than the column keeps");
  EXPECT_EQ(refusal(bar("MSFT", "10.00001,11,12,9")).reason,
            "open: \"10.00001\" has more digits than the column keeps");
  EXPECT_EQ(refusal(bar("MSFT", "10,abc,12,9")).reason, "close: \"abc\" is not a number");
  EXPECT_EQ(refusal(bar("MSFT", "0x1A,11,12,9")).check, "parse");
  EXPECT_EQ(refusal(bar("MSFT", "1,1,1,9999999999999999999")).check, "parse");
  Drained d = rows(bar("A", "10.10000,1.5e1,16,+9.5"));  // zeros beyond the scale, exponents and signs are exact
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.at("open", 0), "10.1000");
  EXPECT_EQ(d.at("close", 0), "15.0000");
  EXPECT_EQ(d.at("low", 0), "9.5000");
  d = rows("A,100.25,,11,12,9,1704171600000000000,7\n");  // nothing is null, for the checks to judge
  EXPECT_EQ(d.at("open", 0), "null");
  EXPECT_EQ(d.at("volume", 0), "100.25");
  EXPECT_EQ(refusal("MSFT,1e999,10,11,12,9,1704171600000000000,7\n").reason, "volume: \"1e999\" is out of range");
  EXPECT_EQ(refusal("MSFT,nan,10,11,12,9,1704171600000000000,7\n").reason, "volume: \"nan\" is not a number");
  EXPECT_EQ(refusal("MSFT,100,10,11,12,9,1704171600000000000,7.5\n").reason,
            "transactions: \"7.5\" is not a whole number");
}

TEST_F(Input, SessionsAndTimes) {
  Refused other = refusal(bar("MSFT", "10,11,12,9", kDay20240102 + 86'400'000'000'000));
  EXPECT_EQ(other.check, "session");
  EXPECT_EQ(other.reason, "session: 2024-01-03 in the file of 2024-01-02");
  const std::string from_1684 = "-9000000000000000000", from_1601 = "-11644473600000000000",
                    from_9999 = "253402214400000000000";
  for (const std::string& ns : {from_1684, from_1601, from_9999})
    EXPECT_EQ(refusal("MSFT,1,1,1,1,1," + ns + ",1\n").reason, "time: \"" + ns + "\" is no plausible time");
  EXPECT_EQ(refusal("MSFT,1,1,1,1,1,-1000000000000000000,1\n").check, "session");  // 1938, before the calendar
  EXPECT_EQ(refusal("MSFT,1,1,1,1,1,2024-01-02,1\n").reason, "time: \"2024-01-02\" is no time of the form epoch_ns");
  EXPECT_EQ(refusal("MSFT,1,1,1,1,1,,1\n").check, "null");
  // A file of minute bars is no file of day bars, and one of another day not this one's.
  Status minute =
      error_of("2024-01-02.csv", kPolygonHeader + bar("AAPL", "1,1,1,1", kDay20240102 + 34'200'000'000'000));
  EXPECT_EQ(exit_code(minute), 1);
  EXPECT_NE(minute.message().find("opens no day bar"), std::string::npos) << minute.message();
  Status moved = error_of("2024-01-03.csv", kPolygonHeader + kGood);
  EXPECT_NE(moved.message().find("2024-01-02 in the file of 2024-01-03"), std::string::npos) << moved.message();
  EXPECT_NE(error_of("2024-01-02.csv", kPolygonHeader + bar("O:SPY251219C00650000", "1,1,1,1"))
                .message()
                .find("is an option's ticker"),
            std::string::npos);
}

TEST_F(Input, DatesOf1601And9999) {
  Dataset sp500 = dataset("sp500");
  const std::string header = "date,open,high,low,close,volume,Name\n";
  Drained d = drain(
      sp500, folder.write("a.csv", header + "2024-01-02,1,1,1,1,1,A\n1601-01-01,1,1,1,1,1,A\n9999-12-31,1,1,1,1,1,A\n"
                                            "2024-02-30,1,1,1,1,1,A\n02/01/2024,1,1,1,1,1,A\n2024-01-03,1,1,1,1,1,\n"));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.rows, 2);
  ASSERT_EQ(d.refused.size(), 4u);
  for (const Refused& r : d.refused) EXPECT_TRUE(r.check == "parse" || r.check == "session") << r.reason;
  EXPECT_EQ(d.refused[0].line, 3);
  EXPECT_NE(d.refused[0].reason.find("1601-01-01"), std::string::npos) << d.refused[0].reason;
  EXPECT_NE(d.refused[1].reason.find("9999-12-31"), std::string::npos);
  EXPECT_EQ(d.refused[2].reason, "session: \"2024-02-30\" is no date of the form %Y-%m-%d");
  EXPECT_EQ(d.at("instrument_id", 1), "null");  // an id with a hole in it is none
}

TEST_F(Input, TenMegabytesInOneField) {
  Drained d = rows(kGood + bar(std::string(10 << 20, 'X'), "1,1,1,1") + bar("MSFT", "1,1,1,1"));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.rows, 2);
  ASSERT_EQ(d.refused.size(), 1u);
  EXPECT_EQ(d.refused[0].line, 3);
  EXPECT_NE(d.refused[0].reason.find("the line has 10485"), std::string::npos) << d.refused[0].reason;
  EXPECT_LE(d.refused[0].raw.size(), 4096u);
}

TEST_F(Input, BytesThatAreNoText) {
  EXPECT_EQ(refusal(bar(std::string("A\0B", 3), "1,1,1,1")).reason, "the line holds a NUL byte");
  EXPECT_EQ(refusal(bar("A\xff\xfe", "1,1,1,1")).reason, "the line is not UTF-8");
  EXPECT_EQ(rows(bar("Ærø", "1,1,1,1")).rows, 1);
}

TEST_F(Input, GzipCutAtAHundredPlaces) {
  std::string text = kPolygonHeader;
  for (int i = 0; i < 20'000; ++i) text += bar("T" + std::to_string(i), std::to_string(i % 97 + 1) + ".25,11,112,1");
  const std::string whole = *gzip_compress(text);
  ASSERT_EQ(drain(daily, folder.write("2024-01-02.csv.gz", whole)).rows, 20'000);
  for (std::size_t i = 0; i < 100; ++i) {
    const std::size_t cut = whole.size() * i / 100;
    Drained d = drain(daily, folder.write("2024-01-02.csv.gz", whole.substr(0, cut)));
    ASSERT_FALSE(d.status.ok()) << cut;
    EXPECT_EQ(exit_code(d.status), 1) << d.status.ToString();
  }
}

TEST_F(Input, AColumnNobodyYieldsIsTheSpecsError) {
  Dataset wrong = daily;
  wrong.columns.push_back(Column{.name = "transaction", .kind = Kind::int64});
  Status status = drain(wrong, folder.write("2024-01-02.csv", kPolygonHeader + kGood)).status;
  EXPECT_EQ(exit_code(status), 2);
  EXPECT_NE(render(status, false).find("did you mean transactions?"), std::string::npos) << render(status, false);
}

TEST_F(Input, SegmentsAreNotMixed) {
  const std::string cash = shared_data("feeds/nse_udiff_cm_2rows_20241015.csv");
  if (cash.empty()) GTEST_SKIP() << "absent: feeds";
  Status status = drain(dataset("nse_fo"), cash).status;
  EXPECT_EQ(exit_code(status), 1);
  EXPECT_NE(status.message().find("is not the segment FO"), std::string::npos) << status.message();
}

TEST(ExpandPaths, FilesFoldersAndGlobs) {
  Folder folder;
  folder.write("b/2.csv", "x"), folder.write("b/.hidden", "x"), folder.write("a/1.csv", "x"),
      folder.write("a/c/3.csv.gz", "x"), folder.write(".git/x", "x");
  auto all = expand_paths({folder.path(), folder / "a/1.csv", folder / "b/*.csv"});
  ASSERT_TRUE(all.ok()) << all.status().ToString();
  EXPECT_EQ(*all, (std::vector<std::string>{folder / "a/1.csv", folder / "a/c/3.csv.gz", folder / "b/2.csv"}));
  for (const std::string& nothing : {folder / "none", folder / "*.parquet", folder / ".git/none"}) {
    auto result = expand_paths({nothing});
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(exit_code(result.status()), 2);
  }
  std::filesystem::create_directory(folder / "empty");
  EXPECT_EQ(exit_code(expand_paths({folder / "empty"}).status()), 2);
}

}  // namespace
}  // namespace tapemill::sources
