#include "sources/text.h"

#include "source_test.h"

namespace tapemill::sources {
namespace {

struct Read {
  std::vector<std::vector<std::string>> records;
  std::vector<std::int64_t> lines, bytes;
  std::vector<Unreadable> unreadable;
};

Read read(const std::string& text, std::size_t block, bool multiline = true) {
  Folder folder;
  auto bytes = open_bytes(folder.write("t.csv", text));
  TextReader reader(std::move(*bytes), block, multiline);
  Read out;
  Block b;
  for (;;) {
    auto more = reader.next(b);
    EXPECT_TRUE(more.ok()) << more.status().ToString();
    if (!more.ok() || !*more) return out;
    std::deque<std::string> spare;
    for (const Record& r : b.records) {
      auto& fields = out.records.emplace_back();
      for (std::uint32_t i = 0; i < r.fields; ++i) fields.emplace_back(b.field(r, i, spare));
      out.lines.push_back(r.line);
      out.bytes.push_back(b.at + r.start);
      EXPECT_EQ(text.substr(static_cast<std::size_t>(b.at + r.start), r.length), b.raw(r));
    }
    for (auto& u : b.unreadable) out.unreadable.push_back(u);
  }
}

using Fields = std::vector<std::vector<std::string>>;
const std::size_t kBlocks[] = {1, 2, 7, 16, 33, 4096};

TEST(Text, LinesAndFields) {
  for (std::size_t block : kBlocks) {
    Read r = read("h1,h2\na,b\n\n  c , d\t\r\n,\ne,f", block);
    EXPECT_EQ(r.records, (Fields{{"a", "b"}, {"c", "d"}, {"", ""}, {"e", "f"}})) << block;
    EXPECT_EQ(r.lines, (std::vector<std::int64_t>{2, 4, 5, 6}));
    EXPECT_EQ(r.bytes, (std::vector<std::int64_t>{6, 11, 21, 23}));
  }
}

TEST(Text, QuotesByRfc4180) {
  for (std::size_t block : kBlocks) {
    Read r = read("h\n\"a,b\",\"c\"\"d\"\n\"x\ny\",z\n \"q\" ,5\" pipe\n\"\",\"\"\"\"\n", block);
    EXPECT_EQ(r.records, (Fields{{"a,b", "c\"d"}, {"x\ny", "z"}, {"q", "5\" pipe"}, {"", "\""}})) << block;
    EXPECT_EQ(r.lines, (std::vector<std::int64_t>{2, 3, 5, 6}));
  }
}

TEST(Text, AnUnclosedQuoteCostsItsOwnLine) {
  for (std::size_t block : kBlocks) {
    Read r = read("h\na,1\n\"b,2\nc,3\nd,4\n", block);
    EXPECT_EQ(r.records, (Fields{{"a", "1"}, {"c", "3"}, {"d", "4"}})) << block;
    ASSERT_EQ(r.unreadable.size(), 1u);
    EXPECT_EQ(r.unreadable[0].line, 3);
    EXPECT_EQ(r.unreadable[0].byte, 6);
    EXPECT_EQ(r.unreadable[0].raw, "\"b,2");
    EXPECT_EQ(r.lines, (std::vector<std::int64_t>{2, 4, 5}));
    r = read("h\n\"b,2\nc,\"3\"\n", block, false);  // an exchange's file: a record is a line
    EXPECT_EQ(r.records, (Fields{{"c", "3"}}));
    EXPECT_EQ(r.unreadable.size(), 1u);
  }
}

TEST(Text, AnUnclosedQuoteIsGivenUpAfterOneMegabyte) {
  std::string text = "h\n\"open,1\n";
  std::size_t lines = 0;
  while (text.size() < 5u << 20) text += "a,b\n", ++lines;
  Read r = read(text, 1 << 16);
  EXPECT_EQ(r.records.size(), lines);
  ASSERT_EQ(r.unreadable.size(), 1u);
  EXPECT_EQ(r.unreadable[0].line, 2);
}

TEST(Text, ALineOfTenMegabytesIsRefusedAlone) {
  const std::string text = "h\na,1\n" + std::string(10 << 20, 'x') + ",2\nb,3\n";
  for (std::size_t block : {std::size_t{4096}, std::size_t{1} << 20, std::size_t{64} << 20}) {
    Read r = read(text, block);
    EXPECT_EQ(r.records, (Fields{{"a", "1"}, {"b", "3"}})) << block;
    ASSERT_EQ(r.unreadable.size(), 1u);
    EXPECT_EQ(r.unreadable[0].line, 3);
    EXPECT_EQ(r.unreadable[0].byte, 6);
    EXPECT_EQ(r.unreadable[0].raw.size(), kKeptOfLongLine);
    EXPECT_EQ(r.lines, (std::vector<std::int64_t>{2, 4}));
    EXPECT_EQ(r.bytes.back(), static_cast<std::int64_t>(text.size() - 4));
  }
}

TEST(Header, SaysWhatTheFileIs) {
  auto message = [](std::string_view head) {
    auto header = parse_header(head, "f");
    return header.ok() ? std::string("ok") : header.status().message();
  };
  EXPECT_EQ(message(""), "f: the file is empty");
  EXPECT_EQ(message(std::string("\xff\xfe"
                                "a\0,\0",
                                6)),
            "f: the text is UTF-16");
  EXPECT_EQ(message(std::string("a\0,\0b\0\n\0", 8)), "f: the text is UTF-16 without a mark");
  EXPECT_EQ(message("PK\x03\x04zip"), "f: this is a zip archive");
  EXPECT_EQ(message(std::string("\x7f"
                                "ELF\x02\x01\x01\0\0\0\0\0",
                                12)),
            "f: this is binary data, no text");
  EXPECT_EQ(message("a,b\rc,d\r"), "f: its lines end with CR alone");
  EXPECT_EQ(message("\n1,2\n"), "f: its first line is blank");
  auto header = parse_header("\xef\xbb\xbf SYMBOL, \"SERIES\" ,DATE1 ,\r\nx", "f");
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->names, (std::vector<std::string>{"SYMBOL", "SERIES", "DATE1", ""}));
}

}  // namespace
}  // namespace tapemill::sources
