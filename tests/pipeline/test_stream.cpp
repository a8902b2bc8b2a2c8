#include <gtest/gtest.h>

#include <arrow/api.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>

#include "pipeline/map_reduce.h"
#include "pipeline/stream.h"
#include "pipeline/stream_rows.h"
#include "pipeline/stream_window.h"
#include "support/folder.h"

namespace tapemill::pipeline {
namespace {

using test::Folder;
using test::must;

Batch batch(const std::string& csv) { return must(parse_rows(csv, RowForm::csv)); }

std::string text(const std::vector<Batch>& all) {
  std::string out;
  for (const Batch& rows : all)
    for (std::int64_t i = 0; i < rows->num_rows(); ++i) {
      for (int column = 0; column < rows->num_columns(); ++column)
        out += (column == 0 ? "" : ",") + must(rows->column(column)->GetScalar(i))->ToString();
      out += "\n";
    }
  return out;
}

/// Numbers 0 .. count-1 in column n, `each` in a batch.
StreamSource numbers(std::int64_t count, std::int64_t each, std::atomic<std::int64_t>* made = nullptr) {
  return [=, at = std::make_shared<std::int64_t>(0)]() -> Result<Batch> {
    if (*at >= count) return Batch();
    arrow::Int64Builder builder;
    for (std::int64_t i = 0; i < each && *at < count; ++i) ARROW_RETURN_NOT_OK(builder.Append((*at)++));
    if (made != nullptr) made->store(*at);
    ARROW_ASSIGN_OR_RAISE(auto column, builder.Finish());
    const std::int64_t rows = column->length();
    return arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), rows, {column});
  };
}

std::int64_t first_of(const Batch& rows) { return static_cast<const arrow::Int64Array&>(*rows->column(0)).Value(0); }

class Doing : public StageWorker {
 public:
  explicit Doing(std::function<Result<Batch>(const Batch&)> what) : what_(std::move(what)) {}
  Result<Batch> process(const Batch& rows) override { return what_(rows); }

 private:
  std::function<Result<Batch>(const Batch&)> what_;
};
StreamStage doing(int workers, int attempts, const std::function<Result<Batch>(const Batch&)>& what) {
  return {"doing", workers, attempts,
          [what]() -> Result<std::unique_ptr<StageWorker>> { return std::make_unique<Doing>(what); }};
}

TEST(Stream, RowsLeaveInTheOrderInWhichTheyCameWhoeverWorks) {
  std::vector<std::int64_t> seen;
  auto slow = doing(4, 1, [](const Batch& rows) -> Result<Batch> {
    std::this_thread::sleep_for(std::chrono::microseconds((first_of(rows) * 7919) % 500));
    return rows;
  });
  std::vector<StageFigures> figures;
  ASSERT_TRUE(run_stream(
                  numbers(2000, 10), {slow, slow},
                  [&](const Batch& rows) { return seen.push_back(first_of(rows)), Status::OK(); }, 1 << 20, {}, figures)
                  .ok());
  ASSERT_EQ(seen.size(), 200u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  ASSERT_EQ(figures.size(), 4u);
  for (int i : {1, 2}) EXPECT_EQ(figures[i].rows_in, 2000);
  EXPECT_EQ(figures[3].rows_in, 2000);
}

TEST(Stream, AFullBufferMakesTheSourceWait) {
  std::atomic<std::int64_t> made{0};
  std::int64_t most_ahead = 0, written = 0;
  std::vector<StageFigures> figures;
  const std::int64_t each = 1000;  // 8,000 bytes a batch
  ASSERT_TRUE(run_stream(
                  numbers(200'000, each, &made), {},
                  [&](const Batch& rows) {
                    std::this_thread::sleep_for(std::chrono::microseconds(300));
                    most_ahead = std::max(most_ahead, made.load() - written);
                    written += rows->num_rows();
                    return Status::OK();
                  },
                  4 * 8 * each, {}, figures)
                  .ok());
  EXPECT_EQ(written, 200'000);
  EXPECT_LE(most_ahead, 8 * each);  // four batches wait, one is with the sink, one with the source
  EXPECT_LE(figures[0].held_most, 5 * 8 * each);
  EXPECT_GT(figures[0].blocked_s, 0.01);
}

TEST(Stream, AFailedWorkerIsMadeAnewAndItsBatchGivenAgain) {
  std::mutex mutex;
  std::map<std::int64_t, int> tries;
  auto shaky = doing(2, 3, [&](const Batch& rows) -> Result<Batch> {
    std::lock_guard lock(mutex);
    if (first_of(rows) % 50 == 0 && ++tries[first_of(rows)] < 3) return Status::IOError("gone");
    return rows;
  });
  std::int64_t rows = 0;
  std::vector<StageFigures> figures;
  ASSERT_TRUE(run_stream(
                  numbers(500, 10), {shaky}, [&](const Batch& one) { return rows += one->num_rows(), Status::OK(); },
                  1 << 20, {}, figures)
                  .ok());
  EXPECT_EQ(rows, 500);
  EXPECT_EQ(figures[1].restarts, 20);  // ten batches, each twice
  auto broken = doing(2, 3, [&](const Batch& one) -> Result<Batch> {
    if (first_of(one) == 100) return Status::IOError("gone for good");
    return one;
  });
  figures.clear();
  const Status failed =
      run_stream(numbers(100'000, 10), {broken}, [](const Batch&) { return Status::OK(); }, 1 << 16, {}, figures);
  EXPECT_NE(failed.message().find("gone for good"), std::string::npos);
}

TEST(Stream, AnErrorOfSourceOrSinkEndsItAndSoDoesAStop) {
  std::vector<StageFigures> figures;
  auto passes = doing(2, 1, [](const Batch& rows) -> Result<Batch> { return rows; });
  auto end = numbers(30, 10);
  EXPECT_EQ(run_stream(
                [&]() -> Result<Batch> {
                  ARROW_ASSIGN_OR_RAISE(auto rows, end());
                  if (rows == nullptr) return Status::IOError("torn");
                  return rows;
                },
                {passes}, [](const Batch&) { return Status::OK(); }, 1 << 20, {}, figures)
                .message(),
            "torn");
  EXPECT_EQ(
      run_stream(
          numbers(1'000'000, 10), {passes}, [](const Batch&) { return Status::IOError("full"); }, 1 << 12, {}, figures)
          .message(),
      "full");
  std::int64_t written = 0;  // nothing is made of half of the rows
  auto two = numbers(20, 10);
  auto torn = [&]() -> Result<Batch> {
    ARROW_ASSIGN_OR_RAISE(auto rows, two());
    if (rows == nullptr) return Status::IOError("torn");
    return rows;
  };
  StreamStage sums{"window", 1, 1, []() -> Result<std::unique_ptr<StageWorker>> {
                     const arrow::Schema schema({arrow::field("n", arrow::int64())});
                     WindowOptions options{.values = {must(Aggregate::parse("s=sum(n)"))}};
                     ARROW_ASSIGN_OR_RAISE(auto stage, WindowStage::make(schema, options));
                     return std::unique_ptr<StageWorker>(std::move(stage));
                   }};
  auto count = [&](const Batch& one) { return written += one->num_rows(), Status::OK(); };
  EXPECT_EQ(run_stream(torn, {sums}, count, 1 << 20, {}, figures).message(), "torn");
  EXPECT_EQ(written, 0);
  std::stop_source stop;
  std::int64_t rows = 0;
  EXPECT_TRUE(run_stream(
                  numbers(INT64_MAX, 10), {passes},
                  [&](const Batch& one) {
                    if ((rows += one->num_rows()) > 1000) stop.request_stop();
                    return Status::OK();
                  },
                  1 << 12, stop.get_token(), figures)
                  .IsCancelled());
}

std::vector<Batch> windowed(const std::vector<std::string>& blocks, const WindowOptions& options,
                            std::int64_t* late = nullptr) {
  std::vector<Batch> out;
  std::unique_ptr<WindowStage> stage;
  for (const std::string& block : blocks) {
    Batch rows = batch(block);
    if (stage == nullptr) stage = must(WindowStage::make(*rows->schema(), options));
    Batch made = must(stage->process(rows));
    if (made != nullptr) out.push_back(made);
  }
  if (Batch rest = must(stage->finish()); rest != nullptr) out.push_back(rest);
  if (late != nullptr) *late = stage->late_rows();
  return out;
}
std::vector<Aggregate> values(const std::vector<std::string>& texts) {
  std::vector<Aggregate> out;
  for (const auto& one : texts) out.push_back(must(Aggregate::parse(one)));
  return out;
}

TEST(StreamWindow, BarsOfAMinuteByHand) {
  const std::string header = "time,symbol,price,qty\n";
  auto made =
      windowed({header + "2024-01-02T09:15:00Z,A,10,1\n2024-01-02T09:15:30Z,B,5,1\n2024-01-02T09:15:59Z,A,12,2\n",
                header + "2024-01-02T09:16:00Z,A,11,4\n2024-01-02T09:18:01Z,A,9,1\n"},
               {.by = {"symbol"},
                .values = values({"open=first(price)", "high=max(price)", "low=min(price)", "close=last(price)",
                                  "v=sum(qty)", "n=count()"}),
                .us = 60'000'000});
  EXPECT_EQ(text(made),
            "A,2024-01-02 09:15:00.000000Z,2024-01-02 09:16:00.000000Z,10,12,10,12,3,2\n"
            "B,2024-01-02 09:15:00.000000Z,2024-01-02 09:16:00.000000Z,5,5,5,5,1,1\n"
            "A,2024-01-02 09:16:00.000000Z,2024-01-02 09:17:00.000000Z,11,11,11,11,4,1\n"
            "A,2024-01-02 09:18:00.000000Z,2024-01-02 09:19:00.000000Z,9,9,9,9,1,1\n");
}

TEST(StreamWindow, ThatOverlapHoldEachRowAsOftenAsTheyShould) {
  auto made = windowed({"time,x\n2024-01-02T00:00:10Z,1\n2024-01-02T00:01:10Z,2\n2024-01-02T00:05:10Z,4\n"},
                       {.values = values({"s=sum(x)"}), .us = 120'000'000, .every = 60'000'000});
  std::string sums;
  for (const auto& rows : made)
    for (std::int64_t i = 0; i < rows->num_rows(); ++i)
      sums += must(rows->column(2)->GetScalar(i))->ToString() + "@" +
              must(rows->column(0)->GetScalar(i))->ToString().substr(11, 5) + " ";
  EXPECT_EQ(sums, "1@23:59 3@00:00 2@00:01 4@00:04 4@00:05 ");
}

TEST(StreamWindow, LateRowsAreWaitedForAndThenCounted) {
  const std::vector<std::string> blocks{
      "time,x\n2024-01-02T00:00:10Z,1\n2024-01-02T00:01:20Z,2\n2024-01-02T00:00:50Z,4\n",
      "time,x\n2024-01-02T00:02:40Z,8\n2024-01-02T00:00:55Z,16\n"};
  std::int64_t late = 0;
  auto made = windowed(blocks, {.values = values({"s=sum(x)"}), .us = 60'000'000, .late_us = 30'000'000}, &late);
  EXPECT_EQ(late, 1);  // 16: at 02:40 the first minute is over by more than half a minute
  ASSERT_FALSE(made.empty());
  EXPECT_NE(text(made).find(",5\n"), std::string::npos) << text(made);  // 1 + 4
}

TEST(StreamWindow, OfRowsComeWhenFullAndTheRestAtTheEnd) {
  auto made = windowed({"x\n1\n2\n3\n", "x\n4\n5\n"}, {.values = values({"s=sum(x)", "n=count()"}), .rows = 2});
  EXPECT_EQ(text(made), "0,2,3,2\n2,4,7,2\n4,6,5,1\n");
  made = windowed({"x\n1\n2\n3\n4\n5\n6\n7\n"}, {.values = values({"s=sum(x)"}), .rows = 4, .every = 2});
  EXPECT_EQ(text(made), "0,4,10\n2,6,18\n4,8,18\n");
}

TEST(StreamWindow, NullsCountForNothing) {
  auto made = windowed({"k,x\na,\na,2\n,3\n,\n"},
                       {.by = {"k"}, .values = values({"n=count(x)", "rows=count()", "mean=mean(x)", "f=first(x)"})});
  EXPECT_EQ(text(made), "a,1,2,2,2\nnull,1,2,3,3\n");
}

TEST(StreamWindow, CutAnywhereItIsTheSame) {
  std::vector<std::string> rows;
  for (int i = 0; i < 200; ++i)
    rows.push_back(fmt::format("2024-01-02T00:{:02}:{:02}Z,{},{}\n", i / 20, (i * 3) % 60 / 3 * 3, "ABC"[i % 3],
                               (i* 37) % 101 / 7.0));
  std::sort(rows.begin(), rows.end());
  const WindowOptions options{.by = {"symbol"},
                              .values = values({"s=sum(x)", "m=mean(x)", "n=count()", "l=last(x)"}),
                              .us = 180'000'000,
                              .every = 60'000'000};
  std::string whole;
  for (std::size_t each : {200u, 1u, 7u, 64u}) {
    std::vector<std::string> blocks;
    for (std::size_t at = 0; at < rows.size(); at += each) {
      blocks.emplace_back("time,symbol,x\n");
      for (std::size_t i = at; i < std::min(rows.size(), at + each); ++i) blocks.back() += rows[i];
    }
    // A block of whole numbers alone would be told as such: the type is that of the first block.
    std::string got;
    std::unique_ptr<WindowStage> stage;
    std::shared_ptr<arrow::Schema> schema = batch("time,symbol,x\n2024-01-02T00:00:00Z,A,1.5\n")->schema();
    stage = must(WindowStage::make(*schema, options));
    for (const auto& block : blocks) {
      Batch one = batch(block);
      auto x = must(arrow::RecordBatch::MakeEmpty(schema));
      arrow::DoubleBuilder builder;
      for (std::int64_t i = 0; i < one->num_rows(); ++i)
        ASSERT_TRUE(builder.Append(std::stod(must(one->column(2)->GetScalar(i))->ToString())).ok());
      one = arrow::RecordBatch::Make(schema, one->num_rows(), {one->column(0), one->column(1), must(builder.Finish())});
      if (Batch made = must(stage->process(one)); made != nullptr) got += text({made});
    }
    if (Batch made = must(stage->finish()); made != nullptr) got += text({made});
    if (whole.empty()) whole = got;
    EXPECT_EQ(got, whole) << each;
  }
  EXPECT_GT(std::count(whole.begin(), whole.end(), '\n'), 20);
}

TEST(StreamWindow, WhatIsInfiniteStaysSo) {
  auto made = windowed({"x\n1\n1e400\n2\n"}, {.values = values({"s=sum(x)", "m=max(x)", "n=count(x)"})});
  EXPECT_EQ(text(made), "inf,inf,3\n");  // as in SQL: no correction of an infinite sum
}

TEST(StreamWindow, WrongUseIsToldWithTheNearestName) {
  auto schema = batch("time,symbol,price\n2024-01-02T00:00:00Z,A,1.5\n")->schema();
  auto said = [&](WindowOptions options) {
    return render(WindowStage::make(*schema, std::move(options)).status(), false);
  };
  EXPECT_NE(said({.by = {"symbl"}, .values = values({"n=count()"})}).find("did you mean symbol?"), std::string::npos);
  EXPECT_NE(said({.values = values({"n=count()"}), .us = 60, .every = 7}).find("divides"), std::string::npos);
  EXPECT_NE(said({.values = values({"n=count()"}), .us = 60, .time = "price"}).find("instants"), std::string::npos);
  EXPECT_NE(said({.values = values({"n=count()"}), .us = 86'400'000'000, .every = 1000}).find("at the most"),
            std::string::npos);
  EXPECT_NE(said({.values = values({"n=count()", "n=max(price)"})}).find("would be called n"), std::string::npos);
  EXPECT_NE(said({.values = values({"n=sum(prices)"})}).find("did you mean price?"), std::string::npos);
  for (const char* wrong : {"high=max", "high=largest(price)", "max()", "=max(price)"})
    EXPECT_FALSE(Aggregate::parse(wrong).ok()) << wrong;
}

TEST(StreamRows, AreChosenAndWidened) {
  auto worker = must(rows_stage({"price > 1", {"notional=price * qty"}, {"notional", "symbol"}}, 1).make());
  EXPECT_EQ(text({must(worker->process(batch("symbol,price,qty\nA,1,5\nB,2,\nC,3,4\n")))}), "null,B\n12,C\n");
  auto wrong = must(rows_stage({"prise > 1", {}, {}}, 1).make());
  EXPECT_NE(render(wrong->process(batch("price\n1\n")).status(), false).find("did you mean price?"), std::string::npos);
}

/// A reader of these pieces, each as one read() brings it.
std::vector<Batch> read(std::vector<std::string> pieces) {
  auto at = std::make_shared<std::size_t>(0);
  ReadBytes bytes = [pieces = std::move(pieces), at](char* out, std::size_t) -> Result<std::int64_t> {
    if (*at == pieces.size()) return 0;
    const std::string& one = pieces[(*at)++];
    return static_cast<std::int64_t>(one.copy(out, one.size()));
  };
  auto reader = must(read_rows(bytes, "pieces", {}));
  std::vector<Batch> all;
  while (Batch rows = must(reader->next())) all.push_back(rows);
  return all;
}

TEST(StreamRows, DoNotDependOnHowTheTextWasCut) {
  EXPECT_EQ(text(read({"s,p\nNA,100\n,100.5\n"})), "NA,100\nnull,100.5\n");
  EXPECT_EQ(text(read({"s,p\nNA,1", "00\n,100", ".5\n"})), "NA,100\nnull,100.5\n");
  EXPECT_EQ(text(read({"s,p\n", "NA,100\n", ",100.5\n"})), "NA,100\nnull,100.5\n");
  EXPECT_EQ(text(read({"t,s\n2024-01-02T00:00:00Z,\"a\n", "b\"\n2024-01-02T00:00:00.123456789Z,c\n"})),
            "2024-01-02 00:00:00.000000Z,a\nb\n2024-01-02 00:00:00.123456Z,c\n");
}

TEST(StreamProgram, IsGivenRowsAndItsAnswerRead) {
  auto worker = must(program_stage("tr a-z A-Z", RowForm::csv, 1, 1).make());
  EXPECT_EQ(must(worker->process(batch("k,x\nab,1\ncd,2\n")))->schema()->field(0)->name(), "K");
  std::string many = "k,x\n";
  for (int i = 0; i < 200'000; ++i) many += fmt::format("{},{}\n", i, i * 3);  // far more than a pipe holds, both ways
  auto cat = must(program_stage("cat", RowForm::csv, 1, 1).make());
  Batch rows = batch(many);
  EXPECT_TRUE(must(cat->process(rows))->Equals(*rows));
  auto deaf = must(program_stage("exec <&-; printf 'n\\n1\\n'", RowForm::csv, 1, 1).make());
  EXPECT_EQ(must(deaf->process(rows))->num_rows(), 1);  // it need not read
}

TEST(StreamProgram, ThatFailsIsNamedWithWhatItSaidAndTriedAgain) {
  auto dies = must(program_stage("echo >&2 no such model; exit 3", RowForm::csv, 1, 1).make());
  const std::string said = dies->process(batch("x\n1\n")).status().message();
  EXPECT_NE(said.find("exit status 3: no such model"), std::string::npos) << said;
  auto killed = must(program_stage("kill -9 $$", RowForm::csv, 1, 1).make());
  EXPECT_NE(killed->process(batch("x\n1\n")).status().message().find("killed by signal 9"), std::string::npos);
  Folder folder;
  const std::string mark = folder / "mark";
  auto once =
      program_stage("if [ -e " + mark + " ]; then cat; else touch " + mark + "; kill -9 $$; fi", RowForm::csv, 1, 2);
  std::vector<StageFigures> figures;
  std::int64_t rows = 0;
  Batch sent = batch("x\n1\n2\n");
  ASSERT_TRUE(run_stream([&]() -> Result<Batch> { return std::exchange(sent, nullptr); }, {once},
                         [&](const Batch& one) { return rows += one->num_rows(), Status::OK(); }, 1 << 20, {}, figures)
                  .ok());
  EXPECT_EQ(rows, 2);
  EXPECT_EQ(figures[1].restarts, 1);
}

TEST(MapReduce, AnswersAreReducedInOrderAndFewAreHeld) {
  for (int workers : {1, 3, 8}) {
    std::vector<std::size_t> order;
    std::vector<WorkerFigures> figures;
    std::atomic<std::int64_t> held{0}, most{0};
    ASSERT_TRUE(map_reduce<int>(
                    300,
                    [&](std::size_t i) -> Result<int> {
                      const std::int64_t now = ++held;
                      for (std::int64_t seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {}
                      std::this_thread::sleep_for(std::chrono::microseconds(i % 17 * 30));
                      return static_cast<int>(i);
                    },
                    [&](std::size_t i, int value) {
                      --held;
                      EXPECT_EQ(value, static_cast<int>(i));
                      return order.push_back(i), Status::OK();
                    },
                    {workers, 1, 10}, {}, figures)
                    .ok());
    ASSERT_EQ(order.size(), 300u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_LE(most.load(), 10 + workers);
    std::int64_t done = 0;
    for (const auto& one : figures) done += one.shards;
    EXPECT_EQ(done, 300);
  }
}

TEST(MapReduce, AShardIsTriedAgainAndTheFirstErrorIsTold) {
  std::atomic<int> tries{0};
  std::vector<WorkerFigures> figures;
  std::int64_t sum = 0;
  ASSERT_TRUE(map_reduce<int>(
                  20,
                  [&](std::size_t i) -> Result<int> {
                    if (i == 7 && ++tries < 3) return Status::IOError("gone");
                    return static_cast<int>(i);
                  },
                  [&](std::size_t, int value) { return sum += value, Status::OK(); }, {4, 3, 16}, {}, figures)
                  .ok());
  EXPECT_EQ(sum, 190);
  const Status failed = map_reduce<int>(
      1000,
      [&](std::size_t i) -> Result<int> {
        return i >= 5 ? Result<int>(Status::IOError(fmt::format("shard {}", i))) : Result<int>(1);
      },
      [&](std::size_t, int) { return Status::OK(); }, {4, 2, 16}, {}, figures);
  EXPECT_EQ(failed.message(), "shard 5");
  std::int64_t done = 0;
  for (const auto& one : figures) done += one.shards;
  EXPECT_LT(done, 20);  // nothing is begun after it
}

}  // namespace
}  // namespace tapemill::pipeline
