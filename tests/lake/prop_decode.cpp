// Our decoder against Arrow's reader: every type, encoding, page form, null pattern and choice of rows; then damaged files.
#include <arrow/compute/api_vector.h>
#include <gmock/gmock.h>

#include "decode_case.h"
#include "lake/read_values.h"

namespace tapemill::lake {
namespace {
using namespace test;

class DecodeProperty : public testing::TestWithParam<int> {};

TEST_P(DecodeProperty, EqualsArrowsReader) {
  Folder folder;
  int ours = 0, columns_read = 0;
  for (int round = 0; round < 20; ++round) {
    DecodeCase one(static_cast<unsigned>(GetParam() * 1000 + round));
    auto table = one.table(1 + one.below(one.below(3) == 0 ? 10 : 4000));
    const std::string path = folder.path() + "/" + std::to_string(round) + ".parquet";
    one.write(*table, path);
    const Part part;
    const auto groups = groups_of(path, part);
    std::vector<std::int64_t> rows;
    const auto chosen = one.choose(groups, one.below(3) == 0, rows);
    if (chosen.empty()) continue;
    arrow::Int64Builder places;
    must(places.AppendValues(rows));
    // Arrow's reader would narrow nothing and give decimal128: the table that was written is the truth.
    auto expected = must(arrow::compute::Take(table, must(places.Finish()))).table();
    for (const auto& name : table->ColumnNames()) {
      std::int64_t bytes = 0;
      auto found = gather_rows(chosen, *table->schema(), {name}, Workers(1 + one.below(3)),
                               arrow::default_memory_pool(), &bytes);
      ++columns_read;
      if (found.status().IsNotImplemented()) continue;
      ++ours;
      ASSERT_OK(found.status());
      ASSERT_OK((*found)->ValidateFull());
      auto column = (*found)->column(0);
      auto wanted = expected->GetColumnByName(name);
      ASSERT_TRUE(column->Equals(wanted))
          << "seed " << GetParam() << " round " << round << " column " << name << " " << column->type()->ToString();
      EXPECT_GT(bytes, 0);
    }
  }
  EXPECT_GT(ours * 10, columns_read * 7) << "our decoder left too much to Arrow's";
}
INSTANTIATE_TEST_SUITE_P(Seeds, DecodeProperty, testing::Range(0, 12));

// Large columns are written round the caches: the same bytes, at every alignment of their pieces.
TEST(Decode, PastTheCachesTheSameBytes) {
  Folder folder;
  int compared = 0;
  for (unsigned seed = 0; seed < 30; ++seed) {
    DecodeCase one(500 + seed);
    auto table = one.table(1 + one.below(3000));
    const std::string path = folder.path() + "/" + std::to_string(seed) + ".parquet";
    one.write(*table, path);
    const Part part;
    const auto groups = groups_of(path, part);
    std::vector<std::int64_t> rows;
    const auto chosen = one.choose(groups, false, rows);
    for (const auto& name : table->ColumnNames()) {
      const auto type = table->GetColumnByName(name)->type();
      const int width = type->id() == arrow::Type::BOOL     ? 1
                        : type->id() == arrow::Type::STRING ? 0
                                                            : type->bit_width() / 8;
      for (const ChosenRows& group : chosen) {
        const int column = group.group->open->column(name);
        if (width == 0 || group.group->chunk(column).form == ColumnChunk::Form::other) continue;
        std::string values[2], present[2];
        for (int past = 0; past < 2; ++past) {
          values[past].assign(rows.size() * static_cast<std::size_t>(width), '?');
          present[past].assign(rows.size(), 1);
          Scratch scratch(arrow::default_memory_pool());
          auto file = must(PartFile::open(path));
          const auto& open = group.group->open->groups[static_cast<std::size_t>(group.group->index)];
          ChunkReader reader(file, group.group->chunk(column), open.rows, group.segments, scratch);
          must(read_values(reader, group.group->chunk(column), group.segments, scratch, width,
                           reinterpret_cast<std::uint8_t*>(values[past].data()),
                           reinterpret_cast<std::uint8_t*>(present[past].data()), past == 1));
        }
        EXPECT_EQ(values[0], values[1]) << name;
        EXPECT_EQ(present[0], present[1]) << name;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 200);
}

// A damaged file is an error, or other values: never a crash, never a byte outside (the sanitizers' build watches).
TEST(DecodeFuzz, DamagedFilesAreErrorsAtMost) {
  Folder folder;
  int errors = 0, read = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    DecodeCase one(7000 + seed);
    auto table = one.table(1 + one.below(1500));
    const std::string good_path = folder.path() + "/good.parquet";
    one.write(*table, good_path);
    const std::string good = read_text(good_path);
    for (int flip = 0; flip < 15; ++flip) {
      std::string bad = good;
      for (int n = 1 + one.below(4); n > 0; --n) {
        const auto at = static_cast<std::size_t>(one.below(static_cast<int>(bad.size())));
        if (one.below(8) == 0) bad.resize(std::max<std::size_t>(at, 1));
        else bad[at] = static_cast<char>(one.below(2) == 0 ? bad[at] ^ (1 << one.below(8)) : one.below(256));
        if (bad.size() < 2) break;
      }
      const std::string path = fmt::format("{}/{}-{}.parquet", folder.path(), seed, flip);
      write_text(path, bad);
      auto open = open_part(path);
      if (!open.ok()) {
        EXPECT_EQ(exit_code(open.status()), 1) << open.status().ToString();
        ++errors;
        continue;
      }
      const Part part;
      std::vector<RowGroup> groups;
      for (std::size_t i = 0; i < (*open)->groups.size(); ++i) {
        const std::int64_t rows = (*open)->groups[i].rows;
        if (rows > 0 && rows < 100'000) groups.push_back({&part, path, (*open)->footer, static_cast<int>(i), *open});
      }
      std::vector<std::int64_t> rows;
      const auto chosen = one.choose(groups, one.below(2) == 0, rows);
      if (chosen.empty()) continue;
      for (const auto& name : table->ColumnNames()) {
        std::int64_t bytes = 0;
        auto found = gather_rows(chosen, *table->schema(), {name}, Workers(1), arrow::default_memory_pool(), &bytes);
        ++read;
        if (found.ok()) { EXPECT_OK((*found)->Validate()); }
        if (found.ok() || found.status().IsNotImplemented() || found.status().IsOutOfMemory()) continue;
        ++errors;
        EXPECT_EQ(exit_code(found.status()), 1) << found.status().ToString();
        EXPECT_THAT(found.status().message(), testing::HasSubstr("is damaged: "));
      }
      std::filesystem::remove(path);
    }
  }
  EXPECT_GT(errors, 50);
  EXPECT_GT(read, 1000);
}

}  // namespace
}  // namespace tapemill::lake
