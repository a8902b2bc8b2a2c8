#include "sources/gzip.h"

#include "source_test.h"

namespace tapemill::sources {
namespace {

std::string sample(std::size_t lines) {
  std::string text;
  for (std::size_t i = 0; i < lines; ++i) text += "line " + std::to_string(i * 7919 % 10007) + ",abc\n";
  return text;
}

TEST(Gzip, RoundTripInAnyStep) {
  Folder folder;
  const std::string text = sample(50'000);
  const std::string path = folder.write("a.gz", *gzip_compress(text, 6));
  for (std::size_t step : {std::size_t{1}, std::size_t{777}, std::size_t{65536}, std::size_t{10'000'000}}) {
    auto back = read_all(path, step);
    ASSERT_TRUE(back.ok()) << back.status().ToString();
    EXPECT_EQ(*back, text);
  }
}

TEST(Gzip, CompressionIsPinned) {
  // Equal on every machine: no name, no time, and no instruction set in it.
  const std::string bytes = *gzip_compress("ticker,volume\nA,1\n", 6);
  EXPECT_EQ(bytes.substr(0, 4), std::string("\x1f\x8b\x08\x00", 4));
  EXPECT_EQ(bytes.substr(4, 4), std::string(4, '\0'));
  EXPECT_EQ(*gzip_compress("ticker,volume\nA,1\n", 6), bytes);
}

TEST(Gzip, MembersOneAfterTheOther) {
  Folder folder;
  const std::string a = sample(3'000), b = "b\n", c = sample(40'000);
  const std::string path =
      folder.write("m.gz", *gzip_compress(a) + *gzip_compress("") + *gzip_compress(b) + *gzip_compress(c));
  for (std::size_t step : {std::size_t{1}, std::size_t{4096}, std::size_t{1'000'000}}) {
    auto back = read_all(path, step);
    ASSERT_TRUE(back.ok()) << back.status().ToString();
    EXPECT_EQ(*back, a + b + c);
  }
  // Members that fall on every place of the input buffer.
  std::string many, plain;
  for (int i = 0; i < 20'000; ++i) {
    std::string one(static_cast<std::size_t>(i % 61), static_cast<char>('a' + i % 26));
    plain += one;
    many += *gzip_compress(one, 1);
  }
  auto back = read_all(folder.write("many.gz", many), 1000);
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_EQ(*back, plain);
}

TEST(Gzip, PaddingIsNoDataButOtherBytesAreAnError) {
  Folder folder;
  const std::string whole = *gzip_compress("x\n");
  EXPECT_EQ(*read_all(folder.write("zeros.gz", whole + std::string(512, '\0')), 100), "x\n");
  auto back = read_all(folder.write("tail.gz", whole + "tail"), 100);
  ASSERT_FALSE(back.ok());
  EXPECT_NE(back.status().message().find("corrupt near byte"), std::string::npos) << back.status().message();
  EXPECT_EQ(exit_code(back.status()), 1);
}

TEST(Gzip, EveryCutIsTruncation) {
  Folder folder;
  const std::string whole = *gzip_compress(sample(2'000));
  for (std::size_t cut = 2; cut < whole.size(); cut += 1 + cut / 50) {
    auto back = read_all(folder.write("cut.gz", whole.substr(0, cut)), 512);
    ASSERT_FALSE(back.ok()) << cut;
    EXPECT_NE(back.status().message().find("ends early, at byte " + std::to_string(cut)), std::string::npos)
        << back.status().message();
    EXPECT_EQ(exit_code(back.status()), 1);
  }
}

TEST(Gzip, EveryFlippedByteIsFound) {
  Folder folder;
  const std::string text = sample(500), whole = *gzip_compress(text);
  int silent = 0;
  for (std::size_t at = 10; at < whole.size(); ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x40);
    auto back = read_all(folder.write("bad.gz", bad), 4096);
    silent += back.ok() && *back != text;
  }
  EXPECT_EQ(silent, 0);
}

TEST(Gzip, MissingFolderAndPermission) {
  Folder folder;
  auto missing = open_bytes(folder / "none.csv");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(exit_code(missing.status()), 2);
  auto a_folder = open_bytes(folder.path());
  ASSERT_FALSE(a_folder.ok());
  EXPECT_EQ(exit_code(a_folder.status()), 2);
  EXPECT_NE(a_folder.status().message().find("a folder where a file is wanted"), std::string::npos);
}

}  // namespace
}  // namespace tapemill::sources
