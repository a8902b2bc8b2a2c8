#include "core/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "core/memory.h"

namespace tapemill {
namespace {

using Clock = std::chrono::steady_clock;
bool quiet_ = false;
std::mutex mutex_;

int terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}
std::string short_number(double n) {
  return n >= 1e6   ? fmt::format("{:.1f} M", n / 1e6)
         : n >= 1e3 ? fmt::format("{:.0f} k", n / 1e3)
                    : fmt::format("{:.0f}", n);
}
std::string clock_text(double seconds) {
  auto s = static_cast<long>(seconds + 0.5);
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                   : fmt::format("{}:{:02}", s / 60, s % 60);
}

}  // namespace

struct Progress::State {
  std::string stage, unit;
  std::int64_t total = 0, done = 0, rows = 0, bytes = 0;
  Clock::time_point start = Clock::now(), drawn = start;
  bool terminal =
      ::isatty(STDERR_FILENO) == 1 && std::getenv("TERM") != nullptr && std::string(std::getenv("TERM")) != "dumb";
  bool shown = false;

  std::string line(bool bar) const {
    double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    double share = total > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(total)) : 0;
    std::string text = fmt::format("{:<18}", stage);
    if (bar && total > 0) {
      int cells = 20, full = static_cast<int>(share * cells);
      text += " [";
      for (int i = 0; i < cells; ++i) text += i < full ? "█" : "·";
      text += "]";
    }
    if (total > 0) text += fmt::format(" {:3.0f} %", share * 100);
    std::int64_t counted = rows > 0 ? rows : done;
    if (seconds > 0)
      text += fmt::format("  {} {}/s", short_number(static_cast<double>(counted) / seconds), rows > 0 ? "rows" : unit);
    if (seconds > 0 && bytes > 0)
      text += fmt::format("  {}/s", format_bytes(static_cast<std::int64_t>(static_cast<double>(bytes) / seconds)));
    if (share > 0.01 && share < 1) text += fmt::format("  {} left", clock_text(seconds / share - seconds));
    return text;
  }
  void draw(bool last) {
    auto now = Clock::now();
    if (terminal) {
      if (!last && now - drawn < std::chrono::milliseconds(80)) return;
      if (now - start < std::chrono::milliseconds(300)) return;  // nothing flickers for what is done at once
      drawn = now, shown = true;
      std::fprintf(stderr, "\r\033[K%s", line(terminal_width() > 90).c_str());
    } else if (!last && now - drawn >= std::chrono::seconds(10)) {
      drawn = now;
      std::fprintf(stderr, "%s\n", line(false).c_str());
    }
  }
};

void Progress::configure(bool quiet) { quiet_ = quiet; }
Progress::Progress(std::string stage, std::int64_t total, std::string unit) : state_(std::make_unique<State>()) {
  state_->stage = std::move(stage);
  state_->unit = std::move(unit);
  state_->total = total;
}
Progress::~Progress() {
  std::lock_guard lock(mutex_);
  if (state_->shown) std::fprintf(stderr, "\r\033[K");
  std::fflush(stderr);
}
void Progress::add(std::int64_t done, std::int64_t rows, std::int64_t bytes) {
  std::lock_guard lock(mutex_);
  state_->done += done;
  state_->rows += rows;
  state_->bytes += bytes;
  if (!quiet_) state_->draw(false);
}
void Progress::note(const std::string& text) {
  std::lock_guard lock(mutex_);
  if (quiet_) return;
  std::fprintf(stderr, "%s%s\n", state_->shown ? "\r\033[K" : "", text.c_str());
}

}  // namespace tapemill
