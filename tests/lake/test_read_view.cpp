// What readers of one process share: never older than the log, made once, parsed once.
#include "lake/read_view.h"

#include <sys/stat.h>

#include "lake/actions.h"
#include "lake/scan.h"
#include "lake_test.h"

namespace tapemill::lake {
namespace {
using namespace test;

class ReadViewTest : public testing::Test {
 protected:
  Folder folder;
  Lake lake = must(Lake::open(folder.path() + "/lake", true));
  Table table = lake.table(Layer::bronze, "bars");

  void SetUp() override { must(table.create(bars_schema(), {"year", "month"}, {{kSort, "instrument_id,session"}})); }
  Part part(const std::string& name, const std::string& first, const std::string& last) {
    Part one = fake_part(table, name, 1);
    one.stats =
        fmt::format(R"({{"numRecords":1,"minValues":{{"session":"{}"}},"maxValues":{{"session":"{}"}}}})", first, last);
    one.partition = {{"year", "2024"}, {"month", "1"}};
    return one;
  }
  // As another process does it: nothing of this one knows.
  void commit_from_elsewhere(std::int64_t version, const Part& added) {
    write_text(fmt::format("{}/_delta_log/{:020}.json", table.path(), version),
               info_line({{"timestamp", 1'700'000'000'000 + version}}) + "\n" + line(added, true) + "\n");
  }
};

TEST_F(ReadViewTest, ACommitOfAnotherProcessIsSeenAtOnce) {
  for (std::int64_t version = 1; version <= 50; ++version) {  // within one tick of the file system's clock, too
    commit_from_elsewhere(version, part(fmt::format("p{:03}", version), "2024-01-02", "2024-01-03"));
    auto view = must(read_view(table));
    ASSERT_EQ(view->snapshot().version, version);
    ASSERT_EQ(view->snapshot().parts.size(), static_cast<std::size_t>(version));
    EXPECT_EQ(must(read_view(table)), view);  // the same object
  }
}

TEST_F(ReadViewTest, AVersionThatWasReadIsNotTheNewest) {
  for (int version = 1; version <= 3; ++version)
    commit_from_elsewhere(version, part(fmt::format("p{}", version), "2024-01-02", "2024-01-03"));
  EXPECT_EQ(must(read_view(table, 1))->snapshot().version, 1);
  EXPECT_EQ(must(read_view(table))->snapshot().version, 3);
  EXPECT_EQ(must(read_view(table, 2))->snapshot().parts.size(), 2u);
  EXPECT_EQ(must(read_view(table))->snapshot().version, 3);
}

TEST_F(ReadViewTest, ATableThatWasDeletedAndMadeAnewIsReadAnew) {
  commit_from_elsewhere(1, part("p1", "2024-01-02", "2024-01-03"));
  EXPECT_EQ(must(read_view(table))->snapshot().parts.size(), 1u);
  std::filesystem::remove_all(table.path());
  EXPECT_FALSE(table.exists());
  EXPECT_EQ(must(read_view(table))->snapshot().version, -1);
  must(table.create(bars_schema(), {}, {}));
  commit_from_elsewhere(1, part("p2", "2024-01-05", "2024-01-06"));
  auto view = must(read_view(table));
  ASSERT_EQ(view->snapshot().parts.size(), 1u);
  EXPECT_EQ(view->snapshot().parts[0].path, "p2");
  EXPECT_EQ(std::get<std::int64_t>(view->bounds()[0]->session.min), Date::of(2024, 1, 5).days);
}

TEST_F(ReadViewTest, BoundsOfPartsThatStayAreNotParsedAgain) {
  commit_from_elsewhere(1, part("p1", "2024-01-02", "2024-01-03"));
  commit_from_elsewhere(2, part("p3", "2024-01-06", "2024-01-07"));
  auto before = must(read_view(table));
  ASSERT_EQ(before->bounds().size(), 2u);
  commit_from_elsewhere(3, part("p2", "2024-01-04", "2024-01-05"));
  auto after = must(read_view(table));
  ASSERT_EQ(after->bounds().size(), 3u);
  EXPECT_EQ(after->bounds()[0], before->bounds()[0]);
  EXPECT_EQ(after->bounds()[2], before->bounds()[1]);
  EXPECT_EQ(std::get<std::int64_t>(after->bounds()[1]->session.max), Date::of(2024, 1, 5).days);
  EXPECT_EQ(std::get<std::int64_t>(after->bounds()[1]->folder_sessions->max), Date::of(2024, 1, 31).days);
}

}  // namespace
}  // namespace tapemill::lake
