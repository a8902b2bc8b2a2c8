// Units compiled for different instruction sets share no weak symbol: the linker would keep one copy, maybe the one that this
// machine cannot run (design.md 4.4).
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

namespace tapemill::indicators {
namespace {

using Symbols = std::map<std::string, std::set<std::string>>;  // by name: the isa_*.cpp members that define it weakly

/// Of `nm -A` lines: "library.a:isa_avx2.cpp.o:00000000 W name". W, V and u may be merged between units. Pointers to the
/// exception personality (DW.ref.*) are data that is alike everywhere.
Symbols weak_symbols(std::istream& lines) {
  Symbols symbols;
  for (std::string line; std::getline(lines, line);) {
    std::size_t begin = line.find("isa_"), end = line.find(':', begin), name = line.rfind(' ');
    if (begin == std::string::npos || end == std::string::npos || name < 2) continue;
    if (std::string("WVu").find(line[name - 1]) == std::string::npos || line.find(" DW.ref.") != std::string::npos)
      continue;
    symbols[line.substr(name + 1)].insert(line.substr(begin, end - begin));
  }
  return symbols;
}

std::string shared(const Symbols& symbols) {
  std::string all;
  for (const auto& [name, units] : symbols)
    if (units.size() > 1) all += name + "\n";
  return all;
}

TEST(IsaSymbols, NoneIsShared) {
  std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  std::string library = (here / "src" / "libtapemill_indicators.a").string();
  ASSERT_TRUE(std::filesystem::exists(library)) << library;
  // NOLINTNEXTLINE(bugprone-command-processor): a path of ours
  FILE* pipe = popen(("nm -A --defined-only '" + library + "'").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string text;
  std::array<char, 65536> block;
  for (std::size_t n; (n = fread(block.data(), 1, block.size(), pipe)) > 0;) text.append(block.data(), n);
  ASSERT_EQ(pclose(pipe), 0);
  std::istringstream lines(text);
  Symbols symbols = weak_symbols(lines);
  std::set<std::string> units;
  for (const auto& [name, where] : symbols) units.insert(where.begin(), where.end());
  EXPECT_EQ(units.size(), 3u) << "isa_base, isa_avx2 and isa_avx512 define weak symbols of their own";
  EXPECT_EQ(shared(symbols), "");
}

TEST(IsaSymbols, APlantedOneIsFound) {
  std::istringstream lines(
      "lib.a:isa_base.cpp.o:0000000000000000 W _ZN9tapemill3fooEv\n"
      "lib.a:isa_avx2.cpp.o:0000000000000000 W _ZN9tapemill3fooEv\n"
      "lib.a:isa_base.cpp.o:0000000000000010 W _ZN9tapemill4base3barEv\n"
      "lib.a:isa_avx2.cpp.o:0000000000000000 T _ZN9tapemill3bazEv\n"
      "lib.a:batch.cpp.o:0000000000000000 W _ZN9tapemill3fooEv\n");
  EXPECT_EQ(shared(weak_symbols(lines)), "_ZN9tapemill3fooEv\n");
}

}  // namespace
}  // namespace tapemill::indicators
