#pragma once
#include <cstdint>
#include <memory>
#include <string>

namespace tapemill {

/// One progress line per running stage: name, bar, share, rows/s, bytes/s, time left; redrawn in place on a terminal,
/// a line every ten seconds otherwise (look.md). Thread-safe. Nothing is drawn when quiet or for work under 2 s.
class Progress {
 public:
  static void configure(bool quiet);                      // once, at the command's start
  Progress(std::string stage, std::int64_t total, std::string unit = "rows");
  ~Progress();                                             // ends the line
  void add(std::int64_t done, std::int64_t rows = 0, std::int64_t bytes = 0);
  void note(const std::string& text);                             // a line above the bar: a warning, an event

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tapemill
