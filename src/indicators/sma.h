#pragma once
#include "indicators/spec.h"
#include "indicators/window.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// Simple moving average: mean of the last period values. Source: TA-Lib SMA.
template <class L> class Sma {
 public:
  static constexpr Spec spec{.name = "sma",
                             .title = "Simple moving average",
                             .parameters = {{"period", 1, 10'000, 20}},
                             .inputs = {{"x", "close"}},
                             .outputs = {"sma"},
                             .formula = "mean of the last period values",
                             .source = "TA-Lib SMA",
                             .warm_up = "period - 1",
                             .differs = "",
                             .measures = {Measure::level}};
  static int warm_up(const double* parameters) { return static_cast<int>(parameters[0]) - 1; }

  Sma(const double* parameters, Arena& arena) : period_(parameters[0]), mean_(static_cast<int>(period_), arena) {}
  L update(L x) {
    seen_ += 1.0;
    L mean = mean_.update(x);
    return seen_ >= period_ ? mean : null<L>();
  }
  void state(Archive& archive) { archive.all(seen_, mean_); }

 private:
  double period_;
  L seen_{};
  WindowMean<L> mean_;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
