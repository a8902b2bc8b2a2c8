// Whatever happens to a file's bytes: each of its data lines is a row or a refusal, once, and says where it stands.
#include <random>
#include <set>

#include "packed.h"
#include "sources/text.h"

namespace tapemill::sources {
namespace {

struct Base {
  const char* dataset;
  std::string name, text;
};

std::vector<Base> bases() {
  std::string
      polygon = kPolygonHeader,
      full =
          "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE, AVG_PRICE, "
          "TTL_TRD_QNTY, TURNOVER_LACS, NO_OF_TRADES, DELIV_QTY, DELIV_PER\n";
  std::string
      csv = "date,open,high,low,close,volume,Name\n",
      snapshots =
          "timestamp,price,qty,avgPrice,volume,bQty,sQty,open,high,low,close,changeper,lastTradeTime,oi,oiHigh,oiLow";
  for (int i = 0; i < 5; ++i) snapshots += fmt::format(",bq{0},bp{0},bo{0},sq{0},sp{0},so{0}", i);
  snapshots += ",ts,symbol,opt_type,strike,year,month\n";
  for (int i = 0; i < 300; ++i) {
    polygon +=
        fmt::format("T{},{},{}.5,{}.25,112,1,1704171600000000000,{}\n", i, i * 100 + 1, i % 90 + 2, i % 80 + 2, i);
    full += fmt::format("S{}, EQ, 02-Jan-2024,{}.5,10,12,9, 11.50,11,10.55,{},5.55,3, {}, {}\n", i, i + 1, i * 7, i * 3,
                        i % 3 == 0 ? "-" : "47.58");
    csv += fmt::format("2013-02-{:02},{}.5,20,1,2.25,{},A{}\n", i % 28 + 1, i % 19 + 1, i, i / 28);
    snapshots += fmt::format("2024-08-23T10:{:02}:{:02}Z,1.5,50,1,100,2,3,1,2,1,1.2,-3.5,2024-08-23T10:00:00Z,1,1,1",
                             i / 60, i % 60);
    for (int k = 0; k < 30; ++k) snapshots += fmt::format(",{}", k);
    snapshots += ",1970-01-01T05:30:00Z,BANKNIFTY,CE,43500,1970,1\n";
  }
  return {{"stocks_daily", "2024-01-02.csv", polygon},
          {"nse_cash", "a.csv", full},
          {"sp500", "a.csv", csv},
          {"snapshots", "banknifty24aug43500ce.csv", snapshots}};
}

std::string mutated(std::string text, std::mt19937_64& random) {
  const std::size_t header = text.find('\n') + 1;
  const std::string kinds(",,,\"\n\r\n \t\0-.9eN\xff\xc3", 17);
  for (std::size_t n = random() % 12; n > 0 && text.size() > header + 2; --n) {
    const std::size_t at = header + random() % (text.size() - header);
    switch (random() % 6) {
      case 0: text[at] = kinds[random() % kinds.size()]; break;
      case 1: text.erase(at, random() % 40); break;
      case 2: text.insert(at, 1, kinds[random() % kinds.size()]); break;
      case 3: text.insert(at, text.substr(header, random() % 200)); break;
      case 4: text.insert(at, "\n\n \r\n"); break;
      default:
        if (random() % 8 == 0) text.resize(at);
        else text[at] = static_cast<char>(random());
    }
  }
  return text;
}

TEST(Accounting, EveryLineIsARowOrARefusal) {
  Folder folder;
  std::mt19937_64 random(20240102);
  std::int64_t refused = 0, rows = 0, files_refused = 0;
  for (const Base& base : bases()) {
    const Dataset spec = dataset(base.dataset);
    const bool quotes_join_lines = spec.source == "csv";
    for (int round = 0; round < 150; ++round) {
      const std::string text = mutated(base.text, random);
      const bool zipped = round % 5 == 0;
      const std::string bytes = !zipped            ? text
                                : round % 25 == 5  ? zip({{"a.csv", text}})
                                : round % 25 == 10 ? xz(text)
                                : round % 25 == 15 ? zstd(text)
                                : round % 25 == 20 ? bzip2(text)
                                                   : *gzip_compress(text, 1);
      Drained d = drain(spec, folder.write(base.name + (zipped ? ".gz" : ""), bytes));
      if (!d.status.ok()) {  // a file whose rows are all of another session
        EXPECT_EQ(exit_code(d.status), 1) << d.status.ToString();
        ++files_refused;
        continue;
      }
      std::set<std::int64_t> lines;
      for (const SourceBatch& batch : d.batches)
        for (std::size_t i = 0; i < batch.lines.size(); ++i) {
          EXPECT_TRUE(lines.insert(batch.lines[i]).second);
          EXPECT_EQ(batch.raw(i),
                    text.substr(static_cast<std::size_t>(batch.bytes[i]), static_cast<std::size_t>(batch.lengths[i])));
        }
      for (const Refused& r : d.refused) {
        EXPECT_TRUE(lines.insert(r.line).second) << r.line;
        EXPECT_EQ(r.raw, text.substr(static_cast<std::size_t>(r.byte), r.raw.size()));
        EXPECT_FALSE(r.check.empty() || r.reason.empty());
      }
      if (quotes_join_lines && text.find('"') != std::string::npos) continue;
      std::set<std::int64_t> expected;
      std::int64_t line = 0;
      for (std::size_t at = 0; at < text.size();) {
        std::size_t end = std::min(text.find('\n', at), text.size());
        if (++line > 1 && text.substr(at, end - at).find_first_not_of(" \t\r") != std::string::npos)
          expected.insert(line);
        at = end + 1;
      }
      EXPECT_EQ(lines, expected) << base.dataset << " round " << round;
      EXPECT_EQ(d.rows_in, static_cast<std::int64_t>(expected.size()));
      rows += d.rows, refused += static_cast<std::int64_t>(d.refused.size());
    }
  }
  EXPECT_GT(rows, 100'000);
  EXPECT_GT(refused, 500);
  EXPECT_LT(files_refused, 60);
}

TEST(Accounting, AMutatedHeaderIsAnErrorOrTheSameFile) {
  Folder folder;
  std::mt19937_64 random(7);
  for (const Base& base : bases()) {
    const Dataset spec = dataset(base.dataset);
    const std::size_t header = base.text.find('\n');
    for (int round = 0; round < 60; ++round) {
      std::string text = base.text;
      text[random() % header] = static_cast<char>(random());
      Drained d = drain(spec, folder.write(base.name, text));
      EXPECT_LE(exit_code(d.status), 1) << d.status.ToString();
    }
  }
}

/// Records, lines and bytes do not depend on where blocks are cut, quotes and unclosed quotes included.
TEST(Accounting, BlocksAreCutAnywhere) {
  Folder folder;
  std::mt19937_64 random(99);
  for (int round = 0; round < 300; ++round) {
    std::string text = "h\n";
    const std::string pieces[] = {"a", ",", "\n", "\"", "\"\"", "b c", "\r\n", " ", ",\"x,\ny\",", "1.5"};
    for (std::size_t n = random() % 120; n > 0; --n) text += pieces[random() % std::size(pieces)];
    const std::string path = folder.write("t.csv", text);
    for (bool multiline : {false, true}) {
      std::string first;
      for (std::size_t block : {std::size_t{1} << 20, std::size_t{1}, std::size_t{3}, std::size_t{17}}) {
        TextReader reader(std::move(*open_bytes(path)), block, multiline);
        std::vector<std::pair<std::int64_t, std::string>> seen;
        Block b;
        while (*reader.next(b)) {
          std::deque<std::string> spare;
          for (const Record& r : b.records) {
            std::string shown = fmt::format("{}@{}:", r.line, b.at + r.start);
            for (std::uint32_t i = 0; i < r.fields; ++i) shown += fmt::format("[{}]", b.field(r, i, spare));
            seen.emplace_back(r.line, shown);
          }
          for (const Unreadable& u : b.unreadable)
            seen.emplace_back(u.line, fmt::format("{}@{}: refused {}", u.line, u.byte, u.raw));
        }
        std::sort(seen.begin(), seen.end());
        std::string all;
        for (const auto& [line, shown] : seen) all += shown + "\n";
        if (first.empty()) first = all;
        EXPECT_EQ(all, first) << "block " << block << "\n" << text;
      }
    }
  }
}

TEST(Accounting, ACeilingIsKept) {
  Folder folder;
  std::string text = kPolygonHeader;
  for (int i = 0; i < 200'000; ++i) text += fmt::format("T{},{},10.5,11,12,9,1704171600000000000,7\n", i, i);
  const std::string path = folder.write("2024-01-02.csv", text);
  const Dataset spec = dataset("stocks_daily");
  MemoryBudget budget(4 << 20);
  auto source = open(spec, *inspect(spec, path), budget);
  ASSERT_TRUE(source.ok());
  std::int64_t rows = 0;
  for (;;) {
    auto batch = (*source)->next({});
    ASSERT_TRUE(batch.ok()) << batch.status().ToString();
    if (!batch->has_value()) break;
    rows += (**batch).rows->num_rows();
    EXPECT_LE((**batch).text->size(), 256u << 10);
  }
  EXPECT_EQ(rows, 200'000);
  EXPECT_LT(budget.peak(), 2 << 20);
}

}  // namespace
}  // namespace tapemill::sources
