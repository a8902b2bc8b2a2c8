#pragma once
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "core/status.h"

namespace tapemill::quality {

using KeyHash = std::pair<std::uint64_t, std::uint64_t>;

/// Keys in the order they came, in case they are wanted again; beyond a megabyte they lie in a file without a name.
class KeyLog {
 public:
  KeyLog() = default;
  KeyLog(const KeyLog&) = delete;
  KeyLog& operator=(const KeyLog&) = delete;
  ~KeyLog();
  Status add(const KeyHash& key) {
    keys_.push_back(key);
    return keys_.size() < kHeld ? Status::OK() : flush();
  }
  /// Every key once, in order; the log is empty afterwards. Errors: the folder for temporary files (TMPDIR) has no room.
  Status take(const std::function<void(const KeyHash&)>& each);

 private:
  static constexpr std::size_t kHeld = 1 << 16;
  Status flush();
  std::vector<KeyHash> keys_;
  int file_ = -1;
};

}  // namespace tapemill::quality
