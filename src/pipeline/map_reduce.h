#pragma once
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "core/status.h"

namespace tapemill::pipeline {

/// What one worker did of a map over shards.
struct WorkerFigures {
  std::int64_t shards = 0, failed = 0;  // failed: attempts, not shards
  double busy_s = 0;
};
struct MapReduceOptions {
  int workers = 1;
  int attempts = 1;  // of a shard, each in a worker that knows nothing of the one before
  std::size_t ahead = 16;  // partial results that may wait for an earlier shard's
};

/// map(shard) for 0 .. shards-1 by workers that take the next shard when they are free, so that long shards hold up nobody;
/// reduce(partial) in the order of the shards, so that the answer depends on neither the number of workers nor who ran first.
/// At most `ahead` partial results are held. A shard that fails is tried again, `attempts` times in all; then the first shard's
/// error is returned and no shard is begun any more. map() is called by several threads at once, reduce() by one at a time.
template <class Partial>
Status map_reduce(std::size_t shards, const std::function<Result<Partial>(std::size_t)>& map,
                  const std::function<Status(std::size_t, Partial)>& reduce, const MapReduceOptions& options,
                  const std::stop_token& stop, std::vector<WorkerFigures>& figures) {
  std::mutex mutex;
  std::condition_variable turn;
  std::map<std::size_t, Partial> waiting;
  std::size_t next = 0, reduced = 0, failed_at = shards;
  bool reducing = false;
  Status failure;
  figures.assign(static_cast<std::size_t>(std::max(1, options.workers)), {});

  auto work = [&](WorkerFigures& mine) {
    for (;;) {
      std::size_t shard = 0;
      {
        std::unique_lock lock(mutex);
        turn.wait(lock, [&] { return next >= shards || failed_at < shards || next < reduced + options.ahead; });
        if (next >= shards || failed_at < shards || stop.stop_requested()) return;
        shard = next++;
      }
      const auto begun = std::chrono::steady_clock::now();
      Result<Partial> made = Status::Cancelled("interrupted");
      for (int attempt = 0; attempt < std::max(1, options.attempts) && !stop.stop_requested(); ++attempt) {
        made = map(shard);
        if (made.ok()) break;
        ++mine.failed;
      }
      mine.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
      ++mine.shards;
      std::unique_lock lock(mutex);
      if (made.ok()) waiting.emplace(shard, std::move(made).ValueUnsafe());
      else if (shard < failed_at) failed_at = shard, failure = made.status();
      while (!reducing && failed_at == shards) {
        auto found = waiting.find(reduced);
        if (found == waiting.end()) break;
        Partial one = std::move(found->second);
        waiting.erase(found);
        reducing = true;
        lock.unlock();
        Status status = reduce(reduced, std::move(one));
        lock.lock();
        reducing = false;
        if (!status.ok()) failed_at = 0, failure = status;
        ++reduced;
      }
      turn.notify_all();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (WorkerFigures& mine : figures) threads.emplace_back([&work, &mine] { work(mine); });
  }
  if (failed_at < shards) return failure;
  return stop.stop_requested() && reduced < shards ? Status::Cancelled("interrupted") : Status::OK();
}

}  // namespace tapemill::pipeline
