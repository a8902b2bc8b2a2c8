#include "pipeline/stream.h"

#include <arrow/util/byte_size.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "core/json.h"
#include "pipeline/ordered_buffer.h"

namespace tapemill::pipeline {
namespace {

class Seconds {
 public:
  double lap() {
    auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(since_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

std::int64_t bytes_of(const Batch& rows) {
  return rows == nullptr ? 0 : arrow::util::ReferencedBufferSize(*rows).ValueOr(arrow::util::TotalBufferSize(*rows));
}
std::int64_t rows_of(const Batch& rows) { return rows == nullptr ? 0 : rows->num_rows(); }

/// Memory that is not there is an error like others, in whichever thread.
template <class Do> Result<Batch> guarded(Do&& what) {
  try {
    return what();
  } catch (const std::bad_alloc&) {
    return environment_error("a stream has no memory left", "fewer groups or open windows, or a smaller --buffer");
  }
}

/// A stage at work: its threads, the buffer behind it, its figures and its error.
struct Running {
  Running(std::string name, int workers, std::int64_t buffer) : out(buffer) {
    figures.name = std::move(name), figures.workers = workers;
  }
  OrderedBuffer out;
  StageFigures figures;
  std::mutex mutex;  // of figures and status
  Status status;
  std::int64_t numbers = 0;     // given to `out`, by the stage before it
  std::atomic<int> working{0};  // threads that have not ended

  void count(const StageFigures& more, const Status& result) {
    std::lock_guard lock(mutex);
    figures.batches += more.batches, figures.rows_in += more.rows_in, figures.rows_out += more.rows_out;
    figures.restarts += more.restarts, figures.busy_s += more.busy_s;
    figures.starved_s += more.starved_s, figures.blocked_s += more.blocked_s;
    if (status.ok()) status = result;
  }
};

class Stream {
 public:
  Stream(const StreamSource& source, const std::vector<StreamStage>& stages, const StreamSink& sink,
         std::int64_t buffer, std::stop_token stop)
      : source_(source), stages_(stages), sink_(sink) {
    running_.push_back(std::make_unique<Running>("source", 1, buffer));
    for (const StreamStage& stage : stages)
      running_.push_back(std::make_unique<Running>(stage.name, std::max(1, stage.workers), buffer));
    running_.push_back(std::make_unique<Running>("sink", 1, 0));
    asked_.emplace(std::move(stop), [this] { fail(); });
  }

  Status run(std::vector<StageFigures>& figures) {
    {
      std::vector<std::jthread> threads;
      threads.emplace_back([this] { read(); });
      for (std::size_t i = 0; i < stages_.size(); ++i) {
        const int workers = running_[i + 1]->figures.workers;
        running_[i + 1]->working = workers;
        for (int worker = 0; worker < workers; ++worker) threads.emplace_back([this, i] { work(i); });
      }
      write();
    }
    Status first;
    for (auto& one : running_) {
      one->figures.held_most = one->out.held_most();
      figures.push_back(one->figures);
      if (first.ok()) first = one->status;
    }
    if (first.ok() && asked_to_stop_) return Status::Cancelled("interrupted");
    return first;
  }

 private:
  void fail() {
    asked_to_stop_ = true;
    for (auto& one : running_) one->out.stop();
  }

  void read() {
    Running& me = *running_.front();
    StageFigures figures;
    Seconds clock;
    Status status;
    std::int64_t number = 0;
    while (!asked_to_stop_) {
      auto rows = guarded([&] { return source_(); });
      figures.busy_s += clock.lap();
      if (!rows.ok()) {
        status = rows.status();
        break;
      }
      if (*rows == nullptr) break;
      ++figures.batches, figures.rows_out += (*rows)->num_rows();
      const std::int64_t bytes = bytes_of(*rows);
      const bool in = me.out.put(number, *std::move(rows), bytes);
      figures.blocked_s += clock.lap();
      if (!in) break;
      ++number;
    }
    me.count(figures, status);
    if (!status.ok()) fail();  // before the end: nothing is made of half of the rows
    else if (!asked_to_stop_) me.out.end(number);
  }

  /// One worker of stage i, from its first batch to its last; the last one to end hands on what the stage still holds.
  void work(std::size_t i) {
    Running &before = *running_[i], &me = *running_[i + 1];
    const StreamStage& stage = stages_[i];
    StageFigures figures;
    Seconds clock;
    std::unique_ptr<StageWorker> worker;
    Status status;
    std::int64_t last = -1;
    while (auto item = before.out.take()) {
      figures.starved_s += clock.lap();
      ++figures.batches, figures.rows_in += rows_of(item->rows);
      last = item->number;
      auto made = tried(stage, worker, item->rows, figures.restarts);
      figures.busy_s += clock.lap();
      if (!made.ok()) {
        status = made.status();
        break;
      }
      figures.rows_out += rows_of(*made);
      const std::int64_t bytes = bytes_of(*made);
      const bool in = me.out.put(item->number, *std::move(made), bytes);
      figures.blocked_s += clock.lap();
      if (!in) break;
    }
    {
      std::lock_guard lock(me.mutex);
      me.numbers = std::max(me.numbers, last + 1);
    }
    const bool all = --me.working == 0;
    if (status.ok() && all && !asked_to_stop_) status = leave(stage, worker, me, figures);
    me.count(figures, status);
    if (!status.ok()) fail();
  }

  Status leave(const StreamStage& stage, std::unique_ptr<StageWorker>& worker, Running& me, StageFigures& figures) {
    if (worker == nullptr) {  // not one batch came: what it makes of nothing is asked for all the same
      ARROW_ASSIGN_OR_RAISE(worker, stage.make());
    }
    ARROW_ASSIGN_OR_RAISE(Batch rest, guarded([&] { return worker->finish(); }));
    std::int64_t number = me.numbers;
    if (rows_of(rest) > 0) {
      figures.rows_out += rest->num_rows();
      const std::int64_t bytes = bytes_of(rest);
      me.out.put(number++, std::move(rest), bytes);
    }
    me.out.end(number);
    return Status::OK();
  }

  Result<Batch> tried(const StreamStage& stage, std::unique_ptr<StageWorker>& worker, const Batch& rows,
                      std::int64_t& restarts) {
    if (rows == nullptr || rows->num_rows() == 0) return Batch();
    for (int attempt = 1;; ++attempt) {
      if (worker == nullptr) { ARROW_ASSIGN_OR_RAISE(worker, stage.make()); }
      auto made = guarded([&] { return worker->process(rows); });
      if (made.ok() || attempt >= stage.attempts || asked_to_stop_) return made;
      worker.reset();
      ++restarts;
    }
  }

  void write() {
    Running &before = *running_[running_.size() - 2], &me = *running_.back();
    StageFigures figures;
    Seconds clock;
    Status status;
    while (auto item = before.out.take()) {
      figures.starved_s += clock.lap();
      if (rows_of(item->rows) == 0) continue;
      ++figures.batches, figures.rows_in += item->rows->num_rows();
      status = sink_(item->rows);
      figures.busy_s += clock.lap();
      if (!status.ok()) break;
    }
    me.count(figures, status);
    if (!status.ok()) fail();
  }

  const StreamSource& source_;
  const std::vector<StreamStage>& stages_;
  const StreamSink& sink_;
  std::vector<std::unique_ptr<Running>> running_;
  std::atomic<bool> asked_to_stop_{false};
  std::optional<std::stop_callback<std::function<void()>>> asked_;  // last: it uses the others
};

}  // namespace

Json StageFigures::json() const {
  return {{"stage", name},          {"workers", workers},    {"batches", batches},     {"rows_in", rows_in},
          {"rows_out", rows_out},   {"restarts", restarts},  {"held_most", held_most}, {"busy_s", busy_s},
          {"starved_s", starved_s}, {"blocked_s", blocked_s}};
}

Status run_stream(const StreamSource& source, const std::vector<StreamStage>& stages, const StreamSink& sink,
                  std::int64_t buffer_bytes, std::stop_token stop, std::vector<StageFigures>& figures) {
  return Stream(source, stages, sink, buffer_bytes, std::move(stop)).run(figures);
}

}  // namespace tapemill::pipeline
