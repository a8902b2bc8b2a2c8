// Quotes in pages of a file are the quotes that are in memory, and days read in little room are the same days.
#include "backtest/quotes.h"

#include <random>

#include "backtest/backtest.h"
#include "backtest_test.h"
#include "core/build_info.h"
#include "lake_of_tests.h"

namespace tapemill::backtest {
namespace {

bool same(const Quote& a, const Quote& b) {
  return a.time == b.time && a.known_at == b.known_at && a.bid[0] == b.bid[0] &&
         a.ask[kDepth - 1] == b.ask[kDepth - 1] && a.last == b.last && a.volume == b.volume && a.interest == b.interest;
}

/// Seconds of a day, some of which come late or are told later than what follows them.
std::vector<Quote> feed(unsigned seed, std::size_t count, bool late) {
  std::mt19937 random(seed);
  std::vector<Quote> quotes;
  for (std::size_t i = 0; i < count; ++i) {
    Quote quote = quote_of({static_cast<std::int64_t>(i) * kSecond}, static_cast<std::int32_t>(random() % 1000), 1010);
    quote.ask[kDepth - 1] = static_cast<std::int32_t>(i);
    if (late && random() % 50 == 0) quote.known_at.us += kMinute;
    quotes.push_back(quote);
  }
  for (std::size_t i = 0; late && i < count / 40; ++i) std::swap(quotes[random() % count], quotes[random() % count]);
  return quotes;
}

TEST(Quotes, InPagesAreThoseInMemory) {
  Folder folder;
  for (const bool late : {false, true}) {
    for (const std::size_t count : {0u, 1u, 31u, 32u, 33u, 1000u}) {
      auto file = must(QuoteFile::create(folder.path()));
      Quotes memory, paged;
      std::size_t fed = 0;
      for (const Quote& quote : feed(7, count, late)) {
        if (fed++ == count / 3) must(paged.move_to(file));
        must(memory.add(quote));
        must(paged.add(quote));
      }
      if (count == 0) must(paged.move_to(file));
      EXPECT_EQ(must(paged.arrange()), must(memory.arrange()));
      ASSERT_EQ(paged.size(), memory.size());
      for (std::size_t i = 0; i < memory.size(); ++i) ASSERT_TRUE(same(paged[i], memory[i])) << i;
      for (std::int64_t second = -2; second < static_cast<std::int64_t>(count) + 90; ++second)
        ASSERT_EQ(paged.known_at({second * kSecond}), memory.known_at({second * kSecond})) << second;
      EXPECT_TRUE(file->status().ok());
    }
  }
}

TEST(Quotes, MorePagesThanAreKeptAreReadAgain) {
  Folder folder;
  auto file = must(QuoteFile::create(folder.path()));
  const std::size_t count = QuoteFile::kPage * (QuoteFile::kKept + 300);
  Quotes quotes;
  must(quotes.move_to(file));
  for (std::size_t i = 0; i < count; ++i) {
    Quote quote = quote_of({static_cast<std::int64_t>(i) * kSecond}, 1, 2);
    quote.volume = static_cast<std::int64_t>(i);
    must(quotes.add(quote));
  }
  EXPECT_EQ(must(quotes.arrange()), 0);
  for (std::size_t round = 0; round < 2; ++round)
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(quotes[i].volume, static_cast<std::int64_t>(i));
}

TEST(Quotes, ADayInLittleRoomIsTheSameDay) {
  Folder folder;
  lake::Lake lake = must(lake::Lake::open(folder.path() + "/lake", true));
  for (int day : {4, 5}) store_chain(lake, Date::of(2024, 1, day));
  const std::string plan = std::string(source_dir()) + "/strategies/opening_straddle.yaml";
  RunOptions plenty;
  plenty.write = false;
  const RunResult whole = must(run(lake, plan, plenty));
  ASSERT_GT(whole.trades->num_rows(), 0);
  MemoryBudget budget(16 << 20);
  RunOptions little = plenty;
  little.pool = budget.pool(), little.memory = 4 << 20, little.workers = Workers(2);
  const RunResult paged = must(run(lake, plan, little));
  EXPECT_EQ(paged.ledger_hash, whole.ledger_hash);
  EXPECT_EQ(paged.rows_scanned, whole.rows_scanned);
  EXPECT_EQ(budget.used(), 0);
}

}  // namespace
}  // namespace tapemill::backtest
