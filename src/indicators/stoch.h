#pragma once
#include "indicators/spec.h"
#include "indicators/window.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// Stochastic oscillator: where the close stands in the range of the last bars, smoothed twice. Source: TA-Lib STOCH (SMA).
template <class L> class Stochastic {
 public:
  static constexpr Spec spec{
      .name = "stoch",
      .title = "Stochastic oscillator",
      .parameters = {{"fast_k", 1, 10'000, 5}, {"slow_k", 1, 10'000, 3}, {"slow_d", 1, 10'000, 3}},
      .inputs = {{"high", "high"}, {"low", "low"}, {"close", "close"}},
      .outputs = {"k", "d"},
      .formula =
          "fast = 100 * (close - least low) / (largest high - least low) of fast_k bars, 0 where that range is 0; k = "
          "mean of slow_k of them; d = mean of slow_d of k",
      .source = "TA-Lib STOCH with simple averages",
      .warm_up = "fast_k + slow_k + slow_d - 3, both outputs alike",
      .differs = "many charts use 14, 3, 3: stoch(fast_k=14)",
      .levels = {20, 80}};
  static int warm_up(const double* parameters) {
    return static_cast<int>(parameters[0] + parameters[1] + parameters[2]) - 3;
  }

  Stochastic(const double* parameters, Arena& arena)
      : fast_ready_(parameters[0]),
        k_ready_(parameters[0] + parameters[1] - 1),
        ready_(warm_up(parameters) + 1),
        high_(static_cast<int>(parameters[0]), arena),
        low_(static_cast<int>(parameters[0]), arena),
        k_(static_cast<int>(parameters[1]), arena),
        d_(static_cast<int>(parameters[2]), arena) {}

  Values<L, 2> update(L high, L low, L close) {
    seen_ += 1.0;
    L highest = high_.update(high), lowest = -low_.update(-low);
    L range = highest - lowest;
    L fast = range > kTiny ? 100.0 * (close - lowest) / range : L{};
    L k = k_.update(seen_ >= fast_ready_ ? fast : L{});
    L d = d_.update(seen_ >= k_ready_ ? k : L{});
    auto ready = seen_ >= ready_;
    return {{ready ? k : null<L>(), ready ? d : null<L>()}};
  }
  void state(Archive& archive) { archive.all(seen_, high_, low_, k_, d_); }

 private:
  double fast_ready_, k_ready_, ready_;
  L seen_{};
  WindowMax<L> high_, low_;
  WindowMean<L> k_, d_;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
