#pragma once
#include <cstddef>
#include <functional>
#include <stop_token>

#include "core/status.h"

namespace tapemill {

/// Threads that take shards 0..n-1 in order. The answer never depends on how many there are.
class Workers {
 public:
  explicit Workers(int threads = 0);  // 0: every core
  int threads() const { return threads_; }
  /// Runs body(shard) for each shard; stops early at the first error (the lowest shard's is returned) or when `stop` is asked.
  Status each(std::size_t shards, const std::function<Status(std::size_t)>& body, std::stop_token stop = {}) const;

 private:
  int threads_;
};

/// Set by SIGINT and SIGTERM once install_interrupt() ran: long work asks it between steps. A second one ends the process at once, with 128 + its number.
std::stop_token interrupt();
void install_interrupt();

}  // namespace tapemill
