#pragma once
#include <cstdint>
#include <deque>
#include <vector>

#include "analytics/program.h"

namespace tapemill::analytics {

/// Whether an indicator's value depends on its last warm_up + 1 bars alone; else on all bars so far (EMA, RSI, ATR, MACD, OBV),
/// but for vwap, which begins anew with each session.
bool is_windowed(std::string_view indicator);

/// Which bars of one symbol the values of a program are made of. A window counts bars that are not null, as what fills it does.
class LookBack {
 public:
  explicit LookBack(const Series::Program& program);
  /// Bar `row` was computed into `slots`, rows in order: the first row that some output's value is made of.
  std::int64_t update(std::int64_t row, const double* slots);

 private:
  /// The least of the last `size` numbers; of all, where size is 0.
  struct Least {
    std::int64_t size = 0, seen = 0;
    std::deque<std::pair<std::int64_t, std::int64_t>> queue = {};  // (place, number), both ascending
    std::int64_t add(std::int64_t number);
  };
  struct Memory {
    Least least;
    std::deque<std::int64_t> bars = {};  // of ref
    double session = 0;
  };
  std::int64_t step(const Step& step, Memory& memory, std::int64_t row, const double* slots) const;

  const Series::Program& program_;
  std::vector<std::int64_t> from_;   // per slot
  std::vector<Memory> memory_;       // per step
};

}  // namespace tapemill::analytics
