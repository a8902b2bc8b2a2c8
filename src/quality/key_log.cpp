#include "quality/key_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace tapemill::quality {
namespace {
constexpr const char* kHint = "free some space there, or name another folder in TMPDIR";

std::string folder() {
  const char* given = std::getenv("TMPDIR");
  if (given != nullptr && *given != 0) return given;
  return ::access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp";  // the latter is memory on many machines
}
}  // namespace

KeyLog::~KeyLog() {
  if (file_ >= 0) ::close(file_);
}

Status KeyLog::flush() {
  if (file_ < 0) {
    file_ = ::open(folder().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file_ < 0) {
      std::string name = folder() + "/tapemill-keys-XXXXXX";
      file_ = ::mkstemp(name.data());
      if (file_ < 0) return errno_error(folder(), errno, kHint);
      ::unlink(name.c_str());
    }
  }
  const char* at = reinterpret_cast<const char*>(keys_.data());
  for (std::size_t left = keys_.size() * sizeof(KeyHash); left > 0;) {
    const ssize_t wrote = ::write(file_, at, left);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return errno_error(folder(), errno, kHint);
    at += wrote, left -= static_cast<std::size_t>(wrote);
  }
  keys_.clear();
  return Status::OK();
}

Status KeyLog::take(const std::function<void(const KeyHash&)>& each) {
  if (file_ >= 0) {
    std::vector<KeyHash> some(kHeld);
    off_t at = 0;
    for (;;) {
      const ssize_t got = ::pread(file_, some.data(), some.size() * sizeof(KeyHash), at);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno_error(folder(), errno);
      if (got == 0) break;
      // Whole keys only: what was read of the next one is read again.
      const std::size_t count = static_cast<std::size_t>(got) / sizeof(KeyHash);
      for (std::size_t i = 0; i < count; ++i) each(some[i]);
      at += static_cast<off_t>(count * sizeof(KeyHash));
    }
    ::close(std::exchange(file_, -1));
  }
  for (const KeyHash& key : keys_) each(key);
  keys_.clear();
  return Status::OK();
}

}  // namespace tapemill::quality
