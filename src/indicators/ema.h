#pragma once
#include "indicators/exponential.h"
#include "indicators/spec.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// Exponential moving average: v += 2 / (period + 1) * (x - v), begun by seed. Source: TA-Lib EMA; pandas ewm for the others.
template <class L> class Ema {
 public:
  static constexpr Spec spec{
      .name = "ema",
      .title = "Exponential moving average",
      .parameters = {{"period", 1, 10'000, 20}, {"seed", 0, 2, 0, "sma|first|adjusted"}},
      .inputs = {{"x", "close"}},
      .outputs = {"ema"},
      .formula =
          "v += 2/(period+1) * (x - v); seed sma: begun by the mean of the first period values; first: by the first "
          "value; adjusted: weighted mean of all values, weights (1 - 2/(period+1))^age",
      .source = "TA-Lib EMA (seed sma), pandas ewm(span, adjust=False) (first), ewm(span, adjust=True) (adjusted)",
      .warm_up = "period - 1",
      .differs = "pandas shows the first period - 1 values unless min_periods=period",
      .measures = {Measure::level}};
  static int warm_up(const double* parameters) { return static_cast<int>(parameters[0]) - 1; }

  Ema(const double* parameters, Arena&)
      : period_(parameters[0]),
        average_(span_weight(period_), static_cast<int>(period_), static_cast<Seed>(static_cast<int>(parameters[1]))) {}
  L update(L x) {
    L value = average_.update(x);
    return average_.seen() >= period_ ? value : null<L>();
  }
  void state(Archive& archive) { archive(average_); }

 private:
  double period_;
  Exponential<L> average_;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
