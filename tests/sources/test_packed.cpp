// bzip2, xz, zstd and zip as sources: the same bytes back, and nothing of what is cut or damaged.
#include <gmock/gmock.h>

#include "packed.h"

namespace tapemill::sources {
namespace {

std::string sample(int lines) {
  std::string text = "date,open,high,low,close,volume,Name\n";
  for (int i = 0; i < lines; ++i)
    text += fmt::format("2013-02-{:02},{}.5,2000,1,2.25,{},A{}\n", i % 20 + 4, i * 7919 % 1009 + 1, i, i / 20);
  return text;
}

struct Kind {
  const char* name;
  std::string (*pack)(std::string_view);
  bool checksum;  // of every byte of the content
};
const Kind kKinds[] = {{"bz2", bzip2, true},
                       {"xz", xz, true},
                       {"zst", zstd, false},
                       {"zip", [](std::string_view text) { return zip({{"a.csv", std::string(text)}}); }, true}};

TEST(Packed, RoundTripInAnyStep) {
  Folder folder;
  const std::string text = sample(60'000);
  for (const Kind& kind : kKinds) {
    const std::string path = folder.write(std::string("a.") + kind.name, kind.pack(text));
    for (std::size_t step : {std::size_t{1}, std::size_t{777}, std::size_t{65536}, std::size_t{10'000'000}}) {
      auto back = read_all(path, step);
      ASSERT_TRUE(back.ok()) << kind.name << " " << back.status().ToString();
      EXPECT_TRUE(*back == text) << kind.name << " in steps of " << step;
    }
    EXPECT_EQ(*read_all(folder.write("empty", kind.pack("")), 100), "") << kind.name;
  }
}

TEST(Packed, FramesOneAfterTheOther) {
  Folder folder;
  const std::string a = sample(5'000), b = "x\n";
  for (const Kind& kind : kKinds) {
    if (std::string_view(kind.name) == "zip") continue;
    auto back = read_all(folder.write("m", kind.pack(a) + kind.pack(b) + kind.pack(a)), 4096);
    ASSERT_TRUE(back.ok()) << kind.name << " " << back.status().ToString();
    EXPECT_TRUE(*back == a + b + a) << kind.name;
  }
}

TEST(Packed, CutAtAHundredPlacesIsRefusedWhole) {
  Folder folder;
  const Dataset spec = dataset("sp500");
  for (const Kind& kind : kKinds) {
    const std::string whole = kind.pack(sample(3'000));
    for (std::size_t i = 0; i < 100; ++i) {
      const std::size_t cut = i < 30 ? whole.size() - 1 - i : (i - 29) * (whole.size() - 40) / 71;
      const std::string path = folder.write("cut.csv", whole.substr(0, cut));
      Drained d = drain(spec, path);
      ASSERT_FALSE(d.status.ok()) << kind.name << " cut at " << cut << " of " << whole.size();
      EXPECT_EQ(exit_code(d.status), 1) << d.status.ToString();
      EXPECT_TRUE(d.status.message().starts_with(path)) << d.status.message();
    }
  }
}

TEST(Packed, AFlippedByteIsFoundOrChangesNothing) {
  Folder folder;
  const std::string text = sample(400);
  for (const Kind& kind : kKinds) {
    const std::string whole = kind.pack(text);
    for (std::size_t at = 0; at < whole.size(); at += 1 + whole.size() / 300) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
      auto back = read_all(folder.write("f", flipped), 1000);
      if (!back.ok()) {
        EXPECT_EQ(exit_code(back.status()), 1) << back.status().ToString();
      } else if (kind.checksum &&
                 *back != flipped) {  // equal: its first bytes say nothing any more, and it is read as text
        EXPECT_TRUE(*back == text) << kind.name << " at " << at;
      }
    }
  }
}

TEST(Packed, ZipsThatAreNoSingleFile) {
  Folder folder;
  auto message = [&](const std::string& bytes) {
    return read_all(folder.write("z.zip", bytes), 100).status().message();
  };
  EXPECT_THAT(message(zip({{"a.csv", "x\n"}, {"b.csv", "y\n"}})),
              testing::HasSubstr("holds 2 files, and one is wanted"));
  EXPECT_THAT(message(zip({})), testing::HasSubstr("holds 0 files"));
  EXPECT_EQ(
      *read_all(folder.write("m.zip", zip({{"dir/", ""}, {"dir/a.csv", "x\n"}, {"__MACOSX/._a.csv", "junk"}})), 100),
      "x\n");
  std::string encrypted = zip({{"a.csv", "x\n"}});
  encrypted[encrypted.rfind("PK\x01\x02") + 8] = 1;
  EXPECT_THAT(message(encrypted), testing::HasSubstr("a.csv in it is encrypted"));
}

TEST(Packed, AnExchangesZipGivesTheRowsOfItsFile) {
  const std::string real = shared_data("nse_fo_udiff");
  if (real.empty()) GTEST_SKIP() << "no shared data: nse_fo_udiff";
  std::string path;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(real))
    if (entry.is_regular_file() && entry.path().string().find("csv") != std::string::npos) path = entry.path().string();
  ASSERT_FALSE(path.empty());
  const std::string text = *read_all(path, 1 << 20);
  Folder folder;
  const Dataset spec = dataset("nse_fo");
  Drained plain = drain(spec, folder.write("a.csv", text)),
          zipped = drain(spec, folder.write("a.csv.zip", zip({{"a.csv", text}})));
  ASSERT_TRUE(zipped.status.ok()) << zipped.status.ToString();
  EXPECT_EQ(zipped.rows, plain.rows);
  EXPECT_GT(plain.rows, 10'000);
  EXPECT_EQ(zipped.info.unit, plain.info.unit);
  for (const auto& field : {"instrument_id", "close", "turnover"})
    EXPECT_TRUE(zipped.column(field)->Equals(plain.column(field))) << field;
}

}  // namespace
}  // namespace tapemill::sources
