#pragma once
#include "indicators/exponential.h"
#include "indicators/spec.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// Moving average convergence divergence: fast EMA less slow EMA, its own EMA (signal), and their difference. Source: TA-Lib MACD.
template <class L> class Macd {
 public:
  static constexpr Spec spec{
      .name = "macd",
      .title = "Moving average convergence divergence",
      .parameters = {{"fast", 1, 10'000, 12},
                     {"slow", 1, 10'000, 26},
                     {"signal", 1, 10'000, 9},
                     {"seed", 0, 2, 0, "sma|first|adjusted"}},
      .inputs = {{"x", "close"}},
      .outputs = {"line", "signal", "histogram"},
      .formula =
          "line = ema(fast) - ema(slow); signal = ema(line, signal); histogram = line - signal; seed sma: both "
          "averages "
          "begin at bar slow, each with the mean of its last bars; where fast > slow they change places",
      .source = "TA-Lib MACD (seed sma), pandas ewm (first, adjusted)",
      .warm_up = "slow + signal - 2, all three outputs alike",
      .differs = "programs that begin the fast average at its own first bars agree only after warm-up",
      .measures = {Measure::change, Measure::change, Measure::change}};
  static int warm_up(const double* parameters) {
    return static_cast<int>(parameters[0] > parameters[1] ? parameters[0] : parameters[1]) +
           static_cast<int>(parameters[2]) - 2;
  }

  Macd(const double* parameters, Arena&)
      : fast_period_(static_cast<int>(smaller(parameters[0], parameters[1]))),
        slow_period_(static_cast<int>(larger(parameters[0], parameters[1]))),
        seed_(static_cast<Seed>(static_cast<int>(parameters[3]))),
        ready_(warm_up(parameters) + 1),
        fast_(span_weight(fast_period_), fast_period_, seed_, late() ? slow_period_ - fast_period_ : 0),
        slow_(span_weight(slow_period_), slow_period_, seed_),
        signal_(span_weight(parameters[2]), static_cast<int>(parameters[2]), seed_, late() ? slow_period_ - 1 : 0) {}

  Values<L, 3> update(L x) {
    L early{};
    L slow = slow_.update(x);
    L fast = fast_.update(late() ? (fast_.seen() >= 0.0 ? x : early) : x);
    L line = fast - slow;
    L signal = signal_.update(late() ? (signal_.seen() >= 0.0 ? line : early) : line);
    auto ready = slow_.seen() >= ready_;
    return {{ready ? line : null<L>(), ready ? signal : null<L>(), ready ? line - signal : null<L>()}};
  }
  void state(Archive& archive) { archive.all(fast_, slow_, signal_); }

 private:
  bool late() const { return seed_ == Seed::sma; }
  int fast_period_, slow_period_;
  Seed seed_;
  double ready_;
  Exponential<L> fast_, slow_, signal_;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
