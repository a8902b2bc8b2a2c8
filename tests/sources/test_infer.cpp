#include "sources/infer.h"

#include <gmock/gmock.h>

#include <random>

#include "packed.h"
#include "sources/encoding.h"

namespace tapemill::sources {
namespace {

std::string utf16(const std::string& text, bool big, bool mark) {
  std::string out;
  auto unit = [&](unsigned u) {
    const char low = static_cast<char>(u), high = static_cast<char>(u >> 8);
    out += big ? high : low, out += big ? low : high;
  };
  if (mark) unit(0xfeff);
  for (unsigned char c : text) unit(c);
  return out;
}

struct Learned {
  Inferred inferred;
  Drained drained;
  const InferredColumn& column(const std::string& name) const {
    for (const auto& one : inferred.columns)
      if (one.column.name == name) return one;
    ADD_FAILURE() << "no column " << name;
    return inferred.columns.at(0);
  }
};

/// What is inferred of a file, and the file read by the spec that comes of it.
Learned learn(const Folder& folder, const std::string& name, const std::string& bytes) {
  Learned out;
  const std::string path = folder.write(name, bytes);
  auto inferred = infer(path);
  EXPECT_TRUE(inferred.ok()) << inferred.status().ToString();
  if (!inferred.ok()) return out;
  out.inferred = *inferred;
  auto spec = load_dataset(folder.write("spec.yaml", spec_of(out.inferred, "learned", "nyse", name)));
  EXPECT_TRUE(spec.ok()) << spec.status().ToString() << slurp(folder / "spec.yaml");
  if (spec.ok()) out.drained = drain(*spec, path);
  EXPECT_TRUE(out.drained.status.ok()) << out.drained.status.ToString();
  return out;
}

std::string prices(char delimiter, const char* format, int rows) {
  std::string text = fmt::format("Day{0}Ticker{0}Close Price{0}Volume{0}Id{0}Live\n", delimiter);
  for (int i = 0; i < rows; ++i)
    text += fmt::format("{1}{0}T{2}{0}{3}.{4:02}{0}{5}{0}{6:04}{0}{7}\n", delimiter,
                        fmt::format(fmt::runtime(format), 11 + i % 4, 2, 2013), i / 4, i % 90 + 1, i % 100, i * 7, i,
                        i % 2 ? "true" : "false");
  return text;
}

TEST(Infer, DelimitersEncodingsAndPacking) {
  Folder folder;
  for (char delimiter : {',', ';', '\t', '|'}) {
    const std::string text = prices(delimiter, "{2}-{1:02}-{0:02}", 200);
    int n = 0;
    for (const std::string& bytes :
         {text, "\xef\xbb\xbf" + text, utf16(text, false, true), utf16(text, true, true), utf16(text, false, false),
          *gzip_compress(text), bzip2(text), xz(text), zstd(text), zip({{"x.csv", text}})}) {
      Learned l = learn(folder, fmt::format("f{}.csv", n++), bytes);
      EXPECT_EQ(l.inferred.delimiter, delimiter);
      EXPECT_TRUE(l.inferred.header);
      EXPECT_EQ(l.drained.rows, 200) << n << " " << delimiter;
      EXPECT_EQ(l.inferred.key, (std::vector<std::string>{"ticker", "session"}));
      EXPECT_EQ(l.column("session").format, "%Y-%m-%d");
      EXPECT_EQ(l.column("close_price").column.kind, tapemill::Kind::float64);
      EXPECT_EQ(l.column("volume").column.kind, tapemill::Kind::int64);
      EXPECT_EQ(l.column("live").column.kind, tapemill::Kind::boolean);
      EXPECT_EQ(l.column("id").column.kind, tapemill::Kind::string);  // 0007 is no number: its zeros would be lost
      EXPECT_EQ(l.drained.at("close_price", 5), "6.05");
    }
  }
}

TEST(Infer, DateForms) {
  Folder folder;
  const std::pair<const char*, const char*> forms[] = {
      {"{2}-{1:02}-{0:02}", "%Y-%m-%d"}, {"{0:02}-{1:02}-{2}", "%d-%m-%Y"}, {"{0:02}/{1:02}/{2}", "%d/%m/%Y"},
      {"{1:02}/{0:02}/{2}", "%m/%d/%Y"}, {"{0:02}-Feb-{2}", "%d-%b-%Y"},    {"{0:02}.{1:02}.{2}", "%d.%m.%Y"},
      {"{2}{1:02}{0:02}", "%Y%m%d"},     {"{2}/{1:02}/{0:02}", "%Y/%m/%d"}};
  for (const auto& [format, expected] : forms) {
    Learned l = learn(folder, "d.csv", prices(',', format, 40));  // days 11..14: 13 and 14 are no months
    EXPECT_EQ(l.column("session").format, expected);
    EXPECT_EQ(l.drained.at("session", 1), "2013-02-12") << format;
  }
  auto open = infer(folder.write("a.csv", "when,x\n01/02/2013,1.5\n03/04/2013,2.5\n"));
  ASSERT_TRUE(open.ok());
  EXPECT_THAT(open->columns[0].evidence, testing::HasSubstr("%m/%d/%Y would fit too"));
}

TEST(Infer, WindowsTextQuotesAndNoHeader) {
  Folder folder;
  std::string text = "day;na\xefve;note\n", plain;
  for (int i = 0; i < 30; ++i) text += fmt::format("2013-02-{:02};\x80{};\"a;\"\"b\"\"\"\n", 11 + i % 4, i);
  Learned l = learn(folder, "w.csv", text);
  EXPECT_EQ(l.inferred.encoding, "windows-1252");
  EXPECT_EQ(l.drained.at("naive", 3),
            "\xe2\x82\xac"
            "3");
  EXPECT_EQ(l.drained.at("note", 0), "a;\"b\"");
  for (int i = 0; i < 30; ++i) plain += fmt::format("{},2013-02-{:02}T14:30:00Z,{}.5\n", i, 11 + i % 4, i);
  Learned bare = learn(folder, "n.csv", plain);
  EXPECT_FALSE(bare.inferred.header);
  EXPECT_EQ(bare.drained.rows, 30);
  EXPECT_EQ(bare.drained.batches[0].lines[0], 1);
  EXPECT_EQ(bare.column("column_3").column.kind, tapemill::Kind::float64);
  EXPECT_EQ(bare.column("time").column.kind, tapemill::Kind::timestamp);
}

TEST(Infer, AFewBadCellsDoNotMakeAColumnText) {
  Folder folder;
  std::string text = "Date,Symbol,Close,Volume,Code\n";
  for (int day = 1; day <= 9; ++day)
    text += fmt::format("{},ACME,{},{},{}\n", day == 4 ? "31-02-2024" : fmt::format("{:02}-02-2024", day + 12),
                        day == 6   ? "abc"
                        : day == 7 ? ""
                                   : fmt::format("{}.5", day),
                        day == 2 ? "n/a" : "100", day < 4 ? "a" : "7");
  Learned l = learn(folder, "acme.csv", text);
  EXPECT_EQ(l.column("session").format, "%d-%m-%Y");
  EXPECT_EQ(l.column("session").evidence, "8 of 9 are dates %d-%m-%Y, such as 13-02-2024; line 5 has \"31-02-2024\"");
  EXPECT_EQ(l.column("close").column.kind, tapemill::Kind::float64);
  EXPECT_EQ(l.column("close").evidence, "7 of 9 are numbers, such as 1.5, 1 are empty; line 7 has \"abc\"");
  EXPECT_EQ(l.column("volume").column.kind, tapemill::Kind::int64);
  EXPECT_EQ(l.column("code").column.kind, tapemill::Kind::string) << "a third of them are letters";
  EXPECT_EQ(l.column("code").evidence, "3 of 9 are texts, such as \"a\"");
  EXPECT_EQ(l.drained.rows, 6);
  EXPECT_EQ(l.drained.refused.size(), 3U) << "and the bad lines are quarantined";
}

TEST(Infer, ASymbolIsInTheKeyThoughTheFileHasOne) {
  Folder folder;
  for (const char* name : {"Symbol", "ticker", "Sym", "K\xc3\xbcrzel"}) {
    Learned l = learn(folder, "one.csv", fmt::format("day,{},close\n2013-02-11,ACME,1.5\n2013-02-12,ACME,2.5\n", name));
    EXPECT_EQ(l.inferred.key.size(), 2U) << name;
  }
}

TEST(Infer, DecimalCommasAndLettersWithMarks) {
  Folder folder;
  Learned l = learn(folder, "boerse.csv",
                    "Datum;K\xc3\xbcrzel;Er\xc3\xb6"
                    "ffnung;St\xc3\xbc"
                    "cke;Gr\xc3\xb6\xc3\x9f"
                    "e;Caf\xc3\xa9\n12.02.2013;ABC;139,20;1.200.345;1;x\n13.02.2013;ABC;1.140,5;1.000.000;1;y\n");
  EXPECT_THAT(l.column("eroeffnung").evidence,
              testing::HasSubstr("139,20 looks like a decimal comma, which is not read"));
  EXPECT_THAT(l.column("stuecke").evidence, testing::HasSubstr("1.200.345"));
  for (const char* name : {"kuerzel", "groesse", "cafe"}) l.column(name);
  EXPECT_EQ(l.inferred.key, (std::vector<std::string>{"kuerzel", "session"}));
}

TEST(Infer, WhatItCannotTellItSays) {
  Folder folder;
  EXPECT_EQ(exit_code(infer(folder.write("x.csv", "a,b\n1.5,2.5\n")).status()), 1);
  auto dated = infer(folder.write("x-2013-02-11.csv", "a,b\n1.5,2.5\n"));
  ASSERT_TRUE(dated.ok()) << dated.status().ToString();
  EXPECT_TRUE(dated->session_from_file_name);
  EXPECT_EQ(exit_code(infer(folder.write("h.csv", "a,b\n")).status()), 1);
  EXPECT_EQ(exit_code(infer(folder.write("b.csv", std::string("\x7f"
                                                              "ELF\0\1\2\3",
                                                              8)))
                          .status()),
            1);
  EXPECT_EQ(exit_code(infer(folder / "none.csv").status()), 2);
}

TEST(Infer, HostileBytesAreReadOrSaid) {
  Folder folder;
  std::mt19937_64 random(5);
  std::int64_t read = 0, said = 0;
  for (int round = 0; round < 400; ++round) {
    std::string text = prices(",;\t|"[random() % 4], "{2}-{1:02}-{0:02}", 1 + static_cast<int>(random() % 60));
    for (std::size_t n = random() % 20; n > 0; --n) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.insert(at, std::string(random() % 3, "\",;\n\r\t\0|"[random() % 8])); break;
        case 2: text.erase(at, random() % 30); break;
        default: text.insert(at, text.substr(at / 2, random() % 60)); break;
      }
      if (text.empty()) text = "x";
    }
    const std::string path = folder.write("h.csv", round % 7 == 0 ? utf16(text, random() % 2, random() % 2) : text);
    auto inferred = infer(path);
    if (!inferred.ok()) {
      EXPECT_EQ(exit_code(inferred.status()), 1) << inferred.status().ToString();
      ++said;
      continue;
    }
    auto spec = load_dataset(folder.write("h.yaml", spec_of(*inferred, "hostile", "nyse", "h.csv")));
    if (!spec.ok()) {  // a header with bytes that YAML has no place for
      EXPECT_NE(exit_code(spec.status()), 0);
      ++said;
      continue;
    }
    Drained d = drain(*spec, path);
    if (d.status.ok()) {
      EXPECT_EQ(d.rows_in, d.rows + static_cast<std::int64_t>(d.refused.size()));
    } else {
      EXPECT_LE(exit_code(d.status), 2) << d.status.ToString();
    }
    d.status.ok() ? ++read : ++said;
  }
  EXPECT_GT(read, 100);
  EXPECT_GT(said, 10);
}

TEST(Infer, ATemplateMakesNoNumber) {
  Folder folder;
  const std::string path = folder.write("t.csv", "date,a,b\n2013-02-11,1,2\n");
  std::string spec = spec_of(*infer(path), "t", "nyse", "t.csv");
  const std::size_t at = spec.find("    a: {from: \"a\"}");
  ASSERT_NE(at, std::string::npos) << spec;
  spec.replace(at, 18, "    a: {template: \"{b}{b}\"}");
  auto dataset = load_dataset(folder.write("t.yaml", spec));
  ASSERT_TRUE(dataset.ok()) << dataset.status().ToString() << spec;
  Drained d = drain(*dataset, path);
  EXPECT_EQ(exit_code(d.status), 2);
  EXPECT_THAT(d.status.message(), testing::HasSubstr("column a: a template makes a text"));
}

TEST(Encoding, HalvesAndPairs) {
  Folder folder;
  auto read = [&](const std::string& bytes, const char* encoding) {
    auto text = open_text(folder.write("e", bytes), encoding);
    std::string out, chunk(3, '\0');
    for (;;) {
      const std::size_t got = *(*text)->read(chunk.data(), chunk.size());
      if (got == 0) return out;
      out.append(chunk, 0, got);
    }
  };
  EXPECT_EQ(read(std::string("\x3d\xd8\x00\xde", 4), "utf-16le"), "\xf0\x9f\x98\x80");
  EXPECT_EQ(read(std::string("\x3d\xd8\x41\x00", 4), "utf-16le"),
            "\xef\xbf\xbd"
            "A");
  EXPECT_EQ(read(std::string("\x41\x00\x42", 3), "utf-16le"), "A\xef\xbf\xbd");
  EXPECT_EQ(read("\x80\xe9\x9f", "windows-1252"), "\xe2\x82\xac\xc3\xa9\xc5\xb8");
  EXPECT_EQ(read("\x80\xe9", "latin-1"), "\xc2\x80\xc3\xa9");
}

}  // namespace
}  // namespace tapemill::sources
