#include "core/workers.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace tapemill {

Workers::Workers(int threads) : threads_(threads) {
  if (threads_ <= 0) threads_ = static_cast<int>(std::thread::hardware_concurrency());
  if (threads_ <= 0) threads_ = 1;
}

Status Workers::each(std::size_t shards, const std::function<Status(std::size_t)>& body, std::stop_token stop) const {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::size_t first_failed = shards;
  Status first_status;
  auto run = [&] {
    for (;;) {
      std::size_t shard = next++;
      if (shard >= shards || failed) return;
      Status status = stop.stop_requested() ? Status::Cancelled("interrupted") : body(shard);
      if (status.ok()) continue;
      failed = true;
      std::lock_guard lock(mutex);
      if (shard < first_failed) first_failed = shard, first_status = status;
      return;
    }
  };
  std::size_t helpers = std::min<std::size_t>(static_cast<std::size_t>(threads_), shards);
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < helpers; ++i) threads.emplace_back(run);
  run();
  threads.clear();
  return first_status;
}

namespace {
std::stop_source& source() {
  static std::stop_source one;
  return one;
}
std::atomic<int> signals{0};
}  // namespace

std::stop_token interrupt() { return source().get_token(); }

void install_interrupt() {
  source();
  // A waiting thread turns the signal into a stop request: request_stop() is not safe inside a handler.
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::thread([set] {
    for (;;) {
      int signal = 0;
      if (sigwait(&set, &signal) != 0) continue;
      if (signals++ > 0) std::_Exit(128 + signal);
      source().request_stop();
    }
  }).detach();
}

}  // namespace tapemill
